import Foundation
import Terminal
import Testing

@testable import LoadReport

@Suite struct ComparisonTests {
    private static func report(_ slowness: Double, seed: UInt64, shape: SampleReport.Shape = .healthy) -> LoadReport {
        SampleReport(shape: shape, rate: 200, seconds: 40, slowness: slowness, seed: seed).report
    }

    @Test func aSlowerRunIsCalledSlower() throws {
        let comparison = LoadComparison(Self.report(1, seed: 1), Self.report(1.3, seed: 2))
        #expect(comparison.verdict == .slower)
        #expect(try #require(comparison.confidence) > 0.95)
        let p50 = try #require(comparison.estimates.first { $0.measure == .p50 })
        #expect(p50.range.contains(1.3))
        #expect(p50.direction == .worse)
        #expect(abs(p50.change - 1.3) < 0.1)
        let text = comparison.text(style: .plain)
        #expect(text.hasPrefix("SLOWER: p50 +"))
        #expect(LoadComparison(Self.report(1.3, seed: 2), Self.report(1, seed: 1)).verdict == .faster)
    }

    /// Runs of one kind, many times: how often a difference is told that is none.
    @Test func chanceIsRarelyCalledADifference() {
        let told = (0..<30).filter { round in
            let (first, second) = (UInt64(100 + round), UInt64(900 + round))
            return LoadComparison(Self.report(1, seed: first), Self.report(1, seed: second)).verdict != .noDifference
        }
        #expect(told.count <= 3, "\(told)")
    }

    /// Intervals that depend on their neighbours hold less than their number; an estimate that took each for its own would
    /// be wrong in a third of the cases.
    @Test func slowSpellsAreNotManySamples() {
        var source = Source(state: 7)
        let rounds = 100
        let told = (0..<rounds).filter { _ in
            let series = (0..<2).map { _ in Self.persistent(60, &source) }
            return RatioEstimate(.p99, [series[0]], [series[1]], amongMeasures: 1).direction != .untold
        }
        #expect(told.count <= rounds * 15 / 100, "\(told.count) of \(rounds)")
    }

    /// Around 1,000 with a spread of a fifth, each the half of what was before.
    private static func persistent(_ count: Int, _ source: inout Source) -> [Double] {
        var level = 0.0
        return (0..<count).map { _ in
            level = 0.5 * level + 0.2 * (source.unit() + source.unit() + source.unit() - 1.5)
            return 1000 * exp(level)
        }
    }

    // MARK: Several runs a side

    private static func runs(_ slowness: [Double], seed: UInt64) -> [LoadReport] {
        slowness.enumerated().map { Self.report($0.element, seed: seed + UInt64($0.offset)) }
    }

    /// Runs of one kind on a machine whose speed changes from run to run: one of each side may differ by all of that, and
    /// several of each show that it is no difference.
    @Test func driftBetweenRunsIsNoDifference() throws {
        let before = Self.runs([1, 1.25, 1.1], seed: 1)
        let after = Self.runs([1.2, 1, 1.15], seed: 11)
        let one = LoadComparison(before[0], after[0])
        #expect(one.verdict == .slower && !one.seesDrift)
        #expect(try #require(one.driftText).hasPrefix("one run a side"))
        #expect(one.text(style: .plain).contains("! one run a side"))
        #expect(one.html().contains("one run a side"))
        let all = LoadComparison(before, after)
        #expect(all.verdict == .noDifference && all.seesDrift && all.confidence == nil)
        #expect(all.driftText == nil)
        let p50 = try #require(all.estimates.first { $0.measure == .p50 })
        #expect(p50.range.contains(1))
        #expect(all.text(style: .plain).contains("before 3"))
        #expect(all.html().contains("after 3"))
    }

    /// How often a difference is told that is none, when the machine drifts by a tenth or so.
    @Test func driftIsRarelyCalledADifference() {
        var source = Source(state: 3)
        let told = (0..<40).filter { round in
            let sides = (0..<2).map { side in
                Self.runs((0..<3).map { _ in 1 + 0.2 * source.unit() }, seed: UInt64(1000 + 20 * round + 10 * side))
            }
            return LoadComparison(sides[0], sides[1]).verdict != .noDifference
        }
        #expect(told.count <= 4, "\(told)")
    }

    @Test func aChangeBeyondTheDriftIsTold() {
        let before = Self.runs([1, 1.06, 1.03], seed: 1)
        let comparison = LoadComparison(before, Self.runs([1.35, 1.3, 1.4], seed: 11))
        #expect(comparison.verdict == .slower)
        #expect((comparison.confidence ?? 0) > 0.95)
    }

