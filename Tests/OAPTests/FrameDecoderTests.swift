import GatewayTesting
import OAP
import Testing

@Suite struct FrameDecoderTests {
    static func step(_ frame: WireFrame, max: Int = FrameHeader.frameBytesMax) -> FrameStep {
        FrameDecoder(frameBytesMax: max).step(frame.bytes.span)
    }

    static func refusal(_ frame: WireFrame) -> ErrorCode? {
        guard case .refused(let code, _) = Self.step(frame) else { return nil }
        return code
    }

    /// The page's order: reserved flags, version, length, capability without START, capability beyond the frame. Every
    /// combination of broken rules is refused by the first of them.
    @Test func theFirstBrokenRuleDecides() {
        for broken in 1..<32 {
            var frame = WireFrame.resolve("name:a")
            var expected: ErrorCode?
            if broken & 16 != 0 {
                frame.announcedCapability = 4000
                frame.flags |= WireFrame.Flag.start
                expected = .capabilityOutOfBounds
            }
            if broken & 8 != 0 {
                frame.announcedCapability = frame.announcedCapability ?? 1
                frame.flags &= ~WireFrame.Flag.start
                expected = .capabilityWithoutStart
            }
            if broken & 4 != 0 {
                let tooLong = broken & 16 != 0
                frame.announcedLength = tooLong ? 1_048_577 : 37
                expected = tooLong ? .frameTooLarge : .badLength
            }
            if broken & 2 != 0 {
                frame.version = 2
                expected = .badVersion
            }
            if broken & 1 != 0 {
                frame.flags |= 0x4000
                expected = .badFlags
            }
            #expect(Self.refusal(frame) == expected, "rules broken: \(String(broken, radix: 2))")
        }
    }

    @Test func theLengthsLimitsAreExact() {
        var frame = WireFrame()
        frame.flags = 1
        for (length, expected) in [(37, ErrorCode.badLength), (38, nil), (1_048_576, nil), (1_048_577, .frameTooLarge)]
        {
            frame.announcedLength = UInt32(length)
            #expect(Self.refusal(frame) == expected, "len \(length)")
        }
        #expect(Self.step(frame, max: 4096) == .refused(.frameTooLarge, FrameHeader(peeking: frame.bytes.span)))
        frame.announcedLength = 4096
        #expect(Self.step(frame, max: 4096) == .needMore(total: 4096))
        frame.announcedLength = 4097
        #expect(FrameDecoder(frameBytesMax: 4096).step(frame.bytes.span) != .needMore(total: 4097))
    }

    @Test func theCapabilitysBoundsAreExact() {
        var frame = WireFrame()
        frame.flags = WireFrame.Flag.request | WireFrame.Flag.start | WireFrame.Flag.end
        frame.payload = [1, 2, 3]
        frame.announcedCapability = 3
        guard case .frame(let header) = Self.step(frame) else {
            Issue.record("a capability that fills its frame is whole")
            return
        }
        #expect(header.capabilityRange == 38..<41)
        #expect(header.payloadRange == 41..<41)
        frame.announcedCapability = 4
        #expect(Self.refusal(frame) == .capabilityOutOfBounds)
    }

    /// No byte behind the header changes what the header is refused for, and none before its 38th says anything.
    @Test func aHeaderIsJudgedByItsOwnBytesAlone() {
        for vector in ProtocolVector.refused where vector.framesCount == 0 {
            let header = Array(vector.bytes.prefix(FrameHeader.byteCount))
            let decoder = FrameDecoder()
            guard case .refused(let code, _) = decoder.step(header.span) else {
                Issue.record("\(vector.name) is not refused from 38 bytes")
                continue
            }
            #expect(vector.end == .refused(code.name), "\(vector.name)")
            for count in 0..<FrameHeader.byteCount {
                #expect(decoder.step(header.span.extracting(0..<count)) == .needMore(total: FrameHeader.byteCount))
            }
        }
    }

    /// Asked in the order of its own answers, the decoder never wants bytes of a frame that it then refuses.
    @Test func whatIsAskedForIsNeverRefused() {
        var random = SeededGenerator.fromEnvironment()
        for _ in 0..<20_000 {
            let bytes = FrameFuzzTests.randomHeader(&random)
            guard case .needMore(let total) = FrameDecoder().step(bytes.span) else { continue }
            #expect(total >= FrameHeader.byteCount && total <= FrameHeader.frameBytesMax, "\(random.replay)")
            guard total <= 8192 else { continue }
            let whole = bytes + random.bytes(total - bytes.count)
            guard case .frame(let header) = FrameDecoder().step(whole.span) else {
                Issue.record("bytes were asked for and then refused; \(random.replay)")
                return
            }
            #expect(Int(header.frameBytes) == total)
        }
    }

    @Test func foreignProtocolsAreNamedAndOurOwnIsNot() {
        func name(_ bytes: [UInt8]) -> ForeignProtocol? { ForeignProtocol(bytes.span) }
        #expect(name([0x16, 0x03, 0x01, 0x00, 0xC8, 0x01]) == .tls)
        for method in ["GET / ", "POST /", "HEAD /", "PUT /a", "OPTIONS", "DELETE /", "PATCH /", "CONNECT", "PRI * H"] {
            #expect(name(Array(method.utf8)) == .http, "\(method)")
        }
        #expect(name([0x29, 0, 0, 0, 1, 1]) == .gmi)
        #expect(name(WireFrame.resolve("name:site").bytes) == nil)
        #expect(name([0x16, 0x03]) == nil)
        #expect(name([]) == nil)
    }
}
