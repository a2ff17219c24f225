import LoadReport

/// When `--abort-on-fail` ends a run: once a threshold has been missed by everything measured so far for some intervals in
/// a row, or nothing that may still come is able to mend it.
///
/// An interval tells its median, p99, p99.9 and maximum. From these follows how many of its answers at least took longer
/// than a bound, and from the sum of these, whether a percentile of the whole run is above the bound by now.
struct AbortRule: Sendable {
    /// Intervals in a row in which a threshold has to be missed.
    static let patienceIntervals = 3

    private let thresholds: [Threshold]
    /// Requests of the whole run; nil in a closed loop, where nobody knows.
    private let dueTotal: UInt64?
    private var dueSoFar: UInt64 = 0
    private var errorsSoFar: UInt64 = 0
    private var answersSoFar: UInt64 = 0
    private var secondsSoFar = 0.0
    /// For each threshold, answers that were slower than it allows, at least.
    private var slowSoFar: [Double]
    /// For each threshold, intervals in a row at whose end it was missed.
    private var missedIntervals: [Int]

    init(_ thresholds: [Threshold], dueTotal: UInt64?) {
        self.thresholds = thresholds
        self.dueTotal = dueTotal
        self.slowSoFar = thresholds.map { _ in 0 }
        self.missedIntervals = thresholds.map { _ in 0 }
    }

    /// Takes the next interval of the run, and returns the threshold that is missed for good, if one is.
    mutating func observe(_ interval: LoadReport.Interval) -> Threshold? {
        guard interval.offsetSeconds >= 0 else { return nil }
        self.dueSoFar += interval.due
        self.errorsSoFar += interval.errors
        self.answersSoFar += interval.answers
        self.secondsSoFar += interval.lengthSeconds
        for (index, threshold) in self.thresholds.enumerated() {
            let (isMissed, isFinal) = self.judge(threshold, index, interval)
            self.missedIntervals[index] = isMissed ? self.missedIntervals[index] + 1 : 0
            if isFinal || self.missedIntervals[index] >= Self.patienceIntervals { return threshold }
        }
        return nil
    }

    /// Whether a threshold is missed by now, and whether nothing can mend it.
    private mutating func judge(
        _ threshold: Threshold, _ index: Int, _ interval: LoadReport.Interval
    ) -> (isMissed: Bool, isFinal: Bool) {
        switch threshold.metric {
        case .errors:
            let isMissed = self.dueSoFar > 0 && !threshold.holds(Double(self.errorsSoFar) / Double(self.dueSoFar))
            let isFinal = self.dueTotal.map { !threshold.holds(Double(self.errorsSoFar) / Double(max($0, 1))) } ?? false
            return (isMissed, isFinal)
        case .max, .percentile(100):
            return (false, threshold.isMissed(in: interval) ?? false)
        case .percentile(let percentile):
            self.slowSoFar[index] += Self.slowShareMin(interval, threshold) * Double(interval.answers)
            // What a percentile allows to be slower, a little less: the shares are exact and its decimals are not.
            let allowed = (1 - percentile / 100) * (1 - 1e-9)
            let slow = self.slowSoFar[index]
            let isMissed = slow > 0 && slow >= allowed * Double(self.answersSoFar)
            return (isMissed, slow > 0 && (self.dueTotal.map { slow >= allowed * Double($0) } ?? false))
        case .rate:
            return (self.secondsSoFar > 0 && !threshold.holds(Double(self.answersSoFar) / self.secondsSoFar), false)
        case .mean, .min, .lagPercentile, .lagMean, .lagMax, .unanswered, .connectionsLost:
            // Known at the end only.
            return (false, false)
        }
    }

    /// Of an interval's answers, the share that was slower than the bound at least.
    private static func slowShareMin(_ interval: LoadReport.Interval, _ threshold: Threshold) -> Double {
        if !threshold.holds(interval.p50) { return 0.5 }
        if !threshold.holds(interval.p99) { return 0.01 }
        if !threshold.holds(interval.p999) { return 0.001 }
        return threshold.holds(interval.max) || interval.answers == 0 ? 0 : 1 / Double(interval.answers)
    }
}
