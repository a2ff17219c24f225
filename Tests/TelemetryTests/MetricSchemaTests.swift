import Telemetry
import Testing

/// A schema is written by us, once: every mistake in it stops the process at start instead of spoiling a scrape.
@Suite struct MetricSchemaTests {
    @Test func aNameDeclaredTwiceTraps() async {
        await #expect(processExitsWith: .failure) {
            var schema = MetricSchema()
            _ = schema.counter("requests_total", help: "Requests.")
            _ = schema.gauge("requests_total", help: "Requests.")
        }
    }

    @Test func twoSeriesWithTheSameLabelsTrap() async {
        await #expect(processExitsWith: .failure) {
            var schema = MetricSchema()
            let labels = [MetricLabel("status", "200")]
            _ = schema.counter("requests_total", help: "Requests.", series: [labels, labels])
        }
    }

    @Test func seriesWithDifferentLabelNamesTrap() async {
        await #expect(processExitsWith: .failure) {
            var schema = MetricSchema()
            _ = schema.counter(
                "requests_total", help: "Requests.",
                series: [[MetricLabel("status", "200")], [MetricLabel("app", "0")]])
        }
    }

    @Test func badNamesTrap() async {
        await #expect(processExitsWith: .failure) {
            var schema = MetricSchema()
            _ = schema.counter("requests-total", help: "Requests.")
        }
        await #expect(processExitsWith: .failure) { _ = MetricLabel("1st", "") }
        await #expect(processExitsWith: .failure) { _ = MetricLabel("__name__", "") }
    }

    @Test func boundariesThatDoNotAscendTrap() async {
        await #expect(processExitsWith: .failure) {
            var schema = MetricSchema()
            _ = schema.histogram("latency_seconds", help: "Latency.", boundariesNanoseconds: [10, 10])
        }
    }
}
