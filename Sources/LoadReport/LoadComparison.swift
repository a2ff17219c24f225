/// Runs of one plan before and after a change, side by side: which were better, and how sure that is.
///
/// The samples are the intervals of each run, without the first, in which connections and caches warm up. For each measure the ratio of the geometric means is estimated, and how
/// far chance alone could have moved it from a block bootstrap: runs of neighbouring intervals are drawn with
/// replacement, so that a slow spell of many seconds counts as one spell and not as many. A difference is told when it
/// would be told at 95 % for all measures together and is larger than what repeats of one command differ by.
///
/// With one run a side it cannot know whether the machine itself was the same in both. With two or more on each side the
/// runs are the samples instead, one value of each: what a machine drifts by between runs is then part of the range,
/// which is Welch's of two means. Take the runs of both sides alternating, or a drift looks like the change.
public struct LoadComparison: Sendable {
    public enum Verdict: Equatable, Sendable {
        /// Better in at least one measure and worse in none.
        case faster
        case slower
        /// Better in one measure and worse in another.
        case mixed
        /// Nothing differs by more than chance and noise account for.
        case noDifference
        /// The runs cannot be compared; says why.
        case refused(String)
    }

    /// Intervals that remain of a run, below which nothing is said about chance.
    public static let intervalsMin = 8

    /// The runs of each side, in the order they were given.
    public let runsBefore: [LoadReport]
    public let runsAfter: [LoadReport]
    /// Of each side the run in the middle, by its median latency: what charts show.
    public let before: LoadReport
    public let after: LoadReport
    public let verdict: Verdict
    /// That the verdict is not chance, 0 to 1, all measures together; nil where no difference is told.
    public let confidence: Double?
    /// One for each measure that both runs have; empty when the verdict is `refused`.
    public let estimates: [RatioEstimate]
    /// What makes the comparison weaker than it looks, such as plans that differ.
    public let warnings: [String]

    public init(_ before: LoadReport, _ after: LoadReport) { self.init([before], [after]) }

    /// - Parameters:
    ///   - before: one run at least, as in `after`.
    public init(_ before: [LoadReport], _ after: [LoadReport]) {
        precondition(!before.isEmpty && !after.isEmpty, "a side without a run")
        self.runsBefore = before
        self.runsAfter = after
        self.before = Self.typical(before)
        self.after = Self.typical(after)
        self.warnings = Self.warnings(before, after)
        if let reason = Self.refusal(before, after) {
            self.verdict = .refused(reason)
            self.estimates = []
            self.confidence = nil
            return
        }
        let pairs = Measure.allCases.compactMap { measure in
            measure.samples(before, after).map { (measure, $0.0, $0.1) }
        }
        let isRated = Set((before + after).map(\.plan.rate)).count == 1
        let rated = isRated ? pairs : pairs.filter { $0.0 != .rate }
        self.estimates = rated.map { RatioEstimate($0.0, $0.1, $0.2, amongMeasures: rated.count) }
        let better = self.estimates.filter { $0.direction == .better }
        let worse = self.estimates.filter { $0.direction == .worse }
        self.confidence = (better + worse).map(\.confidence).min()
        self.verdict =
            switch (better.isEmpty, worse.isEmpty) {
            case (false, true): .faster
            case (true, false): .slower
            case (false, false): .mixed
            case (true, true): .noDifference
            }
    }

    /// True exactly when the runs are the samples, so that what differs from run to run is in the ranges.
    public var seesDrift: Bool { self.runsBefore.count > 1 }

    private static func typical(_ side: [LoadReport]) -> LoadReport {
        let medians = side.map { (report: $0, median: $0.latency.microseconds(atPercentile: 50) ?? 0) }
        return medians.sorted { $0.median < $1.median }[(side.count - 1) / 2].report
    }

    /// Each run with what sentences call it: `first run`, or of several `first side's run 2`.
    private static func named(
        _ before: [LoadReport], _ after: [LoadReport]
    ) -> [(name: String, report: LoadReport)] {
        [("first", before), ("second", after)].flatMap { side, reports in
            reports.enumerated().map { number, report in
                (reports.count == 1 ? "\(side) run" : "\(side) side's run \(number + 1)", report)
            }
        }
    }

