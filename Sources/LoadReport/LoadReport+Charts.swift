import Terminal

/// What of a run is drawn.
extension LoadReport {
    /// Points of a line over time; longer series are joined.
    private static let pointsMax = 240
    /// Steps of a percentile curve.
    private static let stepsMax = 400
    private static let barsCount = 90

    /// The latency at each percentile. With another run its curve stands beside.
    func percentileChart(comparedWith before: LoadReport?) -> LineChart? {
        guard self.latency.count > 0 else { return nil }
        var curves: [(name: String, colour: String, form: LineChart.Line.Form, latency: Latency)] = [
            (before == nil ? "latency" : "after", "c1", .stepped, self.latency)
        ]
        if let before, before.latency.count > 0 {
            curves.append(("before", "c2", .steppedDashed, before.latency))
        } else if self.plan.mode == .open, self.serviceTime.count > 0 {
            curves.append(("service time, from the send", "c4", .steppedDashed, self.serviceTime))
        }
        let samples = curves.map(\.latency.count).max() ?? 1
        let xScale = AxisScale.tail(samples: samples)
        let yScale = AxisScale.time(
            from: curves.map(\.latency.min).filter { $0 > 0 }.min() ?? 1, to: curves.map(\.latency.max).max() ?? 1)
        return LineChart(
            title: "Latency by percentile",
            note: before == nil
                ? "how many in a hundred waited at most so long; to the right the slowest"
                : "of each side the middle run, the slowest to the right",
            summary: "Latency at rising percentiles: " + self.percentileSentence,
            across: .percentile, xScale: xScale, yScale: yScale, unit: .microseconds,
            lines: curves.map { curve in
                LineChart.Line(
                    name: curve.name, colour: curve.colour, form: curve.form,
                    points: Self.curve(curve.latency, xScale))
            }, isWide: true)
    }

    var percentileSentence: String {
        [50, 90, 99, 99.9].map { percentile in
            let value = self.latency.microseconds(atPercentile: percentile) ?? 0
            return "\(Latency.name(ofPercentile: percentile)) \(HTMLText.time(value))"
        }.joined(separator: ", ") + ", highest \(HTMLText.time(self.latency.max))"
    }

    /// A step for each bucket, or for as many as make a visible difference across.
    private static func curve(_ latency: Latency, _ scale: AxisScale) -> [LineChart.Point] {
        var points: [LineChart.Point] = []
        var seen = 0.0
        for (index, bucket) in latency.buckets.enumerated() {
            seen += Double(bucket.count)
            let isLast = index == latency.buckets.count - 1
            let x = isLast ? 1 : scale.position(100 * seen / Double(latency.count))
            let advance = x - (points.last?.x ?? -1)
            if advance >= 1 / Double(Self.stepsMax) || isLast {
                points.append(LineChart.Point(x: x, value: bucket.microseconds))
            }
        }
        return points
    }

    /// The series as points of time, at the middle of each interval.
    private func course(
        _ intervals: [Interval], _ scale: AxisScale, _ value: (Interval) -> Double?
    ) -> [LineChart.Point] {
        intervals.map { interval in
            LineChart.Point(
                x: scale.position(interval.offsetSeconds + interval.lengthSeconds / 2), value: value(interval))
        }
    }

    private func timeScale(_ intervals: [Interval]) -> AxisScale {
        let end = intervals.last.map { $0.offsetSeconds + $0.lengthSeconds } ?? 1
        return AxisScale.seconds(from: intervals.first?.offsetSeconds ?? 0, to: end)
    }

    private static func spanNote(_ intervals: [Interval], _ text: String, _ joining: String) -> String {
        guard let length = intervals.first?.lengthSeconds, length > 1.5 else { return text }
        return "\(text); a point is \(Self.secondsText(length))\(joining)"
    }

    /// What was due, answered and failed, a second.
    var rateChart: LineChart? {
        guard self.series.measured.count > 1 else { return nil }
        let intervals = self.series.measured.joined(upTo: Self.pointsMax)
        let scale = self.timeScale(intervals)
        let due = intervals.map { Double($0.due) / $0.lengthSeconds }
        let highest = max(due.max() ?? 0, intervals.map(\.rate).max() ?? 0)
        var lines = [
            LineChart.Line(
                name: "answers", colour: "c1", form: .line, points: self.course(intervals, scale) { $0.rate })
        ]
        if self.plan.mode == .open {
            lines.append(
                LineChart.Line(
                    name: "due", colour: "c5", form: .dashed,
                    points: self.course(intervals, scale) { Double($0.due) / $0.lengthSeconds }))
        }
        if self.outcome.errors > 0 {
            lines.append(
                LineChart.Line(
                    name: "errors", colour: "bad", form: .line,
                    points: self.course(intervals, scale) { Double($0.errors) / $0.lengthSeconds }))
        }
        return LineChart(
            title: "Answers a second", note: Self.spanNote(intervals, "over the run", " on average"),
            summary: "Answers a second over the run, \(NumberText.rate(self.outcome.answersPerSecond)) on average.",
            across: .seconds, xScale: scale, yScale: .linear(to: highest, label: AxisScale.countLabel), unit: .rate,
            lines: lines)
    }

