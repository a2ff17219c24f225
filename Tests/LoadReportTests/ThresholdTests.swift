import LoadReport
import Testing

@Suite struct ThresholdTests {
    @Test(
        arguments: [
            ("p99<2ms", .percentile(99), .less, 2000), ("p99.9<=10ms", .percentile(99.9), .lessOrEqual, 10_000),
            (" p50 < 250us ", .percentile(50), .less, 250), ("mean<1s", .mean, .less, 1_000_000),
            ("max<1.5ms", .max, .less, 1500), ("min>=10us", .min, .greaterOrEqual, 10),
            ("lag.p99<500us", .lagPercentile(99), .less, 500), ("lag.max<1ms", .lagMax, .less, 1000),
            ("errors<0.1%", .errors, .less, 0.001), ("errors<=0", .errors, .lessOrEqual, 0),
            ("unanswered<1%", .unanswered, .less, 0.01), ("rate>=500", .rate, .greaterOrEqual, 500),
            ("rate>99.5/s", .rate, .greater, 99.5), ("connections_lost<=0", .connectionsLost, .lessOrEqual, 0),
        ] as [(String, Threshold.Metric, Threshold.Relation, Double)])
    func readsWhatIsMeant(text: String, metric: Threshold.Metric, relation: Threshold.Relation, limit: Double) throws {
        let threshold = try Threshold(parsing: text)
        #expect(threshold.metric == metric)
        #expect(threshold.relation == relation)
        #expect(abs(threshold.limit - limit) < 1e-9)
        #expect(!threshold.expression.contains(" "))
    }

    @Test(arguments: [
        ("p99", "such as p99<2ms"), ("p99=2ms", "such as p99<2ms"), ("p99<2", "with its unit"),
        ("p99<", "there is no limit"), ("p99<fast", "with its unit"), ("p999<2ms", "did you mean p99.9?"),
        ("p0<2ms", "above 0"), ("latency<2ms", "is no metric"), ("pnan<2ms", "is no metric"),
        ("p99<nanms", "with its unit"), ("p99<0x2ms", "with its unit"), ("errors<0.1", "in percent"),
        ("errors<101%", "in percent"), ("rate>=fast", "answers a second"), ("rate>=", "answers a second"),
        ("connections_lost<1.5", "whole number"), ("p99<<2ms", "with its unit"), ("", "such as p99<2ms"),
        ("p99<-2ms", "with its unit"), ("p99.<2ms", "is no metric"), ("p9.9.9<2ms", "is no metric"),
    ])
    func saysWhatWasExpected(text: String, expected: String) {
        let fault = #expect(throws: ThresholdFault.self) { try Threshold(parsing: text) }
        #expect(fault?.description.contains(expected) == true, "\(String(describing: fault))")
    }

    /// Percentiles are those of the samples themselves, also those that the report's table does not have.
    @Test func percentilesAreExact() {
        var latency = LoadReport.Latency()
        latency.count = 1000
        latency.buckets = (1...1000).map { LoadReport.Latency.Bucket(microseconds: Double($0), count: 1) }
        for percentile in [0.1, 12.5, 50, 99, 99.9, 100] {
            #expect(latency.microseconds(atPercentile: percentile) == (percentile * 10).rounded(.up), "\(percentile)")
        }
        #expect(latency.microseconds(atPercentile: 99.99) == 1000)
        #expect(LoadReport.Latency().microseconds(atPercentile: 50) == nil)
    }

    @Test func holdsAndMisses() throws {
        let report = SampleReport(shape: .refusing, seconds: 10).report
        let share = Double(report.outcome.errors) / Double(report.outcome.requestsDue)
        #expect(share > 0.01)
        #expect(try Threshold(parsing: "errors<1%").evaluate(report).passed == false)
        let errors = try Threshold(parsing: "errors<50%").evaluate(report)
        #expect(errors.passed)
        #expect(errors.measured == share)
        #expect(try Threshold(parsing: "p99<1us").evaluate(report).passed == false)
        #expect(try Threshold(parsing: "p99<1s").evaluate(report).passed)
        #expect(try Threshold(parsing: "rate>=400").evaluate(report).passed)
        #expect(try Threshold(parsing: "connections_lost<=1").evaluate(report).passed == false)
    }

    /// What was never measured has not been held.
    @Test(arguments: [
        ("p99<1s", false), ("mean<1s", false), ("max<1s", false), ("lag.p99<1s", false), ("rate>=1", true),
        ("errors<100%", true), ("unanswered<=99%", true),
    ])
    func nothingMeasuredIsNothingHeld(text: String, isMeasured: Bool) throws {
        let result = try Threshold(parsing: text).evaluate(SampleReport(shape: .silent, seconds: 3).report)
        #expect(!result.passed)
        #expect((result.measured != nil) == isMeasured)
    }

    @Test func intervalsTellEarly() throws {
        var interval = LoadReport.Interval()
        interval.due = 100
        interval.answers = 100
        interval.errors = 5
        interval.p99 = 3000
        #expect(try Threshold(parsing: "p99<2ms").isMissed(in: interval) == true)
        #expect(try Threshold(parsing: "p99<4ms").isMissed(in: interval) == false)
        #expect(try Threshold(parsing: "errors<=4%").isMissed(in: interval) == true)
        #expect(try Threshold(parsing: "p95<2ms").isMissed(in: interval) == nil)
        #expect(try Threshold(parsing: "p99<2ms").isMissed(in: LoadReport.Interval()) == nil)
    }

    @Test func measuredValuesHaveTheirUnit() throws {
        let report = try SampleReport(shape: .refusing, seconds: 4).report("p50<1s", "errors<1%", "rate>=1")
        let texts = report.thresholds.map(\.measuredText)
        #expect(texts[0].hasSuffix("us"))
        #expect(texts[1].hasSuffix(" %"))
        #expect(texts[2].hasSuffix("/s"))
        let foreign = LoadReport.ThresholdResult(expression: "stalls<3", measured: 2, passed: true)
        #expect(foreign.measuredText == "2.000")
    }
}
