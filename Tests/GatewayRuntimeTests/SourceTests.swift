import Admission
import Gateway
import GatewayRuntime
import GatewayTesting
import OAP
import Reactor
import Synchronization
import Testing

/// One address has so many connections, and so many new ones; the others do not notice that it wants more.
@Suite struct SourceTests {
    static let backends = TestEnvironment.backends
    /// None comes back during a test.
    static let never = 0.01

    private static func closed(_ reason: String) -> String { "connections_closed_total{reason=\"\(reason)\"}" }

    private static func adopt(_ gateway: TestGateway, _ source: SourceLimits) throws {
        try gateway.adopt { $0.policy.source = source }
    }

    @Test(arguments: backends) func anAddressHasSoManyConnections(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind, configure: { $0.live.policy.source.connectionsMax = 3 }) { gateway in
            var greedy = ClientList()
            for _ in 0..<3 {
                var client = try gateway.connect()
                try client.expectAlive()
                greedy.add(client)
            }
            for _ in 0..<50 { #expect(try RawClient.isReset(gateway.address)) }
            var modest = ClientList()
            for _ in 0..<3 {
                var client = try gateway.connect(from: "127.0.0.2")
                try client.expectAlive("another address has places of its own")
                modest.add(client)
            }
            try gateway.wait(for: "the last one to be counted") {
                gateway.metric(Self.closed("source_connections")) == 50
            }
            #expect(gateway.metric("connections_accepted_total") == 56)
            #expect(gateway.server.connectionsOpen == 6 && gateway.server.sourceSeatsTaken == 6)
            try greedy.forEach { try $0.expectAlive("those who were first stay") }
            let told = gateway.events.count {
                if case .connectionShed(let peer, "source_connections") = $0 {
                    peer?.host == "127.0.0.1"
                } else {
                    false
                }
            }
            #expect(told > 0 && told < 50, "it is told, and not fifty times")

            greedy.close(at: 0)
            try gateway.wait(for: "its seat") { gateway.server.sourceSeatsTaken == 5 }
            var next = try gateway.connect()
            try next.expectAlive("a place that was given back is there")
            #expect(try RawClient.isReset(gateway.address), "and no more than that one")
            try modest.forEach { try $0.expectAlive() }
        }
    }

