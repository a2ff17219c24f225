import Foundation
import GatewayTesting
import Reactor
import Testing

/// A limit that is set in the file is the limit that clients meet, and the counter that operators see.
@Suite(.serialized) struct LimitTests {
    private static func closed(_ gateway: GatewayProcess, _ reason: String) throws -> Double? {
        try gateway.metrics().sum("connections_closed_total", ["reason": reason])
    }

    @Test(arguments: backends) func longestFrame(io: String) async throws {
        try await GatewayProcess.run(io: io, config: "[limits]\nmax_frame = \"4KiB\"\nmax_inflight = 9\n") { gateway in
            var client = try gateway.connect()
            let hello = try jsonObject(client.ask(.hello()).text)
            #expect(hello["max_frame"] as? Int == 4096)
            #expect(hello["max_inflight"] as? Int == 9)
            let keys = "[\"name:nobody\"]"
            let longest = WireFrame.resolveMany(
                json: keys + String(repeating: " ", count: 4096 - WireFrame.headerBytes - keys.utf8.count))
            #expect(longest.byteCount == 4096)
            #expect(try client.ask(longest).text == "[null]")
            let longer = WireFrame.resolveMany(json: longest.text + " ", correlation: 2)
            let answer = try client.ask(longer)
            #expect(answer.code == 413)
            #expect(try jsonObject(answer.text)["code"] as? String == "frame_too_large")
            try client.expectEnd()
        }
    }

    @Test(arguments: backends) func idleConnectionsEnd(io: String) async throws {
        try await GatewayProcess.run(io: io, config: "[limits]\nidle_timeout = \"50ms\"\n") { gateway in
            var client = try gateway.connect()
            try client.expectEnd()
            try await eventually("it to be counted") { try Self.closed(gateway, "idle_timeout") == 1 }
        }
    }

    @Test(arguments: backends) func trickledFramesEnd(io: String) async throws {
        try await GatewayProcess.run(io: io, config: "[limits]\nread_timeout = \"50ms\"\n") { gateway in
            var client = try gateway.connect()
            try client.send(Array(WireFrame.resolve("name:hello").bytes.dropLast()))
            try client.expectEnd()
            try await eventually("it to be counted") { try Self.closed(gateway, "read_timeout") == 1 }
            #expect(try gateway.metrics().sum("requests_total") == 0)
        }
    }

