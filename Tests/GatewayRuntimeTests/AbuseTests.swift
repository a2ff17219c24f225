import Admission
import Gateway
import GatewayRuntime
import GatewayTesting
import OAP
import Reactor
import Testing

/// Clients that follow the protocol and mean no good. Those that break it are `HostileInputTests`' and `LimitTests`'.
@Suite struct AbuseTests {
    static let backends = TestEnvironment.backends
    private static let millisecond: UInt64 = 1_000_000

    /// A HELLO is answered with three times its bytes: whoever sends them and reads nothing is no longer read from, and then
    /// ended.
    @Test(arguments: backends) func aHelloFloodThatIsNotRead(_ kind: Backend.Kind) throws {
        let backlogMax = 65_536
        try TestGateway.run(
            kind,
            configure: {
                $0.live.limits.outputBacklogBytesMax = backlogMax
                $0.live.limits.outputStallTimeoutNanoseconds = 200 * Self.millisecond
            }
        ) { gateway in
            let flooder = try gateway.connect()
            flooder.shrinkKernelBuffers()
            let burst = Array(repeatElement(WireFrame.hello().bytes, count: 100).joined())
            var bytesPeak = 0
            var bursts = 0
            while bursts < 100_000, (try? flooder.send(burst)) != nil {
                bursts += 1
                bytesPeak = max(bytesPeak, gateway.server.bufferBytesUsed)
            }
            #expect(bursts < 100_000, "it is ended")
            try gateway.wait(for: "it to be counted") {
                gateway.metric("connections_closed_total{reason=\"slow_reader\"}") == 1
            }
            #expect(bytesPeak < 4_194_304)
            var client = try gateway.connect()
            try client.expectResolved()
            try gateway.waitUntilQuiet(connections: 1)
        }
    }

    /// Requests whose clients have gone hold their permits until the index has answered, and not longer: a storm of them
    /// costs others a refusal that says when to come back, never a permit for good.
    @Test(arguments: backends) func aCancelStorm(_ kind: Backend.Kind) throws {
        let openMax = 50
        try TestGateway.run(kind, configure: { $0.live.policy.openMax = openMax }) { gateway in
            var openPeak = 0
            for number in 0..<400 {
                let client = try gateway.connect()
                let requests = (0..<4).map { WireFrame.resolve("name:late-20-\(number)", correlation: $0) }
                try client.send(Array(requests.map(\.bytes).joined()))
                openPeak = max(openPeak, gateway.server.openCount)
                client.reset()
            }
            #expect(openPeak <= openMax)
            try gateway.wait(for: "all permits to be back") { gateway.server.openCount == 0 }
            var client = try gateway.connect()
            try client.expectResolved()
            try gateway.waitUntilQuiet(connections: 1)
        }
    }

    /// Everything at once: buffers stay within their budget, permits within their number, and an honest client is served.
    @Test(arguments: backends) func theMixStaysWithinItsMemory(_ kind: Backend.Kind) throws {
        let bytesMax = 8 * 1_048_576
        try TestGateway.run(
            kind,
            configure: {
                $0.bufferBytesMax = bytesMax
                $0.live.policy.openMax = 64
                $0.live.limits.outputBacklogBytesMax = 131_072
            }
        ) { gateway in
            var honest = try gateway.connect()
            var abusers = ClientList()
            let large = Array(repeatElement(WireFrame.resolve("name:large").bytes, count: 20).joined())
            let hellos = Array(repeatElement(WireFrame.hello().bytes, count: 60).joined())
            var announced = WireFrame.resolve("name:site")
            announced.announcedLength = 1_000_000
            var oversized = WireFrame.ping()
            oversized.announcedLength = 1_048_577
            let frames = [
                large, hellos, announced.bytes + [UInt8](repeating: 0x20, count: 3000), oversized.bytes,
                Array(WireFrame.ping().bytes.prefix(17)), WireFrame.resolve("name:late-10-x").bytes,
            ]
            for round in 0..<240 {
                let abuser = try gateway.connect()
                // What was ended already refuses the rest: that is its right.
                try? abuser.send(frames[round % frames.count])
                if round % 4 == 3 { abuser.reset() } else { abusers.add(abuser) }
                #expect(gateway.server.bufferBytesUsed <= bytesMax)
                #expect(gateway.server.openCount <= 64)
                if round % 10 == 0 { try honest.expectAlive("round \(round)") }
            }
            try honest.expectResolved()
            abusers = ClientList()
            try gateway.waitUntilQuiet(connections: 1)
        }
    }
}
