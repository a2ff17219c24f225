import Foundation
import Testing

/// What oap-bench says it sent and got is what the gateway says it got and sent.
@Suite(.serialized) struct LoadTests {
    private static func bench(_ gateway: GatewayProcess, _ arguments: String...) async throws -> Outcome {
        try await Executable.bench.run(
            ["--closed", "--server", gateway.address, "--warmup", "0s", "--format", "json"] + arguments,
            in: gateway.directory)
    }

    /// A count of the report's outcome.
    private static func number(_ report: [String: Any], _ name: String) throws -> Double {
        let outcome = try #require(report["outcome"] as? [String: Any])
        return try #require(outcome[name] as? NSNumber, "\(name) in \(report)").doubleValue
    }

    @Test(arguments: backends, ["resolve", "ping", "hello"])
    func countersAgree(io: String, workload: String) async throws {
        try await GatewayProcess.run(io: io) { gateway in
            let before = try gateway.metrics()
            let keys = workload == "resolve" ? ["--keys", Sample.path] : []
            let outcome = try await Executable.bench.run(
                [
                    "--closed", "--server", gateway.address, "--format", "json", "--io", io, "--workload", workload,
                    "--connections", "20", "--depth", "8", "--duration", "200ms", "--warmup", "0s",
                ] + keys, in: gateway.directory)
            #expect(outcome.status == 0, "\(outcome.output) \(outcome.errors)")
            let report = try outcome.json
            #expect(report["verdict"] as? String == "passed")
            let requests = try Self.number(report, "answers")
            #expect(requests > 20 * 8, "\(report)")
            for name in ["unanswered", "invalidAnswers", "unexpectedFrames", "connectionsLost", "goAways", "errors"] {
                #expect(try Self.number(report, name) == 0, "\(name)")
            }
            try await eventually("the connections to be closed") { try gateway.metrics().sum("connections") == 0 }
            let after = try gateway.metrics()
            let app = workload == "resolve" ? "index" : "control"
            #expect(after.growth("requests_total", ["app": app, "status": "200"], since: before) == requests)
            #expect(after.growth("requests_total", since: before) == requests)
            #expect(after.growth("latency_seconds_count", ["app": app], since: before) == requests)
            #expect(try after.growth("bytes_in_total", since: before) == Self.number(report, "bytesOut"))
            #expect(try after.growth("bytes_out_total", since: before) == Self.number(report, "bytesIn"))
            #expect(after.growth("connections_accepted_total", since: before) == 20)
            #expect(after.growth("connections_closed_total", ["reason": "peer"], since: before) == 20)
            #expect(after.growth("rejected_total", since: before) == 0)
            #expect(after.sum("inflight_requests") == 0)
        }
    }

    @Test(arguments: backends) func refusalsAreCountedOnBothSides(io: String) async throws {
        try await GatewayProcess.run(io: io, ["--oap-concurrency", "1000"]) { gateway in
            let before = try gateway.metrics()
            let outcome = try await Self.bench(
                gateway, "--io", io, "--connections", "5", "--depth", "4", "--duration", "100ms", "--key-count", "50",
                "--key-format", "name:nobody%03d", "--expect", "404")
            #expect(outcome.status == 0, "\(outcome.output) \(outcome.errors)")
            let requests = try Self.number(outcome.json, "answers")
            let after = try gateway.metrics()
            #expect(after.growth("requests_total", ["app": "index", "status": "404"], since: before) == requests)
            // A name that is not there is an answer, no refusal.
            #expect(after.growth("rejected_total", since: before) == 0)
            #expect(after.sum("inflight_requests") == 0)
        }
    }

    /// Deeper than a connection may go: what is refused there is refused by name.
    @Test(arguments: backends) func tooManyOpenIsSaidByName(io: String) async throws {
        let config = "[limits]\nmax_inflight = 2\n"
        try await GatewayProcess.run(io: io, config: config) { gateway in
            let before = try gateway.metrics()
            let outcome = try await Self.bench(
                gateway, "--io", io, "--connections", "2", "--depth", "32", "--duration", "100ms", "--keys",
                Sample.path, "--expect", "200,429")
            #expect(outcome.status == 0, "\(outcome.output) \(outcome.errors)")
            let statuses = try #require(try outcome.json["statuses"] as? [[String: Any]])
            let after = try gateway.metrics()
            for row in statuses {
                let status = try #require(row["status"] as? Int)
                let count = try #require(row["count"] as? Double)
                let labels = ["app": "index", "status": "\(status)"]
                #expect(after.growth("requests_total", labels, since: before) == count)
                guard status != 200 else { continue }
                let reason = try #require(row["code"] as? String)
                #expect(reason == "too_many_inflight")
                #expect(after.growth("rejected_total", ["reason": reason], since: before) == count)
            }
            #expect(after.sum("inflight_requests") == 0)
        }
    }
}
