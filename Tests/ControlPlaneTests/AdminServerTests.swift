import ControlPlane
import Foundation
import Logging
import Synchronization
import Testing

/// Life and limits of the server, with clients that no proper one would be.
@Suite struct AdminServerTests {
    private static let request = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    private static let body = "{\"status\":\"ok\"}\n"

    private func server(_ host: String, _ port: UInt16) -> AdminServer {
        AdminServer(
            host: host, port: port, source: FixedSource(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    @Test func aPortInUseIsSaidInASentence() async throws {
        try await withAdminServer { server in
            let port = try #require(server.boundPort)
            let second = self.server("127.0.0.1", port)
            #expect(throws: AdminServerError.addressInUse("127.0.0.1:\(port)")) { try second.bind() }
            #expect(
                AdminServerError.addressInUse("127.0.0.1:\(port)").description.hasPrefix(
                    "admin address 127.0.0.1:\(port) is already in use"))
        }
    }

    @Test func aPortIsFreeAgainAfterStop() async throws {
        var port: UInt16 = 0
        try await withAdminServer { server in
            port = try #require(server.boundPort)
            let client = try RawClient(port: port)
            defer { client.close() }
            try client.send(Self.request)
            #expect(try await client.receive(until: Self.body).hasPrefix("HTTP/1.1 200 OK\r\n"))
        }
        let second = self.server("127.0.0.1", port)
        try second.bind()
        second.stop()
    }

    @Test(arguments: ["localhost", "", "1.2.3", "1.2.3.4.5", "::g", "[1.2.3.4]x"])
    func aHostThatIsNoAddressIsRefused(host: String) {
        #expect(throws: AdminServerError.badHost(host)) { try self.server(host, 0).bind() }
    }

    @Test func anAddressOfAnotherMachineIsRefused() {
        // 192.0.2.0/24 is set aside for documentation.
        #expect(throws: AdminServerError.addressNotAvailable("192.0.2.1:9909")) {
            try self.server("192.0.2.1", 9909).bind()
        }
    }

    @Test func runNeedsBindAndReturnsAfterStop() async throws {
        let server = self.server("127.0.0.1", 0)
        await #expect(throws: AdminServerError.notBound) { try await server.run() }
        try server.bind()
        server.stop()
        try await server.run()
        try await withAdminServer { server in
            // An answer proves that the first run has begun.
            let client = try RawClient(port: try #require(server.boundPort))
            defer { client.close() }
            try client.send(Self.request)
            _ = try await client.receive(until: Self.body)
            await #expect(throws: AdminServerError.notBound) { try await server.run() }
            #expect(throws: AdminServerError.notBound) { try server.bind() }
        }
    }

    @Test func cancellingTheTaskStopsTheServer() async throws {
        let server = self.server("127.0.0.1", 0)
        try server.bind()
        let running = Task { try await server.run() }
        let client = try RawClient(port: try #require(server.boundPort))
        try client.send(Self.request)
        _ = try await client.receive(until: Self.body)
        running.cancel()
        try await running.value
        #expect(try await client.receiveAll().isEmpty)
        client.close()
    }

    @Test func aRequestByteByByteIsAnsweredOnce() async throws {
        try await withAdminServer { server in
            let client = try RawClient(port: try #require(server.boundPort))
            defer { client.close() }
            for byte in "\r\n\(Self.request)" { try client.send(String(byte)) }
            #expect(try await client.receive(until: Self.body).hasPrefix("HTTP/1.1 200 OK\r\n"))
        }
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
        try await withAdminServer { server in
            let client = try RawClient(port: try #require(server.boundPort))
            defer { client.close() }
            try client.send(
                "GET /resolve/a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
                    + "GET /resolve/b HTTP/1.1\r\nHost: x\r\n\r\n"
                    + "GET /resolve/c HTTP/1.0\r\n\r\n")
            let bodies = try await client.receiveAll().components(separatedBy: "\r\n\r\n").dropFirst()
                .map { $0.prefix { $0 != "\n" } }
            #expect(bodies == [#"{"key":"a"}"#, #"{"key":"b"}"#, #"{"key":"c"}"#])
        }
    }

    struct Malformed: CustomTestStringConvertible {
        let request: String
        let status: Int
        /// Part of the sentence.
        let message: String

        init(_ request: String, _ status: Int, _ message: String) {
            self.request = request
            self.status = status
            self.message = message
        }

        var testDescription: String { "\(self.request.prefix(60).debugDescription) → \(self.status)" }
    }

    @Test(arguments: [
        Malformed("\u{16}\u{3}\u{1}\u{2}\u{0}", 400, "this looks like TLS"),
        Malformed("GET /healthz\r\n\r\n", 400, "METHOD TARGET HTTP/1.1"),
        Malformed("GET  /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 400, "METHOD TARGET HTTP/1.1"),
        Malformed("GET /healthz HTTP/2.0\r\nHost: x\r\n\r\n", 505, "not HTTP/2.0"),
        Malformed("GET healthz HTTP/1.1\r\nHost: x\r\n\r\n", 400, "not a path"),
        Malformed("GET /healthz HTTP/1.1\r\n\r\n", 400, "exactly one Host"),
        Malformed("GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400, "exactly one Host"),
        Malformed("GET /healthz HTTP/1.1\r\nHost : x\r\n\r\n", 400, "NAME: VALUE"),
        Malformed("GET /healthz HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", 400, "NAME: VALUE"),
        Malformed("GET /a\u{1}b HTTP/1.1\r\nHost: x\r\n\r\n", 400, "control characters"),
        Malformed("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400, "Content-Length"),
        Malformed("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "Content-Length"),
        Malformed("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", 413, "8192"),
        Malformed(
            "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "Transfer-Encoding"),
        Malformed("GET /" + String(repeating: "a", count: 9000), 431, "8192"),
        Malformed("GET / HTTP/1.1\r\n" + String(repeating: "A: b\r\n", count: 5000), 431, "8192"),
    ])
    func whatIsNoRequestIsRefusedAndTheConnectionEnds(malformed: Malformed) async throws {
        try await withAdminServer { server in
            let client = try RawClient(port: try #require(server.boundPort))
            defer { client.close() }
            try client.send(malformed.request)
            let answer = try await client.receiveAll()
            #expect(answer.hasPrefix("HTTP/1.1 \(malformed.status) "))
            #expect(answer.contains("\r\nConnection: close\r\n"))
            #expect(answer.contains(malformed.message))
            #expect(answer.hasSuffix("\"retryable\":false}\n"))
        }
    }

    @Test func anAbsoluteTargetIsItsPath() async throws {
        try await withAdminServer { server in
            let client = try RawClient(port: try #require(server.boundPort))
            defer { client.close() }
            try client.send("GET HTTP://x:1/resolve/a?b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            #expect(try await client.receiveAll().hasSuffix("{\"key\":\"a\"}\n"))
        }
    }

    @Test func silentTricklingAndIdleClientsAreClosed() async throws {
        var limits = AdminLimits()
        limits.headTimeoutMilliseconds = 50
        limits.idleTimeoutMilliseconds = 50
        try await withAdminServer(limits: limits) { server in
            let port = try #require(server.boundPort)
            let silent = try RawClient(port: port)
            #expect(try await silent.receiveAll().isEmpty)
            let trickling = try RawClient(port: port)
            try trickling.send("GET /healthz HT")
            #expect(try await trickling.receiveAll().isEmpty)
            let idle = try RawClient(port: port)
            try idle.send(Self.request)
            #expect(try await idle.receiveAll().hasSuffix(Self.body))
            for client in [silent, trickling, idle] { client.close() }
        }
    }

    /// The client's window is full long before the answer is out; nobody else notices.
    @Test func aClientThatDoesNotReadIsClosed() async throws {
        var limits = AdminLimits()
        limits.answerTimeoutMilliseconds = 100
        let metrics = String(repeating: "up 1\n", count: 10_000_000)
        try await withAdminServer(FixedSource(metrics: metrics), limits: limits) { server in
            let port = try #require(server.boundPort)
            let deaf = try RawClient(port: port)
            defer { deaf.close() }
            try deaf.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            // The first bytes tell that the answer has begun.
            #expect(try await deaf.receiveSome(atMost: 16) == 16)
            let other = try RawClient(port: port)
            defer { other.close() }
            try other.send(Self.request)
            #expect(try await other.receive(until: Self.body).hasPrefix("HTTP/1.1 200"))
            while server.connectionsUsed > 1 { try await Task.sleep(for: .milliseconds(5)) }
            #expect(try await deaf.receiveAll().utf8.count < metrics.utf8.count)
        }
    }

    @Test func whoHoldsEveryConnectionKeepsNobodyOut() async throws {
        var limits = AdminLimits()
        limits.connectionsMax = 4
        try await withAdminServer(limits: limits) { server in
            let port = try #require(server.boundPort)
            let hoarders = try (0..<20).map { _ in try RawClient(port: port) }
            for hoarder in hoarders { try? hoarder.send("GET /heal") }
            for _ in 0..<5 {
                let client = try RawClient(port: port)
                try client.send(Self.request)
                #expect(try await client.receive(until: Self.body).hasPrefix("HTTP/1.1 200"))
                client.close()
            }
            #expect(server.connectionsUsed <= 8)
            for hoarder in hoarders { hoarder.close() }
        }
    }

    @Test func whenAllAreAnsweredOneMoreIsRefusedAndAnswersSurviveStop() async throws {
        var limits = AdminLimits()
        limits.connectionsMax = 2
        let source = HeldSource()
        try await withAdminServer(source, limits: limits) { server in
            let port = try #require(server.boundPort)
            let held = try (0..<2).map { _ in try RawClient(port: port) }
            for client in held { try client.send("GET /resolve/held HTTP/1.1\r\nHost: x\r\n\r\n") }
            while source.held.withLock({ $0.count }) < 2 { await Task.yield() }
            let third = try RawClient(port: port)
            try third.send(Self.request)
            let refused = try await third.receiveAll()
            #expect(refused.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
            #expect(refused.contains("\r\nRetry-After: 1\r\n"))
            #expect(refused.hasSuffix("\"retry_after_ms\":1000,\"retryable\":true}\n"))
            server.stop()
            for continuation in source.held.withLock({ $0 }) { continuation.resume() }
            for client in held {
                #expect(try await client.receiveAll().hasSuffix("{\"key\":\"held\"}\n"))
                client.close()
            }
            third.close()
        }
    }
}

/// Answers when the test says so.
private final class HeldSource: AdminSource {
    let held = Mutex<[CheckedContinuation<Void, Never>]>([])

    func metricsText() -> String { "" }
    func readiness() -> ReadinessReport { ReadinessReport() }
    func version() -> VersionReport { FixedSource().version() }
    func resolve(key: String) async -> AdminResolution {
        await withCheckedContinuation { continuation in self.held.withLock { $0.append(continuation) } }
        return .record(Array("{\"key\":\"\(key)\"}".utf8))
    }
}
