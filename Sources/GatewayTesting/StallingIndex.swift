public import Gateway
public import GatewayRuntime
public import Reactor
internal import Synchronization

/// When a worker stood still, as it has measured itself. Any thread.
public final class StallLog: Sendable {
    public struct Stall: Sendable {
        public let startNanoseconds: UInt64
        public let endNanoseconds: UInt64

        public var nanoseconds: UInt64 { self.endNanoseconds - self.startNanoseconds }
    }

    private let stalls = Mutex<[Stall]>([])
    /// Never woken: what a stall sleeps on.
    let pause: Waker

    public init() throws(SystemError) { self.pause = try Waker() }

    /// In the order of their time.
    public var all: [Stall] { self.stalls.withLock { $0 } }

    func append(_ stall: Stall) { self.stalls.withLock { $0.append(stall) } }
}

/// An index that has every key and, in each period, holds its worker up for a while: with the lookup that finds the
/// period over, everything else that the worker has to do waits.
///
/// It breaks the rule of `WorkerIndex` that no call may block, which is what it is for: to a load generator such a
/// gateway looks like one that collects garbage, waits for a disk or is not given a processor.
public struct StallingIndex: WorkerIndex, ~Copyable {
    public static var answersAtOnce: Bool { true }

    private let periodNanoseconds: UInt64
    private let stallMilliseconds: Int
    private let log: StallLog
    /// Of the next stall; 0 before the first lookup.
    private var dueNanoseconds: UInt64 = 0

    /// The first stall comes half a period after the first lookup.
    public init(periodMilliseconds: Int, stallMilliseconds: Int, log: StallLog) {
        self.periodNanoseconds = UInt64(periodMilliseconds) * 1_000_000
        self.stallMilliseconds = stallMilliseconds
        self.log = log
    }

    public mutating func lookup(
        _ key: Span<UInt8>, ticket: Ticket?, nowNanoseconds: UInt64, _ found: (Span<UInt8>) -> Void
    ) -> IndexOutcome {
        if self.dueNanoseconds == 0 { self.dueNanoseconds = nowNanoseconds + self.periodNanoseconds / 2 }
        if nowNanoseconds >= self.dueNanoseconds { self.stall() }
        let record = ScriptedRecords.record(forKey: key)
        found(record.span)
        return .found
    }

    private mutating func stall() {
        let start = MonotonicClock.nowNanoseconds()
        self.log.pause.waitForWake(timeoutMilliseconds: self.stallMilliseconds)
        self.log.append(StallLog.Stall(startNanoseconds: start, endNanoseconds: MonotonicClock.nowNanoseconds()))
        while self.dueNanoseconds <= start { self.dueNanoseconds += self.periodNanoseconds }
    }

    public mutating func endTurn() {}

    public var nextLateNanoseconds: UInt64? { nil }

    public mutating func popLate(nowNanoseconds: UInt64) -> LateAnswer? { nil }
}
