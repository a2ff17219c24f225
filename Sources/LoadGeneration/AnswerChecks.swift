internal import OAP

/// The payload of a resolve's answer, looked at as far as it takes to know whose record it is.
enum RecordAnswer {
    private static let head: InlineArray<8, UInt8> = [
        UInt8(ascii: "{"), UInt8(ascii: "\""), UInt8(ascii: "k"), UInt8(ascii: "e"), UInt8(ascii: "y"),
        UInt8(ascii: "\""), UInt8(ascii: ":"), UInt8(ascii: "\""),
    ]

    /// FNV-1a over 64 bits. A request keeps this instead of its key, whose bytes have left the processor's caches by
    /// the time the answer comes.
    @inline(__always)
    static func fingerprint(_ key: Span<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in key.indices { hash = (hash ^ UInt64(key[index])) &* 0x0000_0100_0000_01B3 }
        return hash
    }

    /// As `fingerprint`, of a key that stands in JSON. Keys have no control characters, so the only escapes are those
    /// of a quote and of a backslash.
    static func fingerprint(escaped key: Span<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        var offset = 0
        while offset < key.count {
            if key[offset] == UInt8(ascii: "\\"), offset + 1 < key.count { offset += 1 }
            hash = (hash ^ UInt64(key[offset])) &* 0x0000_0100_0000_01B3
            offset += 1
        }
        return hash
    }

    /// True exactly when `payload` begins with `{"key":"<key>"`, the key escaped as canonical records are and its
    /// fingerprint the given one, and ends with a brace.
    @inline(__always)
    static func begins(_ payload: Span<UInt8>, withRecordOf fingerprint: UInt64) -> Bool {
        guard payload.count > Self.head.count, payload[payload.count - 1] == UInt8(ascii: "}") else { return false }
        for index in 0..<Self.head.count where payload[index] != Self.head[index] { return false }
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        var offset = Self.head.count
        while offset < payload.count, payload[offset] != UInt8(ascii: "\"") {
            if payload[offset] == UInt8(ascii: "\\") { offset += 1 }
            guard offset < payload.count else { return false }
            hash = (hash ^ UInt64(payload[offset])) &* 0x0000_0100_0000_01B3
            offset += 1
        }
        return offset < payload.count && hash == fingerprint
    }
}

/// The payload of an answer that is an error.
enum ErrorAnswer {
    /// The code that the body names, or nil when it is no error body, its code does not belong to `status`, or its
    /// members contradict the code or the header.
    static func code(of payload: Span<UInt8>, status: UInt16, correlation: UInt64) -> ErrorCode? {
        (try? Self.parse(payload, status: status, correlation: correlation)) ?? nil
    }

    private static func parse(
        _ payload: Span<UInt8>, status: UInt16, correlation: UInt64
    ) throws(JSONError) -> ErrorCode? {
        var reader = try JSONReader(payload)
        var code: ErrorCode? = nil
        var isRetryable: Bool? = nil
        var hasMessage = false
        var hasRetryAfter = false
        var isOwn = false
        try reader.beginObject()
        while let name = try reader.nextMember() {
            if reader.matches(name, "code") {
                code = Self.code(try reader.readString(), reader)
            } else if reader.matches(name, "message") {
                hasMessage = try reader.readString().valueBytes > 0
            } else if reader.matches(name, "retryable") {
                isRetryable = try reader.readBoolean()
            } else if reader.matches(name, "corr_id") {
                let text = try reader.readString()
                isOwn = Self.isDecimal(payload.extracting(text.rawBytes), correlation)
            } else if reader.matches(name, "retry_after_ms") {
                hasRetryAfter = try reader.readNumber() >= 0
            } else {
                try reader.skipValue()
            }
        }
        try reader.end()
        guard let code, code.status == status, hasMessage, isOwn, isRetryable == code.isRetryable,
            hasRetryAfter == code.hasRetryAfter
        else { return nil }
        return code
    }

    private static func code(_ string: JSONString, _ reader: borrowing JSONReader) -> ErrorCode? {
        var raw: UInt8 = 0
        while let code = ErrorCode(rawValue: raw) {
            if reader.matches(string, code.name) { return code }
            raw += 1
        }
        return nil
    }

    private static func isDecimal(_ digits: Span<UInt8>, _ number: UInt64) -> Bool {
        guard digits.count > 0, digits.count <= 20 else { return false }
        var value: UInt64 = 0
        for index in digits.indices {
            let digit = digits[index] &- UInt8(ascii: "0")
            guard digit < 10 else { return false }
            value = value &* 10 &+ UInt64(digit)
        }
        return value == number
    }
}
