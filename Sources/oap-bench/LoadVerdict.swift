import ArgumentParser
import LoadReport

/// What a finished run comes to.
enum LoadVerdict {
    /// Evaluates thresholds on a report, and settles its verdict.
    ///
    /// A threshold on errors says how many are allowed: below it they fail nothing.
    ///
    /// A generator at its limit has no verdict, with one exception: when all that was due has left, and all thresholds
    /// hold. Its delays are in the latencies and make them look worse, never better, so that what holds does hold.
    static func settle(_ report: inout LoadReport, _ thresholds: [Threshold]) {
        report.thresholds = thresholds.map { $0.evaluate(report) }
        let hasMissed = report.thresholds.contains { !$0.passed }
        if report.verdict == .unusable {
            guard !hasMissed, !thresholds.isEmpty, thresholds.allSatisfy(\.suffersFromDelay), Self.isOffered(report)
            else { return }
            report.verdict = report.outcome.isClean ? .passed : .failed
        }
        if hasMissed {
            report.verdict = .missed
        } else if report.verdict == .failed, thresholds.contains(where: \.isAboutErrors), report.outcome.successes > 0,
            report.outcome.unexpectedFrames == 0
        {
            report.verdict = .passed
        }
    }

    /// True when what was due has left, and at the rate that was asked for.
    private static func isOffered(_ report: LoadReport) -> Bool {
        let outcome = report.outcome
        let share = Double(outcome.requestsSent) / Double(max(outcome.requestsDue, 1))
        guard outcome.requestsDue > 0, share >= LoadReport.Outcome.offeredShareMin, let rate = report.plan.rate else {
            return false
        }
        // A ramp has fewer, and an interrupted run is over sooner.
        let seconds = min(report.plan.durationSeconds, outcome.elapsedSeconds)
        let isRamp = Double(outcome.requestsDue) < LoadReport.Outcome.offeredShareMin * rate * seconds
        return isRamp || outcome.answersPerSecond >= LoadReport.Outcome.offeredShareMin * rate
    }

    /// What to exit with; nil for success.
    static func exit(_ verdict: LoadReport.Verdict) -> ExitCode? {
        switch verdict {
        case .passed: nil
        case .failed: BenchExit.failed
        case .missed: BenchExit.missed
        case .unusable: BenchExit.generatorLimit
        }
    }
}
