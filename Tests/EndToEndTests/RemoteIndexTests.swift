import Foundation
import GatewayTesting
import Testing

/// Gateways whose names another process looks up, as operators run them.
@Suite(.serialized) struct RemoteIndexTests {
    @Test(arguments: backends) func oneGatewayAsksAnother(io: String) async throws {
        try await GatewayProcess.run(io: io) { index in
            let address = try index.address
            let gateway = try await GatewayProcess.start(io: io, ["--index", "tcp:\(address)"])
            #expect(gateway.lines(with: "index=tcp:\(address)").count == 1)
            var client = try gateway.connect()
            let answer = try client.ask(.resolve("name:hello"))
            #expect(answer.code == 200 && answer.text.contains("name:hello"))
            #expect(try client.ask(.resolve("name:nobody", correlation: 2)).code == 404)
            let status = try await gateway.control("status")
            #expect(status.output.contains("tcp:\(address), forwarded"), "\(status.output)")
            let shown = try await gateway.control("config", "show")
            #expect(shown.status == 0, "\(shown.errors)")
            gateway.signal(SIGTERM)
            try await gateway.expectExit(0)
        }
    }

    /// Started before its index, and living longer: it says what is missing, and serves as soon as it can.
    @Test(arguments: backends) func theIndexMayCome(io: String) async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/index.sock"
        let environment = ["RON_INDEX_SOCK": path]
        let gateway = try await GatewayProcess.start(io: io, environment: environment, indexed: false)
        let line = try await gateway.line("connect ENOENT (unix:\(path))")
        #expect(line.contains(" ERROR "), "\(line)")
        var client = try gateway.connect()
        #expect(try client.ask(.resolve("name:hello")).code == 500)
        for round in 0..<2 {
            // Killed, the first one leaves its socket behind.
            let index = try await GatewayProcess.start(io: io, ["--oap-socket", path, "--instance", "index"])
            #expect(index.lines(with: "listening").contains { $0.contains("oap_addr=unix:\(path) transport=unix") })
            try await eventually("the gateway to resolve") {
                try client.ask(.resolve("name:hello", correlation: 2)).code == 200
            }
            index.signal(round == 0 ? SIGKILL : SIGTERM)
            try await eventually("the index to be missed") {
                try client.ask(.resolve("name:hello", correlation: 3)).code == 500
            }
        }
        #expect(gateway.lines(with: "connected to the backend again").count >= 2)
        gateway.signal(SIGTERM)
        try await gateway.expectExit(0)
    }
}
