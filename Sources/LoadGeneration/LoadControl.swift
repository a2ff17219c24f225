public import Reactor
internal import Synchronization

/// Ends a run early. Any thread.
public final class LoadControl: Sendable {
    public enum StopReason: UInt8, Sendable {
        /// Somebody did not want to wait for the end.
        case interrupted = 1
        /// What was measured so far decides already.
        case aborted = 2
    }

    /// 0 exactly when nobody has called `stop`.
    private let reason = Atomic<UInt8>(0)
    /// One for each loop, while they run.
    private let loopWakers = Mutex<[Waker]>([])
    /// Wakes whoever waits for the loops.
    let mainWaker: Waker

    public init() throws(SystemError) { self.mainWaker = try Waker() }

    /// No loop sends anything new from now on. The first reason stands.
    public func stop(_ reason: StopReason = .interrupted) {
        _ = self.reason.compareExchange(expected: 0, desired: reason.rawValue, ordering: .relaxed)
        self.loopWakers.withLock { for waker in $0 { waker.wake() } }
        self.mainWaker.wake()
    }

    public var stopReason: StopReason? { StopReason(rawValue: self.reason.load(ordering: .relaxed)) }

    @inline(__always)
    var isStopping: Bool { self.reason.load(ordering: .relaxed) != 0 }

    func attach(_ wakers: [Waker]) { self.loopWakers.withLock { $0 = wakers } }
    func detach() { self.loopWakers.withLock { $0 = [] } }
}
