internal import Histogram
internal import LoadReport

/// Times from a nanosecond to an hour with three digits; longer ones count as an hour.
struct TimeHistogram: Sendable {
    static let nanosecondsMax: UInt64 = 3_600_000_000_000
    /// What a report lists.
    static let percentiles = [50, 75, 90, 95, 99, 99.9, 99.99, 99.999]

    private var histogram = Histogram<UInt64>(
        highestTrackableValue: Self.nanosecondsMax, numberOfSignificantValueDigits: .three)

    var count: UInt64 { self.histogram.totalCount }
    var maxNanoseconds: UInt64 { self.histogram.maxRecorded }

    @inline(__always)
    mutating func record(_ nanoseconds: UInt64, count: UInt64) {
        _ = self.histogram.record(min(nanoseconds, Self.nanosecondsMax), count: count)
    }

    mutating func add(_ other: TimeHistogram) { self.histogram.add(other.histogram) }

    /// The values below which so many per cent of the times lie, or at which they end; zeros without times.
    ///
    /// - Parameter percentiles: ascending.
    func nanoseconds(atPercentiles percentiles: [Double]) -> [UInt64] {
        guard self.count > 0 else { return percentiles.map { _ in 0 } }
        var found: [UInt64] = []
        var seen: UInt64 = 0
        for step in self.histogram.recordedValues() {
            seen += step.count
            while found.count < percentiles.count, seen >= self.rank(percentiles[found.count]) {
                found.append(min(step.value, self.maxNanoseconds))
            }
        }
        while found.count < percentiles.count { found.append(self.maxNanoseconds) }
        return found
    }

    func nanoseconds(atPercentile percentile: Double) -> UInt64 { self.nanoseconds(atPercentiles: [percentile])[0] }

    /// How many of the times a percentile covers, at least one. Not rounded up for what is only the fraction's noise.
    private func rank(_ percentile: Double) -> UInt64 {
        max(1, UInt64((percentile / 100 * Double(self.count) - 1e-6).rounded(.up)))
    }

    /// In the report's form.
    var latency: LoadReport.Latency {
        var latency = LoadReport.Latency()
        guard self.count > 0 else { return latency }
        var total = 0.0
        for step in self.histogram.recordedValues() {
            let microseconds = Double(min(step.value, self.maxNanoseconds)) / 1000
            if latency.count == 0 { latency.min = microseconds }
            latency.count += step.count
            latency.buckets.append(LoadReport.Latency.Bucket(microseconds: microseconds, count: step.count))
            total += microseconds * Double(step.count)
        }
        latency.max = Double(self.maxNanoseconds) / 1000
        latency.mean = total / Double(latency.count)
        var squares = 0.0
        for bucket in latency.buckets {
            let distance = bucket.microseconds - latency.mean
            squares += distance * distance * Double(bucket.count)
        }
        latency.standardDeviation = (squares / Double(latency.count)).squareRoot()
        let values = self.nanoseconds(atPercentiles: Self.percentiles)
        latency.percentiles = zip(Self.percentiles, values).map { percentile, nanoseconds in
            LoadReport.Latency.Percentile(percentile: percentile, microseconds: Double(nanoseconds) / 1000)
        }
        return latency
    }
}
