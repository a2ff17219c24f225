public import Terminal

extension LoadComparison {
    /// The verdict in a word or two, and what it rests on.
    var headline: (word: String, reason: String) {
        switch self.verdict {
        case .faster: ("Faster", self.told)
        case .slower: ("Slower", self.told)
        case .mixed: ("Mixed", self.told)
        case .noDifference: ("No difference", "nothing differs by more than chance and noise account for")
        case .refused(let reason): ("No comparison", reason)
        }
    }

    /// Each measure that differs.
    private var told: String {
        self.estimates.filter { $0.direction != .untold }.map { "\($0.measure.name) \($0.changeText)" }
            .joined(separator: ", ")
    }

    /// `confidence 99.8 % that the runs differ`; nil where no difference is told.
    var confidenceText: String? {
        self.confidence.map { confidence in
            let share = confidence > 0.998 ? "above 99.8 %" : "\(NumberText.decimals(confidence * 100, 1)) %"
            return "confidence \(share) that the runs differ"
        }
    }

    /// What the verdict has not seen; nil when it rests on several runs a side, or is none.
    var driftText: String? {
        guard !self.estimates.isEmpty, !self.seesDrift else { return nil }
        return
            "one run a side: what the machine itself drifts by between two runs is not seen and may be all of it; repeat "
            + "both, alternating, and compare them all (--compare before1.json,before2.json,before3.json after1.json,…)"
    }

    /// How it was found, for those who doubt it.
    var method: String {
        let ranges =
            self.seesDrift
            ? "Samples are the runs, each by the mean of its intervals without the first. Ranges are 95 % of Welch's t "
                + "on \(self.runsBefore.count) and \(self.runsAfter.count) runs, so that what a machine drifts by from "
                + "run to run is in them"
            : "Samples are the intervals of each run without the first. Ranges are 95 % of a block bootstrap (4,000 "
                + "resamples; errors: each interval for itself)"
        return ranges
            + ". The confidence is that of all measures together, and changes below 3 % (0.1 points of error share) are "
            + "taken for noise."
    }

    /// Each run with its name: `before`, or of several `before 2`.
    var namedRuns: [(name: String, report: LoadReport)] {
        [("before", self.runsBefore), ("after", self.runsAfter)].flatMap { side, runs in
            runs.enumerated().map { (runs.count == 1 ? side : "\(side) \($0.offset + 1)", $0.element) }
        }
    }

    /// Lines without a newline at the end, in 80 to 100 columns.
    public func text(style: TextStyle) -> String {
        let columns = min(max(style.columns, 80), 100)
        let (word, reason) = self.headline
        let accent: TextStyle.Accent =
            switch self.verdict {
            case .faster: .green
            case .slower: .red
            case .mixed, .noDifference, .refused: .yellow
            }
        let sentence = word.uppercased() + ": " + reason + (self.confidenceText.map { " (\($0))" } ?? "")
        var lines = TerminalText.wrapped(TerminalText.printable(sentence), columns)
        lines[0] = style.styled(word.uppercased(), .bold, accent) + lines[0].dropFirst(word.count)
        if !self.estimates.isEmpty {
            var table = TextTable(["", "before", "after", "change", "95 % range", ""], right: [1, 2, 3, 4])
            for estimate in self.estimates {
                table.append([
                    estimate.measure.name, estimate.text(estimate.before), estimate.text(estimate.after),
                    estimate.changeText, estimate.rangeText, estimate.directionText,
                ])
            }
            lines += [""] + table.lines(indent: 2, style: style)
            lines += ["", "  whole run"] + self.wholeRunLines(style)
        }
        for warning in (self.driftText.map { [$0] } ?? []) + self.warnings {
            let wrapped = TerminalText.wrapped(TerminalText.printable(warning), columns - 4)
            lines +=
                [""]
                + wrapped.enumerated().map { "  " + style.styled(($0.offset == 0 ? "! " : "  ") + $0.element, .yellow) }
        }
        if !self.estimates.isEmpty {
            lines += [""] + TerminalText.wrapped(self.method, columns - 2).map { "  " + style.styled($0, .dim) }
        }
        return lines.joined(separator: "\n")
    }

    private func wholeRunLines(_ style: TextStyle) -> [String] {
        let percentiles: [Double] = [50, 90, 99, 99.9]
        let heads = percentiles.map(LoadReport.Latency.name(ofPercentile:)) + ["max", "mean", "errors"]
        var table = TextTable([""] + heads, right: Set(1...heads.count))
        for (name, report) in self.namedRuns {
            let values = percentiles.map { report.latency.microseconds(atPercentile: $0) ?? 0 }
            let times = (values + [report.latency.max, report.latency.mean]).map { NumberText.time(microseconds: $0) }
            table.append([name] + times + [NumberText.percent(report.outcome.errorShare ?? 0)])
        }
        return table.lines(indent: 2, style: style)
    }
}

extension RatioEstimate {
    /// A value of the measure.
    func text(_ value: Double) -> String {
        switch self.measure {
        case .p50, .p99: NumberText.time(microseconds: value)
        case .rate: NumberText.rate(value)
        case .errors: NumberText.percent(value)
        }
    }

    var changeText: String { self.text(change: self.change) }

    var rangeText: String {
        "\(self.text(change: self.range.lowerBound)) to \(self.text(change: self.range.upperBound))"
    }

    var directionText: String {
        switch self.direction {
        case .better: "better"
        case .worse: "worse"
        case .untold: "not told apart"
        }
    }

    /// `+12.3 %`, or beyond a doubling `2.40x`; of shares, `+0.31 points`.
    private func text(change: Double) -> String {
        if self.measure == .errors { return Self.signed(change * 100, 2) + " points" }
        return change >= 2 ? NumberText.decimals(change, 2) + "x" : Self.signed((change - 1) * 100, 1) + " %"
    }

    private static func signed(_ value: Double, _ places: Int) -> String {
        let text = NumberText.decimals(value, places)
        // A zero has no sign, whichever side it was rounded from.
        let isZero = text.allSatisfy { !("1"..."9").contains($0) }
        return isZero ? text.filter { $0 != "-" } : (value > 0 ? "+" : "") + text
    }
}
