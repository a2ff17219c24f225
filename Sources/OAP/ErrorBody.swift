/// The JSON of an answer with a status >= 400, built in place without the heap:
/// `{"code":"not_found","message":"…","retryable":false,"corr_id":"7"}`, with `"retry_after_ms":N` for 429 and 503.
public struct ErrorBody: Sendable {
    /// Longest code (19) and sentence (200), 20 + 20 digits and the members' names.
    public static let byteCountMax = 384

    private var storage = InlineArray<384, UInt8>(repeating: 0)
    public private(set) var count = 0
    /// Bytes at the start that do not depend on the request.
    fileprivate var sharedCount = 0

    /// - Parameters:
    ///   - sentence: ASCII text, cut to 200 bytes; nil takes the code's own. All but printable ASCII, and quotes and
    ///     backslashes, become apostrophes: no sentence of ours has any, and none may break the JSON.
    ///   - retryAfterMilliseconds: written exactly when the code's status is 429 or 503.
    public init(_ code: ErrorCode, sentence: String? = nil, correlation: UInt64, retryAfterMilliseconds: UInt64 = 0) {
        self.append("{\"code\":\"")
        self.append(code.name)
        self.append("\",\"message\":\"")
        self.append(sentence: sentence ?? code.sentence)
        self.append(code.isRetryable ? "\",\"retryable\":true,\"corr_id\":\"" : "\",\"retryable\":false,\"corr_id\":\"")
        self.sharedCount = self.count
        let tail = ErrorTail(code, correlation: correlation, retryAfterMilliseconds: retryAfterMilliseconds)
        for index in 0..<tail.count {
            self.storage[self.count] = tail.storage[index]
            self.count += 1
        }
    }

    public var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        get { self.storage.span.extracting(0..<self.count) }
    }

    private mutating func append(_ text: String) {
        for byte in text.utf8 {
            self.storage[self.count] = byte
            self.count += 1
        }
    }

    private mutating func append(sentence: String) {
        for byte in sentence.utf8.prefix(200) {
            let isPlain = byte >= 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\") && byte < 0x7F
            self.storage[self.count] = isPlain ? byte : UInt8(ascii: "'")
            self.count += 1
        }
    }
}

/// The part of an error answer's JSON that all refusals with one code and sentence share: made once, so that a refusal is
/// two copies and two numbers.
public struct ErrorTemplate: Sendable {
    /// Up to the first digit of `corr_id`.
    public let shared: [UInt8]
    private let code: ErrorCode

    public init(_ code: ErrorCode, sentence: String? = nil) {
        let body = ErrorBody(code, sentence: sentence, correlation: 0)
        self.code = code
        // Not `map`: Swift 6.2 crashes over a span of what a closure has captured.
        var shared: [UInt8] = []
        shared.reserveCapacity(body.sharedCount)
        for index in 0..<body.sharedCount { shared.append(body.bytes[index]) }
        self.shared = shared
    }

    /// What follows `shared`.
    public func tail(correlation: UInt64, retryAfterMilliseconds: UInt64) -> ErrorTail {
        ErrorTail(self.code, correlation: correlation, retryAfterMilliseconds: retryAfterMilliseconds)
    }
}

/// The end of an error answer's JSON: `7"}` or `7","retry_after_ms":50}`.
public struct ErrorTail: Sendable {
    fileprivate var storage = InlineArray<64, UInt8>(repeating: 0)
    public private(set) var count = 0

    fileprivate init(_ code: ErrorCode, correlation: UInt64, retryAfterMilliseconds: UInt64) {
        self.append(decimal: correlation)
        if code.hasRetryAfter {
            self.append("\",\"retry_after_ms\":")
            self.append(decimal: retryAfterMilliseconds)
            self.append("}")
        } else {
            self.append("\"}")
        }
    }

    public var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        get { self.storage.span.extracting(0..<self.count) }
    }

    private mutating func append(_ text: String) {
        for byte in text.utf8 {
            self.storage[self.count] = byte
            self.count += 1
        }
    }

    private mutating func append(decimal value: UInt64) {
        var length = 1
        var rest = value
        while rest >= 10 {
            rest /= 10
            length += 1
        }
        rest = value
        for index in (self.count..<(self.count + length)).reversed() {
            self.storage[index] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
        self.count += length
    }
}
