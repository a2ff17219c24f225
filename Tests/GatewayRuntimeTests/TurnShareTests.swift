import Admission
import Gateway
import GatewayRuntime
import GatewayTesting
import OAP
import Reactor
import Testing

/// One connection at line rate has its share of each turn and no more.
@Suite struct TurnShareTests {
    static let backends = TestEnvironment.backends
    private static let floodCount = 2000
    private static let sharedMax = 32

    private static func flood(_ count: Int = Self.floodCount) -> [UInt8] {
        Array((0..<count).map { WireFrame.ping("", correlation: UInt64($0)).bytes }.joined())
    }

    private static func expectFlood(_ client: inout RawClient) throws {
        for number in 0..<Self.floodCount {
            let answer = try client.frame()
            guard answer.code == 200, answer.correlation == UInt64(number) else {
                Issue.record("answer \(number) has corr_id \(answer.correlation) and status \(answer.code)")
                return
            }
        }
    }

    private static func pongs(_ gateway: TestGateway) -> UInt64 {
        gateway.metric("requests_total{app=\"control\",status=\"200\"}") ?? 0
    }

    private static func resolved(_ gateway: TestGateway) -> UInt64 {
        gateway.metric("requests_total{app=\"index\",status=\"200\"}") ?? 0
    }

    /// Turns are made one by one, so that what happens in each is counted and not timed.
    @Test(arguments: backends) func aFloodIsServedInSharesAndTheOthersInBetween(_ kind: Backend.Kind) throws {
        let gate = try TurnGate()
        try TestGateway.run(kind, gate: gate, configure: { $0.live.limits.turnFramesMax = Self.sharedMax }) { gateway in
            var flooder = try gateway.connect()
            var bystander = try gateway.connect()
            try flooder.expectAlive()
            try bystander.expectAlive()
            gate.close { gateway.server.probe { _ in } }
            try flooder.send(Self.flood())
            var before = Self.pongs(gateway)
            let last = before + UInt64(Self.floodCount)
            var turns = 0
            var asked: UInt64 = 0
            while Self.pongs(gateway) < last, turns < 10 * Self.floodCount / Self.sharedMax {
                if turns % 3 == 0 {
                    try bystander.send(WireFrame.resolve("name:site", correlation: asked))
                    asked += 1
                }
                gate.step()
                turns += 1
                let served = Self.pongs(gateway) - before
                before += served
                #expect(served <= UInt64(Self.sharedMax), "turn \(turns) has served the flood \(served) frames")
                // On its way into the kernel, seen there and read: three turns at the most.
                if turns % 3 == 0 { #expect(Self.resolved(gateway) == asked, "after \(turns) turns of a flood") }
            }
            #expect(before == last, "the flood is served in the end")
            #expect(turns >= Self.floodCount / Self.sharedMax)
            #expect(gateway.metric("turn_shares_spent_total") ?? 0 > 0)
            gate.open()
            try Self.expectFlood(&flooder)
            for number in 0..<asked { #expect(try bystander.frame().correlation == number) }
            try gateway.waitUntilQuiet(connections: 2)
        }
    }

    /// Large frames count by their bytes; the first of a turn is served whatever its size.
    @Test(arguments: backends) func bytesCountToo(_ kind: Backend.Kind) throws {
        let gate = try TurnGate()
        try TestGateway.run(kind, gate: gate, configure: { $0.live.limits.turnBytesMax = 1000 }) { gateway in
            var client = try gateway.connect()
            try client.expectAlive()
            gate.close { gateway.server.probe { _ in } }
            let key = "name:" + String(repeating: "k", count: 506)
            let count = 60
            for number in 0..<count { try client.send(WireFrame.resolve(key, correlation: UInt64(number))) }
            var before: UInt64 = 0
            var turns = 0
            while before < UInt64(count), turns < 1000 {
                gate.step()
                turns += 1
                let now = Self.resolved(gateway)
                #expect(now - before <= 2, "549 bytes each: the second one reaches 1,000")
                before = now
            }
            gate.open()
            for number in 0..<count { #expect(try client.frame().correlation == UInt64(number)) }
        }
    }

    /// Whoever floods beyond a second share is not read from: what is kept of it stays bounded, however much it sends.
    @Test(arguments: backends) func whatIsKeptIsBounded(_ kind: Backend.Kind) throws {
        let gate = try TurnGate()
        try TestGateway.run(kind, gate: gate, configure: { $0.live.limits.turnFramesMax = 1 }) { gateway in
            var client = try gateway.connect()
            try client.expectAlive()
            gate.close { gateway.server.probe { _ in } }
            let frames = (0..<100_000).map { WireFrame.ping("", correlation: UInt64($0)) }
            let sender = try client.sendBeside(frames)
            var kept = 0
            for _ in 0..<300 {
                gate.step()
                kept = max(kept, gateway.server.bufferBytesUsed)
            }
            #expect(kept < 1_048_576, "3.8 MB were sent")
            gate.open()
            client.reset()
            try? sender.join()
            try gateway.waitUntilQuiet()
        }
    }

    @Test(arguments: backends) func whoEndsItsSideStillGetsEveryAnswer(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind, configure: { $0.live.limits.turnFramesMax = 3 }) { gateway in
            var client = try gateway.connect()
            try client.send(Self.flood())
            client.shutdownWrite()
            try Self.expectFlood(&client)
            try client.expectEnd()
            try gateway.waitUntilQuiet()
        }
    }

    @Test(arguments: backends) func aRefusedHeaderBehindAFlood(_ kind: Backend.Kind) throws {
        var bad = WireFrame.ping("bad", correlation: 666)
        bad.version = 9
        try TestGateway.run(kind, configure: { $0.live.limits.turnFramesMax = 3 }) { gateway in
            var client = try gateway.connect()
            try client.send(Self.flood() + bad.bytes)
            try Self.expectFlood(&client)
            try ExpectedError(400, "bad_version").check(try client.frame(), to: bad.bytes, "behind the flood")
            try client.expectEnd()
            client.shutdownWrite()
            try gateway.waitUntilQuiet()
        }
    }

    /// Frames that are cut anywhere, in buffers smaller than a frame, from a session that rests after each one.
    @Test(arguments: backends) func nothingIsLostBetweenShares(_ kind: Backend.Kind) throws {
        try TestGateway.run(
            kind,
            configure: {
                $0.live.limits.turnFramesMax = 1
                $0.kernelLimits.bufferBytes = 64
                $0.kernelLimits.buffersCount = 16
            }
        ) { gateway in
            var client = try gateway.connect()
            let payloads = (0..<600).map { String(repeating: "x", count: $0 % 65) }
            let frames = payloads.enumerated().map { WireFrame.ping($1, correlation: UInt64($0)) }
            let sender = try client.sendBeside(frames)
            for (number, payload) in payloads.enumerated() {
                let answer = try client.frame()
                guard answer.correlation == UInt64(number), answer.text == payload else {
                    Issue.record("answer \(number) is \(answer)")
                    return
                }
            }
            try sender.join()
            try client.expectAlive()
            try gateway.waitUntilQuiet(connections: 1)
        }
    }

    /// A reset, and a stop, while frames are kept: everything comes home.
    @Test(arguments: backends) func endsWhileResting(_ kind: Backend.Kind) throws {
        for isReset in [true, false] {
            let gate = try TurnGate()
            try TestGateway.run(kind, gate: gate, configure: { $0.live.limits.turnFramesMax = 1 }) { gateway in
                var client = try gateway.connect()
                try client.expectAlive()
                gate.close { gateway.server.probe { _ in } }
                try client.send(Self.flood(500))
                for _ in 0..<5 { gate.step() }
                #expect(gateway.server.bufferBytesUsed > 0, "frames are kept")
                if isReset { client.reset() } else { gateway.server.stop() }
                gate.open()
                try gateway.waitUntilQuiet()
            }
        }
    }
}
