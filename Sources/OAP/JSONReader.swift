/// A strict pull reader of one JSON text (RFC 8259) that lies in memory.
///
/// The caller asks for what the protocol expects next and gets it or a `JSONError` with the byte offset; there is no
/// tree. Depth and size are bounded, invalid UTF-8 and lone surrogates are refused, nothing is allocated.
///
/// ```swift
/// var reader = try JSONReader(payload)
/// try reader.beginObject()
/// while let name = try reader.nextMember() {
///     if reader.matches(name, "ua") { try reader.readString() } else { try reader.skipValue() }
/// }
/// try reader.end()
/// ```
/// After `nextMember` or a true `nextElement` exactly one value must be read or skipped.
public struct JSONReader: ~Copyable, ~Escapable {
    /// Containers within containers that are accepted when the caller does not say otherwise.
    public static let depthDefault = 16
    /// The largest frame: no payload of the protocol is longer.
    public static let bytesDefault = 1 << 20

    let bytes: Span<UInt8>
    /// Bytes read so far: where the next token, or the white space before it, starts.
    public internal(set) var offset: Int
    private let depthMax: Int
    /// Containers that are open.
    private var depth = 0
    /// Bit d is set exactly when the open container at depth d has given no member or element yet.
    private var freshContainers: UInt64 = 0

    /// - Parameters:
    ///   - depthMax: most containers within each other, 1–63.
    ///   - bytesMax: longer texts are refused with `textTooLong`.
    @_lifetime(copy bytes)
    public init(
        _ bytes: Span<UInt8>, depthMax: Int = Self.depthDefault, bytesMax: Int = Self.bytesDefault
    ) throws(JSONError) {
        precondition((1...63).contains(depthMax), "one bit of freshContainers a level")
        self.bytes = bytes
        self.offset = 0
        self.depthMax = depthMax
        guard bytes.count <= bytesMax else { throw JSONError(offset: bytesMax, reason: .textTooLong) }
        if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF {
            throw JSONError(offset: 0, reason: .byteOrderMark)
        }
    }

    /// Continues inside a text that was read before, at a place between two tokens.
    @_lifetime(copy bytes)
    init(resuming bytes: Span<UInt8>, at offset: Int) {
        self.bytes = bytes
        self.offset = offset
        self.depthMax = Self.depthDefault
    }

    /// What kind of value comes next; does not read it.
    @_lifetime(self: copy self)
    public mutating func nextKind() throws(JSONError) -> JSONKind {
        switch try self.nextByte() {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .boolean
        case UInt8(ascii: "n"): return .null
        default: throw self.error(.expected(.value))
        }
    }

    @_lifetime(self: copy self)
    public mutating func beginObject() throws(JSONError) {
        try self.begin(UInt8(ascii: "{"), else: .object)
    }

    @_lifetime(self: copy self)
    public mutating func beginArray() throws(JSONError) {
        try self.begin(UInt8(ascii: "["), else: .array)
    }

    /// Reads the next member's name and colon, or the object's end and returns nil.
    @_lifetime(self: copy self)
    public mutating func nextMember() throws(JSONError) -> JSONString? {
        guard try self.advance(closing: UInt8(ascii: "}"), else: .commaOrBrace) else { return nil }
        guard try self.nextByte() == UInt8(ascii: "\"") else { throw self.error(.expected(.memberName)) }
        let name = try self.readString()
        guard try self.nextByte() == UInt8(ascii: ":") else { throw self.error(.expected(.colon)) }
        self.offset += 1
        return name
    }

    /// True when another element follows, false when the array's end was read.
    @_lifetime(self: copy self)
    public mutating func nextElement() throws(JSONError) -> Bool {
        try self.advance(closing: UInt8(ascii: "]"), else: .commaOrBracket)
    }

    @_lifetime(self: copy self)
    public mutating func readNull() throws(JSONError) {
        guard try self.nextByte() == UInt8(ascii: "n") else { throw self.error(.expected(.null)) }
        try self.readLiteral("null", else: .null)
    }

    @_lifetime(self: copy self)
    public mutating func readBoolean() throws(JSONError) -> Bool {
        let isTrue = try self.nextByte() == UInt8(ascii: "t")
        try self.readLiteral(isTrue ? "true" : "false", else: .boolean)
        return isTrue
    }

    /// Reads one value of any kind, checking it as strictly as if it were wanted.
    @_lifetime(self: copy self)
    public mutating func skipValue() throws(JSONError) {
        switch try self.nextKind() {
        case .object:
            try self.beginObject()
            while try self.nextMember() != nil { try self.skipValue() }
        case .array:
            try self.beginArray()
            while try self.nextElement() { try self.skipValue() }
        case .string: _ = try self.readString()
        case .number: _ = try self.readNumber()
        case .boolean: _ = try self.readBoolean()
        case .null: try self.readNull()
        }
    }

    /// Checks that nothing but white space follows the value.
    @_lifetime(self: copy self)
    public mutating func end() throws(JSONError) {
        self.skipWhitespace()
        guard self.offset == self.bytes.count else { throw self.error(.bytesAfterValue) }
    }

    /// Skips white space and returns the byte that follows, without reading it.
    @_lifetime(self: copy self)
    mutating func nextByte() throws(JSONError) -> UInt8 {
        self.skipWhitespace()
        guard self.offset < self.bytes.count else { throw self.error(.endOfText) }
        return self.bytes[self.offset]
    }

    /// An error at the byte that would be read next.
    func error(_ reason: JSONError.Reason) -> JSONError { JSONError(offset: self.offset, reason: reason) }

    @_lifetime(self: copy self)
    private mutating func skipWhitespace() {
        while self.offset < self.bytes.count {
            switch self.bytes[self.offset] {
            case 0x20, 0x09, 0x0A, 0x0D: self.offset += 1
            default: return
            }
        }
    }

    @_lifetime(self: copy self)
    private mutating func begin(_ opening: UInt8, else expectation: JSONError.Expectation) throws(JSONError) {
        guard try self.nextByte() == opening else { throw self.error(.expected(expectation)) }
        guard self.depth < self.depthMax else { throw self.error(.tooDeep) }
        self.depth += 1
        self.freshContainers |= 1 << UInt64(self.depth)
        self.offset += 1
    }

    /// Reads the comma before the next item, or the container's end and returns false.
    @_lifetime(self: copy self)
    private mutating func advance(
        closing: UInt8, else expectation: JSONError.Expectation
    ) throws(JSONError) -> Bool {
        precondition(self.depth > 0, "no container is open")
        let byte = try self.nextByte()
        if byte == closing {
            self.depth -= 1
            self.offset += 1
            return false
        }
        let bit: UInt64 = 1 << UInt64(self.depth)
        if self.freshContainers & bit != 0 {
            self.freshContainers &= ~bit
            return true
        }
        guard byte == UInt8(ascii: ",") else { throw self.error(.expected(expectation)) }
        self.offset += 1
        return true
    }

    @_lifetime(self: copy self)
    private mutating func readLiteral(_ literal: String, else expectation: JSONError.Expectation) throws(JSONError) {
        let start = self.offset
        for expected in literal.utf8 {
            guard self.offset < self.bytes.count else { throw self.error(.endOfText) }
            guard self.bytes[self.offset] == expected else {
                throw JSONError(offset: start, reason: .expected(expectation))
            }
            self.offset += 1
        }
    }
}

/// The six kinds of JSON value.
public enum JSONKind: Sendable {
    case object
    case array
    case string
    case number
    case boolean
    case null
}
