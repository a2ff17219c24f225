import Foundation
import GatewayTesting
import Reactor
import Testing

/// Quotas as an operator sets them: in the file, with what clients and counters then say.
@Suite(.serialized) struct QuotaTests {
    /// Three at once, and then none for a hundred seconds: nothing here depends on how fast the test is.
    private static func quota(_ scope: String) -> String {
        "[quota.\(scope)]\n\(scope == "connection" ? "frames" : "requests")_per_second = 0.01\nburst = 3\n"
    }

    @Test(arguments: backends) func tenantQuota(io: String) async throws {
        try await GatewayProcess.run(io: io, config: Self.quota("tenant")) { gateway in
            var client = try gateway.connect()
            for number in 1...3 {
                #expect(try client.ask(.resolve("name:hello", correlation: UInt64(number), tenant: 7)).code == 200)
            }
            try Self.expectRefused(
                try client.ask(.resolve("name:hello", correlation: 4, tenant: 7)), 429, "quota_exhausted")
            #expect(try client.ask(.resolve("name:hello", correlation: 5, tenant: 8)).code == 200, "another tenant")
            #expect(try client.ask(.ping("free", correlation: 6)).code == 200, "PING takes no tokens")
            // Another connection of the tenant is the same tenant.
            var other = try gateway.connect()
            try Self.expectRefused(
                try other.ask(.resolve("name:hello", correlation: 1, tenant: 7)), 429, "quota_exhausted")
            try Self.expectExhaustions(gateway, tenant: 2, global: 0, connection: 0)
            #expect(try gateway.metrics().sum("rejected_total", ["reason": "quota_exhausted"]) == 2)
            #expect(try gateway.metrics().sum("requests_total", ["app": "index", "status": "429"]) == 2)
            #expect(try gateway.metrics().sum("inflight_requests") == 0)
        }
    }

    @Test(arguments: backends) func globalQuota(io: String) async throws {
        try await GatewayProcess.run(io: io, config: Self.quota("global")) { gateway in
            var client = try gateway.connect()
            for number in 1...3 {
                let tenant = UInt128(number)
                #expect(try client.ask(.resolve("name:hello", correlation: UInt64(number), tenant: tenant)).code == 200)
            }
            try Self.expectRefused(try client.ask(.resolve("name:hello", correlation: 4)), 503, "ingress_exhausted")
            try Self.expectExhaustions(gateway, tenant: 0, global: 1, connection: 0)
            let refused = try await gateway.ronctl("resolve", "name:hello")
            #expect(refused.status == 1)
            #expect(refused.errors.contains("503 ingress_exhausted"), "\(refused.errors)")
            try Self.expectExhaustions(gateway, tenant: 0, global: 2, connection: 0)
            #expect(try gateway.metrics().sum("rejected_total", ["reason": "ingress_exhausted"]) == 2)
        }
    }

