extension LoadReport.Latency {
    /// The time that so many percent of the samples did not exceed, exact to a bucket.
    ///
    /// - Parameter percentile: 0 to 100.
    /// - Returns: microseconds; nil without samples.
    public func microseconds(atPercentile percentile: Double) -> Double? {
        guard self.count > 0 else { return nil }
        guard let last = self.buckets.last else {
            return self.percentiles.first { $0.percentile == percentile }?.microseconds
        }
        // Rounding must not make the millionth of a million the 999,999.99999th.
        let rank = (percentile / 100 * Double(self.count) - 1e-6).rounded(.up)
        var seen = 0.0
        for bucket in self.buckets {
            seen += Double(bucket.count)
            if seen >= rank { return bucket.microseconds }
        }
        return last.microseconds
    }

    /// `p99.9` for 99.9.
    public static func name(ofPercentile percentile: Double) -> String {
        Int(exactly: percentile).map { "p\($0)" } ?? "p\(percentile)"
    }
}

extension LoadReport.Outcome {
    /// Of the requests that were due, the share that has to leave for a rate to count as offered.
    public static let offeredShareMin = 0.99

    /// True when every answer was valid and expected, and nothing was lost or came unasked.
    public var isClean: Bool {
        self.successes > 0 && self.errors == 0 && self.unexpectedFrames == 0 && self.connectionsLost == 0
    }

    /// Of the requests due that are no success, 0 to 1; nil when none was due.
    public var errorShare: Double? {
        self.requestsDue > 0 ? Double(self.errors) / Double(self.requestsDue) : nil
    }

    /// Of the requests due that nothing was heard of, 0 to 1; nil when none was due.
    public var unansweredShare: Double? {
        self.requestsDue > 0 ? Double(self.unanswered) / Double(self.requestsDue) : nil
    }
}
