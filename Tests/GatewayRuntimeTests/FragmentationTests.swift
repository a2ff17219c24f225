import Gateway
import GatewayRuntime
import GatewayTesting
import OAP
import Reactor
import Testing

/// Frames in any pieces: the answers do not depend on how the bytes were cut.
@Suite struct FragmentationTests {
    static let backends = TestEnvironment.backends

    @Test(arguments: backends) func twoFramesSplitAtEveryOffset(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind) { gateway in
            var client = try gateway.connect()
            let bytes =
                WireFrame.resolve("name:site", correlation: 1).bytes
                + WireFrame.resolveMany(json: "[\"name:nobody\"]", correlation: 2).bytes
            for cut in 0...bytes.count {
                try client.send(Array(bytes[..<cut]))
                if cut >= 47 {
                    // The first frame's answer proves that the second half is received by itself.
                    #expect(try client.frame().correlation == 1, "cut at \(cut)")
                }
                try client.send(Array(bytes[cut...]))
                if cut < 47 { #expect(try client.frame().correlation == 1, "cut at \(cut)") }
                let second = try client.frame()
                #expect(second.correlation == 2 && second.text == "[null]", "cut at \(cut)")
            }
            try client.expectAlive()
            try gateway.waitUntilQuiet(connections: 1)
        }
    }

    /// A frame of the largest size: refused for its content, once all of it is there.
    private static let largest: WireFrame = {
        var frame = WireFrame.request(
            code: 1, [UInt8](repeating: 0x20, count: 1_048_576 - 38 - 11) + Array("[\"name:a\"] ".utf8),
            correlation: 0xFEED)
        frame.tenant = 3
        return frame
    }()

    @Test(arguments: backends) func theLargestFrameInOneBytePieces(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind) { gateway in
            var client = try gateway.connect()
            let bytes = Self.largest.bytes
            #expect(bytes.count == FrameHeader.frameBytesMax)
            try client.send(bytes, inPiecesOf: 1)
            let answer = try client.frame()
            #expect(answer.code == 200 && answer.correlation == 0xFEED && answer.text == "[null]")
            try client.expectAlive()
            try gateway.waitUntilQuiet(connections: 1)
        }
    }

    @Test(arguments: backends) func theLargestFrameInRandomPieces(_ kind: Backend.Kind) throws {
        var random = SeededGenerator.fromEnvironment()
        try TestGateway.run(kind) { gateway in
            var client = try gateway.connect()
            for round in 0..<4 as Range<UInt64> {
                var frame = Self.largest
                frame.correlation = round
                let bytes = frame.bytes + WireFrame.ping("behind", correlation: 99).bytes
                var offset = 0
                while offset < bytes.count {
                    let end = min(bytes.count, offset + 1 + Int(random.next() % (random.oneIn(3) ? 200 : 40_000)))
                    try client.send(Array(bytes[offset..<end]))
                    offset = end
                }
                let answer = try client.frame()
                #expect(answer.correlation == round && answer.text == "[null]", "\(random.replay)")
                #expect(try client.frame().text == "behind", "\(random.replay)")
            }
            try gateway.waitUntilQuiet(connections: 1)
        }
    }

    /// A header that announces a mebibyte costs its sender 38 bytes and must not cost the gateway a mebibyte.
    @Test(arguments: backends) func anAnnouncedLengthReservesNothing(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind) { gateway in
            var header = WireFrame.resolve("name:site")
            header.announcedLength = 1_048_576
            var clients = ClientList()
            for _ in 0..<50 {
                let client = try gateway.connect()
                try client.send(header)
                clients.add(client)
            }
            try gateway.wait(for: "every header to be kept") {
                gateway.server.reports.reduce(0) { $0 + $1.blocksUsed } == 50
            }
            #expect(gateway.server.bufferBytesUsed <= 50 * 512)
        }
    }

    /// Frames behind one another in receive buffers far smaller than they are.
    @Test(arguments: backends) func tinyReceiveBuffers(_ kind: Backend.Kind) throws {
        try TestGateway.run(
            kind,
            configure: {
                $0.kernelLimits.bufferBytes = 64; $0.kernelLimits.buffersCount = 4
            }
        ) {
            gateway in
            var client = try gateway.connect()
            for _ in 0..<5 {
                var bytes: [UInt8] = []
                for number in 0..<50 as Range<UInt64> {
                    bytes += WireFrame.resolve(ScriptedIndex.keys[Int(number) % 4], correlation: number).bytes
                }
                try client.send(bytes)
                for number in 0..<50 as Range<UInt64> {
                    let answer = try client.frame()
                    #expect(answer.correlation == number)
                    #expect(answer.payload == ScriptedRecords.record(forKey: ScriptedIndex.keys[Int(number) % 4]))
                }
            }
            try gateway.waitUntilQuiet(connections: 1)
        }
    }
}
