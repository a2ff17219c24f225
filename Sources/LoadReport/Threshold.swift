import Terminal

/// A limit that a run has to hold: `p99<2ms`, `errors<0.1%`, `rate>=500`.
///
/// What it is about is measured in microseconds, as a share from 0 to 1, in answers a second, or counted.
public struct Threshold: Equatable, Sendable {
    public enum Metric: Equatable, Sendable {
        /// Of the latency from the moment a request was due, 0 to 100.
        case percentile(Double)
        case mean
        case min
        case max
        /// Of the time from the moment a request was due to its send.
        case lagPercentile(Double)
        case lagMean
        case lagMax
        /// Share of the requests due that are no success: an unexpected status, an invalid answer, none, or never sent.
        case errors
        /// Share of the requests due that nothing was heard of.
        case unanswered
        /// Answers a second.
        case rate
        case connectionsLost
    }

    public enum Relation: String, CaseIterable, Sendable {
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
    }

    /// As it was given, without spaces.
    public let expression: String
    public let metric: Metric
    public let relation: Relation
    /// In the metric's unit.
    public let limit: Double

    init(expression: String, metric: Metric, relation: Relation, limit: Double) {
        self.expression = expression
        self.metric = metric
        self.relation = relation
        self.limit = limit
    }

    /// Whether a value in the metric's unit is within the limit.
    public func holds(_ measured: Double) -> Bool {
        switch self.relation {
        case .less: measured < self.limit
        case .lessOrEqual: measured <= self.limit
        case .greater: measured > self.limit
        case .greaterOrEqual: measured >= self.limit
        }
    }

    /// Whether the run has held it. A run that has measured nothing of the kind has not.
    public func evaluate(_ report: LoadReport) -> LoadReport.ThresholdResult {
        let measured = self.metric.measured(in: report)
        let passed = measured.map(self.holds) ?? false
        return LoadReport.ThresholdResult(expression: self.expression, measured: measured, passed: passed)
    }

    /// Whether a stretch of the run has missed it; nil when the stretch does not tell, having no answers or no such
    /// percentile.
    public func isMissed(in interval: LoadReport.Interval) -> Bool? {
        self.metric.measured(in: interval).map { !self.holds($0) }
    }
}

extension Threshold.Metric {
    func measured(in report: LoadReport) -> Double? {
        let (latency, lag) = (report.latency, report.scheduleLag)
        switch self {
        case .percentile(let percentile): return latency.microseconds(atPercentile: percentile)
        case .mean: return latency.count > 0 ? latency.mean : nil
        case .min: return latency.count > 0 ? latency.min : nil
        case .max: return latency.count > 0 ? latency.max : nil
        case .lagPercentile(let percentile): return lag.microseconds(atPercentile: percentile)
        case .lagMean: return lag.count > 0 ? lag.mean : nil
        case .lagMax: return lag.count > 0 ? lag.max : nil
        case .errors: return report.outcome.errorShare
        case .unanswered: return report.outcome.unansweredShare
        case .rate: return report.outcome.answersPerSecond
        case .connectionsLost: return Double(report.outcome.connectionsLost)
        }
    }

    func measured(in interval: LoadReport.Interval) -> Double? {
        switch self {
        case .percentile(50): interval.answers > 0 ? interval.p50 : nil
        case .percentile(99): interval.answers > 0 ? interval.p99 : nil
        case .percentile(99.9): interval.answers > 0 ? interval.p999 : nil
        case .max, .percentile(100): interval.answers > 0 ? interval.max : nil
        case .lagMax, .lagPercentile(100): interval.sent > 0 ? interval.lagMax : nil
        case .errors: interval.due > 0 ? Double(interval.errors) / Double(interval.due) : nil
        case .rate: interval.lengthSeconds > 0 ? Double(interval.answers) / interval.lengthSeconds : nil
        case .percentile, .mean, .min, .lagPercentile, .lagMean, .unanswered, .connectionsLost: nil
        }
    }

    /// A measured value for people.
    func text(_ measured: Double) -> String {
        switch self {
        case .percentile, .mean, .min, .max, .lagPercentile, .lagMean, .lagMax: NumberText.time(microseconds: measured)
        case .errors, .unanswered: NumberText.percent(measured)
        case .rate: NumberText.rate(measured) + "/s"
        case .connectionsLost: NumberText.grouped(measured)
        }
    }
}

extension LoadReport.ThresholdResult {
    /// What was measured, for people.
    public var measuredText: String {
        guard let measured = self.measured else { return "not measured" }
        do throws(ThresholdFault) { return try Threshold(parsing: self.expression).metric.text(measured) } catch {
            // Of a metric that another version knows.
            return NumberText.decimals(measured, 3)
        }
    }
}
