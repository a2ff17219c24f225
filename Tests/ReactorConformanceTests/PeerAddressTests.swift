import GatewayTesting
import Reactor
import Testing

/// Who is at the other end, as a number.
@Suite struct PeerAddressTests {
    @Test(arguments: Candidate.all) func anIPv4AddressIsMapped(_ candidate: Candidate) throws {
        var harness = try Harness(candidate)
        try harness.startAccepting()
        let source = SocketAddress(host: "127.1.2.3", port: 0)
        let client = try BlockingSocket(connectingTo: harness.listener.address, from: source)
        let descriptor = try harness.acceptOne()
        let calls = harness.kernel.systemCallsTotal
        let address = harness.kernel.peerAddress(descriptor)
        #expect(address == 0xFFFF_7F01_0203)
        let callsAfter = harness.kernel.systemCallsTotal
        #expect(callsAfter == calls + 1)
        client.reset()
        // The reset may be on its way for a moment.
        var turns = 0
        while harness.kernel.peerAddress(descriptor) != nil, turns < 1000 {
            try harness.turn(timeoutNanoseconds: 10_000_000)
            turns += 1
        }
        #expect(turns < 1000, "whoever has gone has no address")
        harness.kernel.close(descriptor, reset: true)
        try harness.finish()
    }

    @Test func anIPv6AddressIsItself() throws {
        guard let listener = try? Listener(SocketAddress(host: "::1", port: 0), shared: false, backlog: 8) else {
            return  // A machine without IPv6.
        }
        var kernel = try EpollKernel()
        let client = try BlockingSocket(connectingTo: listener.address)
        let descriptor = try #require(Listener.acceptPending(listener.descriptor, nonBlocking: true))
        #expect(kernel.peerAddress(descriptor) == 1)
        kernel.close(descriptor, reset: false)
        #expect(try client.receive().isEmpty)
        listener.close()
    }
}
