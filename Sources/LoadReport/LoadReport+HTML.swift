import Terminal

/// The report as one file for a browser, below 300 kB: charts, tables, and everything that a sceptic asks for.
extension LoadReport {
    /// - Parameter before: an earlier run, whose comparison with this one is shown on top; nil for none.
    public func html(comparedWith before: LoadReport? = nil) -> String {
        let comparison = before.map { LoadComparison($0, self).section } ?? ""
        let charts = [self.percentileChart(comparedWith: nil), self.latencyChart(comparedWith: nil), self.rateChart]
        let small = [self.inFlightChart]
        let drawn = (charts + small).compactMap { $0?.html }.joined(separator: "\n")
        let histogram = self.histogramChart?.html ?? ""
        let body = """
            \(self.headHTML)
            \(self.tilesHTML)
            <div class="grid">
            \(self.thresholdsHTML)
            \(comparison)
            \(drawn)
            \(histogram)
            \(self.latencyTableHTML)
            \(self.errorsHTML)
            \(self.generatorHTML)
            \(self.factsHTML)
            </div>
            <footer>Written by \(HTMLText.escaped("\(self.tool.name) \(self.tool.version)")), schema \
            \(HTMLText.escaped(self.schema)). Latency counts from the moment a request was due, so a server that stalls \
            is charged for everyone who would have waited.</footer>
            """
        let title = "\(self.headline.word): \(self.plan.workload) on \(self.plan.server)"
        return HTMLPage.page(title: title, body: body)
    }

    private var headHTML: String {
        let (word, reason) = self.headline
        let tone =
            switch self.verdict {
            case .passed: "good"
            case .failed, .missed: "bad"
            case .unusable: "warn"
            }
        let scenario = self.plan.scenario.map { ", scenario \(HTMLText.escaped($0))" } ?? ""
        return """
            <header><h1>\(HTMLText.escaped(self.plan.workload)) on \(HTMLText.escaped(self.plan.server))</h1>
            <p class="soft">\(HTMLText.escaped(self.loadText))\(scenario) · \(HTMLText.escaped(self.meansText)) · \
            \(Self.secondsText(self.outcome.elapsedSeconds)) · \(HTMLText.escaped(self.startedAt))</p>
            <div class="verdict \(tone)"><b>\(word)</b><span>\(HTMLText.escaped(reason))</span></div>
            \(Self.notesHTML(self.generator.bottlenecks + self.generator.notes + self.endingNotes))</header>
            """
    }

    static func notesHTML(_ notes: [String]) -> String {
        guard !notes.isEmpty else { return "" }
        return HTMLText.element("ul", "notes", notes.map { "<li>\(HTMLText.escaped($0))</li>" }.joined())
    }