    var inFlightChart: LineChart? {
        guard self.series.measured.count > 1 else { return nil }
        let intervals = self.series.measured.joined(upTo: Self.pointsMax)
        let scale = self.timeScale(intervals)
        let highest = Double(intervals.map(\.inFlight).max() ?? 0)
        return LineChart(
            title: "Requests in flight", note: Self.spanNote(intervals, "at the end of each interval", ", at its end"),
            summary: "Requests in flight, \(NumberText.mean(self.outcome.inFlightMean)) on average and "
                + "\(self.outcome.inFlightMax) at most.",
            across: .seconds, xScale: scale,
            yScale: .linear(to: highest, isWhole: true, label: AxisScale.countLabel), unit: .count,
            lines: [
                LineChart.Line(
                    name: "in flight", colour: "c4", form: .line,
                    points: self.course(intervals, scale) { Double($0.inFlight) })
            ])
    }

    /// Percentiles of each interval. With another run, its p99 beside this one's.
    func latencyChart(comparedWith before: LoadReport?) -> LineChart? {
        guard self.series.measured.count > 1, self.latency.count > 0 else { return nil }
        let intervals = self.series.measured.joined(upTo: Self.pointsMax)
        let others = before?.series.measured.joined(upTo: Self.pointsMax) ?? []
        let scale = self.timeScale(
            (intervals.last?.offsetSeconds ?? 0) >= (others.last?.offsetSeconds ?? 0) ? intervals : others)
        let values: [(String, String, LineChart.Line.Form, [Interval], (Interval) -> Double)] =
            before == nil
            ? [
                ("p50", "c1", .line, intervals, { $0.p50 }), ("p99", "c2", .line, intervals, { $0.p99 }),
                ("p99.9", "c3", .line, intervals, { $0.p999 }), ("max", "c5", .dashed, intervals, { $0.max }),
            ]
            : [
                ("p50 after", "c1", .line, intervals, { $0.p50 }), ("p99 after", "c3", .line, intervals, { $0.p99 }),
                ("p50 before", "c1", .dashed, others, { $0.p50 }), ("p99 before", "c3", .dashed, others, { $0.p99 }),
            ]
        let all = values.flatMap { value in value.3.filter { $0.answers > 0 }.map(value.4) }.filter { $0 > 0 }
        return LineChart(
            title: "Latency over time",
            note: Self.spanNote(
                intervals, before == nil ? "of the answers in each interval" : "of each side the middle run",
                ", with the highest percentiles in it"),
            summary: "Latency over the run; " + self.percentileSentence + ".", across: .seconds, xScale: scale,
            yScale: .time(from: all.min() ?? 1, to: all.max() ?? 1), unit: .microseconds,
            lines: values.map { value in
                LineChart.Line(
                    name: value.0, colour: value.1, form: value.2,
                    points: self.course(value.3, scale) { $0.answers > 0 ? value.4($0) : nil })
            }, isWide: true)
    }

    /// How many answers took how long.
    var histogramChart: LineChart? {
        guard self.latency.count > 0, let last = self.latency.buckets.last else { return nil }
        let lowest = self.latency.buckets.first { $0.microseconds > 0 }?.microseconds ?? 1
        let scale = AxisScale.logarithmic(
            from: max(lowest, 0.001), to: max(last.microseconds, 0.001), marksMax: 6, gap: 0.15,
            label: AxisScale.timeLabel)
        var counts = [Double](repeating: 0, count: Self.barsCount)
        for bucket in self.latency.buckets {
            let bar = min(Self.barsCount - 1, Int(scale.position(bucket.microseconds) * Double(Self.barsCount)))
            counts[bar] += Double(bucket.count)
        }
        let highest = counts.max() ?? 1
        return LineChart(
            title: "Latency histogram", note: "answers by latency, both axes logarithmic",
            summary: "How many answers took how long; " + self.percentileSentence + ".", across: .microseconds,
            xScale: scale,
            // From below 1, so that a single answer has a height.
            yScale: .logarithmic(from: 0.5, to: max(highest, 10)) { $0 < 1 ? "" : AxisScale.countLabel($0) },
            unit: .count,
            lines: [
                LineChart.Line(
                    name: "answers", colour: "c1", form: .bars,
                    points: counts.enumerated().map { index, count in
                        LineChart.Point(
                            x: Double(index + 1) / Double(Self.barsCount), value: count > 0 ? count : nil)
                    })
            ])
    }
}
