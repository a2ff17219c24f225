import Admission
import Gateway
import GatewayRuntime
import GatewayTesting
import OAP
import Reactor
import Testing

/// Connections that are one too many are reset and counted; the others do not notice.
@Suite struct AcceptTests {
    static let backends = TestEnvironment.backends

    @Test(arguments: backends) func connectionsHaveARate(_ kind: Backend.Kind) throws {
        // One more each hundred seconds: none comes back during the test.
        let rate = TokenRate(tokensPerSecond: 0.01, burst: 5)
        try TestGateway.run(kind, configure: { $0.live.limits.acceptRate = rate }) { gateway in
            var clients = ClientList()
            for _ in 0..<5 {
                var client = try gateway.connect()
                try client.expectAlive()
                clients.add(client)
            }
            for _ in 0..<100 { #expect(try RawClient.isReset(gateway.address)) }
            // The worker counts after it has reset.
            try gateway.wait(for: "the last one to be counted") {
                gateway.metric("connections_closed_total{reason=\"accept_rate\"}") == 100
            }
            #expect(gateway.metric("connections_accepted_total") == 105)
            #expect(gateway.server.connectionsOpen == 5)
            try clients.forEach { try $0.expectAlive("those who were first stay") }
            let told = gateway.events.count {
                if case .connectionShed(let peer, "accept_rate") = $0 { peer?.host == "127.0.0.1" } else { false }
            }
            #expect(told > 0 && told < 100, "it is told, and not a hundred times")
        }
    }

    /// A reload's rate holds at once, and what has been spent stays spent.
    @Test(arguments: backends) func aReloadChangesTheRate(_ kind: Backend.Kind) throws {
        func rate(burst: Int) -> TokenRate { TokenRate(tokensPerSecond: 0.01, burst: burst) }
        try TestGateway.run(kind, configure: { $0.live.limits.acceptRate = rate(burst: 3) }) { gateway in
            var clients = ClientList()
            for burst in [3, 5] {
                try gateway.adopt { $0.limits.acceptRate = rate(burst: burst) }
                while clients.count < burst {
                    var client = try gateway.connect()
                    try client.expectAlive("\(clients.count) of \(burst)")
                    clients.add(client)
                }
                #expect(try RawClient.isReset(gateway.address))
            }
            try gateway.adopt { $0.limits.acceptRate = rate(burst: 4) }
            #expect(try RawClient.isReset(gateway.address))
        }
    }

    @Test(arguments: backends) func noRateIsNoLimit(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind, configure: { $0.live.limits.acceptRate = nil }) { gateway in
            for _ in 0..<200 {
                var client = try gateway.connect()
                try client.expectAlive()
            }
        }
    }
}
