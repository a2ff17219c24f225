internal import LoadReport
internal import Reactor

/// From what the loops have counted to the one value that every report shows.
extension LoadReport {
    init(
        _ plan: LoadPlan, _ tally: AnswerTally, _ timeline: Timeline, startedAt: String,
        series: [LoadReport.Interval], stopReason: LoadControl.StopReason?
    ) {
        let outcome = Outcome(plan, tally, timeline, stopReason)
        let latency = tally.latencies.latency
        self.init(
            tool: Tool(version: plan.toolVersion), environment: .current(loop: plan.backend.rawValue),
            plan: Plan(plan), startedAt: startedAt, outcome: outcome, latency: latency,
            serviceTime: plan.mode == .closed ? latency : tally.serviceTimes.latency,
            scheduleLag: tally.scheduleLags.latency,
            generator: Generator(GeneratorFindings(plan, tally), tally),
            statuses: tally.statuses.rows.map {
                StatusCount(
                    status: Int($0.status), code: $0.code.isEmpty ? nil : $0.code, count: $0.count,
                    isExpected: $0.isExpected)
            },
            losses: tally.lossRows.map { LossCount(reason: $0.loss.sentence, count: $0.count) },
            series: series, thresholds: [], verdict: .failed)
        if plan.requestsPerConnection != nil { self.connectTime = tally.connectTimes.latency }
        self.verdict = self.verdictWithoutThresholds
    }

    private var verdictWithoutThresholds: Verdict {
        guard self.generator.bottlenecks.isEmpty else { return .unusable }
        return self.outcome.isClean ? .passed : .failed
    }
}

extension LoadReport.Plan {
    init(_ plan: LoadPlan) {
        self.init()
        switch plan.mode {
        case .open(let arrivals):
            self.mode = .open
            self.rate = arrivals.rate
            self.arrival = arrivals.patternName
            if case .burst(let count) = arrivals.pattern { self.burst = count }
            if arrivals.rampNanoseconds > 0 {
                self.rampFromRate = arrivals.rampFromRate
                self.rampSeconds = Double(arrivals.rampNanoseconds) / 1e9
            }
        case .closed: self.mode = .closed
        }
        self.server = plan.server.description
        self.workload = plan.workload.rawValue
        self.scenario = plan.scenario
        self.connections = plan.connectionsCount
        self.idleConnections = plan.idleConnectionsCount
        self.requestsPerConnection = plan.requestsPerConnection
        self.depth = plan.depth
        self.threads = plan.threadsCount
        self.tenants = plan.tenantsCount
        if plan.tenantsCount > 0 { self.tenantChoice = plan.tenantChoice.name }
        if plan.workload.needsKeys {
            self.keys = plan.keys.count
            self.keyChoice = plan.keyChoice.name
            self.hitRatio = plan.hitRatio
        }
        if plan.workload == .resolveMany { self.keysPerRequest = plan.keysPerRequest }
        if plan.workload == .ping { self.payloadBytes = plan.payloadBytes }
        self.seed = plan.seed
        self.scheduleLagMaxSeconds = plan.scheduleLagMaxNanoseconds.map { Double($0) / 1e9 }
        self.warmupSeconds = Double(plan.warmupNanoseconds) / 1e9
        self.durationSeconds = Double(plan.durationNanoseconds) / 1e9
        self.expectedStatuses = plan.expected.statuses.map(Int.init)
    }
}

extension LoadReport.Outcome {
    init(_ plan: LoadPlan, _ tally: AnswerTally, _ timeline: Timeline, _ stopReason: LoadControl.StopReason?) {
        self.init()
        if tally.answers > 0 {
            self.elapsedSeconds =
                Double(tally.lastAnswerNanoseconds - timeline.measureStartNanoseconds) / 1e9
            self.answersPerSecond = self.elapsedSeconds > 0 ? Double(tally.answers) / self.elapsedSeconds : 0
        }
        self.requestsDue = tally.due
        self.requestsSent = tally.sent
        self.answers = tally.answers
        self.successes = tally.successes
        self.errors = tally.due - tally.successes
        self.unanswered = tally.unanswered
        self.unsent = tally.due - tally.sent
        self.invalidAnswers = tally.invalidAnswers
        self.unexpectedFrames = tally.unexpectedFrames
        self.connects = tally.connects
        self.connectionsLost = tally.lossRows.reduce(0) { $0 + $1.count }
        self.goAways = tally.goAways
        self.inFlightMean = tally.generator.inFlightMean
        self.inFlightMax = tally.generator.inFlightMax
        self.bytesOut = tally.bytesOut
        self.bytesIn = tally.bytesIn
        switch stopReason {
        case .interrupted: self.wasInterrupted = true
        case .aborted: self.wasAborted = true
        case nil: break
        }
    }
}

extension LoadReport.Generator {
    init(_ findings: GeneratorFindings, _ tally: AnswerTally) {
        self.init()
        let account = tally.generator
        self.userMicroseconds = account.processorTime.userMicroseconds
        self.systemMicroseconds = account.processorTime.systemMicroseconds
        self.processorShareMax = account.runningShareMax
        self.processorWaitShareMax = account.waitingShareMax
        self.microsecondsPerRequest =
            tally.answers > 0 ? Double(account.processorTime.totalMicroseconds) / Double(tally.answers) : 0
        self.bottlenecks = findings.bottlenecks
        self.notes = findings.notes
    }
}
