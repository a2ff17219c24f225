import Foundation
import GatewayTesting
import OAP
import Testing

/// The published decoder's vectors, read from the directory beside the repository that also holds the protocol page.
@Suite struct VectorFileTests {
    struct Vector: Decodable {
        struct Frame: Decodable {
            let length: Int
            let flags: Int
            let code: Int
            let application: Int
            let tenant: String
            let capability: String?
            let correlation: String
            let payload: String?

            private enum CodingKeys: String, CodingKey {
                case flags, code, payload
                case length = "len"
                case application = "app_proto_id"
                case tenant = "tenant_id"
                case capability = "cap"
                case correlation = "corr_id"
            }
        }

        struct Verdict: Decodable {
            let frames: [Frame]
            let end: String
            let error: String?
        }

        let name: String
        let hex: String
        let verdict: Verdict

        var bytes: [UInt8] { [UInt8](hex: self.hex) }
    }

    static let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../../shared/protocol/vectors.jsonl").standardizedFileURL.path
    static let isThere = FileManager.default.fileExists(atPath: Self.path)

    static func vectors() throws -> [Vector] {
        let text = try String(contentsOfFile: Self.path, encoding: .utf8)
        return try text.split(separator: "\n").map { try JSONDecoder().decode(Vector.self, from: Data($0.utf8)) }
    }

    /// What this codec says of a vector: the published verdict, but for the differences that the vectors' page lists.
    struct Verdict: Equatable {
        var framesCount: Int
        var refusal: ErrorCode?
    }

    static func expected(_ vector: Vector) throws -> Verdict {
        var verdict = Verdict(framesCount: vector.verdict.frames.count)
        switch vector.verdict.error {
        case nil: break
        case "BadFlags": verdict.refusal = .badFlags
        case "BadVersion": verdict.refusal = .badVersion
        case "TruncatedHeader": verdict.refusal = .badLength
        case "FrameTooLarge":
            // The published decoder calls `len` 0 too large; here any `len` below 38 is refused as such.
            verdict.refusal = vector.bytes.prefix(4).allSatisfy { $0 == 0 } ? .badLength : .frameTooLarge
        case "CapOnNonStart": verdict.refusal = .capabilityWithoutStart
        case "CapOutOfBounds": verdict.refusal = .capabilityOutOfBounds
        case "Io", "DecompressBoundExceeded":
            // The payload's fault, not the frame's: the codec hands the frame over and the exchange refuses COMP.
            // Frames behind it are frames.
            verdict.framesCount = vector.name == "comp_then_good" ? 2 : 1
        case let other?: throw UnknownVerdict(error: other)
        }
        return verdict
    }

    struct UnknownVerdict: Error { let error: String }

    private static func check(_ vector: Vector, _ stream: FrameStream, _ how: String) throws {
        let found = Verdict(framesCount: stream.headers.count, refusal: stream.refusal)
        #expect(try found == Self.expected(vector), "\(vector.name), \(how)")
        if vector.verdict.end == "need_more" { #expect(stream.needed != nil, "\(vector.name), \(how)") }
        if vector.verdict.end == "empty" { #expect(stream.kept.isEmpty, "\(vector.name), \(how)") }
    }

    private static func checkFields(_ vector: Vector, _ stream: FrameStream) {
        for (index, frame) in vector.verdict.frames.enumerated() where index < stream.headers.count {
            let header = stream.headers[index]
            #expect(Int(header.flags.rawValue) == frame.flags, "\(vector.name)")
            #expect(Int(header.code) == frame.code, "\(vector.name)")
            #expect(Int(header.application) == frame.application, "\(vector.name)")
            #expect(String(header.tenant) == frame.tenant, "\(vector.name)")
            #expect(String(header.correlation) == frame.correlation, "\(vector.name)")
            #expect(stream.capabilities[index] == [UInt8](hex: frame.capability ?? ""), "\(vector.name)")
            // The published verdict has the inflated payload.
            guard !header.flags.contains(.compressed) else { continue }
            #expect(Int(header.frameBytes) == frame.length, "\(vector.name)")
            #expect(stream.payloads[index] == [UInt8](hex: frame.payload ?? ""), "\(vector.name)")
        }
    }

    @Test(.enabled(if: isThere, "the published vectors are not beside this repository: \(path)"))
    func wholeByteByByteAndCutAtEveryOffset() throws {
        let vectors = try Self.vectors()
        #expect(vectors.count == 90)
        for vector in vectors {
            let bytes = vector.bytes
            var whole = FrameStream()
            whole.feed(bytes)
            try Self.check(vector, whole, "whole")
            Self.checkFields(vector, whole)

            var slow = FrameStream()
            for byte in bytes { slow.feed([byte]) }
            try Self.check(vector, slow, "byte by byte")

            for cut in 1..<max(2, bytes.count) {
                var stream = FrameStream()
                stream.feed(bytes[..<min(cut, bytes.count)])
                stream.feed(bytes[min(cut, bytes.count)...])
                guard stream.headers == whole.headers, stream.refusal == whole.refusal,
                    whole.refusal != nil || stream.kept == whole.kept
                else {
                    Issue.record("\(vector.name) cut at \(cut) means something else")
                    break
                }
            }
        }
    }
}
