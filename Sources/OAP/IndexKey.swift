/// The rules for keys of the index: `name:<label>` or `b3:<64 lower-case hex digits>`.
///
/// A label is 1–506 bytes of UTF-8 without control characters (U+0000–001F, 007F, 0080–009F). Keys are compared byte
/// for byte: no case folding, no normalisation. Everything here is allocation-free and runs once per request.
public enum IndexKey {
    /// Largest key in bytes; it is also LMDB's limit for a key.
    public static let bytesMax = 511
    /// Largest label in bytes: `bytesMax` without the five bytes of `name:`.
    public static let labelBytesMax = 506
    /// Hex digits after `b3:`; a BLAKE3 digest is 32 bytes.
    public static let digestDigits = 64

    /// Why bytes are not a key. `message` is what the requester is told.
    public enum Fault: Error, Equatable, Sendable {
        case empty
        case tooLong
        case unknownPrefix
        case emptyLabel
        case controlCharacter
        case invalidUTF8
        case invalidDigest

        /// A constant sentence without its full stop; reading it allocates nothing.
        public var message: String {
            switch self {
            case .empty: "the key is empty; a key is name:<label> or b3:<64 lower-case hex digits>"
            case .tooLong: "the key is longer than 511 bytes"
            case .unknownPrefix: "a key starts with \"name:\" or \"b3:\""
            case .emptyLabel: "the label after \"name:\" is empty; it has 1 to 506 bytes"
            case .controlCharacter: "the label has a control character"
            case .invalidUTF8: "the label is not UTF-8"
            case .invalidDigest: "\"b3:\" is followed by exactly 64 lower-case hex digits"
            }
        }
    }

    /// True exactly when `key` is one.
    public static func isValid(_ key: Span<UInt8>) -> Bool { Self.fault(in: key) == nil }

    /// The first rule that `key` breaks, or nil when it is a key.
    public static func fault(in key: Span<UInt8>) -> Fault? {
        let count = key.count
        guard count > 0 else { return .empty }
        guard count <= Self.bytesMax else { return .tooLong }
        if count >= 5, key[0] == UInt8(ascii: "n"), key[1] == UInt8(ascii: "a"), key[2] == UInt8(ascii: "m"),
            key[3] == UInt8(ascii: "e"), key[4] == UInt8(ascii: ":")
        {
            return count == 5 ? .emptyLabel : Self.labelFault(key, from: 5)
        }
        if Self.isDigest(key) { return nil }
        let looksLikeDigest =
            count >= 3 && key[0] == UInt8(ascii: "b") && key[1] == UInt8(ascii: "3") && key[2] == UInt8(ascii: ":")
        return looksLikeDigest ? .invalidDigest : .unknownPrefix
    }

    /// True exactly when `bytes` are `b3:` and 64 lower-case hex digits: the form of digest keys and of manifests.
    public static func isDigest(_ bytes: Span<UInt8>) -> Bool {
        guard bytes.count == 3 + Self.digestDigits, bytes[0] == UInt8(ascii: "b"), bytes[1] == UInt8(ascii: "3"),
            bytes[2] == UInt8(ascii: ":")
        else { return false }
        for index in 3..<bytes.count {
            let byte = bytes[index]
            let isDigit = byte &- UInt8(ascii: "0") < 10
            let isLetter = byte &- UInt8(ascii: "a") < 6
            guard isDigit || isLetter else { return false }
        }
        return true
    }

    private static func labelFault(_ key: Span<UInt8>, from start: Int) -> Fault? {
        var index = start
        while index < key.count {
            let byte = key[index]
            if byte >= 0x20 && byte < 0x7F {
                index += 1
                continue
            }
            guard byte >= 0x80 else { return .controlCharacter }
            let sequence = JSONUTF8.sequenceBytes(key, at: index)
            guard sequence > 0 else { return .invalidUTF8 }
            // U+0080–009F, the C1 controls, are exactly C2 80 to C2 9F.
            if byte == 0xC2 && key[index + 1] < 0xA0 { return .controlCharacter }
            index += sequence
        }
        return nil
    }
}
