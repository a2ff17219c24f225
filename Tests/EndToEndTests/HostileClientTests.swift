import Foundation
import GatewayTesting
import Glibc
import Reactor
import Testing

/// Clients that mean something else, or nothing good.
@Suite(.serialized) struct HostileClientTests {
    struct Foreign: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: [UInt8]
        let status: UInt16
        let code: String
        /// As the log names it.
        let looksLike: String
        var testDescription: String { self.name }
    }

    static let foreign = [
        // Offset 6 of a request line is text: reserved flags.
        Foreign(
            name: "HTTP", bytes: Array("GET /metrics HTTP/1.1\r\nHost: gateway.example:9444\r\n\r\n".utf8), status: 400,
            code: "bad_flags", looksLike: "HTTP"),
        // A ClientHello of TLS 1.2 and later: record header, handshake header, client version, random.
        Foreign(
            name: "TLS",
            bytes: [0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3] + (0..<32).map { UInt8($0) }, status: 413,
            code: "frame_too_large", looksLike: "a TLS handshake"),
    ]

    @Test(arguments: backends, Self.foreign) func foreignBytesAreAnsweredAndNamed(
        io: String, foreign: Foreign
    ) async throws {
        try await GatewayProcess.run(io: io) { gateway in
            var bystander = try gateway.connect()
            #expect(try bystander.ask(.ping("a")).code == 200)
            var client = try gateway.connect()
            try client.send(foreign.bytes)
            let answer = try client.frame()
            #expect(answer.code == foreign.status)
            #expect(try jsonObject(answer.text)["code"] as? String == foreign.code)
            try client.expectEnd()
            let line = try await gateway.line("looks_like=")
            #expect(GatewayProcess.value("looks_like", in: line) == foreign.looksLike, "\(line)")
            #expect(line.contains("code=\(foreign.code)") && line.contains("peer=127.0.0.1:"), "\(line)")
            #expect(try bystander.ask(.ping("b", correlation: 2)).code == 200)
            #expect(gateway.lines(with: "looks_like=").count == 1)
            // It is read from for a while after the answer, or a reset could overtake that.
            client.shutdownWrite()
            try await eventually("the refused connection to be closed") {
                try gateway.metrics().sum("connections_closed_total", ["reason": "refused"]) == 1
            }
            #expect(try gateway.metrics().sum("rejected_total", ["reason": foreign.code]) == 1)
        }
    }

    @Test(.enabled(if: Tool.curl != nil, "curl is not installed"), arguments: ["http", "https"])
    func curlOnTheWrongPortEnds(scheme: String) async throws {
        try await GatewayProcess.run { gateway in
            let address = try gateway.address
            let curl = try RunningProcess(
                try #require(Tool.curl), ["-sSk", "--http1.1", "\(scheme)://\(address)/metrics"], in: gateway.directory)
            #expect(try await curl.exitStatus() != 0)
            try await gateway.line("looks_like=")
            try await eventually("the connection to be closed") { try gateway.metrics().sum("connections") == 0 }
        }
    }

    /// A flood of them fills no log, and nothing of it stays.
    @Test(arguments: backends) func aFloodIsCountedInFullAndLoggedInPart(io: String) async throws {
        try await GatewayProcess.run(io: io) { gateway in
            for number in 0..<200 {
                var client = try gateway.connect()
                try client.send([UInt8](repeating: UInt8(truncatingIfNeeded: number) | 0x80, count: 64))
                _ = try client.frame()
                try client.expectEnd()
            }
            try await eventually("the connections to be closed") { try gateway.metrics().sum("connections") == 0 }
            #expect(try gateway.metrics().sum("connections_closed_total", ["reason": "refused"]) == 200)
            #expect(gateway.lines.count < 15 + 150, "the log is throttled")
            var client = try gateway.connect()
            #expect(try client.ask(.resolve("name:hello")).code == 200)
        }
    }

    /// Many who say nothing cost little, and leave nothing behind.
    @Test(
        .enabled(if: HostileClientTests.mayOpenDescriptors, "ulimit -Hn is below \(HostileClientTests.descriptorsMax)"),
        arguments: backends)
    func idleConnectionsAreGivenBack(io: String) async throws {
        let count = 2000
        try await GatewayProcess.run(io: io, config: "[limits]\nidle_timeout = \"10m\"\n") { gateway in
            do {
                var first = try gateway.connect()
                #expect(try first.ask(.resolve("name:hello")).code == 200)
            }
            let before = try await Self.settled(gateway)
            var clients: [HeldClient] = []
            for _ in 0..<count { clients.append(HeldClient(try gateway.connect())) }
            try await eventually("all to be accepted") { try gateway.metrics().sum("connections") == Double(count) }
            let during = try gateway.metrics()
            let descriptors = try #require(during.growth("process_open_fds", since: before))
            #expect(descriptors == Double(count))
            let bytes = try #require(during.growth("process_resident_memory_bytes", since: before))
            #expect(bytes < Double(count) * 4096, "\(bytes / Double(count)) bytes of memory for each connection")
            #expect(during.sum("buffer_memory_bytes") == before.sum("buffer_memory_bytes"), "an idle one holds none")
            var another = try gateway.connect()
            #expect(try another.ask(.resolve("name:hello")).code == 200)
            #expect(try clients[count / 2].client.ask(.ping("still here")).text == "still here")
            clients = []
            try await eventually("all to be closed") { try gateway.metrics().sum("connections") == 1 }
            another.reset()
            try await eventually("the descriptors to be back") {
                let after = try gateway.metrics()
                return after.sum("connections") == 0
                    && after.sum("process_open_fds") == before.sum("process_open_fds")
            }
        }
    }

    /// A scrape when nothing moves any more: the scrape's own connection is in it, earlier ones are not.
    private static func settled(_ gateway: GatewayProcess) async throws -> Metrics {
        var last = try gateway.metrics()
        try await eventually("the descriptors to settle") {
            let next = try gateway.metrics()
            defer { last = next }
            return next.sum("connections") == 0 && next.sum("process_open_fds") == last.sum("process_open_fds")
        }
        return last
    }

    static let descriptorsMax = 2500

    /// True when this process may hold the clients; raises its own limit if need be.
    static let mayOpenDescriptors: Bool = {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return false }
        if limit.rlim_cur >= rlim_t(Self.descriptorsMax) { return true }
        guard limit.rlim_max >= rlim_t(Self.descriptorsMax) else { return false }
        limit.rlim_cur = rlim_t(Self.descriptorsMax)
        return unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0
    }()
}