    /// By the name that the operator gave, or by the id as the file writes it.
    @Test(arguments: backends) func tenantsHaveSeries(io: String) async throws {
        let named = "[[tenant]]\nid = \"0x2a\"\nname = \"billing\"\nrequests_per_second = 1000\nburst = 1000\n"
        try await GatewayProcess.run(io: io, config: Self.quota("tenant") + named) { gateway in
            var client = try gateway.connect()
            for number in 1...10 {
                _ = try client.ask(.resolve("name:hello", correlation: UInt64(number), tenant: 0x2a))
                _ = try client.ask(.resolve("name:hello", correlation: UInt64(number), tenant: 0xbeef))
            }
            let metrics = try gateway.metrics()
            func count(_ tenant: String, _ outcome: String) -> Double? {
                metrics.sum("tenant_requests_total", ["tenant": tenant, "outcome": outcome])
            }
            #expect(count("billing", "admitted") == 10 && count("billing", "quota") == 0)
            #expect(count("0xbeef", "admitted") == 3 && count("0xbeef", "quota") == 7)
            #expect(metrics.sum("tenant_requests_total", ["outcome": "overload"]) == 0)
            #expect(metrics.sum("tenant_requests_total", ["tenant": "other"]) == 0)
            #expect(metrics.text.contains("# TYPE tenant_requests_total counter\n"))
            let status = try await gateway.control("status").output
            #expect(status.contains(/(?m)^  TENANT +ADMITTED +OVER QUOTA +OVERLOAD$/), "\(status)")
            #expect(
                status.contains(/(?m)^  billing +10 +0 +0$/) && status.contains(/(?m)^  0xbeef +3 +7 +0$/), "\(status)")
            #expect(!status.contains("\n  other "), "\(status)")
        }
    }

    @Test(arguments: backends) func sourceQuota(io: String) async throws {
        let limits = "[quota.source]\nconnections_max = 2\nhandshakes_per_second = 0.01\nburst = 5\n"
        try await GatewayProcess.run(io: io, config: limits) { gateway in
            var clients: [HeldClient] = []
            for _ in 0..<2 { clients.append(HeldClient(try gateway.connect())) }
            for held in clients { #expect(try held.client.ask(.ping("in")).code == 200) }
            for _ in 0..<7 { try Self.expectReset(gateway) }
            try gateway.rewrite("[quota.source]\nhandshakes_per_second = 0.01\nburst = 5\n")
            #expect(try await gateway.control("reload").status == 0)
            // Refused ones have spent nothing: three are left.
            for _ in 0..<3 { clients.append(HeldClient(try gateway.connect())) }
            for held in clients { #expect(try held.client.ask(.ping("in", correlation: 2)).code == 200) }
            for _ in 0..<4 { try Self.expectReset(gateway) }
            try await eventually("all to be counted") {
                let metrics = try gateway.metrics()
                return metrics.sum("connections_closed_total", ["reason": "source_connections"]) == 7
                    && metrics.sum("connections_closed_total", ["reason": "source_rate"]) == 4
            }
            let status = try await gateway.control("status").output
            #expect(status.contains(/(?m)^  source_connections +off +7$/), "\(status)")
            #expect(status.contains(/(?m)^  source_rate +0\.01\/s burst 5 +4$/), "\(status)")
        }
    }

    private static func expectReset(_ gateway: GatewayProcess) throws {
        do {
            let client = try gateway.connect()
            let isReset = client.hasNews(withinMilliseconds: 10_000)
            #expect(isReset)
        } catch let error as SystemError {
            #expect(error.name == "ECONNRESET", "\(error)")
        }
    }

    @Test(arguments: backends) func connectionQuota(io: String) async throws {
        try await GatewayProcess.run(io: io, config: Self.quota("connection")) { gateway in
            var client = try gateway.connect()
            for number in 1...3 { #expect(try client.ask(.ping("x", correlation: UInt64(number))).code == 200) }
            try Self.expectRefused(try client.ask(.ping("x", correlation: 4)), 429, "quota_exhausted")
            var other = try gateway.connect()
            #expect(try other.ask(.ping("x")).code == 200)
            try Self.expectExhaustions(gateway, tenant: 0, global: 0, connection: 1)
        }
    }

    /// curl is a client like others, and is told in HTTP's own words.
    @Test(arguments: ["tenant", "global"]) func httpIsToldToWait(scope: String) async throws {
        try await GatewayProcess.run(config: Self.quota(scope)) { gateway in
            for _ in 1...3 { #expect(try gateway.get("/resolve/name:hello").status == 200) }
            let refused = try gateway.get("/resolve/name:hello")
            #expect(refused.status == (scope == "tenant" ? 429 : 503))
            let seconds = try #require(refused.headers["retry-after"].flatMap { Int($0) })
            #expect((1...125).contains(seconds), "\(seconds)")
            let milliseconds = try #require(try refused.json["retry_after_ms"] as? Int)
            #expect((1...125_000).contains(milliseconds))
            #expect(seconds * 1000 >= milliseconds, "a client that waits as told is not refused again")
            try Self.expectExhaustions(
                gateway, tenant: scope == "tenant" ? 1 : 0, global: scope == "global" ? 1 : 0, connection: 0)
        }
    }

    private static func expectRefused(_ answer: WireFrame, _ status: UInt16, _ code: String) throws {
        #expect(answer.code == status)
        #expect(answer.flags == WireFrame.Flag.response | WireFrame.Flag.end)
        let error = try jsonObject(answer.text)
        #expect(error["code"] as? String == code)
        #expect(error["retryable"] as? Bool == true)
        #expect(error["corr_id"] as? String == "\(answer.correlation)")
        let milliseconds = try #require(error["retry_after_ms"] as? Int)
        #expect((1...125_000).contains(milliseconds), "one token takes a hundred seconds, and a quarter is jitter")
    }

    private static func expectExhaustions(
        _ gateway: GatewayProcess, tenant: Double, global: Double, connection: Double
    ) throws {
        let metrics = try gateway.metrics()
        #expect(metrics.sum("quota_exhaustions_total", ["scope": "tenant"]) == tenant)
        #expect(metrics.sum("quota_exhaustions_total", ["scope": "global"]) == global)
        #expect(metrics.sum("quota_exhaustions_total", ["scope": "connection"]) == connection)
    }
}
