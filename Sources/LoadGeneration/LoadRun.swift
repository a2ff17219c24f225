public import LoadReport
internal import Reactor

/// A run: its connections and threads.
public enum LoadRun {
    /// Between the last connect and the first request, so that every thread is there in time.
    private static let leadNanoseconds: UInt64 = 20_000_000

    /// Connects, loads, and waits for the end.
    ///
    /// - Parameter interval: called about once a second on the calling thread with what all threads have done in one
    ///   interval, in the warm-up too.
    /// - Returns: the report, complete but for thresholds; `verdict` says what can be said without them.
    public static func run(
        _ plan: LoadPlan, _ control: LoadControl, interval: (LoadReport.Interval) -> Void
    ) throws(LoadFailure) -> LoadReport {
        try plan.check()
        let needed = plan.connectionsCount + plan.idleConnectionsCount + 8 * plan.threadsCount + 16
        let limit = ProcessFacts.raiseDescriptorLimit()
        guard needed <= limit else { throw .descriptors(needed: needed, limit: limit) }
        let descriptors = try Self.connect(plan)
        let timeline = Timeline(plan, startNanoseconds: MonotonicClock.nowNanoseconds() + Self.leadNanoseconds)
        let startedAt = LoadReport.timestamp(
            secondsFromNow: Double(plan.warmupNanoseconds + Self.leadNanoseconds) / 1e9)
        let seats = try Self.launch(plan, control, timeline, descriptors)
        defer { control.detach() }
        var collector = IntervalCollector(seats: seats, timeline: timeline)
        while !seats.allSatisfy(\.isFinished) {
            control.mainWaker.waitForWake(timeoutMilliseconds: 500)
            collector.collect(interval)
        }
        var tally = AnswerTally()
        for seat in seats {
            seat.thread?.join()
            tally.add(try seat.outcome())
        }
        collector.finish(interval)
        return LoadReport(
            plan, tally, timeline, startedAt: startedAt, series: collector.series.intervals,
            stopReason: control.stopReason)
    }

    /// Those that carry requests, then those that are only held open.
    private static func connect(_ plan: LoadPlan) throws(LoadFailure) -> [Int32] {
        var descriptors: [Int32] = []
        let wanted = plan.connectionsCount + plan.idleConnectionsCount
        for _ in 0..<wanted {
            do throws(SystemError) {
                descriptors.append(
                    try Connector.connect(
                        to: plan.server, timeoutMilliseconds: Int(plan.timeoutNanoseconds / 1_000_000),
                        nonBlocking: plan.backend == .epoll))
            } catch {
                for descriptor in descriptors { Connector.close(descriptor) }
                throw .connect(error, opened: descriptors.count, wanted: wanted)
            }
        }
        return descriptors
    }

    private static func launch(
        _ plan: LoadPlan, _ control: LoadControl, _ timeline: Timeline, _ descriptors: [Int32]
    ) throws(LoadFailure) -> [LoopSeat] {
        do throws(SystemError) {
            var wakers: [Waker] = []
            for _ in 0..<plan.threadsCount { wakers.append(try Waker()) }
            control.attach(wakers)
            var seats: [LoopSeat] = []
            for thread in 0..<plan.threadsCount {
                let carrying = plan.share(of: plan.connectionsCount, thread: thread)
                let idle = plan.share(of: plan.idleConnectionsCount, thread: thread)
                let idleDescriptors = idle.map { descriptors[plan.connectionsCount + $0] }
                let seat = LoopSeat(
                    number: thread, plan: plan, control: control, timeline: timeline, waker: wakers[thread],
                    descriptors: Array(descriptors[carrying]), idle: idleDescriptors)
                try seat.start()
                seats.append(seat)
            }
            return seats
        } catch {
            throw .system(error)
        }
    }
}

/// Puts the intervals of all loops together as they come.
struct IntervalCollector {
    private let seats: [LoopSeat]
    /// What each loop has handed over and the slowest has not reached yet.
    private var pending: [[IntervalTally]]
    private(set) var series: IntervalSeries

    init(seats: [LoopSeat], timeline: Timeline) {
        self.seats = seats
        self.pending = seats.map { _ in [] }
        self.series = IntervalSeries(timeline: timeline)
    }

    /// Passes on the intervals that every loop has finished; a loop that has ended holds none up.
    mutating func collect(_ body: (LoadReport.Interval) -> Void) {
        // Looked at first: what a loop hands over before its end is then certainly here.
        let hasEnded = self.seats.map(\.isFinished)
        for (index, seat) in self.seats.enumerated() { self.pending[index] += seat.takeIntervals() }
        while let number = self.pending.compactMap({ $0.first?.number }).min() {
            for index in self.seats.indices where self.pending[index].isEmpty && !hasEnded[index] { return }
            self.passOn(number, body)
        }
    }

    /// After the loops' end.
    mutating func finish(_ body: (LoadReport.Interval) -> Void) {
        self.collect(body)
        self.series.finish()
    }

    private mutating func passOn(_ number: Int, _ body: (LoadReport.Interval) -> Void) {
        var whole: IntervalTally? = nil
        for index in self.pending.indices where self.pending[index].first?.number == number {
            let part = self.pending[index].removeFirst()
            if whole == nil { whole = part } else { whole?.add(part) }
        }
        if let whole { body(self.series.append(whole)) }
    }
}
