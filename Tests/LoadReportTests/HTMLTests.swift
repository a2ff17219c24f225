import Foundation
import Testing

@testable import LoadReport

@Suite struct HTMLTests {
    private static let bytesMax = 300_000

    @Test(arguments: [SampleReport.Shape.healthy, .refusing, .stalling, .silent], [1, 2, 60, 3600])
    func pagesAreWholeAndSmall(shape: SampleReport.Shape, seconds: Int) throws {
        let rate = seconds > 1000 ? 20 : 500
        let report = try SampleReport(shape: shape, rate: rate, seconds: seconds).report("p99<2ms", "errors<0.1%")
        let html = report.html()
        #expect(html.utf8.count < Self.bytesMax)
        try Self.check(html)
        #expect(html.contains("<h2>Thresholds</h2>"))
        #expect(html.contains("Latency by percentile") == (shape != .silent))
        #expect(html.contains("Answers a second") == (seconds > 1))
        if shape == .silent { #expect(html.contains("There was no answer at all.")) }
        if let directory = ProcessInfo.processInfo.environment["REPORT_PAGES"] {
            try html.write(toFile: "\(directory)/\(shape)-\(seconds).html", atomically: true, encoding: .utf8)
        }
    }

    @Test func comparisonsShowBoth() throws {
        let before = SampleReport(seconds: 60, seed: 1).report
        let after = SampleReport(seconds: 60, slowness: 1.4, seed: 2).report
        let page = LoadComparison(before, after).html()
        let report = after.html(comparedWith: before)
        for html in [page, report] {
            #expect(html.utf8.count < Self.bytesMax)
            try Self.check(html)
            #expect(html.contains("<b>Slower</b>"))
            #expect(html.contains("95 % range"))
        }
        if let directory = ProcessInfo.processInfo.environment["REPORT_PAGES"] {
            try page.write(toFile: "\(directory)/compare.html", atomically: true, encoding: .utf8)
            try report.write(toFile: "\(directory)/compared.html", atomically: true, encoding: .utf8)
        }
    }

    @Test func namesFromElsewhereAreText() throws {
        var report = SampleReport(shape: .refusing, seconds: 12).report
        let hostile = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>&amp;\u{202E}\u{0}"
        report.plan.server = hostile
        report.plan.scenario = hostile
        report.plan.workload = hostile
        report.plan.arrival = hostile
        report.environment.kernel = hostile
        report.environment.loop = hostile
        report.startedAt = hostile
        report.tool.version = hostile
        report.schema = hostile
        report.losses = [LoadReport.LossCount(reason: hostile, count: 1)]
        report.statuses[0].code = hostile
        report.generator.bottlenecks = [hostile]
        report.thresholds = [LoadReport.ThresholdResult(expression: hostile, measured: 1, passed: false)]
        for html in [report.html(), report.html(comparedWith: report), LoadComparison(report, report).html()] {
            try Self.check(html)
            #expect(!html.contains("<img"))
            #expect(!html.contains("alert(1)</script>"))
            #expect(!html.unicodeScalars.contains { $0.value == 0x202E || $0.value == 0 })
        }
    }

    @Test func hugeNumbersAreNoTrap() throws {
        var report = SampleReport(seconds: 30).report
        report.outcome.answersPerSecond = 1e300
        report.outcome.elapsedSeconds = 1e300
        report.plan.rate = .greatestFiniteMagnitude
        report.latency.max = 1e300
        report.latency.min = .leastNonzeroMagnitude
        report.latency.buckets.append(LoadReport.Latency.Bucket(microseconds: 1e300, count: 1))
        report.series[3].answers = 1 << 62
        report.series[3].p99 = 1e300
        report.series[29].offsetSeconds = 1e300
        report.series[4].inFlight = .max
        try Self.check(report.html())
        try Self.check(LoadComparison(report, report).html())
    }

    /// Well formed, self-contained, and without a number that is none.
    private static func check(_ html: String) throws {
        // No address is loaded from: nothing with src, and the one link is the empty icon.
        #expect(!html.contains(/<[^<>]*\ssrc=|@import|url\(|https?:\/\//))
        #expect(html.ranges(of: "href=").count == 1)
        #expect(!html.contains(/["\s,(:]-?(nan|inf)\b/))
        #expect(html.ranges(of: "<script>").count == 1)
        try Self.checkNesting(html)
        for chart in html.matches(of: /data-chart="([^"]*)"/) {
            let json = String(chart.output.1).replacingOccurrences(of: "&quot;", with: "\"")
            let data = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
            let lines = try #require(data["l"] as? [[Any]])
            for line in lines { #expect((line[3] as? [Any])?.count == (line[4] as? [Any])?.count) }
        }
        // Every drawn thing is described for those who do not see it.
        #expect(html.ranges(of: "<svg").count == html.ranges(of: "<desc>").count)
        #expect(html.ranges(of: "<table").count == html.ranges(of: "<caption>").count)
    }

    /// Each tag that is opened is closed in its turn.
    private static func checkNesting(_ html: String) throws {
        let empty: Set<Substring> = ["meta", "link", "path"]
        var open: [Substring] = []
        let markup = html.replacing(/<(style|script)>[\s\S]*?<\/(style|script)>/, with: "")
        for tag in markup.matches(of: /<(\/?)([a-z0-9]+)(?:\s[^<>]*)?>/) where !empty.contains(tag.output.2) {
            if tag.output.1.isEmpty {
                open.append(tag.output.2)
            } else {
                #expect(open.popLast() == tag.output.2, "\(tag.output.0)")
            }
        }
        #expect(open.isEmpty)
    }
}
