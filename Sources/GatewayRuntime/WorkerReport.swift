internal import Admission
internal import Synchronization
public import Telemetry

/// What other threads may know of a worker: written by it once a turn, read by anyone.
public final class WorkerReport: Sendable {
    public let telemetry: TelemetryBank
    /// What became of each tenant's requests.
    let tenants = TenantActivity()
    private let isStarted = Atomic<Bool>(false)
    private let buffersLentValue = Atomic<Int>(0)
    private let blocksUsedValue = Atomic<Int>(0)
    private let blockBytesValue = Atomic<Int>(0)
    private let connectionsValue = Atomic<Int>(0)
    private let openValue = Atomic<Int>(0)
    private let busyValue = Atomic<UInt64>(0)
    private let turnMaxValue = Atomic<UInt64>(0)
    private let epochValue = Atomic<Int>(1)

    init(telemetry: TelemetryBank) { self.telemetry = telemetry }

    /// True once the worker accepts connections.
    public var hasStarted: Bool { self.isStarted.load(ordering: .acquiring) }
    /// Receive buffers that are not home; 0 between turns.
    public var buffersLent: Int { self.buffersLentValue.load(ordering: .relaxed) }
    /// Output and assembly blocks in use.
    public var blocksUsed: Int { self.blocksUsedValue.load(ordering: .relaxed) }
    /// Bytes of these.
    public var blockBytes: Int { self.blockBytesValue.load(ordering: .relaxed) }
    public var connections: Int { self.connectionsValue.load(ordering: .relaxed) }
    public var open: Int { self.openValue.load(ordering: .relaxed) }

    /// How long the worker's thread has been at work or ready for it since its start: what it ran, in the kernel too, and
    /// what it waited for a processor. Its growth over an interval, divided by that interval, is the worker's load: at 1 it
    /// has no time left. At most 20 ms old while the worker is at work.
    public var busyNanoseconds: UInt64 { self.busyValue.load(ordering: .relaxed) }
    /// The longest turn since the last `takeTurnNanosecondsMax`: what a request may have waited before it was looked at.
    public var turnNanosecondsMax: UInt64 { self.turnMaxValue.load(ordering: .relaxed) }

    /// Returns `turnNanosecondsMax` and starts its measure anew.
    public func takeTurnNanosecondsMax() -> UInt64 { self.turnMaxValue.exchange(0, ordering: .relaxed) }
    /// Of the live configuration that it works by.
    public var epoch: Int { self.epochValue.load(ordering: .acquiring) }

    func adopted(epoch: Int) { self.epochValue.store(epoch, ordering: .releasing) }

    func started() { self.isStarted.store(true, ordering: .releasing) }

    func measured(busyNanoseconds: UInt64) { self.busyValue.store(busyNanoseconds, ordering: .relaxed) }

    @inline(__always)
    func turnEnded(after nanoseconds: UInt64) {
        guard nanoseconds > self.turnMaxValue.load(ordering: .relaxed) else { return }
        _ = self.turnMaxValue.max(nanoseconds, ordering: .relaxed)
    }

    func measured(buffersLent: Int, blocksUsed: Int, blockBytes: Int, connections: Int, open: Int) {
        self.buffersLentValue.store(buffersLent, ordering: .relaxed)
        self.blocksUsedValue.store(blocksUsed, ordering: .relaxed)
        self.blockBytesValue.store(blockBytes, ordering: .relaxed)
        self.connectionsValue.store(connections, ordering: .relaxed)
        self.openValue.store(open, ordering: .relaxed)
    }
}

/// Client connections open in the process, against their maximum. Any thread.
final class ConnectionCount: Sendable {
    private let open = Atomic<Int>(0)

    var value: Int { self.open.load(ordering: .relaxed) }

    /// False, with nothing counted, at `max`.
    func take(max: Int) -> Bool {
        let (before, _) = self.open.add(1, ordering: .relaxed)
        if before < max { return true }
        self.open.subtract(1, ordering: .relaxed)
        return false
    }

    func give() { self.open.subtract(1, ordering: .relaxed) }
}
