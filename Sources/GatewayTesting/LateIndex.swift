public import Gateway
public import GatewayRuntime
internal import OAP
internal import Synchronization

/// Counts what all workers' late indexes have pending at once. Any thread.
public final class LateIndexGauge: Sendable {
    private let pendingNow = Atomic<Int>(0)
    private let pendingPeak = Atomic<Int>(0)
    private let lookups = Atomic<Int>(0)

    public init() {}

    public var pending: Int { self.pendingNow.load(ordering: .acquiring) }
    /// The most lookups that were ever pending at the same time.
    public var peak: Int { self.pendingPeak.load(ordering: .acquiring) }
    /// Lookups that were begun.
    public var lookupsTotal: Int { self.lookups.load(ordering: .acquiring) }

    func began() {
        self.lookups.add(1, ordering: .relaxed)
        let (_, now) = self.pendingNow.add(1, ordering: .acquiringAndReleasing)
        _ = self.pendingPeak.max(now, ordering: .acquiringAndReleasing)
    }

    func ended() { self.pendingNow.subtract(1, ordering: .acquiringAndReleasing) }
}

/// An index that has every key and answers each lookup after a delay, or never. Lookups without a ticket, which must be
/// answered at once, find nothing.
public struct LateIndex: WorkerIndex, ~Copyable {
    public static var answersAtOnce: Bool { false }

    private let delayNanoseconds: UInt64?
    private let gauge: LateIndexGauge
    private var queue = LateQueue()

    /// - Parameter delayMilliseconds: nil never answers; such lookups stay pending in the gauge.
    public init(delayMilliseconds: Int?, gauge: LateIndexGauge) {
        self.delayNanoseconds = delayMilliseconds.map { UInt64($0) * 1_000_000 }
        self.gauge = gauge
    }

    public mutating func lookup(
        _ key: Span<UInt8>, ticket: Ticket?, nowNanoseconds: UInt64, _ found: (Span<UInt8>) -> Void
    ) -> IndexOutcome {
        guard let ticket else { return .absent }
        self.gauge.began()
        if let delay = self.delayNanoseconds {
            self.queue.add(
                LateAnswer(ticket: ticket, outcome: .found, record: ScriptedRecords.record(forKey: key)),
                dueNanoseconds: nowNanoseconds + delay)
        }
        return .pending
    }

    public mutating func endTurn() {}

    public var nextLateNanoseconds: UInt64? { self.queue.nextDueNanoseconds }

    public mutating func popLate(nowNanoseconds: UInt64) -> LateAnswer? {
        guard let answer = self.queue.popDue(nowNanoseconds: nowNanoseconds) else { return nil }
        // Before the worker returns the permit: the other way round two could be pending for a moment without any
        // mistake.
        self.gauge.ended()
        return answer
    }
}
