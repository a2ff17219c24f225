import Terminal
import Testing

@testable import LoadReport

@Suite struct TextTests {
    static let widths = [40, 80, 100, 240]

    @Test(arguments: [SampleReport.Shape.healthy, .refusing, .stalling, .silent], TextTests.widths)
    func textFitsItsColumns(shape: SampleReport.Shape, columns: Int) throws {
        let report = try SampleReport(shape: shape, seconds: 61).report("p99<2ms", "errors<0.1%")
        let text = report.text(style: TextStyle(hasColours: false, columns: columns))
        for line in text.split(separator: "\n") {
            #expect(TerminalText.width(String(line)) <= min(max(columns, 80), 100), "\(line)")
            #expect(line.last != " ")
        }
        #expect(!text.contains(/\bnan\b|\binf\b/))
        #expect(!text.contains("\u{1B}"))
    }

    @Test func verdictsAreTheFirstWord() throws {
        var report = SampleReport(seconds: 2).report
        #expect(report.text(style: .plain).hasPrefix("PASSED: every answer was as expected\n"))
        report.verdict = .unusable
        report.generator.bottlenecks = ["its own delay at p99 was 4.2 ms"]
        let unusable = report.text(style: .plain)
        #expect(unusable.hasPrefix("UNUSABLE: the generator was the bottleneck"))
        #expect(unusable.contains("! its own delay at p99 was 4.2 ms"))
        let missed = try SampleReport(seconds: 2).report("p50<1us", "errors<1%").text(style: .plain)
        #expect(missed.hasPrefix("MISSED: p50<1us was "))
        #expect(missed.contains("MISSED  p50<1us"))
        #expect(missed.contains("holds   errors<1%"))
        let failed = SampleReport(shape: .refusing, seconds: 20).report.text(style: .plain)
        #expect(failed.hasPrefix("FAILED: "))
        #expect(failed.contains("quota_exceeded"))
        #expect(failed.contains("unexpected"))
        #expect(failed.contains("1 connection lost: ECONNRESET"))
        let silent = SampleReport(shape: .silent, seconds: 2).report.text(style: .plain)
        #expect(silent.hasPrefix("FAILED: nothing was answered"))
        #expect(silent.contains("1,000 requests without an answer"))
        #expect(!silent.contains("0.00us"))
    }

    @Test func coloursOnlyAddEscapes() {
        let report = SampleReport(shape: .refusing, seconds: 20).report
        let coloured = report.text(style: TextStyle(hasColours: true, columns: 80))
        #expect(coloured.contains("\u{1B}["))
        #expect(coloured.replacing(/\u{1B}\[[0-9;]*m/, with: "") == report.text(style: .plain))
    }

    @Test func namesFromElsewhereMoveNoCursor() {
        var report = SampleReport(shape: .refusing, seconds: 2).report
        report.plan.server = "a\u{1B}[2Jb"
        report.plan.scenario = "c\rd"
        report.losses = [LoadReport.LossCount(reason: "e\u{7}\u{202E}", count: 1)]
        report.statuses[0].code = "f\n\u{1B}]0;g\u{7}"
        report.generator.bottlenecks = ["h\u{1B}c"]
        report.thresholds = [LoadReport.ThresholdResult(expression: "i\u{1B}[A", measured: 1, passed: false)]
        let text = report.text(style: .plain)
        #expect(!text.unicodeScalars.contains { $0.value < 32 && $0 != "\n" || $0.value == 0x202E })
    }

    @Test func hugeNumbersAreNoTrap() {
        var report = SampleReport(seconds: 2).report
        report.outcome.answersPerSecond = 1e300
        report.outcome.elapsedSeconds = 1e300
        report.plan.rate = .greatestFiniteMagnitude
        report.latency.max = 1e300
        report.series[0].answers = .max
        report.series[0].p99 = 1e300
        report.latency.percentiles[0].percentile = 1e300
        #expect(report.text(style: .plain).hasPrefix("PASSED"))
    }

    @Test func sparklinesRunFromNothingToTheHighest() {
        #expect(Sparkline.text([0, 1, 2, 4, nil, 8]) == "▁▂▃▅ █")
        #expect(Sparkline.text([0, 0]) == "▁▁")
        #expect(Sparkline.text([]) == "")
    }

    @Test func shortEndIsNoRateOfItsOwn() {
        var report = SampleReport(seconds: 5).report
        var rest = LoadReport.Interval()
        rest.offsetSeconds = 5
        rest.lengthSeconds = 0.001
        rest.answers = 1
        rest.max = 77_000
        report.series.append(rest)
        let text = report.text(style: .plain)
        #expect(text.contains("█████  500 to 500"))
        #expect(report.series.measured.last?.max == 77_000)
        #expect(SampleReport(seconds: 1).report.series.measured.count == 1)
    }

    @Test func joinedIntervalsKeepTheWorst() {
        let series = SampleReport(shape: .refusing, seconds: 100).report.series
        let joined = series.joined(upTo: 30)
        #expect(joined.count == 25)
        #expect(joined.reduce(0) { $0 + $1.answers } == series.reduce(0) { $0 + $1.answers })
        #expect(joined.reduce(0) { $0 + $1.lengthSeconds } == 100)
        #expect(joined.map(\.p99).max() == series.map(\.p99).max())
        #expect(joined[1].p50 >= series[4..<8].map(\.p50).min() ?? 0)
        #expect(joined[1].p50 <= series[4..<8].map(\.p50).max() ?? 0)
        #expect(series.joined(upTo: 100) == series)
    }
}
