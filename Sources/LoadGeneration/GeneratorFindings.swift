internal import LoadReport

/// Whether it was the generator that limited a run: what its own numbers say, in sentences.
///
/// Not everything that is slow is the generator's fault. A request that waits because every slot is taken waits for
/// the server; one that waits although a slot is free waits for the generator.
struct GeneratorFindings {
    /// Of a thread's time: what is left is needed for waking up and for what the kernel does beside it.
    static let processorShareMax = 0.95
    /// A generator that falls behind sends more at once, and each of them for less: only well above its own cost is a
    /// rate beyond it.
    static let projectedShareMax = 2.0
    /// At the 99th percentile: what nobody would call late.
    static let ownLagNanosecondsMax: UInt64 = 1_000_000
    /// The same for a thread that never sleeps. One that sends late reads late, and what is added to the times of
    /// answers stands in no lag; so much a mere wake-up may take.
    static let busyLagNanosecondsMax: UInt64 = 100_000
    /// Of the latency's 99th percentile: a lag below it does not matter.
    static let ownLagShareMax = 0.1
    /// Of the requests that were due: more than these are not merely late when the time is over, whatever lateness is allowed.
    static let lateShareMax = 0.05

    /// What makes the run useless as a measure of the server.
    private(set) var bottlenecks: [String] = []
    /// What limits what it says.
    private(set) var notes: [String] = []

    init(_ plan: LoadPlan, _ tally: AnswerTally) {
        switch plan.mode {
        case .open(let arrivals):
            self.judgeLag(tally, plan.scheduleLagMaxNanoseconds)
            self.judgeOffer(tally, plan, arrivals)
        case .closed: self.judgeClosed(plan, tally)
        }
    }

    /// How late requests left that did not have to wait for a slot.
    private mutating func judgeLag(_ tally: AnswerTally, _ allowed: UInt64?) {
        guard tally.ownLags.count > 0 else { return }
        let account = tally.generator
        let own = tally.ownLags.nanoseconds(atPercentile: 99)
        let isBusy = account.wantedShareMax > Self.processorShareMax
        let latency = Double(tally.latencies.nanoseconds(atPercentile: 99))
        let usual = max(
            isBusy ? Self.busyLagNanosecondsMax : Self.ownLagNanosecondsMax, UInt64(latency * Self.ownLagShareMax))
        // A thread that never sleeps is not merely late.
        let forgiven = account.runningShareMax > Self.processorShareMax ? usual : allowed ?? usual
        let late = "1 % of the requests left more than \(Self.time(own)) late although a connection was free"
        if own > usual, own <= forgiven {
            self.notes.append(late + ", and \(Self.time(forgiven)) are allowed: their latency has this in it")
            return
        }
        guard isBusy else {
            guard own > forgiven else { return }
            self.bottlenecks.append(
                late + ", and its threads waited up to \(Self.percent(account.waitingShareMax)) of the time for a "
                    + "processor: something else uses those, or the machine's own are taken away; end it, give the "
                    + "generator one of its own (taskset), or allow it (--schedule-lag-max)")
            return
        }
        let busy =
            "its busiest thread ran \(Self.percent(account.runningShareMax)) of the time and waited "
            + "\(Self.percent(account.wantedShareMax - account.runningShareMax)) of it for a processor"
        if own > forgiven {
            self.bottlenecks.append("\(busy), and \(late); give it more threads or processors, or a lower rate")
        } else {
            self.notes.append("\(busy), yet 99 % of the requests left within \(Self.time(own)) of their time")
        }
    }

    private mutating func judgeOffer(_ tally: AnswerTally, _ plan: LoadPlan, _ arrivals: ArrivalPlan) {
        let account = tally.generator
        let due = tally.due
        // Those that were due in the last moment are no later than any other request may be.
        let allowed = plan.scheduleLagMaxNanoseconds.map { arrivals.rate * Double($0) / 1e9 } ?? 0
        let usual = Double(due) * (1 - LoadReport.Outcome.offeredShareMin)
        guard due > 0, Double(account.backlog) > usual else { return }
        let offered = due - min(account.backlog, due)
        guard Double(account.backlog) > min(allowed, Double(due) * Self.lateShareMax) else {
            self.notes.append(
                "of \(due) requests that were due it had sent \(offered) when the time was over, and the others were "
                    + "within the lateness that is allowed")
            return
        }
        guard account.blockedShare >= 1 - LoadReport.Outcome.offeredShareMin else {
            self.bottlenecks.append(
                "of \(due) requests that were due it had sent \(offered) when the time was over, with connections free")
            return
        }
        // The server was slow; what the generator would have needed without it is known all the same.
        let projected = account.runningShare * Double(due) / Double(max(offered, 1))
        let sentence =
            "\(plan.threadsCount == 1 ? "its thread" : "its threads") used \(Self.percent(account.runningShare)) of "
            + "a processor to send \(offered) of the \(due) requests that were due"
        if projected > Self.projectedShareMax {
            self.bottlenecks.append(sentence + ": all of them are beyond its means, whatever the server does")
        } else if projected > 1 {
            self.notes.append(sentence + ", and might not have managed all of them")
        }
        self.notes.append(
            "requests waited for a free connection \(Self.percent(account.blockedShare)) of the time: with "
                + "\(plan.connectionsCount * plan.depth) in flight at most, the server answered no faster")
    }

    private mutating func judgeClosed(_ plan: LoadPlan, _ tally: AnswerTally) {
        let account = tally.generator
        if account.wantedShareMax > Self.processorShareMax {
            self.notes.append(
                "its busiest thread used \(Self.percent(account.runningShareMax)) of a processor and waited "
                    + "\(Self.percent(account.wantedShareMax - account.runningShareMax)) of the time for one: the "
                    + "throughput may be its own limit and not the server's")
        }
        let limit = Double(plan.connectionsCount * plan.depth)
        if tally.lossRows.isEmpty, tally.goAways == 0, plan.requestsPerConnection == nil, tally.answers > 0,
            account.inFlightMean < limit * Self.processorShareMax
        {
            self.notes.append(
                "\(Self.tenths(account.inFlightMean)) requests were in flight on average, and \(Int(limit)) were asked for"
            )
        }
    }

    // MARK: Numbers

    private static func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }

    private static func time(_ nanoseconds: UInt64) -> String {
        nanoseconds < 1_000_000
            ? "\(nanoseconds / 1000) us" : "\((Double(nanoseconds) / 1e5).rounded() / 10) ms"
    }

    private static func tenths(_ value: Double) -> String { ((value * 10).rounded() / 10).description }
}
