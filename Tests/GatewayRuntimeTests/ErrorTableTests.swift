import Admission
import GatewayRuntime
import GatewayTesting
import OAP
import Testing

/// The protocol page's table of errors, row by row, over real sockets: status, code, retryable, retry_after_ms,
/// corr_id, the echoed header, and the connection's fate.
@Suite struct ErrorTableTests {
    static let backends = TestEnvironment.backends

    @Test(
        .enabled(if: TestEnvironment.uringProblem == nil, "io_uring is not here: \(TestEnvironment.uringProblem ?? "")")
    )
    func ioUringIsAmongTheBackends() { #expect(Self.backends.count == 2) }

    // MARK: The connection closes

    /// Every vector whose header is refused: good frames before it are answered, then the error, then the end, and no
    /// reset.
    @Test(arguments: backends) func refusedHeadersCloseTheConnection(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind) { gateway in
            for vector in ProtocolVector.refused {
                guard case .refused(let code) = vector.end else { continue }
                var client = try gateway.connect()
                try client.send(vector.bytes)
                var rest = vector.bytes
                for _ in 0..<vector.framesCount {
                    let good = try #require(WireFrame(rest))
                    rest.removeFirst(good.byteCount)
                    let answer = try client.frame()
                    #expect(answer.correlation == good.correlation, "\(vector.name)")
                }
                let answer = try client.frame()
                let status: UInt16 = code == "frame_too_large" ? 413 : 400
                try ExpectedError(status, code).check(answer, to: rest, vector.name)
                try client.expectEnd()
            }
            try gateway.waitUntilQuiet()
        }
    }

