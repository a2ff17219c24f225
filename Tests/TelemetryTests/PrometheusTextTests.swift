import Foundation
import Telemetry
import Testing

@Suite struct PrometheusTextTests {
    @Test func aPageIsExactlyThis() {
        var schema = MetricSchema()
        let requests = schema.counter(
            "requests_total", help: "Requests answered.",
            series: [[MetricLabel("status", "200")], [MetricLabel("status", "404")]])
        let latency = schema.histogram(
            "latency_seconds", help: "Time from arrival to answer.", boundariesNanoseconds: [50_000, 1_000_000_000],
            series: [[MetricLabel("app", "index")]])
        let bank = TelemetryBank(schema: schema)
        bank.add(requests, 3)
        bank.observe(latency[0], nanoseconds: 50_000, count: 2)
        bank.observe(latency[0], nanoseconds: 50_001)
        bank.observe(latency[0], nanoseconds: 1_500_000_000)
        let text = PrometheusText.render(
            schema: schema, snapshot: .merging([bank]),
            process: [
                ProcessMetric("build_info", help: "Build.", kind: .gauge, labels: [MetricLabel("v", "1")], value: 1)
            ],
            commonLabels: [MetricLabel("service", "svc-gateway")])
        #expect(
            text == """
                # HELP requests_total Requests answered.
                # TYPE requests_total counter
                requests_total{service="svc-gateway",status="200"} 3
                requests_total{service="svc-gateway",status="404"} 0
                # HELP latency_seconds Time from arrival to answer.
                # TYPE latency_seconds histogram
                latency_seconds_bucket{service="svc-gateway",app="index",le="0.00005"} 2
                latency_seconds_bucket{service="svc-gateway",app="index",le="1"} 3
                latency_seconds_bucket{service="svc-gateway",app="index",le="+Inf"} 4
                latency_seconds_sum{service="svc-gateway",app="index"} 1.500150001
                latency_seconds_count{service="svc-gateway",app="index"} 4
                # HELP build_info Build.
                # TYPE build_info gauge
                build_info{service="svc-gateway",v="1"} 1

                """)
    }

    @Test(arguments: [(0, 0), (1, 0), (9, 0), (10, 0), (11, 1), (20, 1), (21, 2), (UInt64.max, 2)])
    func aDurationLandsInTheFirstBucketNotBelowIt(nanoseconds: UInt64, bucket: Int) {
        var schema = MetricSchema()
        let latency = schema.histogram("latency_seconds", help: "Latency.", boundariesNanoseconds: [10, 20])[0]
        let bank = TelemetryBank(schema: schema)
        bank.observe(latency, nanoseconds: nanoseconds)
        // The histogram is alone in its schema, so its buckets are the first cells.
        #expect((0..<3).map { bank.value($0) } == (0..<3).map { $0 == bucket ? 1 : 0 })
    }

    @Test func bucketsAreCumulativeForEveryNumberOfBoundaries() throws {
        for boundariesCount in 1...64 {
            var schema = MetricSchema()
            let boundaries = (1...boundariesCount).map { UInt64($0 * $0) * 1000 }
            let latency = schema.histogram("latency_seconds", help: "Latency.", boundariesNanoseconds: boundaries)[0]
            let bank = TelemetryBank(schema: schema)
            for boundary in boundaries {
                for offset in 0...2 { bank.observe(latency, nanoseconds: boundary - 1 + UInt64(offset)) }
            }
            let lines = PrometheusText.render(
                schema: schema, snapshot: .merging([bank]), process: [], commonLabels: []
            ).split(separator: "\n").filter { $0.hasPrefix("latency_seconds_bucket") }
            let counts = try lines.map { try #require($0.split(separator: " ").last.flatMap { Int($0) }) }
            // Per boundary, one duration below it, one on it, one above it, which is the next bucket's.
            #expect(counts == (0..<boundariesCount).map { $0 * 3 + 2 } + [boundariesCount * 3])
        }
    }

    @Test func labelValuesCannotEndTheirLine() {
        var schema = MetricSchema()
        _ = schema.gauge("up", help: "A \\ and\na \"line\".", series: [[MetricLabel("path", "a\"b\\c\nd\r\ne é")]])
        let text = PrometheusText.render(
            schema: schema, snapshot: .merging([]), process: [], commonLabels: [])
        #expect(
            text == "# HELP up A \\\\ and\\na \"line\".\n# TYPE up gauge\nup{path=\"a\\\"b\\\\c\\nd\r\\ne é\"} 0\n")
    }

    @Test func processSamplesOfOneNameStayTogether() {
        var schema = MetricSchema()
        _ = schema.counter("rejected_total", help: "Refused.", series: [[MetricLabel("reason", "overload")]])
        func sample(_ name: String, _ value: Double, _ label: String) -> ProcessMetric {
            ProcessMetric(
                name, help: "Help.", kind: name.hasSuffix("_total") ? .counter : .gauge,
                labels: [MetricLabel("reason", label)], value: value)
        }
        let text = PrometheusText.render(
            schema: schema, snapshot: .merging([]),
            process: [
                sample("temperature", 0.25, "a"), sample("rejected_total", 4, "late"),
                sample("load", .infinity, "a"), sample("temperature", -3, "b"), sample("load", .nan, "b"),
            ], commonLabels: [MetricLabel("reason", "common"), MetricLabel("service", "s")])
        #expect(
            text == """
                # HELP rejected_total Refused.
                # TYPE rejected_total counter
                rejected_total{service="s",reason="overload"} 0
                rejected_total{service="s",reason="late"} 4
                # HELP temperature Help.
                # TYPE temperature gauge
                temperature{service="s",reason="a"} 0.25
                temperature{service="s",reason="b"} -3
                # HELP load Help.
                # TYPE load gauge
                load{service="s",reason="a"} +Inf
                load{service="s",reason="b"} NaN

                """)
    }

    @Test(.enabled(if: Promtool.path != nil, "promtool is not installed"))
    func promtoolHasNoComplaint() throws {
        var schema = MetricSchema()
        let label = MetricLabel("reason", "quote \" backslash \\ newline \n ünïcode")
        let rejected = schema.counter("rejected_total", help: "Refused\nby \\ reason.", series: [[label]])
        _ = schema.gauge("connections", help: "Open connections.")
        let latency = schema.histogram(
            "latency_seconds", help: "Latency.", boundariesNanoseconds: [1, 50_000, 1_000_000, 2_500_000_000],
            series: [[MetricLabel("app", "index")], [MetricLabel("app", "control")]])
        let bank = TelemetryBank(schema: schema)
        bank.add(rejected)
        bank.observe(latency[1], nanoseconds: 123_456_789, count: 1000)
        let text = PrometheusText.render(
            schema: schema, snapshot: .merging([bank, bank]),
            process: [
                ProcessMetric("build_info", help: "Build.", kind: .gauge, value: 1),
                ProcessMetric("process_cpu_seconds_total", help: "CPU.", kind: .counter, value: 0.00001),
            ],
            commonLabels: [MetricLabel("service", "svc-gateway")])
        let verdict = try Promtool.check(text)
        #expect(verdict.status == 0 && verdict.output.isEmpty, "promtool: \(verdict.output)")
        // The lint itself works: it complains about a counter that is not called _total.
        let complaint = try Promtool.check("# HELP a A.\n# TYPE a counter\na 1\n")
        #expect(complaint.status != 0 && complaint.output.contains("_total"))
    }
}

/// `promtool check metrics`, where it is installed.
private enum Promtool {
    static let path: String? = ["/usr/bin/promtool", "/usr/local/bin/promtool", "/opt/homebrew/bin/promtool"]
        .first { FileManager.default.isExecutableFile(atPath: $0) }

    static func check(_ text: String) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(self.path))
        process.arguments = ["check", "metrics"]
        let input = Pipe()
        let output = Pipe()
        process.standardInput = input
        process.standardOutput = output
        process.standardError = output
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
        try input.fileHandleForWriting.close()
        let complaints = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: complaints, as: UTF8.self))
    }
}