    @Test func sidesAreBothSingleOrNeither() {
        let comparison = LoadComparison(Self.runs([1, 1], seed: 1), Self.runs([1], seed: 5))
        guard case .refused(let reason) = comparison.verdict else {
            Issue.record("\(comparison.verdict)")
            return
        }
        #expect(reason.contains("2 runs before and 1 after"))
    }

    @Test func runsOfOneSideThatDifferAreNamed() {
        var odd = Self.runs([1, 1], seed: 1)
        odd[1].plan.connections = 7
        let comparison = LoadComparison(odd, Self.runs([1, 1], seed: 5))
        #expect(comparison.warnings.contains("the first side's runs 1 and 2 differ in connections: 50, 7"))
    }

    /// From tables of Student's t.
    @Test(arguments: [(1, 12.7062), (2, 4.3027), (4, 2.7764), (10, 2.2281), (30, 2.0423), (1000, 1.9623)])
    func studentsTIsThatOfTables(freedom: Double, limit: Double) {
        let student = StudentDistribution(degreesOfFreedom: freedom)
        #expect(abs(student.quantile(twoSided: 0.05) - limit) < 0.001 * limit)
        #expect(abs(student.chance(beyond: limit) - 0.05) < 0.0001)
    }

    @Test func moreErrorsAreWorse() throws {
        let comparison = LoadComparison(Self.report(1, seed: 1), Self.report(1, seed: 2, shape: .refusing))
        let errors = try #require(comparison.estimates.first { $0.measure == .errors })
        #expect(errors.direction == .worse)
        #expect(comparison.verdict == .slower)
        #expect(comparison.warnings.contains { $0.contains("more than 1 %") })
    }

    @Test func plansThatDifferAreNamed() {
        var after = Self.report(1, seed: 2)
        after.plan.connections = 7
        after.plan.rate = 300
        after.plan.server = "127.0.0.1:1"
        let comparison = LoadComparison(Self.report(1, seed: 1), after)
        #expect(comparison.warnings.contains("the runs differ in connections: 50 before, 7 after"))
        #expect(comparison.warnings.contains { $0.contains("rate: 200 a second before, 300 a second after") })
        #expect(!comparison.warnings.contains { $0.contains("server") || $0.contains("seed") })
        // A rate that was asked for differently says nothing of the servers.
        #expect(!comparison.estimates.contains { $0.measure == .rate })
    }

    @Test func runsThatSayNothingAreRefused() {
        let good = Self.report(1, seed: 1)
        var unusable = good
        unusable.verdict = .unusable
        let short = SampleReport(seconds: 5).report
        let silent = SampleReport(shape: .silent, seconds: 20).report
        for (before, after, word) in [
            (good, unusable, "bottleneck"), (good, short, "intervals"), (silent, good, "no success"),
        ] {
            let comparison = LoadComparison(before, after)
            guard case .refused(let reason) = comparison.verdict else {
                Issue.record("\(word): \(comparison.verdict)")
                continue
            }
            #expect(reason.contains(word))
            #expect(comparison.estimates.isEmpty)
            #expect(comparison.text(style: .plain).hasPrefix("NO COMPARISON: "))
            #expect(comparison.html().contains("No comparison"))
        }
    }

    /// Neither the warm-up nor the first second nor the moment after the last request is a sample.
    @Test func onlyMeasuredIntervalsAreSamples() {
        var report = SampleReport(seconds: 12).report
        var warmup = LoadReport.Interval()
        warmup.offsetSeconds = -1
        warmup.p50 = 1_000_000
        warmup.answers = 500
        report.series.insert(warmup, at: 0)
        var rest = LoadReport.Interval()
        rest.offsetSeconds = 12
        rest.lengthSeconds = 0.01
        report.series.append(rest)
        let intervals = LoadComparison.intervals(of: report)
        #expect(intervals.map(\.offsetSeconds) == (1...11).map(Double.init))
        #expect(intervals.last?.lengthSeconds == 1.01)
        #expect(report.rateChart?.lines.first?.points.count == 12)
    }

    @Test func oneComparisonHasOneAnswer() {
        let texts = (0..<2).map { _ in
            LoadComparison(Self.report(1, seed: 1), Self.report(1.1, seed: 2)).text(style: .plain)
        }
        #expect(texts[0] == texts[1])
        #expect(texts[0].split(separator: "\n").allSatisfy { $0.count <= 80 })
    }
}
