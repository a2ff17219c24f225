internal import OAP

/// A number for a key. A request keeps this instead of its key, whose bytes have left the processor's caches by the time
/// the answer comes.
enum KeyFingerprint {
    /// Eight bytes at a time, each word mixed into what came before; the last word overlaps the one in front of it.
    @inline(__always)
    static func of(_ key: Span<UInt8>) -> UInt64 {
        var hash = UInt64(truncatingIfNeeded: key.count) &* 0x9E37_79B9_7F4A_7C15
        guard key.count >= 8 else {
            var rest: UInt64 = 0
            for index in key.indices { rest = rest << 8 | UInt64(key[index]) }
            return Self.mixed(hash ^ rest)
        }
        var offset = 0
        while offset < key.count - 8 {
            hash = Self.mixed(hash ^ key.word(at: offset))
            offset += 8
        }
        return Self.mixed(hash ^ key.word(at: key.count - 8))
    }

    /// Of a key as it stands in JSON. Keys have no control characters, so that only quotes and backslashes are escaped;
    /// nil when it is longer than a key.
    static func of(escaped key: Span<UInt8>) -> UInt64? {
        var plain = InlineArray<511, UInt8>(repeating: 0)
        var count = 0
        var offset = 0
        while offset < key.count {
            if key[offset] == UInt8(ascii: "\\"), offset + 1 < key.count { offset += 1 }
            guard count < IndexKey.bytesMax else { return nil }
            plain[count] = key[offset]
            count += 1
            offset += 1
        }
        return Self.of(plain.span.extracting(0..<count))
    }

    /// Both halves of a product: each bit of the word reaches every bit of the result.
    @inline(__always)
    private static func mixed(_ word: UInt64) -> UInt64 {
        let product = (word ^ 0x2D35_8DCC_AA6C_78A5).multipliedFullWidth(by: 0x8BB8_4B93_962E_ACC9)
        return product.high ^ product.low
    }
}

extension Span<UInt8> {
    /// Eight bytes as one number. The check in front lets the compiler drop those of each byte, and load them at once.
    @inline(__always)
    fileprivate func word(at offset: Int) -> UInt64 {
        precondition(offset >= 0 && offset <= self.count - 8)
        var word: UInt64 = 0
        for place in 0..<8 { word |= UInt64(self[offset + place]) << UInt64(8 * place) }
        return word
    }
}

/// The payload of a resolve's answer, looked at as far as it takes to know whose record it is.
enum RecordAnswer {
    /// `{"key":"` as a number.
    private static let head: UInt64 = 0x223A_2279_656B_227B
    private static let headBytes = 8

    /// True exactly when `payload` begins with `{"key":"<key>"`, the key escaped as canonical records are, and ends with
    /// a brace.
    @inline(__always)
    static func begins(_ payload: Span<UInt8>, withRecordOf fingerprint: UInt64, keyBytes: Int) -> Bool {
        guard payload.count > Self.headBytes + keyBytes, payload[payload.count - 1] == UInt8(ascii: "}"),
            payload.word(at: 0) == Self.head
        else { return false }
        let end = Self.headBytes + keyBytes
        if payload[end] == UInt8(ascii: "\""),
            KeyFingerprint.of(payload.extracting(Self.headBytes..<end)) == fingerprint
        {
            return true
        }
        return Self.isEscaped(payload, fingerprint)
    }

    /// A key with a quote or a backslash in it is longer in JSON.
    private static func isEscaped(_ payload: Span<UInt8>, _ fingerprint: UInt64) -> Bool {
        var end = Self.headBytes
        while end < payload.count, payload[end] != UInt8(ascii: "\"") {
            end += payload[end] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard end < payload.count else { return false }
        return KeyFingerprint.of(escaped: payload.extracting(Self.headBytes..<end)) == fingerprint
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