    @Test(arguments: backends) func anAddressHasSoManyNewConnections(_ kind: Backend.Kind) throws {
        let rate = TokenRate(tokensPerSecond: Self.never, burst: 4)
        try TestGateway.run(
            kind,
            configure: {
                $0.live.policy.source.handshakes = rate
                // Room for both addresses, and for nothing of what is refused.
                $0.live.limits.acceptRate = TokenRate(tokensPerSecond: Self.never, burst: 8)
            }
        ) { gateway in
            for _ in 0..<4 {
                var client = try gateway.connect()
                try client.expectAlive()
            }
            for _ in 0..<50 { #expect(try RawClient.isReset(gateway.address)) }
            for _ in 0..<4 {
                var client = try gateway.connect(from: "127.0.0.2")
                try client.expectAlive("what all share is not spent by what one had too much")
            }
            try gateway.wait(for: "the last one to be counted") { gateway.metric(Self.closed("source_rate")) == 50 }
            #expect(gateway.metric(Self.closed("accept_rate")) == 0)
            try gateway.wait(for: "the seats") { gateway.server.sourceSeatsTaken == 0 }
        }
    }

    private static func readToEnd(_ client: consuming RawClient) throws { _ = try client.isOrderlyAtEnd() }

    /// However a connection ends, whoever comes next finds its place.
    @Test(arguments: backends) func everyEndGivesThePlaceBack(_ kind: Backend.Kind) throws {
        try TestGateway.run(
            kind,
            configure: {
                $0.live.policy.source.connectionsMax = 1
                $0.live.limits.lingerTimeoutNanoseconds = 1_000_000
            }
        ) { gateway in
            let ends: [(name: String, end: (consuming RawClient) throws -> Void)] = [
                ("closed by the peer", { _ = $0 }),
                ("reset by the peer", { $0.reset() }),
                (
                    "reset with a request open",
                    {
                        try $0.send(.resolve("name:never-x")); $0.reset()
                    }
                ),
                (
                    "foreign bytes",
                    {
                        try $0.send([UInt8](repeating: 0xFF, count: 64)); try Self.readToEnd($0)
                    }
                ),
                (
                    "idle",
                    {
                        try gateway.adopt { $0.limits.idleTimeoutNanoseconds = 1_000_000 }
                        try Self.readToEnd($0)
                        try gateway.adopt { $0.limits.idleTimeoutNanoseconds = 60_000_000_000 }
                    }
                ),
            ]
            for _ in 0..<3 {
                for (name, end) in ends {
                    var client = try gateway.connect()
                    try client.expectAlive(name)
                    #expect(gateway.server.sourceSeatsTaken == 1, "\(name)")
                    try end(client)
                    try gateway.wait(for: "the place of one \(name)") { gateway.server.sourceSeatsTaken == 0 }
                }
            }
            // The last one is ended by the gateway's own end, after which nothing may be left.
            let last = ClientList(try gateway.connect())
            try last.forEach { try $0.expectAlive() }
        }
    }

    /// Who is refused for another reason has not got a place for it.
    @Test(arguments: backends) func whoIsRefusedLaterHoldsNoPlace(_ kind: Backend.Kind) throws {
        try TestGateway.run(
            kind,
            configure: {
                $0.live.policy.source.connectionsMax = 100
                $0.live.limits.acceptRate = TokenRate(tokensPerSecond: Self.never, burst: 20)
                $0.live.limits.connectionsMax = 1
            }
        ) { gateway in
            var first = try gateway.connect()
            try first.expectAlive()
            for _ in 0..<30 { #expect(try RawClient.isReset(gateway.address)) }
            try gateway.wait(for: "the last one to be counted") {
                gateway.metric(Self.closed("accept_rate")) == 11 && gateway.metric(Self.closed("connections_max")) == 19
            }
            #expect(gateway.server.sourceSeatsTaken == 1)
            try first.expectAlive()
        }
    }

    @Test(arguments: backends) func limitsComeAndGoWithoutALeak(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind) { gateway in
            func add(_ list: inout ClientList) throws {
                var client = try gateway.connect()
                try client.expectAlive()
                list.add(client)
            }
            var unseated = ClientList()
            for _ in 0..<3 { try add(&unseated) }
            #expect(gateway.server.sourceSeatsTaken == 0)

            try Self.adopt(gateway, SourceLimits(connectionsMax: 2))
            var seated = ClientList()
            for _ in 0..<2 { try add(&seated) }
            #expect(try RawClient.isReset(gateway.address), "those from before are not counted, the others are")
            unseated.close(at: 0)
            try gateway.wait(for: "it to be gone") { gateway.server.connectionsOpen == 4 }
            #expect(gateway.server.sourceSeatsTaken == 2, "it had no place to give back")

            try Self.adopt(gateway, SourceLimits())
            for _ in 0..<5 { try add(&unseated) }
            seated.close(at: 0)
            try gateway.wait(for: "its place without limits") { gateway.server.sourceSeatsTaken == 1 }

            try Self.adopt(gateway, SourceLimits(connectionsMax: 2))
            try add(&seated)
            #expect(try RawClient.isReset(gateway.address), "the place from the first time still counts")
            try Self.adopt(gateway, SourceLimits(connectionsMax: 1))
            #expect(gateway.server.sourceSeatsTaken == 2, "a lowered limit cancels nothing")
            try seated.forEach { try $0.expectAlive() }
        }
    }

    private final class Peers: Sendable {
        private let state: Mutex<(answers: [UInt128?], asked: Int)>
        init(_ answers: [UInt128?] = []) { self.state = Mutex((answers, 0)) }
        var asked: Int { self.state.withLock { $0.asked } }
        /// The answers in turn, and then the kernel's own.
        @Sendable func next(_ own: UInt128?) -> UInt128? {
            self.state.withLock { state in
                state.asked += 1
                return state.answers.isEmpty ? own : state.answers.removeFirst()
            }
        }
    }

    @Test(arguments: backends) func withoutLimitsNobodyIsLookedUp(_ kind: Backend.Kind) throws {
        let peers = Peers()
        try TestGateway.run(kind, peerAddress: peers.next) { gateway in
            for _ in 0..<10 {
                var client = try gateway.connect()
                try client.expectAlive()
            }
            #expect(peers.asked == 0)
            try Self.adopt(gateway, SourceLimits(connectionsMax: 1000))
            for _ in 0..<10 {
                var client = try gateway.connect()
                try client.expectAlive()
            }
            #expect(peers.asked == 10)
        }
    }

    /// Whoever has one address of a /64 has them all. Who is gone already is not let in uncounted.
    @Test(arguments: backends) func addressesOfOneNetworkAreOne(_ kind: Backend.Kind) throws {
        let network: UInt128 = 0x2001_0DB8_0000_0001 << 64
        let peers = Peers([network | 1, network | 0xFFFF_FFFF_FFFF, network | 2, network + 1 << 64, nil])
        try TestGateway.run(
            kind, peerAddress: peers.next, configure: { $0.live.policy.source.connectionsMax = 2 }
        ) { gateway in
            var clients = ClientList()
            for isReset in [false, false, true, false, true] {
                guard !isReset else {
                    #expect(try RawClient.isReset(gateway.address))
                    continue
                }
                var client = try gateway.connect()
                try client.expectAlive()
                clients.add(client)
            }
            try gateway.wait(for: "the last one to be counted") { gateway.metric(Self.closed("peer")) == 1 }
            #expect(gateway.metric(Self.closed("source_connections")) == 1)
            #expect(gateway.server.connectionsOpen == 3 && gateway.server.sourceSeatsTaken == 3)
        }
    }
}

extension ClientList {
    fileprivate init(_ client: consuming RawClient) {
        self.init()
        self.add(client)
    }
}
