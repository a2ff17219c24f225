internal import Synchronization
public import Telemetry

/// What other threads may know of a worker: written by it once a turn, read by anyone.
public final class WorkerReport: Sendable {
    public let telemetry: TelemetryBank
    private let isStarted = Atomic<Bool>(false)
    private let buffersLentValue = Atomic<Int>(0)
    private let blocksUsedValue = Atomic<Int>(0)
    private let connectionsValue = Atomic<Int>(0)
    private let openValue = Atomic<Int>(0)

    init(telemetry: TelemetryBank) { self.telemetry = telemetry }

    /// True once the worker accepts connections.
    public var hasStarted: Bool { self.isStarted.load(ordering: .acquiring) }
    /// Receive buffers that are not home; 0 between turns.
    public var buffersLent: Int { self.buffersLentValue.load(ordering: .relaxed) }
    /// Output and assembly blocks in use.
    public var blocksUsed: Int { self.blocksUsedValue.load(ordering: .relaxed) }
    public var connections: Int { self.connectionsValue.load(ordering: .relaxed) }
    public var open: Int { self.openValue.load(ordering: .relaxed) }

    func started() { self.isStarted.store(true, ordering: .releasing) }

    func measured(buffersLent: Int, blocksUsed: Int, connections: Int, open: Int) {
        self.buffersLentValue.store(buffersLent, ordering: .relaxed)
        self.blocksUsedValue.store(blocksUsed, ordering: .relaxed)
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
