public import Terminal

/// The report for people, in 80 to 100 columns.
extension LoadReport {
    /// Lines without a newline at the end. Names from elsewhere are printed so that they cannot move the cursor.
    public func text(style: TextStyle) -> String {
        let columns = min(max(style.columns, 80), 100)
        var lines = self.headLines(style, columns)
        lines += ["", self.rateLine, self.inFlightLine, self.errorLine(style)]
        lines += [""] + self.latencyLines(style)
        lines += self.courseLines(style, columns)
        lines += self.statusLines(style)
        lines += self.thresholdLines(style)
        lines += [""] + self.generatorLines(style, columns)
        return lines.joined(separator: "\n")
    }

    private func headLines(_ style: TextStyle, _ columns: Int) -> [String] {
        let (word, reason) = self.headline
        let accent: TextStyle.Accent =
            switch self.verdict {
            case .passed: .green
            case .failed, .missed: .red
            case .unusable: .yellow
            }
        var lines = TerminalText.wrapped(word.uppercased() + ": " + reason, columns)
        lines[0] = style.styled(word.uppercased(), .bold, accent) + lines[0].dropFirst(word.count)
        var what = "\(TerminalText.printable(self.plan.workload)) on \(TerminalText.printable(self.plan.server))"
        if let scenario = self.plan.scenario { what += ", scenario \(TerminalText.printable(scenario))" }
        lines += TerminalText.wrapped(what + ", " + self.loadText, columns - 2).map { "  " + $0 }
        var means = self.meansText
        if self.plan.keys > 0 { means += "; \(NumberText.counted(self.plan.keys, "key"))" }
        if self.plan.tenants > 1 { means += ", \(NumberText.counted(self.plan.tenants, "tenant"))" }
        lines += TerminalText.wrapped(means + ", seed \(self.plan.seed)", columns - 2).map { "  " + $0 }
        return lines + self.endingNotes.map { "  " + style.styled($0, .yellow) }
    }

    private var rateLine: String {
        let outcome = self.outcome
        let offered =
            self.plan.mode == .open && self.plan.rate != nil
            ? " of \(NumberText.grouped(outcome.requestsDue)) due"
            : " of \(NumberText.grouped(outcome.requestsSent)) sent"
        let warmup = self.plan.warmupSeconds > 0 ? " after \(Self.secondsText(self.plan.warmupSeconds)) of warm-up" : ""
        return
            "  answers    \(NumberText.rate(outcome.answersPerSecond)) a second: \(NumberText.grouped(outcome.answers))"
            + offered + " in \(Self.secondsText(outcome.elapsedSeconds))" + warmup
    }

    private var inFlightLine: String {
        "  in flight  \(NumberText.mean(self.outcome.inFlightMean)) on average, "
            + "\(NumberText.grouped(self.outcome.inFlightMax)) at most\(self.inFlightMaxNote); \(NumberText.bytes(self.outcome.bytesOut)) out, "
            + "\(NumberText.bytes(self.outcome.bytesIn)) in"
    }

    private func errorLine(_ style: TextStyle) -> String {
        let count = self.outcome.errors
        let text = "\(NumberText.grouped(count)) (\(NumberText.percent(self.outcome.errorShare ?? 0)) of what was due)"
        return "  errors     " + (count > 0 ? style.styled(text, .red) : "0")
    }

    private func latencyLines(_ style: TextStyle) -> [String] {
        guard self.latency.count > 0 else { return ["  no success, so there are no latencies"] }
        let percentiles: [Double] = [50, 90, 95, 99, 99.9, 99.99]
        let heads = percentiles.map(Latency.name(ofPercentile:)) + ["max", "mean"]
        var table = TextTable([""] + heads, right: Set(1...heads.count))
        for (name, _, latency) in self.distributions where latency.count > 0 {
            let values = percentiles.map { latency.microseconds(atPercentile: $0) ?? 0 } + [latency.max, latency.mean]
            table.append([name] + values.map { NumberText.time(microseconds: $0) })
        }
        var lines = table.lines(indent: 2, style: style)
        if self.plan.mode == .open {
            lines.append("  latency counts from the moment a request was due, service time from its send")
        }
        return lines
    }

    private func courseLines(_ style: TextStyle, _ columns: Int) -> [String] {
        guard self.series.measured.count > 1, self.latency.count > 0 else { return [] }
        let intervals = self.series.measured.joined(upTo: columns - 36)
        let rates = intervals.map(\.rate)
        let answered = intervals.filter { $0.answers > 0 }.map(\.p99)
        let width = intervals.count
        return [
            "",
            "  answers/s  " + style.styled(TerminalText.padded(Sparkline.text(rates), width), .cyan)
                + "  \(NumberText.rate(rates.min() ?? 0)) to \(NumberText.rate(rates.max() ?? 0))",
            "  p99        "
                + style.styled(
                    TerminalText.padded(Sparkline.text(intervals.map { $0.answers > 0 ? $0.p99 : nil }), width), .cyan)
                + "  \(NumberText.time(microseconds: answered.min() ?? 0)) to "
                + NumberText.time(microseconds: answered.max() ?? 0),
        ]
    }

    private func statusLines(_ style: TextStyle) -> [String] {
        guard !self.statuses.isEmpty || !self.otherErrors.isEmpty || !self.losses.isEmpty else { return [] }
        var lines: [String] = [""]
        var table = TextTable(["status", "code", "count", "of answers", ""], right: [2, 3])
        for row in self.statuses {
            let share = self.outcome.answers > 0 ? Double(row.count) / Double(self.outcome.answers) : 0
            table.append([
                "\(row.status)", TerminalText.printable(row.code ?? "-"), NumberText.grouped(row.count),
                NumberText.percent(share), row.isExpected ? "expected" : "unexpected",
            ])
        }
        if !self.statuses.isEmpty { lines += table.lines(indent: 2, style: style) }
        lines += self.otherErrors.map { "  \(NumberText.grouped($0.count)) \($0.name)" }
        lines += self.losses.map {
            "  \(NumberText.counted($0.count, "connection")) lost: \(TerminalText.printable($0.reason))"
        }
        return lines
    }

    private func thresholdLines(_ style: TextStyle) -> [String] {
        guard !self.thresholds.isEmpty else { return [] }
        let width = self.thresholds.map { TerminalText.width(TerminalText.printable($0.expression)) }.max() ?? 0
        return [""]
            + self.thresholds.map { result in
                let mark = result.passed ? style.styled("holds ", .green) : style.styled("MISSED", .red, .bold)
                let name = TerminalText.padded(TerminalText.printable(result.expression), width)
                return "  \(mark)  \(name)  \(result.measuredText)"
            }
    }

    private func generatorLines(_ style: TextStyle, _ columns: Int) -> [String] {
        let generator = self.generator
        let cost =
            self.outcome.answers > 0
            ? "\(NumberText.decimals(generator.microsecondsPerRequest, 2)) us of CPU a request, " : ""
        let wait = generator.processorWaitShareMax ?? 0
        var lines = [
            "  generator  " + cost + "busiest thread \(NumberText.percent(generator.processorShareMax)) busy"
                + (wait >= 0.01 ? ", waited \(NumberText.percent(wait)) for a processor" : "")
        ]
        for sentence in generator.bottlenecks + generator.notes {
            let wrapped = TerminalText.wrapped(TerminalText.printable(sentence), columns - 4)
            lines += wrapped.enumerated().map {
                "  " + style.styled(($0.offset == 0 ? "! " : "  ") + $0.element, .yellow)
            }
        }
        return lines
    }
}
