import Reactor
import Synchronization

/// What a run has measured.
struct LoadResult: Sendable {
    let plan: LoadPlan
    let tally: AnswerTally
    /// This process's own, from the first request to the end.
    let processorTime: ProcessorTime
    /// True when it was ended by a signal.
    let wasInterrupted: Bool

    var durationSeconds: Double {
        Double(self.tally.endNanoseconds - self.tally.startNanoseconds) / 1e9
    }

    /// True exactly when every request had an expected and valid answer and no connection was lost.
    var isSuccess: Bool {
        let tally = self.tally
        guard tally.invalidAnswers == 0, tally.unexpectedFrames == 0, tally.unanswered == 0, tally.connectionsLost == 0
        else { return false }
        return tally.answers > 0 && self.statuses.allSatisfy { self.plan.expected.contains($0.status) }
    }
}

/// Why a run could not be made.
enum LoadFailure: Error, CustomStringConvertible {
    case descriptors(needed: Int, limit: Int)
    case connect(SystemError, opened: Int, wanted: Int)
    case system(SystemError)

    var description: String {
        switch self {
        case .descriptors(let needed, let limit):
            "the connections need \(needed) descriptors and the limit is \(limit); raise it (ulimit -n) or use fewer"
        case .connect(let error, let opened, let wanted):
            "cannot connect to \(error.subject): \(error.call) \(error.name)"
                + (opened > 0 ? " after \(opened) of \(wanted) connections" : "") + "; " + Self.remedy(error)
        case .system(let error):
            "the load cannot run: \(error)"
        }
    }

    private static func remedy(_ error: SystemError) -> String {
        switch error.name {
        case "ECONNREFUSED": "start the gateway there (svc-gateway, or make run), or name its address with --server"
        case "ETIMEDOUT": "check the address and what filters it, or wait longer with --timeout"
        case "EADDRNOTAVAIL": "the source ports are used up; use fewer connections, or wait until old ones have ended"
        case "EMFILE", "ENFILE": "raise the limit of descriptors (ulimit -n) or use fewer connections"
        default: "check the address after --server"
        }
    }
}

/// A run: its connections and threads.
enum LoadRun {
    /// Connects, loads, and waits for the end. `progress` is called now and then on the calling thread.
    static func run(
        _ plan: LoadPlan, _ control: LoadControl, progress: (LoadControl) -> Void
    ) throws(LoadFailure) -> LoadResult {
        let needed = plan.connectionsCount + 8 * plan.threadsCount + 16
        let limit = ProcessFacts.raiseDescriptorLimit()
        guard needed <= limit else { throw .descriptors(needed: needed, limit: limit) }
        let descriptors = try Self.connect(plan)
        let timeBefore = ProcessorTime.now()
        let seats = try Self.launch(plan, control, descriptors)
        while !seats.allSatisfy(\.isFinished) {
            control.mainWaker.waitForWake(timeoutMilliseconds: 200)
            progress(control)
        }
        let processorTime = ProcessorTime.now().since(timeBefore)
        var tally: AnswerTally? = nil
        for seat in seats {
            seat.thread?.join()
            let part = try seat.outcome()
            tally?.add(part)
            tally = tally ?? part
        }
        return LoadResult(
            plan: plan, tally: tally ?? AnswerTally(), processorTime: processorTime,
            wasInterrupted: control.isStopping)
    }

    private static func connect(_ plan: LoadPlan) throws(LoadFailure) -> [Int32] {
        var descriptors: [Int32] = []
        for _ in 0..<plan.connectionsCount {
            do throws(SystemError) {
                descriptors.append(
                    try Connector.connect(
                        to: plan.server, timeoutMilliseconds: Int(plan.timeoutNanoseconds / 1_000_000),
                        nonBlocking: plan.backend == .epoll))
            } catch {
                throw .connect(error, opened: descriptors.count, wanted: plan.connectionsCount)
            }
        }
        return descriptors
    }

    private static func launch(
        _ plan: LoadPlan, _ control: LoadControl, _ descriptors: [Int32]
    ) throws(LoadFailure) -> [LoopSeat] {
        var seats: [LoopSeat] = []
        for thread in 0..<plan.threadsCount {
            let own = Array(descriptors[plan.connections(ofThread: thread)])
            let seat = LoopSeat(number: thread, plan: plan, control: control, descriptors: own)
            do throws(SystemError) { try seat.start() } catch { throw .system(error) }
            seats.append(seat)
        }
        return seats
    }
}

/// One loop's thread and what came of it.
final class LoopSeat: Sendable {
    private let number: Int
    private let plan: LoadPlan
    private let control: LoadControl
    private let descriptors: [Int32]
    private let result = Mutex<Result<AnswerTally, SystemError>?>(nil)
    private let started = Mutex<LoopThread?>(nil)

    init(number: Int, plan: LoadPlan, control: LoadControl, descriptors: [Int32]) {
        self.number = number
        self.plan = plan
        self.control = control
        self.descriptors = descriptors
    }

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

    private func main() {
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
        // The loops of one run draw different sequences, and the same ones for the same seed.
        let seed = self.plan.seed &+ UInt64(self.number) &* 0xD1B5_4A32_D192_ED03
        var loop = ClosedLoop(
            plan: self.plan, control: self.control, kernel: kernel, descriptors: self.descriptors, seed: seed)
        return try loop.run(waker: self.control.loopWakers[self.number])
    }
}
