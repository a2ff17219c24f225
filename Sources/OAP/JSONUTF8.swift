/// Well-formed UTF-8, byte by byte, as table 3-7 of the Unicode standard has it: no overlong forms, no surrogates,
/// nothing above U+10FFFF. Shared by the JSON reader and the key rules.
enum JSONUTF8 {
    /// Bytes of the well-formed sequence that starts at `offset` (1–4), or 0 when there is none.
    static func sequenceBytes(_ bytes: Span<UInt8>, at offset: Int) -> Int {
        let lead = bytes[offset]
        switch lead {
        case 0x00...0x7F:
            return 1
        case 0xC2...0xDF:
            return Self.isContinuation(bytes, offset + 1) ? 2 : 0
        case 0xE0...0xEF:
            // E0 would be overlong below A0; ED from A0 on would be a surrogate.
            let second: ClosedRange<UInt8> = lead == 0xE0 ? 0xA0...0xBF : lead == 0xED ? 0x80...0x9F : 0x80...0xBF
            guard offset + 2 < bytes.count, second.contains(bytes[offset + 1]) else { return 0 }
            return Self.isContinuation(bytes, offset + 2) ? 3 : 0
        case 0xF0...0xF4:
            // F0 would be overlong below 90; F4 from 90 on would be above U+10FFFF.
            let second: ClosedRange<UInt8> = lead == 0xF0 ? 0x90...0xBF : lead == 0xF4 ? 0x80...0x8F : 0x80...0xBF
            guard offset + 3 < bytes.count, second.contains(bytes[offset + 1]) else { return 0 }
            return Self.isContinuation(bytes, offset + 2) && Self.isContinuation(bytes, offset + 3) ? 4 : 0
        default:
            return 0
        }
    }

    /// False at and beyond the end: a cut sequence is malformed, not incomplete.
    private static func isContinuation(_ bytes: Span<UInt8>, _ offset: Int) -> Bool {
        offset < bytes.count && bytes[offset] & 0xC0 == 0x80
    }
}
