internal import Reactor
internal import Synchronization

/// One loop's thread, what it hands out on its way, and what came of it.
final class LoopSeat: Sendable {
    let number: Int
    let plan: LoadPlan
    let control: LoadControl
    let timeline: Timeline
    let waker: Waker
    private let descriptors: [Int32]
    private let idle: [Int32]
    private let result = Mutex<Result<AnswerTally, SystemError>?>(nil)
    private let started = Mutex<LoopThread?>(nil)
    private let intervals: Mutex<Intervals>

    private struct Intervals {
        /// Finished ones that nobody has taken yet.
        var finished: [IntervalTally] = []
        /// Empty ones, so that the loop itself does not have to make them.
        var fresh: [IntervalTally]
    }

    init(
        number: Int, plan: LoadPlan, control: LoadControl, timeline: Timeline, waker: Waker, descriptors: [Int32],
        idle: [Int32]
    ) {
        self.number = number
        self.plan = plan
        self.control = control
        self.timeline = timeline
        self.waker = waker
        self.descriptors = descriptors
        self.idle = idle
        self.intervals = Mutex(Intervals(fresh: [IntervalTally(), IntervalTally()]))
    }

    /// The loops of one run draw different sequences, and the same ones for the same seed.
    var seed: UInt64 { self.plan.seed &+ UInt64(self.number) &* 0xD1B5_4A32_D192_ED03 }

    var thread: LoopThread? { self.started.withLock { $0 } }
    var isFinished: Bool { self.result.withLock { $0 != nil } }

    func start() throws(SystemError) {
        let thread = try LoopThread(name: "load-\(self.number)") { self.main() }
        self.started.withLock { $0 = thread }
    }

    func outcome() throws(LoadFailure) -> AnswerTally {
        switch self.result.withLock({ $0 }) {
        case .success(let tally): return tally
        case .failure(let error): throw .system(error)
        case nil: preconditionFailure("asked before the loop has finished")
        }
    }

    // MARK: Intervals

    /// Takes a finished interval from the loop and leaves an empty one.
    func publish(_ interval: inout IntervalTally) {
        self.intervals.withLock { intervals in
            var next = intervals.fresh.popLast() ?? IntervalTally()
            swap(&next, &interval)
            intervals.finished.append(next)
        }
        self.control.mainWaker.wake()
    }

    /// The finished intervals since the last call, in order.
    func takeIntervals() -> [IntervalTally] {
        self.intervals.withLock { intervals in
            guard !intervals.finished.isEmpty else { return [] }
            var taken: [IntervalTally] = []
            swap(&taken, &intervals.finished)
            while intervals.fresh.count < 2 { intervals.fresh.append(IntervalTally()) }
            return taken
        }
    }

    // MARK: The thread

    private func main() {
        LoopThread.wakePrecisely()
        let result: Result<AnswerTally, SystemError>
        do throws(SystemError) { result = .success(try self.run()) } catch { result = .failure(error) }
        self.result.withLock { $0 = result }
        self.control.mainWaker.wake()
    }

    private func run() throws(SystemError) -> AnswerTally {
        switch self.plan.backend {
        case .uring: return try self.run(on: try UringKernel(limits: self.plan.kernelLimits))
        case .epoll: return try self.run(on: try EpollKernel(limits: self.plan.kernelLimits))
        }
    }

    private func run<K: Kernel & ~Copyable>(on kernel: consuming K) throws(SystemError) -> AnswerTally {
        var loop = LoadLoop(seat: self, kernel: kernel, descriptors: self.descriptors, idle: self.idle)
        return try loop.run(waker: self.waker)
    }
}
