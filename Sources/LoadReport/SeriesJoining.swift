/// Intervals in fewer ones.
extension LoadReport.Interval {
    /// One for all of them. Its p50 is their mean weighted by answers; the higher percentiles are the highest of
    /// theirs, so that what was bad in one of them stays to be seen.
    ///
    /// - Parameter intervals: in their order; one at least.
    static func joined(_ intervals: some Collection<LoadReport.Interval>) -> LoadReport.Interval {
        var joined = LoadReport.Interval()
        joined.lengthSeconds = 0
        joined.offsetSeconds = intervals.first?.offsetSeconds ?? 0
        var weighted = 0.0
        for interval in intervals {
            joined.lengthSeconds += interval.lengthSeconds
            joined.due += interval.due
            joined.sent += interval.sent
            joined.answers += interval.answers
            joined.errors += interval.errors
            joined.inFlight = interval.inFlight
            weighted += interval.p50 * Double(interval.answers)
            joined.p99 = Swift.max(joined.p99, interval.p99)
            joined.p999 = Swift.max(joined.p999, interval.p999)
            joined.max = Swift.max(joined.max, interval.max)
            joined.lagMax = Swift.max(joined.lagMax, interval.lagMax)
        }
        joined.p50 = joined.answers > 0 ? weighted / Double(joined.answers) : 0
        return joined
    }

    /// Answers a second in it.
    var rate: Double { self.lengthSeconds > 0 ? Double(self.answers) / self.lengthSeconds : 0 }
}

extension Array<LoadReport.Interval> {
    /// Those of the measured time, the last one joined to the one before when it is shorter than half of that: what comes
    /// in after the last request was sent is no rate of its own.
    var measured: [LoadReport.Interval] {
        let measured = self.filter { $0.offsetSeconds >= 0 }
        guard measured.count > 1, let last = measured.last,
            last.lengthSeconds < measured[measured.count - 2].lengthSeconds / 2
        else { return measured }
        return measured.dropLast(2) + [LoadReport.Interval.joined(measured.suffix(2))]
    }

    /// At most `count` intervals, each for as many of these but the last.
    func joined(upTo count: Int) -> [LoadReport.Interval] {
        guard self.count > count else { return self }
        let step = (self.count + count - 1) / count
        return stride(from: 0, to: self.count, by: step).map { start in
            LoadReport.Interval.joined(self[start..<Swift.min(start + step, self.count)])
        }
    }
}
