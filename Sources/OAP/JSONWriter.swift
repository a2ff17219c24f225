/// Appends JSON to a byte array. It does not check the grammar: the caller writes a shape that it knows.
public struct JSONWriter: Sendable {
    public private(set) var bytes: [UInt8] = []

    public init(capacity: Int = 0) {
        self.bytes.reserveCapacity(capacity)
    }

    /// Forgets what was written and keeps the storage.
    public mutating func removeAll() {
        self.bytes.removeAll(keepingCapacity: true)
    }

    /// Punctuation, member names and whatever else is JSON already: `writer.raw("{\"key\":")`.
    public mutating func raw(_ json: String) {
        self.bytes.append(contentsOf: json.utf8)
    }

    /// A string value in quotation marks. Control characters, `"` and `\` are escaped; everything else stays UTF-8.
    public mutating func string(_ value: String) {
        self.bytes.append(UInt8(ascii: "\""))
        for byte in value.utf8 { self.appendEscaped(byte) }
        self.bytes.append(UInt8(ascii: "\""))
    }

    /// A string value whose bytes the caller knows to be UTF-8.
    public mutating func string(_ utf8: Span<UInt8>) {
        self.bytes.append(UInt8(ascii: "\""))
        for index in utf8.indices { self.appendEscaped(utf8[index]) }
        self.bytes.append(UInt8(ascii: "\""))
    }

    /// A finite number in the shortest form that reads back as the same float: `0.5`, `1.0`, `1e-07`.
    public mutating func number(_ value: Double) {
        precondition(value.isFinite, "JSON has no infinity and no NaN")
        self.raw(value.description)
    }

    public mutating func number(_ value: some FixedWidthInteger) {
        self.raw(String(value))
    }

    private mutating func appendEscaped(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): self.raw("\\\"")
        case UInt8(ascii: "\\"): self.raw("\\\\")
        case 0x08: self.raw("\\b")
        case 0x09: self.raw("\\t")
        case 0x0A: self.raw("\\n")
        case 0x0C: self.raw("\\f")
        case 0x0D: self.raw("\\r")
        case 0x00...0x1F:
            self.raw(byte < 0x10 ? "\\u000" : "\\u00")
            self.raw(String(byte, radix: 16))
        default: self.bytes.append(byte)
        }
    }
}
