import LoadGeneration
import LoadReport
import Terminal

/// Drives a `RateSearch` with short runs against a gateway.
struct FindMax {
    /// Seconds of each phase's runs: the search has a minute for all of them, and begins none when that is nearly over.
    private enum Seconds {
        static let total = 54.0
        static let warmup = 0.4
        static let probe = 1.5
        static let confirm = 3.0
    }

    /// Requests in flight, of all connections together, in the closed loop that the search starts with.
    private static let saturationInFlightMax = 512

    let plan: LoadPlan
    let objectives: [Threshold]
    let interruption: Interruption
    /// Called with each run when it is over.
    let progress: (RateSearchReport.Probe) -> Void

    private var search = RateSearch()
    private var probes: [RateSearchReport.Probe] = []
    private var report: LoadReport?

    init(
        plan: LoadPlan, objectives: [Threshold], interruption: Interruption,
        progress: @escaping (RateSearchReport.Probe) -> Void
    ) {
        self.plan = plan
        self.objectives = Self.withErrors(objectives)
        self.interruption = interruption
        self.progress = progress
    }

    /// Nothing holds an objective that answers half of what it is asked, whatever their latency.
    private static func withErrors(_ objectives: [Threshold]) -> [Threshold] {
        guard !objectives.contains(where: \.isAboutErrors) else { return objectives }
        return objectives + ((try? Threshold(parsing: Threshold.fewErrorsText)).map { [$0] } ?? [])
    }

    mutating func run() throws(LoadFailure) -> RateSearchReport {
        let clock = ContinuousClock()
        let start = clock.now
        var finding: RateSearch.Finding?
        while finding == nil, !self.interruption.isRequested {
            guard (clock.now - start) / .seconds(1) < Seconds.total else {
                self.search.timeIsUp()
                if case .finished(let found) = self.search.step { finding = found }
                break
            }
            switch self.search.step {
            case .saturate: try self.saturate()
            case .probe(let rate, let phase): try self.probe(rate, phase)
            case .finished(let found): finding = found
            }
        }
        let (result, rate) = Self.outcome(finding)
        return RateSearchReport(
            result: result, rate: rate, objectives: self.objectives.map(\.expression),
            elapsedSeconds: (clock.now - start) / .seconds(1), probes: self.probes, report: self.report)
    }

    private static func outcome(_ finding: RateSearch.Finding?) -> (RateSearchReport.Result, Double?) {
        switch finding {
        case .rate(let rate)?: (.found, rate)
        case .generatorLimit(let rate)?: (.generatorLimit, rate)
        case .generatorUnable?: (.generatorLimit, nil)
        case .nothingHolds?: (.nothingHolds, nil)
        case .unsteady(let rate)?: (.unsteady, rate > 0 ? rate : nil)
        case nil: (.interrupted, nil)
        }
    }

    private mutating func saturate() throws(LoadFailure) {
        var plan = self.plan
        plan.mode = .closed
        plan.depth = max(1, min(plan.depth, Self.saturationInFlightMax / plan.connectionsCount))
        let report = try self.measure(&plan, seconds: Seconds.probe)
        let rate = Double(report.outcome.successes) / max(report.outcome.elapsedSeconds, 0.001)
        self.search.saturated(rate)
        self.note(report, .saturate, rate: rate, judgement: nil, results: [])
    }

    private mutating func probe(_ rate: Double, _ phase: RateSearch.Phase) throws(LoadFailure) {
        var plan = self.plan
        if case .open(var arrivals) = plan.mode {
            arrivals.rate = rate
            plan.mode = .open(arrivals)
        }
        let report = try self.measure(&plan, seconds: phase == .confirm ? Seconds.confirm : Seconds.probe)
        // Half a run says nothing about its rate.
        guard !self.interruption.isRequested else { return }
        let results = self.objectives.map { $0.evaluate(report) }
        // A generator at its limit makes latencies look worse and never better: what holds all the same does hold, and
        // what does not may be its fault.
        let judgement: RateSearch.Judgement =
            results.allSatisfy(\.passed) ? .held : report.verdict == .unusable ? .unusable : .missed
        self.search.record(judgement)
        self.note(report, phase, rate: rate, judgement: judgement, results: results)
    }

    private func measure(_ plan: inout LoadPlan, seconds: Double) throws(LoadFailure) -> LoadReport {
        plan.warmupNanoseconds = UInt64(Seconds.warmup * 1e9)
        plan.durationNanoseconds = UInt64(seconds * 1e9)
        let control: LoadControl
        do { control = try LoadControl() } catch { throw .system(error) }
        self.interruption.watch(control)
        return try LoadRun.run(plan, control) { _ in }
    }

    private mutating func note(
        _ report: LoadReport, _ phase: RateSearch.Phase, rate: Double, judgement: RateSearch.Judgement?,
        results: [LoadReport.ThresholdResult]
    ) {
        let probe = RateSearchReport.Probe(
            phase: phase, rate: rate, seconds: report.outcome.elapsedSeconds, judgement: judgement,
            answersPerSecond: report.outcome.answersPerSecond, p50: report.latency.microseconds(atPercentile: 50) ?? 0,
            p99: report.latency.microseconds(atPercentile: 99) ?? 0,
            p999: report.latency.microseconds(atPercentile: 99.9) ?? 0, errorShare: report.outcome.errorShare ?? 0,
            processorShareMax: report.generator.processorShareMax,
            processorWaitShareMax: report.generator.processorWaitShareMax ?? 0, objectives: results,
            bottlenecks: report.generator.bottlenecks)
        self.probes.append(probe)
        self.report = report
        self.report?.thresholds = results
        self.progress(probe)
    }
}
