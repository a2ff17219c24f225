import Foundation
import Testing

/// `ronctl resolve`, `ping` and `hello` against a gateway, and without one.
@Suite(.serialized) struct ClientCommandTests {
    @Test(arguments: backends) func resolvePrintsProviders(io: String) async throws {
        try await GatewayProcess.run(io: io) { gateway in
            let table = try await gateway.ronctl("resolve", "name:hello")
            #expect(table.status == 0)
            #expect(table.errors == "")
            for provider in Sample.helloProviders { #expect(table.output.contains(provider)) }
            #expect(table.output.contains("eu-central-1"))

            let json = try await gateway.ronctl("resolve", "name:hello", "-o", "json")
            #expect(json.status == 0)
            #expect(try json.json["key"] as? String == "name:hello")
            let providers = try json.json["providers"] as? [[String: Any]]
            #expect(providers?.compactMap { $0["id"] as? String } == Sample.helloProviders)
            #expect(try gateway.get("/resolve/name:hello").body == json.output, "HTTP has the same record")
        }
    }

    @Test func severalKeysAreAnsweredInOrder() async throws {
        try await GatewayProcess.run { gateway in
            let outcome = try await gateway.ronctl("resolve", "name:site", "name:nobody", "name:hello", "-o", "json")
            #expect(outcome.status == 1)
            let lines = try outcome.output.split(separator: "\n").map { try jsonObject(String($0)) }
            #expect(lines.compactMap { $0["key"] as? String } == ["name:site", "name:nobody", "name:hello"])
            #expect(lines[1]["code"] as? String == "not_found")
            let table = try await gateway.ronctl("resolve", "name:nobody")
            #expect(table.status == 1)
            #expect(table.output.contains("not found"))
        }
    }

    @Test func aKeyThatIsNoneIsRefusedBeforeItIsSent() async throws {
        try await GatewayProcess.run { gateway in
            let outcome = try await gateway.ronctl("resolve", "hello")
            #expect(outcome.status == 64)
            #expect(outcome.errors.contains("name:hello"), "\(outcome.errors)")
            #expect(try gateway.metrics().sum("connections_accepted_total") == 0)
        }
    }

    @Test(arguments: backends) func pingAndHello(io: String) async throws {
        try await GatewayProcess.run(io: io) { gateway in
            let ping = try await gateway.ronctl("ping", "--count", "3", "--interval", "1ms", "-o", "json")
            #expect(ping.status == 0, "\(ping.errors)")
            let lines = try ping.output.split(separator: "\n").map { try jsonObject(String($0)) }
            #expect(lines.count == 4)
            #expect(lines.prefix(3).compactMap { $0["seq"] as? Int } == [1, 2, 3])
            #expect(lines.last?["answered"] as? Int == 3)
            #expect(try gateway.metrics().sum("requests_total", ["app": "control", "status": "200"]) == 3)

            let hello = try await gateway.ronctl("hello", "-o", "json")
            #expect(hello.status == 0)
            let flags = 0xFF & ~0x40  // without COMP
            #expect(
                hello.output
                    == "{\"max_frame\":1048576,\"max_inflight\":64,\"flags_supported\":\(flags),\"versions\":[1],"
                    + "\"transports\":[\"tcp\"]}\n")
            let table = try await gateway.ronctl("hello")
            #expect(table.status == 0)
            #expect(table.output.contains("64"))
        }
    }

    @Test(arguments: [["resolve", "name:hello"], ["ping", "--count", "1"], ["hello"]])
    func withoutAGatewayASentenceSaysSo(command: [String]) async throws {
        let gateway = try await GatewayProcess.start()
        let address = try gateway.address
        gateway.signal(SIGTERM)
        try await gateway.expectExit(0)
        let outcome = try await Executable.ronctl.run(
            command, in: gateway.directory, environment: ["SVC_GATEWAY_ADDR": address])
        #expect(outcome.status == 2)
        let sentence = "ronctl: error: cannot connect to \(address): ECONNREFUSED; start the gateway"
        #expect(outcome.errors.hasPrefix(sentence), "\(outcome.errors)")
        #expect(outcome.errors.split(separator: "\n").count == 1)
    }

    /// Easily mixed up: two ports, two protocols.
    @Test func theAdminPortIsRecognisedAsTheWrongOne() async throws {
        try await GatewayProcess.run { gateway in
            let outcome = try await Executable.ronctl.run(
                ["hello", "--server", gateway.adminAddress], in: gateway.directory)
            #expect(outcome.status == 2)
            #expect(outcome.errors.hasPrefix("ronctl: error: "))
            #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
        }
    }
}
