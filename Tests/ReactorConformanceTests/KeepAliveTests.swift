import GatewayTesting
import Glibc
import Reactor
import Testing

/// Peers that have gone without a word.
@Suite struct KeepAliveTests {
    private static func option(_ descriptor: Int32, _ level: Int32, _ name: Int32) -> Int32? {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        let result = unsafe getsockopt(descriptor, level, name, &value, &length)
        return result == 0 ? value : nil
    }

    /// What is set on the listener once is what each accepted socket has, without a call of its own.
    @Test(arguments: Candidate.all) func acceptedSocketsInheritIt(_ candidate: Candidate) throws {
        var harness = try Harness(candidate)
        try harness.startAccepting()
        let client = try harness.connect()
        let descriptor = try harness.acceptOne()
        let tcp = Int32(IPPROTO_TCP)
        #expect(Self.option(descriptor, SOL_SOCKET, SO_KEEPALIVE) == 1)
        #expect(Self.option(descriptor, tcp, TCP_KEEPIDLE) == 60)
        #expect(Self.option(descriptor, tcp, TCP_KEEPINTVL) == 10)
        #expect(Self.option(descriptor, tcp, TCP_KEEPCNT) == 3)
        #expect(Self.option(descriptor, tcp, TCP_USER_TIMEOUT) == 90_000, "the time of all probes together")
        #expect(Self.option(descriptor, tcp, TCP_NODELAY) == 1)
        client.shutdownWrite()
        harness.kernel.close(descriptor, reset: false)
        try harness.finish()
    }

    /// A socket in repair mode closes without a packet, as a host does that loses its power.
    private static func vanish(_ client: consuming BlockingSocket) -> Bool {
        var on: Int32 = 1
        return unsafe setsockopt(
            client.descriptor, Int32(IPPROTO_TCP), TCP_REPAIR, &on, socklen_t(MemoryLayout<Int32>.size)) == 0
    }

    private static let mayVanish: Bool = {
        guard let listener = try? Listener(SocketAddress(host: "127.0.0.1", port: 0), shared: false, backlog: 1),
            let client = try? BlockingSocket(connectingTo: listener.address)
        else { return false }
        return Self.vanish(client)
    }()

    @Test(.enabled(if: KeepAliveTests.mayVanish, "TCP_REPAIR needs CAP_NET_ADMIN"), arguments: Candidate.all)
    func aHalfOpenConnectionEnds(_ candidate: Candidate) throws {
        var harness = try Harness(
            candidate, keepAlive: KeepAlive(idleSeconds: 1, probeIntervalSeconds: 1, probesMax: 1))
        try harness.startAccepting()
        let client = try harness.pair(slot: 1)
        try client.sendAll(Array("last words".utf8))
        try harness.run("its bytes") { $0.received[1]?.count == 10 }
        let hasVanished = Self.vanish(client)
        #expect(hasVanished)
        try harness.run("the probe to find nobody") { !$0.finals(1).isEmpty }
        let finals = harness.finals(1)
        #expect(finals.count == 1 && finals[0] < 0, "an error, not an orderly end")
        harness.kernel.close(harness.accepted[0], reset: true)
        try harness.finish()
    }
}