    private var tilesHTML: String {
        let offered = self.plan.mode == .open ? self.plan.rate.map { "of \(NumberText.rate($0)) asked for" } : nil
        var tiles = [
            ("answers a second", NumberText.rate(self.outcome.answersPerSecond), offered ?? "closed loop", false)
        ]
        for percentile in [50, 99, 99.9] {
            let value = self.latency.microseconds(atPercentile: percentile).map(HTMLText.time)
            tiles.append(("latency \(Latency.name(ofPercentile: percentile))", value ?? "–", "", false))
        }
        tiles.append(("highest latency", self.latency.count > 0 ? HTMLText.time(self.latency.max) : "–", "", false))
        let errors = self.outcome.errors
        tiles.append(
            (
                "errors", NumberText.grouped(errors),
                errors > 0
                    ? NumberText.percent(self.outcome.errorShare ?? 0)
                    : "of \(NumberText.grouped(self.outcome.requestsDue))",
                errors > 0
            ))
        let items = tiles.map { name, value, note, isBad in
            "<li\(isBad ? " class=\"bad\"" : "")><span>\(name)</span><b>\(value)</b><span>\(note)</span></li>"
        }
        return HTMLText.element("ul", "tiles", items.joined())
    }

    private var thresholdsHTML: String {
        guard !self.thresholds.isEmpty else { return "" }
        let rows = self.thresholds.map { result in
            [
                HTMLText.escaped(result.expression), HTMLText.units(result.measuredText),
                result.passed ? "<span class=\"mark good\">✓ holds</span>" : "<span class=\"mark bad\">✗ missed</span>",
            ]
        }
        return "<section class=\"card wide\"><h2>Thresholds</h2>"
            + HTMLText.table(
                caption: "Thresholds and what was measured", heads: ["threshold", "measured", "verdict"], rows: rows,
                classes: "tight")
            + "</section>"
    }

    private var latencyTableHTML: String {
        guard self.latency.count > 0 else { return "" }
        let percentiles: [Double] = [50, 75, 90, 95, 99, 99.9, 99.99, 99.999]
        let shown = self.distributions.filter { $0.latency.count > 0 }
        var rows = percentiles.map { percentile in
            [Latency.name(ofPercentile: percentile)]
                + shown.map { HTMLText.time($0.latency.microseconds(atPercentile: percentile) ?? 0) }
        }
        rows.append(["max"] + shown.map { HTMLText.time($0.latency.max) })
        rows.append(["mean"] + shown.map { HTMLText.time($0.latency.mean) })
        rows.append(["std. deviation"] + shown.map { HTMLText.time($0.latency.standardDeviation) })
        let meanings = shown.map { "<b>\($0.name)</b>: \($0.meaning)" }.joined(separator: "; ")
        return "<section class=\"card\"><h2>Latencies</h2>"
            + HTMLText.table(
                caption: "Latencies by percentile", heads: ["percentile"] + shown.map(\.name), rows: rows)
            + "<p class=\"soft\">\(meanings).</p></section>"
    }

    private var errorsHTML: String {
        let rows = self.statuses.map { row in
            let share = self.outcome.answers > 0 ? Double(row.count) / Double(self.outcome.answers) : 0
            return [
                "\(row.status)", HTMLText.escaped(row.code ?? "–"), NumberText.grouped(row.count),
                NumberText.percent(share),
                row.isExpected
                    ? "<span class=\"good\">expected</span>" : "<span class=\"mark bad\">unexpected</span>",
            ]
        }
        let others = self.otherErrors.map { Fact($0.name, NumberText.grouped($0.count)) }
        let losses = self.losses.map { Fact("connections lost: \($0.reason)", NumberText.grouped($0.count)) }
        let table =
            rows.isEmpty
            ? "<p>There was no answer at all.</p>"
            : HTMLText.table(
                caption: "Answers by status", heads: ["status", "code", "count", "of answers", ""], rows: rows,
                classes: "left")
        return "<section class=\"card\"><h2>Answers and errors</h2>" + table
            + (others.isEmpty && losses.isEmpty ? "" : HTMLText.facts(others + losses)) + "</section>"
    }

    private var generatorHTML: String {
        let generator = self.generator
        let lag = self.scheduleLag
        let percentiles = [50, 99, 99.9].compactMap { percentile in
            lag.microseconds(atPercentile: percentile).map {
                "\(Latency.name(ofPercentile: percentile)) \(HTMLText.time($0))"
            }
        }
        let outcome = self.outcome
        let facts = [
            Fact("requests due", NumberText.grouped(outcome.requestsDue)),
            Fact("requests sent", NumberText.grouped(outcome.requestsSent)),
            Fact(
                "in flight",
                "\(NumberText.mean(outcome.inFlightMean)) on average, \(outcome.inFlightMax) at most"
                    + self.inFlightMaxNote),
            Fact(
                "send lag",
                percentiles.isEmpty ? "–" : (percentiles + ["max \(HTMLText.time(lag.max))"]).joined(separator: ", ")),
            Fact("busiest thread", "\(NumberText.percent(generator.processorShareMax)) of a processor"),
            Fact("waited for one", generator.processorWaitShareMax.map { NumberText.percent($0) + " of the time" }),
            Fact(
                "processor time",
                outcome.answers > 0 ? "\(NumberText.decimals(generator.microsecondsPerRequest, 2)) µs a request" : "–"),
            Fact("connections begun", outcome.connects > 0 ? NumberText.grouped(outcome.connects) : nil),
            Fact("bytes", "\(NumberText.bytes(outcome.bytesOut)) out, \(NumberText.bytes(outcome.bytesIn)) in"),
            Fact(
                "bottlenecks",
                generator.bottlenecks.isEmpty
                    ? "none: it offered what it was asked to" : generator.bottlenecks.joined(separator: "; ")),
        ]
        return "<section class=\"card\"><h2>The generator's own account</h2>"
            + HTMLText.facts(facts.filter { $0.value != Fact.absent }) + "</section>"
    }

    private var factsHTML: String {
        "<section class=\"card\"><h2>Plan</h2>\(HTMLText.facts(self.planFacts.filter { $0.value != Fact.absent }))</section>"
            + "<section class=\"card\"><h2>Environment</h2>\(HTMLText.facts(self.environmentFacts))</section>"
    }
}