    private static func refusal(_ before: [LoadReport], _ after: [LoadReport]) -> String? {
        for (name, report) in Self.named(before, after) {
            if report.verdict == .unusable {
                return "the generator was the bottleneck of the \(name), so its times say nothing about the server"
            }
            if report.latency.count == 0 { return "the \(name) has no success, so it has no latency" }
            let count = Self.intervals(of: report).count
            if count < Self.intervalsMin {
                return
                    "the \(name) has \(count) intervals that count and \(Self.intervalsMin) are needed to tell a "
                    + "difference from chance; let it run for \(Self.intervalsMin + 2) seconds or longer"
            }
        }
        guard (before.count > 1) == (after.count > 1) else {
            return
                "there are \(before.count) runs before and \(after.count) after: what runs differ by among themselves "
                + "shows on both sides or not at all; give each side one run, or each two or more"
        }
        return nil
    }

    /// Those that count as samples.
    static func intervals(of report: LoadReport) -> [LoadReport.Interval] {
        Array(report.series.measured.dropFirst())
    }

    private static func warnings(_ before: [LoadReport], _ after: [LoadReport]) -> [String] {
        var warnings = Self.differences(before[0], after[0]).map {
            "the runs differ in \($0.name): \($0.before) before, \($0.after) after"
        }
        for (side, reports) in [("first", before), ("second", after)] {
            for (number, report) in reports.enumerated().dropFirst() {
                warnings += Self.differences(reports[0], report).map {
                    "the \(side) side's runs 1 and \(number + 1) differ in \($0.name): \($0.before), \($0.after)"
                }
            }
        }
        for (name, report) in Self.named(before, after) {
            if report.outcome.wasInterrupted || report.outcome.wasAborted { warnings.append("the \(name) ended early") }
            if let share = report.outcome.errorShare, share > 0.01 {
                warnings.append("more than 1 % of the \(name)'s requests failed; its latencies are of the rest")
            }
        }
        return warnings
    }
}

extension LoadComparison {
    /// What of the plans and machines is not the same.
    static func differences(
        _ before: LoadReport, _ after: LoadReport
    ) -> [(name: String, before: String, after: String)] {
        let facts = zip(before.planFacts + before.environmentFacts, after.planFacts + after.environmentFacts)
        // The seed and the place are allowed to differ: neither changes what is asked of a server.
        let free: Set<String> = ["seed", "server", "scenario", "started"]
        return facts.compactMap { before, after in
            before.value == after.value || free.contains(before.name)
                ? nil : (before.name, before.value, after.value)
        }
    }
}

/// What of two runs is compared.
public enum Measure: String, CaseIterable, Sendable {
    case p50
    case p99
    case rate
    case errors

    public var name: String {
        switch self {
        case .p50: "p50"
        case .p99: "p99"
        case .rate: "answers a second"
        case .errors: "error share"
        }
    }

    /// Whether more of it is better.
    var isMoreBetter: Bool { self == .rate }

    /// For each run one value for each interval that has one; nil when one of the runs has too few.
    func samples(_ before: [LoadReport], _ after: [LoadReport]) -> ([[Double]], [[Double]])? {
        let samples = (before.map(self.samples), after.map(self.samples))
        let all = samples.0 + samples.1
        // Of errors that never were, nothing is to be told.
        if self == .errors, all.allSatisfy({ $0.allSatisfy { $0 == 0 } }) { return nil }
        return all.allSatisfy { $0.count >= LoadComparison.intervalsMin } ? samples : nil
    }

    private func samples(_ report: LoadReport) -> [Double] {
        let intervals = LoadComparison.intervals(of: report)
        switch self {
        case .p50: return intervals.filter { $0.answers > 0 }.map(\.p50).filter { $0 > 0 }
        case .p99: return intervals.filter { $0.answers > 0 }.map(\.p99).filter { $0 > 0 }
        case .rate: return intervals.map(\.rate)
        case .errors: return intervals.filter { $0.due > 0 }.map { min(1, Double($0.errors) / Double($0.due)) }
        }
    }

    /// Latencies are compared by their geometric mean, since a factor is what users feel; sums by their mean.
    var isGeometric: Bool {
        switch self {
        case .p50, .p99: true
        case .rate, .errors: false
        }
    }
}
