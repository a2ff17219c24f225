/// Byte strings with the verdict that the protocol page gives them, written from that page alone: every clone has them.
///
/// Each frame is written as the page's table is: len, ver, flags, code, app_proto_id, tenant_id, cap_len, corr_id, then
/// the capability and the payload. A vector's frames are read back by `WireFrame`, which is not the codec.
public struct ProtocolVector: Sendable {
    public let name: String
    public let bytes: [UInt8]
    /// Whole frames at the start.
    public let framesCount: Int
    public let end: End

    /// What is to be said about the bytes behind the last whole frame.
    public enum End: Equatable, Sendable {
        case empty
        /// So many bytes, counted from there, are needed before anything can be said or done.
        case needMore(total: Int)
        /// The header breaks the rule with this code.
        case refused(String)
    }

    init(_ name: String, _ hex: String, frames: Int, _ end: End) {
        self.name = name
        self.bytes = [UInt8](hex: hex)
        self.framesCount = frames
        self.end = end
    }

    /// The vectors whose last header is refused, which end a connection.
    public static var refused: [ProtocolVector] {
        self.all.filter {
            switch $0.end {
            case .refused: true
            case .empty, .needMore: false
            }
        }
    }
}

extension [UInt8] {
    /// The bytes of hexadecimal text; blanks are ignored, anything else traps.
    public init(hex: String) {
        let digits = hex.utf8.filter { $0 != UInt8(ascii: " ") }.map { digit in
            guard let value = UInt8(String(UnicodeScalar(digit)), radix: 16) else {
                preconditionFailure("not hexadecimal: \(hex)")
            }
            return value
        }
        precondition(digits.count % 2 == 0, "half a byte: \(hex)")
        self = stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}
