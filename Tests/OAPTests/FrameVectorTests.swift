import GatewayTesting
import OAP
import Testing

/// The repository's own vectors: whole, byte by byte, and cut at every offset.
@Suite struct FrameVectorTests {
    static let codes = Dictionary(uniqueKeysWithValues: ErrorCode.allCases.map { ($0.name, $0) })

    @Test func theCorpusIsThere() {
        #expect(ProtocolVector.all.count >= 75)
        #expect(Set(ProtocolVector.all.map(\.name)).count == ProtocolVector.all.count)
        let refusals = Set(ProtocolVector.refused.map { "\($0.end)" })
        #expect(refusals.count == 6, "each of the six header rules is broken by some vector")
    }

    /// Nothing about the frames or the end depends on how the bytes were cut.
    private static func check(_ vector: ProtocolVector, _ stream: FrameStream, _ how: String) {
        #expect(stream.headers.count == vector.framesCount, "\(vector.name), \(how)")
        switch vector.end {
        case .empty:
            #expect(stream.kept.isEmpty && stream.refusal == nil, "\(vector.name), \(how)")
        case .needMore(let total):
            #expect(stream.needed == total && stream.refusal == nil, "\(vector.name), \(how)")
        case .refused(let code):
            #expect(stream.refusal == Self.codes[code], "\(vector.name), \(how)")
        }
    }

    @Test func whole() {
        for vector in ProtocolVector.all {
            var stream = FrameStream()
            stream.feed(vector.bytes)
            Self.check(vector, stream, "whole")
            Self.checkFields(vector, stream)
        }
    }

    /// Every field against a reader that shares no code with the codec.
    private static func checkFields(_ vector: ProtocolVector, _ stream: FrameStream) {
        var rest = vector.bytes
        for (index, header) in stream.headers.enumerated() {
            guard let frame = WireFrame(rest) else {
                Issue.record("\(vector.name): frame \(index) is not whole")
                return
            }
            #expect(Int(header.frameBytes) == frame.byteCount, "\(vector.name)")
            #expect(header.flags.rawValue == frame.flags, "\(vector.name)")
            #expect(header.code == frame.code, "\(vector.name)")
            #expect(header.application == frame.application, "\(vector.name)")
            #expect(header.tenant == frame.tenant, "\(vector.name)")
            #expect(Int(header.capabilityBytes) == frame.capability.count, "\(vector.name)")
            #expect(header.correlation == frame.correlation, "\(vector.name)")
            #expect(stream.capabilities[index] == frame.capability, "\(vector.name)")
            #expect(stream.payloads[index] == frame.payload, "\(vector.name)")
            rest.removeFirst(frame.byteCount)
        }
    }

    @Test func byteByByte() {
        for vector in ProtocolVector.all {
            var stream = FrameStream()
            for byte in vector.bytes { stream.feed([byte]) }
            Self.check(vector, stream, "byte by byte")
            // A header that fails is refused with its last byte, before anything of the body is there.
            if stream.refusal != nil { #expect(stream.keptOfRefusedFrame == FrameHeader.byteCount, "\(vector.name)") }
        }
    }

    @Test func cutAtEveryOffset() {
        for vector in ProtocolVector.all {
            for cut in 0...vector.bytes.count {
                var stream = FrameStream()
                stream.feed(vector.bytes[..<cut])
                stream.feed(vector.bytes[cut...])
                Self.check(vector, stream, "cut at \(cut)")
            }
        }
    }

    /// What is accepted is written again byte for byte.
    @Test func acceptedFramesAreEncodedIdentically() {
        for vector in ProtocolVector.all where vector.framesCount > 0 {
            var stream = FrameStream()
            stream.feed(vector.bytes)
            var written: [UInt8] = []
            for (index, header) in stream.headers.enumerated() {
                var bytes = [UInt8](repeating: 0xEE, count: FrameHeader.byteCount)
                var span = bytes.mutableSpan
                header.encode(into: &span)
                written += bytes + stream.capabilities[index] + stream.payloads[index]
            }
            #expect(written == Array(vector.bytes.prefix(written.count)), "\(vector.name)")
        }
    }
}
