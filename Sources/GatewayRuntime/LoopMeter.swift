internal import Reactor

/// How much of its time a worker's thread is at work.
///
/// The time outside `wait` would not do: io_uring sends and receives inside it. The scheduler's account of the thread has
/// all of it, and asking for it a hundred times a second at most costs nothing that could be measured.
struct LoopMeter: ~Copyable {
    private static let intervalNanoseconds: UInt64 = 10_000_000

    private let thread = ThreadMeter()
    private var readNanoseconds: UInt64 = 0

    func isDue(nowNanoseconds: UInt64) -> Bool {
        nowNanoseconds - self.readNanoseconds >= Self.intervalNanoseconds
    }

    /// What the thread has run and has waited for a processor, since its start.
    mutating func busyNanoseconds(nowNanoseconds: UInt64) -> UInt64 {
        self.readNanoseconds = nowNanoseconds
        let time = self.thread.read()
        return time.runningNanoseconds + time.waitingNanoseconds
    }
}
