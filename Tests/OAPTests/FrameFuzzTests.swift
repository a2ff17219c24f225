// Invariant: whatever the bytes and wherever they are cut, the decoder gives the same frames and the same end, consumes
// exactly the frames' lengths, and asks only for what the header announces.
import GatewayTesting
import OAP
import Testing

@Suite struct FrameFuzzTests {
    /// 38 bytes whose fields are plausible more often than chance would make them.
    static func randomHeader(_ random: inout SeededGenerator) -> [UInt8] {
        var frame = WireFrame()
        frame.flags = UInt16(truncatingIfNeeded: random.next()) & (random.oneIn(6) ? 0xFFFF : 0x00FF)
        frame.version = random.oneIn(12) ? UInt16(truncatingIfNeeded: random.next()) : 1
        frame.code = UInt16(truncatingIfNeeded: random.next())
        frame.application = UInt16(truncatingIfNeeded: random.next())
        frame.tenant = UInt128(random.next()) << 64 | UInt128(random.next())
        frame.correlation = random.next()
        frame.announcedLength =
            random.oneIn(8) ? UInt32(truncatingIfNeeded: random.next()) : UInt32(random.next() % 160)
        frame.announcedCapability = random.oneIn(2) ? UInt16(random.next() % 40) : 0
        return frame.bytes
    }

    private static func randomStream(_ random: inout SeededGenerator) -> [UInt8] {
        if random.oneIn(4) { return random.bytes(Int(random.next() % 300)) }
        var bytes: [UInt8] = []
        for _ in 0..<(1 + random.next() % 4) {
            var header = Self.randomHeader(&random)
            // Mostly small announced lengths, with a body that fits them, so that several frames follow one another.
            if !random.oneIn(5) { header.replaceSubrange(0..<3, with: [0, 0, 0]) }
            bytes += header + random.bytes(max(0, Int(header[3]) - FrameHeader.byteCount))
        }
        return bytes
    }

    @Test func anyCutGivesTheSameFrames() {
        var random = SeededGenerator.fromEnvironment()
        var framesSeen = 0
        var refusalsSeen: Set<ErrorCode> = []
        for _ in 0..<4000 {
            let bytes = Self.randomStream(&random)
            var whole = FrameStream()
            whole.feed(bytes)
            var pieces = FrameStream()
            var offset = 0
            while offset < bytes.count {
                let end = min(bytes.count, offset + 1 + Int(random.next() % 50))
                pieces.feed(bytes[offset..<end])
                offset = end
            }
            guard whole.headers == pieces.headers, whole.payloads == pieces.payloads, whole.refusal == pieces.refusal,
                whole.needed == pieces.needed, whole.capabilities == pieces.capabilities
            else {
                Issue.record("cutting \(bytes) changed what it means; \(random.replay)")
                return
            }
            let consumed = whole.headers.reduce(0) { $0 + Int($1.frameBytes) }
            #expect(consumed <= bytes.count, "\(random.replay)")
            if whole.refusal == nil { #expect(consumed + whole.kept.count == bytes.count, "\(random.replay)") }
            framesSeen += whole.headers.count
            if let code = whole.refusal { refusalsSeen.insert(code) }
        }
        // The run was worth something: frames were decoded and each rule refused some header.
        #expect(framesSeen > 1000, "\(random.replay)")
        #expect(refusalsSeen.count == 6, "\(random.replay)")
    }

    /// Any header survives a round trip, and so do the bytes around it.
    @Test func headersSurviveARoundTrip() {
        var random = SeededGenerator.fromEnvironment()
        for _ in 0..<20_000 {
            var flags = FrameFlags(rawValue: UInt16(truncatingIfNeeded: random.next()) & 0xFF)
            let capabilityBytes = random.oneIn(2) ? 0 : Int(random.next() % 65_536)
            if capabilityBytes > 0 { flags.insert(.start) }
            let header = FrameHeader(
                flags: flags, code: UInt16(truncatingIfNeeded: random.next()),
                application: UInt16(truncatingIfNeeded: random.next()),
                tenant: UInt128(random.next()) << 64 | UInt128(random.next()), correlation: random.next(),
                capabilityBytes: capabilityBytes, payloadBytes: Int(random.next() % 900_000))
            var bytes = [UInt8](repeating: 0xA5, count: FrameHeader.byteCount + 2)
            var span = bytes.mutableSpan
            header.encode(into: &span)
            #expect(FrameHeader(peeking: bytes.span) == header, "\(random.replay)")
            #expect(bytes[38] == 0xA5 && bytes[39] == 0xA5, "encode wrote beyond the header; \(random.replay)")
            #expect(
                FrameDecoder().step(bytes.span.extracting(0..<38))
                    == (header.frameBytes == 38 ? .frame(header) : .needMore(total: Int(header.frameBytes))),
                "\(random.replay)")
        }
    }
}