    /// Who does not read is let go, and what waited for them is given back.
    @Test(arguments: backends) func slowReadersEnd(io: String) async throws {
        try await GatewayProcess.run(io: io, config: "[limits]\noutput_stall_timeout = \"300ms\"\n") { gateway in
            let keys = [String](repeating: "\"name:limits/exactly-4000-bytes\"", count: 256).joined(separator: ",")
            let client = try gateway.connect()
            client.shrinkKernelBuffers()
            // Its own sends are waited for no longer than its answers are.
            let error = #expect(throws: SystemError.self) {
                for number in 1...10_000 {
                    try client.send(.resolveMany(json: "[\(keys)]", correlation: UInt64(number)))
                }
            }
            #expect(["ECONNRESET", "EPIPE"].contains(error?.name))
            try await eventually("it to be closed") { try Self.closed(gateway, "slow_reader") == 1 }
            #expect(try gateway.metrics().sum("connections") == 0)
            #expect(try gateway.metrics().sum("inflight_requests") == 0)
            var another = try gateway.connect()
            #expect(try another.ask(.resolve("name:hello")).code == 200)
        }
    }

    @Test(arguments: backends) func mostConnections(io: String) async throws {
        try await GatewayProcess.run(io: io, config: "[limits]\nconnections_max = 2\n") { gateway in
            var clients = [HeldClient(try gateway.connect()), HeldClient(try gateway.connect())]
            for held in clients { #expect(try held.client.ask(.ping("in")).code == 200) }
            _ = Self.tryToConnect(gateway)
            #expect(try await gateway.line("connections_max are open").contains(" WARNING "))
            try await eventually("it to be counted") { try Self.closed(gateway, "connections_max") == 1 }
            #expect(try gateway.metrics().sum("connections") == 2)
            #expect(try gateway.metrics().sum("connections_limit") == 2)
            for held in clients { #expect(try held.client.ask(.ping("still", correlation: 2)).code == 200) }
            clients.removeLast()
            try await eventually("a place to be free") { try gateway.metrics().sum("connections") == 1 }
            var next = try gateway.connect()
            #expect(try next.ask(.ping("in now")).code == 200)
        }
    }

    @Test(arguments: backends) func newConnectionsHaveARate(io: String) async throws {
        let config = "[limits]\naccept_rate = 1\naccept_burst = 3\n"
        try await GatewayProcess.run(io: io, config: config) { gateway in
            // Each second another one is let in; they are here much sooner.
            for _ in 0..<40 { _ = Self.tryToConnect(gateway) }
            try await eventually("the others to be closed") { try Self.closed(gateway, "accept_rate") ?? 0 >= 10 }
            try gateway.rewrite("[limits]\naccept_burst = 1000\n")
            let reload = try await gateway.control("reload")
            #expect(reload.output.contains(/limits\.accept_burst +3 +-> +1000/), "\(reload.output)")
            for _ in 0..<40 {
                var client = try gateway.connect()
                #expect(try client.ask(.ping("in")).code == 200)
            }
        }
    }

    /// A container that allows few descriptors: fewer connections, said aloud, and no failing accept.
    @Test(arguments: backends) func fewDescriptorsMeanFewConnections(io: String) async throws {
        let directory = try TemporaryDirectory()
        try await directory.importSample()
        let gateway = try GatewayProcess(
            [
                "--oap-addr", "0", "--metrics-addr", "0", "--index-path", directory.index, "--io", io, "--workers", "1",
            ], in: directory, descriptorsMax: Self.descriptorsReserved + 48)
        try await gateway.line("ready=1")
        #expect(try await gateway.line("connections_max is 48 instead of 16384").contains("ulimit -Hn"))
        #expect(gateway.lines.count <= 15)
        var clients: [HeldClient] = []
        for _ in 0..<60 { if let client = Self.tryToConnect(gateway) { clients.append(client) } }
        try await eventually("the others to be closed") { try Self.closed(gateway, "connections_max") == 12 }
        #expect(try gateway.metrics().sum("connections") == 48)
        #expect(gateway.lines(with: "accepting failed").isEmpty)
        clients = []
        try await eventually("all to be gone") { try gateway.metrics().sum("connections") == 0 }
        var client = try gateway.connect()
        #expect(try client.ask(.resolve("name:hello")).code == 200)
        gateway.signal(SIGTERM)
        try client.send(.ping("bye", correlation: 2))
        client.shutdownWrite()
        try await gateway.expectExit(0)
    }

    /// What one worker, the admin port and the process itself keep for themselves.
    private static let descriptorsReserved = 64 + 256 + 16 + 5

    @Test func tooFewDescriptorsAreRefusedAtTheStart() async throws {
        let directory = try TemporaryDirectory()
        let gateway = try GatewayProcess(
            ["--oap-addr", "0", "--metrics-addr", "0", "--workers", "1"], in: directory,
            descriptorsMax: Self.descriptorsReserved + 15)
        try await gateway.expectExit(69)
        #expect(try await gateway.line("needs at least \(Self.descriptorsReserved + 16)").contains("ulimit -Hn"))
    }

    /// Nil when the gateway was quicker to close than the handshake to end.
    private static func tryToConnect(_ gateway: GatewayProcess) -> HeldClient? {
        try? HeldClient(gateway.connect())
    }

    @Test func concurrencyIsShown() async throws {
        try await GatewayProcess.run(config: "oap_concurrency = 7\n") { gateway in
            let metrics = try gateway.metrics()
            #expect(metrics.sum("concurrency_limit", ["kind": "configured"]) == 7)
            #expect(gateway.lines(with: " oap_concurrency=7").count == 1)
        }
    }
}
