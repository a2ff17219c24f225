import Foundation
import GatewayTesting
import Testing

/// Ports that are taken, and ports that are named in short.
@Suite(.serialized) struct AddressTests {
    private static func second(_ arguments: [String], in directory: TemporaryDirectory) async throws -> Outcome {
        try await Executable.gateway.run(arguments + ["--index-path", directory.index], in: directory)
    }

    @Test(arguments: backends) func aSecondGatewayOnTheSamePortIsRefused(io: String) async throws {
        try await GatewayProcess.run(io: io) { gateway in
            let address = try gateway.address
            let second = try await Self.second(
                ["--oap-addr", address, "--metrics-addr", "0", "--io", io], in: gateway.directory)
            #expect(second.status == 69)
            let lines = second.errors.split(separator: "\n").filter { $0.contains(" CRITICAL ") }
            #expect(lines.count == 1)
            #expect(lines.first?.contains("another process already listens on \(address); ") == true, "\(lines)")
            #expect(lines.first?.contains("--oap-addr") == true)
            // The kernel would have given it half of the connections.
            for number in 1...20 {
                var client = try gateway.connect()
                #expect(try client.ask(.resolve("name:hello", correlation: UInt64(number))).code == 200)
            }
            #expect(try gateway.metrics().sum("connections_accepted_total") == 20)
        }
    }

    @Test func aTakenMetricsPortIsRefused() async throws {
        try await GatewayProcess.run { gateway in
            let address = try gateway.adminAddress
            let second = try await Self.second(
                ["--oap-addr", "0", "--metrics-addr", address], in: gateway.directory)
            #expect(second.status == 69)
            let lines = second.errors.split(separator: "\n").filter { $0.contains(" CRITICAL ") }
            #expect(lines.count == 1)
            #expect(lines.first?.contains("\(address) is already in use") == true, "\(lines)")
            #expect(lines.first?.contains("--metrics-addr") == true)
            #expect(!second.errors.contains("ready=1"))
            #expect(try gateway.get("/healthz").status == 200)
        }
    }

    /// A port of a process that has ended is free again at once, connections in TIME_WAIT or not.
    @Test(arguments: backends) func aRestartTakesTheSamePort(io: String) async throws {
        let first = try await GatewayProcess.start(io: io)
        var client = try first.connect()
        #expect(try client.ask(.resolve("name:hello")).code == 200)
        let address = try first.address
        first.signal(SIGTERM)
        // The gateway ends the connection first: its side is the one that waits.
        #expect(try client.frame().flags == WireFrame.Flag.event)
        try client.expectEnd()
        client.shutdownWrite()
        try await first.expectExit(0)
        let second = try GatewayProcess(
            ["--oap-addr", address, "--metrics-addr", "0", "--index-path", first.directory.index, "--io", io],
            in: first.directory)
        try await second.line("ready=1")
        #expect(try second.address == address)
        second.signal(SIGTERM)
        try await second.expectExit(0)
    }

    /// Nobody means the whole network by a number.
    @Test func aBarePortIsLoopback() async throws {
        let port = try GatewayProcess.freePort()
        let directory = try TemporaryDirectory()
        try await directory.importSample()
        let gateway = try GatewayProcess(
            ["--oap-addr", "\(port)", "--metrics-addr", "0", "--index-path", directory.index], in: directory)
        try await gateway.line("ready=1")
        #expect(try gateway.address == "127.0.0.1:\(port)")
        #expect(try gateway.adminAddress.hasPrefix("127.0.0.1:"))
        var client = try gateway.connect()
        #expect(try client.ask(.resolve("name:hello")).code == 200)
        gateway.signal(SIGTERM)
        try await gateway.expectExit(0)
    }

    @Test func environmentNamesTheAddress() async throws {
        let port = try GatewayProcess.freePort()
        let directory = try TemporaryDirectory()
        let gateway = try GatewayProcess(
            ["--metrics-addr", "0", "--index-path", directory.index], in: directory,
            environment: ["SVC_GATEWAY_ADDR": "127.0.0.1:\(port)"])
        try await gateway.line("ready=0")
        #expect(try gateway.address == "127.0.0.1:\(port)")
        gateway.signal(SIGTERM)
        try await gateway.expectExit(0)
    }
}