    /// A peer that goes on sending behind its refused header still gets the answer and an orderly end.
    @Test(arguments: backends) func theAnswerSurvivesWhatIsSentBehindIt(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind) { gateway in
            var client = try gateway.connect()
            var bad = WireFrame.resolve("name:site", correlation: 5)
            bad.version = 3
            try client.send(bad.bytes + [UInt8](repeating: 0x5A, count: 100_000))
            let answer = try client.frame()
            try ExpectedError(400, "bad_version").check(answer, to: bad.bytes, "with 100,000 bytes behind it")
            try client.expectEnd()
        }
    }

    @Test(arguments: backends) func foreignProtocolsAreNamedInTheLog(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind) { gateway in
            let http = Array("GET /resolve/name:site HTTP/1.1\r\nHost: gateway.example\r\n\r\n".utf8)
            let tls: [UInt8] = [0x16, 0x03, 0x01, 0x00, 0xC8, 0x01, 0x00, 0x00, 0xC4, 0x03, 0x03]
            for (bytes, code) in [(http, "bad_flags"), (tls + [UInt8](repeating: 0x5A, count: 60), "bad_version")] {
                var client = try gateway.connect()
                try client.send(bytes)
                try ExpectedError(400, code).check(try client.frame(), to: bytes, "\(bytes.prefix(4))")
                try client.expectEnd()
            }
            try gateway.wait(for: "both to be told") {
                var seen: Set<ForeignProtocol> = []
                for case .headerRefused(_, _, let looksLike?, _) in gateway.events { seen.insert(looksLike) }
                return seen == [.http, .tls]
            }
        }
    }

    // MARK: The connection stays

    @Test(arguments: backends) func brokenExchangeRules(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind) { gateway in
            var client = try gateway.connect()
            let badSequence = ExpectedError(400, "bad_sequence")
            for flags in 0..<UInt16(256) where flags & WireFrame.Flag.compressed == 0 {
                var request = WireFrame.resolve("name:site", correlation: UInt64(flags))
                request.flags = flags
                request.tenant = UInt128(flags) << 100
                let isRequest = flags & 0b111 == 1
                let isUnary = flags & 0b11000 != 0b01000
                if isRequest && isUnary {
                    let answer = try client.ask(request)
                    #expect(answer.code == 200 && answer.flags == 0x12, "flags \(flags)")
                    #expect(answer.tenant == request.tenant)
                } else {
                    try badSequence.check(try client.ask(request), to: request.bytes, "flags \(flags)")
                }
            }
            try client.expectAlive()
        }
    }

    @Test(arguments: backends) func aCorrelationInUse(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind) { gateway in
            var client = try gateway.connect()
            try client.send(WireFrame.resolve("name:late-150-a", correlation: 9))
            for again in [
                WireFrame.resolve("name:site", correlation: 9), .ping("x", correlation: 9), .hello(correlation: 9),
            ] {
                let answer = try client.ask(again)
                try ExpectedError(400, "bad_sequence").check(answer, to: again.bytes, "corr_id in use")
            }
            let late = try client.frame()
            #expect(late.code == 200 && late.correlation == 9, "the first one is answered as if nothing had happened")
            try client.expectResolved(correlation: 9)
        }
    }

    struct Row {
        let what: String
        let request: WireFrame
        let expected: ExpectedError

        init(_ what: String, _ request: WireFrame, _ expected: ExpectedError) {
            self.what = what
            self.request = request
            self.expected = expected
        }
    }

    private static func malformedRequests() -> [Row] {
        let badRequest = ExpectedError(400, "bad_request")
        var rows = [
            "", "site", "name:", "name:\u{7}", "name:\u{7F}", "name:\u{85}", "b3:00", "Name:site",
            "b3:" + String(repeating: "0A", count: 32), "name:" + String(repeating: "x", count: 507),
        ].map { Row("key \($0.debugDescription)", .resolve($0, correlation: 3), badRequest) }
        rows.append(
            Row("a key that is not UTF-8", .request([0x6E, 0x61, 0x6D, 0x65, 0x3A, 0xFF], correlation: 4), badRequest))
        rows += [
            "", "[]", "{}", "[1]", "[\"name:a\"", "[\"name:a\"]x", "[\"site\"]", "[\"name:a\",]", "\"name:a\"",
            "[[\"name:a\"]]",
            "[\"name:\\ud800\"]", "[" + Array(repeating: "\"name:a\"", count: 257).joined(separator: ",") + "]",
        ].map { Row("keys \($0.prefix(40))", .resolveMany(json: $0, correlation: 5), badRequest) }
        rows += ["{", "[]", "{\"ua\":7}", "\"x\""].map { Row("hello \($0)", .hello($0, correlation: 6), badRequest) }
        rows.append(Row("a ping of 65 bytes", .ping(String(repeating: "p", count: 65), correlation: 7), badRequest))
        for code in [2, 15, 18, 0xFFFF] as [UInt16] {
            rows.append(Row("index method \(code)", .request(code: code, [], correlation: 8), badRequest))
            rows.append(
                Row("control method \(code)", .request(application: 0, code: code, [], correlation: 8), badRequest))
        }
        return rows
    }

    @Test(arguments: backends) func malformedRequestsAndUnknownMethods(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind) { gateway in
            var client = try gateway.connect()
            for row in Self.malformedRequests() { try client.expectRefusal(row.request, row.expected, row.what) }
            try gateway.waitUntilQuiet(connections: 1)
        }
    }

    @Test(arguments: backends) func refusalsThatNeedNoIndex(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind) { gateway in
            var client = try gateway.connect()
            var compressed = WireFrame.resolve("name:site", correlation: 1, tenant: .max)
            compressed.flags |= WireFrame.Flag.compressed
            try client.expectRefusal(compressed, ExpectedError(400, "bad_compression"))
            for application in [1, 0x0100, 0x0102, 0xFFFF] as [UInt16] {
                let request = WireFrame.request(application: application, "x".utf8, correlation: .max, tenant: 1 << 127)
                try client.expectRefusal(request, ExpectedError(404, "unknown_app"))
            }
            for code in [16, 17] as [UInt16] {
                let write = WireFrame.request(code: code, "{\"key\":\"name:site\"}".utf8, correlation: 2)
                try client.expectRefusal(write, ExpectedError(403, "method_forbidden"))
            }
            try client.expectRefusal(.resolve("name:nobody", correlation: 3), ExpectedError(404, "not_found"))
        }
    }

    /// What an index may answer with, by the code's name.
    @Test(arguments: backends) func failuresOfTheIndex(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind, allowsInternalFaults: true) { gateway in
            var client = try gateway.connect()
            let rows: [ExpectedError] = [
                ExpectedError(401, "capability_required"), ExpectedError(403, "capability_denied"),
                ExpectedError(402, "payment_required"), ExpectedError(409, "etag_mismatch"),
                ExpectedError(413, "decompression_bound"),
                ExpectedError(500, "index_unavailable", retryable: true),
                ExpectedError(500, "backend_unavailable", retryable: true),
                ExpectedError(500, "internal", retryable: true),
            ]
            for (number, row) in rows.enumerated() {
                let request = WireFrame.resolve("name:fail-\(row.code)", correlation: UInt64(number) << 40, tenant: 7)
                try client.expectRefusal(request, row)
                // Resolve many answers all keys or none.
                let many = WireFrame.resolveMany(json: "[\"name:site\",\"name:fail-\(row.code)\"]", correlation: 3)
                try client.expectRefusal(many, row, "among many")
            }
            try gateway.wait(for: "the true reason to be told") {
                gateway.events.contains { event in
                    guard case .indexFailed(_, let detail) = event else { return false }
                    return detail.contains("connect ECONNREFUSED")
                }
            }
            try gateway.waitUntilQuiet(connections: 1)
        }
    }

    // MARK: Load

    @Test(arguments: backends) func tooManyInflightOnOneConnection(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind, configure: { $0.live.policy.inflightPerConnectionMax = 2 }) { gateway in
            var client = try gateway.connect()
            try client.send(WireFrame.resolve("name:late-200-a", correlation: 1))
            try client.send(WireFrame.resolve("name:late-200-b", correlation: 2))
            let third = WireFrame.resolve("name:site", correlation: 3)
            let expected = ExpectedError(429, "too_many_inflight", retryable: true)
            try client.expectRefusal(third, expected)
            var other = try gateway.connect()
            try other.expectResolved()
            let answered = try [client.frame().correlation, client.frame().correlation]
            #expect(answered.sorted() == [1, 2])
            try client.expectResolved()
        }
    }

    /// A rate that gives nothing back within a test's time, so that only the burst counts.
    private static func rate(burst: Int) -> TokenRate { TokenRate(tokensPerSecond: 0.02, burst: burst) }

    @Test(arguments: backends) func tenantQuotaSpent(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind, configure: { $0.live.policy.tenantDefault.requests = Self.rate(burst: 2) }) {
            gateway in
            var client = try gateway.connect()
            let expected = ExpectedError(429, "quota_exhausted", retryable: true)
            for tenant in [1, UInt128.max, 0] {
                for _ in 0..<2 { #expect(try client.ask(.resolve("name:site", tenant: tenant)).code == 200) }
                try client.expectRefusal(.resolve("name:site", correlation: 4, tenant: tenant), expected)
            }
            #expect(try client.ask(.hello()).code == 200, "HELLO takes no tenant tokens")
        }
    }

    @Test(arguments: backends) func connectionQuotaSpent(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind, configure: { $0.live.policy.connection = Self.rate(burst: 3) }) { gateway in
            var client = try gateway.connect()
            #expect(try client.ask(.hello()).code == 200)
            #expect(try client.ask(.ping()).code == 200)
            try client.expectResolved()
            let request = WireFrame.ping("p", correlation: 8)
            let answer = try client.ask(request)
            try ExpectedError(429, "quota_exhausted", retryable: true).check(answer, to: request.bytes, "connection")
            #expect(try client.ask(.resolve("name:site")).code == 429, "it stays open, and refused")
            var other = try gateway.connect()
            try other.expectResolved()
        }
    }

    @Test(arguments: backends) func globalQuotaSpent(_ kind: Backend.Kind) throws {
        try TestGateway.run(
            kind,
            configure: {
                $0.live.policy.global = Self.rate(burst: 3)
                $0.live.policy.tenantDefault.requests = Self.rate(burst: 3)
            }
        ) { gateway in
            var first = try gateway.connect()
            for tenant in [1, 2, 3] {
                #expect(try first.ask(.resolve("name:site", tenant: UInt128(tenant))).code == 200)
            }
            var second = try gateway.connect()
            let expected = ExpectedError(503, "ingress_exhausted", retryable: true)
            // Refunded, or the fourth refusal of this tenant would be its own quota's.
            for _ in 0..<5 { try second.expectRefusal(.resolve("name:site", tenant: 1), expected) }
        }
    }

    @Test(arguments: backends) func notReadyUntilItServes(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind, serving: false) { gateway in
            var client = try gateway.connect()
            let expected = ExpectedError(503, "not_ready", retryable: true)
            try client.expectRefusal(.resolve("name:site", correlation: 6), expected)
            try client.expectRefusal(.resolveMany(json: "[\"name:site\"]", correlation: 6), expected)
            #expect(try client.ask(.hello()).code == 200, "HELLO and PING are answered at any time")
            gateway.server.serve()
            try gateway.wait(for: "requests to be served") {
                (try? client.ask(.resolve("name:site")).code) == 200
            }
        }
    }
}
