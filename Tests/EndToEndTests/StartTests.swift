import Foundation
import GatewayRuntime
import GatewayTesting
import Testing

/// The backends of this machine, spelled as `--io` takes them.
let backends = TestEnvironment.backends.map(\.rawValue)

/// From the command to `ready=1`, and what the admin port says then.
@Suite(.serialized) struct StartTests {
    @Test(arguments: backends) func bannerSaysWhatRunsInFifteenLines(io: String) async throws {
        try await GatewayProcess.run(io: io, ["--workers", "2", "--oap-concurrency", "77"]) { gateway in
            let lines = gateway.lines
            #expect(lines.count <= 15, "\(lines)")
            let ready = try #require(lines.last { $0.contains("ready=1") })
            #expect(Int(GatewayProcess.value("startup_ms", in: ready) ?? "") != nil, "\(ready)")
            func value(_ key: String) -> String? {
                lines.compactMap { GatewayProcess.value(key, in: $0) }.first
            }
            #expect(value("oap_addr")?.hasPrefix("127.0.0.1:") == true)
            #expect(value("io") == io)
            #expect(value("reason") == "asked for")
            #expect(value("workers") == "2")
            #expect(value("index_path") == gateway.directory.index)
            #expect(value("records") == "\(Sample.recordsCount)")
            #expect(value("oap_concurrency") == "77")
            #expect(value("max_inflight") == "64")
            #expect(value("ceiling")?.hasSuffix("MiB") == true)
            #expect(value("config") == "defaults")
            #expect(gateway.process.output.isEmpty, "nothing goes to standard output")
        }
    }

    @Test func automaticBackendSaysWhy() async throws {
        try await GatewayProcess.run { gateway in
            let line = try #require(gateway.lines(with: " io=").first)
            let reason = try #require(GatewayProcess.value("reason", in: line))
            if TestEnvironment.uringProblem == nil {
                #expect(GatewayProcess.value("io", in: line) == "io_uring")
                #expect(!reason.isEmpty)
            } else {
                #expect(GatewayProcess.value("io", in: line) == "epoll")
                #expect(reason.contains("to enable it"))
            }
            let built = try gateway.metrics().values.first { $0.key.name == "build_info" }
            #expect(built?.key.labels["io"] == GatewayProcess.value("io", in: line))
        }
    }

    /// Before any request: what is not counted yet is 0, not missing.
    @Test func everySeriesIsThereBeforeTraffic() async throws {
        try await GatewayProcess.run { gateway in
            let metrics = try gateway.metrics()
            #expect(metrics.values.count > 50)
            #expect(metrics.values.keys.allSatisfy { $0.labels["service"] == "svc-gateway" })
            for app in ["control", "index"] {
                for status in ["200", "400", "404", "429", "500", "503"] {
                    #expect(metrics.sum("requests_total", ["app": app, "status": status]) == 0)
                }
                #expect(metrics.sum("latency_seconds_count", ["app": app]) == 0)
                #expect(metrics.sum("latency_seconds_sum", ["app": app]) == 0)
                #expect(metrics.sum("latency_seconds_bucket", ["app": app, "le": "+Inf"]) == 0)
            }
            for scope in ["tenant", "global"] {
                #expect(metrics.sum("quota_exhaustions_total", ["scope": scope]) == 0)
            }
            for reason in ["overloaded", "bad_flags", "quota_exhausted", "ingress_exhausted", "index_unavailable"] {
                #expect(metrics.sum("rejected_total", ["reason": reason]) == 0)
            }
            for name in ["inflight_requests", "bytes_in_total", "bytes_out_total", "connections"] {
                #expect(metrics.sum(name) == 0, "\(name)")
            }
            #expect(metrics.sum("build_info") == 1)
            #expect(metrics.sum("ready") == 1)
            #expect(metrics.sum("index_records") == Double(Sample.recordsCount))
            #expect(try #require(metrics.sum("process_open_fds")) > 3)
        }
    }

    @Test(.enabled(if: Tool.promtool != nil, "promtool is not installed: apt-get install prometheus"))
    func promtoolHasNothingToSay() async throws {
        try await GatewayProcess.run { gateway in
            var client = try gateway.connect()
            #expect(try client.ask(.resolve("name:hello")).code == 200)
            #expect(try client.ask(.resolve("name:nobody")).code == 404)
            #expect(try client.ask(.ping("x")).code == 200)
            let check = try RunningProcess(
                try #require(Tool.promtool), ["check", "metrics"], in: gateway.directory,
                input: gateway.metrics().text)
            #expect(try await check.exitStatus() == 0)
            #expect(check.output + check.errors == "")
        }
    }

    @Test(.enabled(if: Tool.curl != nil, "curl is not installed: apt-get install curl"), arguments: backends)
    func curlIsAClient(io: String) async throws {
        try await GatewayProcess.run(io: io) { gateway in
            func curl(_ path: String) async throws -> (status: String, body: String) {
                let address = try gateway.adminAddress
                let process = try RunningProcess(
                    try #require(Tool.curl), ["-sS", "-w", "\n%{http_code}", "http://\(address)\(path)"],
                    in: gateway.directory)
                #expect(try await process.exitStatus() == 0, "\(process.errors)")
                let end = try #require(process.output.lastIndex(of: "\n"))
                return (String(process.output[end...].dropFirst()), String(process.output[..<end]))
            }
            #expect(try await curl("/healthz") == ("200", "{\"status\":\"ok\"}\n"))
            let ready = try await curl("/readyz")
            #expect(ready.status == "200")
            #expect(try jsonObject(ready.body)["ready"] as? Bool == true)
            let metrics = try await curl("/metrics")
            #expect(metrics.status == "200")
            #expect(metrics.body.contains("build_info{"))
            let version = try await curl("/version")
            #expect(version.status == "200")
            #expect(try jsonObject(version.body)["io_backend"] as? String == io)
            #expect(try jsonObject(version.body)["name"] as? String == "svc-gateway")
            let found = try await curl("/resolve/name:hello")
            #expect(found.status == "200")
            let providers = try jsonObject(found.body)["providers"] as? [[String: Any]]
            #expect(providers?.compactMap { $0["id"] as? String } == Sample.helloProviders)
            let missing = try await curl("/resolve/name:nobody")
            #expect(missing.status == "404")
            #expect(try jsonObject(missing.body)["code"] as? String == "not_found")
            #expect(try await curl("/resolve/hello").status == "400")
            #expect(try await curl("/nothing").status == "404")
        }
    }
}
