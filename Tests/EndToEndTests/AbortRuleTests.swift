import LoadReport
import Testing

@testable import oap_bench

/// When a run is ended because it cannot be passed any more.
@Suite struct AbortRuleTests {
    private static func interval(
        _ second: Double, due: UInt64 = 100, answers: UInt64 = 100, errors: UInt64 = 0, p50: Double = 100,
        p99: Double = 200, p999: Double = 300, max: Double = 400
    ) -> LoadReport.Interval {
        var interval = LoadReport.Interval()
        interval.offsetSeconds = second
        (interval.due, interval.sent, interval.answers, interval.errors) = (due, due, answers, errors)
        (interval.p50, interval.p99, interval.p999, interval.max) = (p50, p99, p999, max)
        return interval
    }

    private static func rule(_ expression: String, total: UInt64? = 6000) throws -> AbortRule {
        AbortRule([try Threshold(parsing: expression)], dueTotal: total)
    }

    /// The number of intervals after which the rule ends the run; nil when it does not.
    private static func ends(
        _ rule: AbortRule, _ intervals: (Double) -> LoadReport.Interval, of count: Int = 60
    ) -> Int? {
        var rule = rule
        return (0..<count).first { rule.observe(intervals(Double($0))) != nil }.map { $0 + 1 }
    }

    @Test func whatHoldsGoesOn() throws {
        for expression in ["p50<1ms", "p99<1ms", "p99.9<1ms", "max<1ms", "errors<1%", "rate>=100", "mean<1us"] {
            #expect(Self.ends(try Self.rule(expression)) { Self.interval($0) } == nil, "\(expression)")
        }
    }

    @Test func oneSlowAnswerEndsWhatAllowsNone() throws {
        #expect(Self.ends(try Self.rule("max<1ms")) { Self.interval($0, max: $0 == 4 ? 2000 : 400) } == 5)
    }

    /// A tenth of the run may be anything for p90; a bad second is no bad run.
    @Test func aMomentIsForgiven() throws {
        #expect(Self.ends(try Self.rule("p50<1ms")) { Self.interval($0, p50: $0 == 3 ? 5000 : 100) } == nil)
        #expect(
            Self.ends(try Self.rule("errors<5%")) { Self.interval($0, errors: (2...3).contains($0) ? 10 : 0) } == nil)
    }

    @Test func whatStaysMissedIsEnded() throws {
        #expect(Self.ends(try Self.rule("p50<1ms")) { Self.interval($0, p50: 5000) } == 3)
        #expect(Self.ends(try Self.rule("p99<1ms")) { Self.interval($0, p99: 5000) } == 3)
        #expect(Self.ends(try Self.rule("rate>=500")) { Self.interval($0) } == 3)
        #expect(Self.ends(try Self.rule("errors<1%")) { Self.interval($0, errors: 2) } == 3)
        #expect(Self.ends(try Self.rule("errors<1%", total: nil)) { Self.interval($0, errors: 2) } == 3)
    }

    /// More errors than the whole run may have: nothing that comes mends it.
    @Test func whatIsFinalIsEndedAtOnce() throws {
        #expect(Self.ends(try Self.rule("errors<1%")) { Self.interval($0, errors: $0 == 1 ? 61 : 0) } == 2)
    }

    @Test func theWarmUpDoesNotCount() throws {
        #expect(Self.ends(try Self.rule("max<1ms")) { Self.interval($0 - 60, max: 5000) } == nil)
    }
}
