import Foundation
import Terminal

/// The comparison as one file for a browser, or as a part of a report.
extension LoadComparison {
    public func html() -> String {
        let (word, reason) = self.headline
        let names = self.namedRuns.map { name, report in
            "<p class=\"soft\"><b>\(name)</b>: \(HTMLText.escaped(report.plan.workload)) on "
                + "\(HTMLText.escaped(report.plan.server)), \(HTMLText.escaped(report.loadText)), "
                + "\(HTMLText.escaped(report.startedAt)); \(HTMLText.escaped(report.headline.word.lowercased()))</p>"
        }
        let body = """
            <header><h1>Load runs compared</h1>\(names.joined())
            \(self.verdictHTML)</header>
            <div class="grid">
            \(self.estimatesHTML)
            \(self.chartsHTML)
            \(self.wholeRunHTML)
            \(self.plansHTML)
            </div>
            <footer>\(HTMLText.escaped(self.method))</footer>
            """
        return HTMLPage.page(title: "\(word): \(reason)", body: body)
    }

    /// Within the report of the second run.
    var section: String {
        "<section class=\"card wide\"><h2>Compared with the run of \(HTMLText.escaped(self.before.startedAt))</h2>"
            + self.verdictHTML + self.estimateTable + "<p class=\"soft\">\(HTMLText.escaped(self.method))</p></section>"
            + (self.estimates.isEmpty ? "" : self.after.percentileChart(comparedWith: self.before)?.html ?? "")
    }

    private var verdictHTML: String {
        let (word, reason) = self.headline
        let tone =
            switch self.verdict {
            case .faster: "good"
            case .slower: "bad"
            case .mixed, .noDifference, .refused: "warn"
            }
        let confidence = self.confidenceText.map { " (\($0))" } ?? ""
        return
            "<div class=\"verdict \(tone)\"><b>\(word)</b><span>\(HTMLText.escaped(reason + confidence))</span></div>"
            + LoadReport.notesHTML((self.driftText.map { [$0] } ?? []) + self.warnings)
    }

    private var estimatesHTML: String {
        guard !self.estimates.isEmpty else { return "" }
        return "<section class=\"card wide\"><h2>What changed</h2>\(self.estimateTable)</section>"
    }

    private var estimateTable: String {
        guard !self.estimates.isEmpty else { return "" }
        let rows = self.estimates.map { estimate in
            let tone =
                switch estimate.direction {
                case .better: "good"
                case .worse: "bad"
                case .untold: ""
                }
            return [
                HTMLText.escaped(estimate.measure.name), HTMLText.units(estimate.text(estimate.before)),
                HTMLText.units(estimate.text(estimate.after)),
                "<span class=\"mark \(tone)\">\(estimate.changeText)</span>",
                estimate.rangeText, self.bar(estimate, tone),
                "<span class=\"\(tone)\">\(estimate.directionText)</span>",
            ]
        }
        return HTMLText.table(
            caption: "Changes with their ranges",
            heads: ["", "before", "after", "change", "95 % range", "less ← → more", ""], rows: rows)
    }

    /// The range on a line whose middle is no change, and whose ends are the largest change of all.
    private func bar(_ estimate: RatioEstimate, _ tone: String) -> String {
        let isShare = estimate.measure == .errors
        let size: (Double, RatioEstimate) -> Double = { change, estimate in
            estimate.measure == .errors ? change * 100 : log2(max(change, 1e-9))
        }
        let farthest = self.estimates.filter { ($0.measure == .errors) == isShare }.map { estimate in
            max(abs(size(estimate.range.lowerBound, estimate)), abs(size(estimate.range.upperBound, estimate)))
        }
        let end = max(farthest.max() ?? 0, 0.1)
        let places = [estimate.range.lowerBound, estimate.range.upperBound].map { 50 + 48 * size($0, estimate) / end }
        return "<span class=\"range \(tone)\"><i style=\"left:\(HTMLText.coordinate(places[0]))%;width:"
            + "\(HTMLText.coordinate(places[1] - places[0]))%\"></i></span>"
    }

    private var chartsHTML: String {
        guard !self.estimates.isEmpty else { return "" }
        let charts = [
            self.after.percentileChart(comparedWith: self.before), self.after.latencyChart(comparedWith: self.before),
        ]
        return charts.compactMap { $0?.html }.joined(separator: "\n")
    }

    private var wholeRunHTML: String {
        let percentiles: [Double] = [50, 90, 95, 99, 99.9, 99.99]
        let names = percentiles.map(LoadReport.Latency.name(ofPercentile:))
        let rows = self.namedRuns.map { name, report in
            let values = percentiles.map { report.latency.microseconds(atPercentile: $0) }
            let ends = report.latency.count > 0 ? [report.latency.max, report.latency.mean] : [nil, nil]
            return [
                name, NumberText.rate(report.outcome.answersPerSecond),
                NumberText.percent(report.outcome.errorShare ?? 0),
            ]
                + (values + ends).map { $0.map(HTMLText.time) ?? "–" }
        }
        return "<section class=\"card wide\"><h2>Whole runs</h2>"
            + HTMLText.table(
                caption: "All runs as a whole", heads: ["", "answers a second", "errors"] + names + ["max", "mean"],
                rows: rows) + "</section>"
    }

    private var plansHTML: String {
        let facts = zip(
            self.before.planFacts + self.before.environmentFacts, self.after.planFacts + self.after.environmentFacts)
        let rows = facts.filter { $0.value != Fact.absent || $1.value != Fact.absent }.map { before, after in
            let after = HTMLText.escaped(after.value)
            return [
                HTMLText.escaped(before.name), HTMLText.escaped(before.value),
                HTMLText.escaped(before.value) == after ? after : "<span class=\"mark\">\(after)</span>",
            ]
        }
        return "<section class=\"card wide\"><h2>Plans and machines</h2>"
            + HTMLText.table(
                caption: "Plans and machines of both sides", heads: ["", "before", "after"], rows: rows,
                classes: "folded")
            + "</section>"
    }
}
