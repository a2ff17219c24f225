import Reactor
import Synchronization

/// What the threads of a run share. Any thread.
final class LoadControl: Sendable {
    private let stopRequested = Atomic<Bool>(false)
    private let answersCount = Atomic<UInt64>(0)
    /// One for each loop.
    let loopWakers: [Waker]
    /// Wakes whoever waits for the loops.
    let mainWaker: Waker

    init(threadsCount: Int) throws(SystemError) {
        var wakers: [Waker] = []
        for _ in 0..<threadsCount { wakers.append(try Waker()) }
        self.loopWakers = wakers
        self.mainWaker = try Waker()
    }

    /// No loop sends anything new from now on.
    func stop() {
        self.stopRequested.store(true, ordering: .relaxed)
        for waker in self.loopWakers { waker.wake() }
        self.mainWaker.wake()
    }

    @inline(__always)
    var isStopping: Bool { self.stopRequested.load(ordering: .relaxed) }

    @inline(__always)
    func answered(_ count: UInt64) { self.answersCount.add(count, ordering: .relaxed) }

    /// Answers of all loops so far.
    var answers: UInt64 { self.answersCount.load(ordering: .relaxed) }
}
