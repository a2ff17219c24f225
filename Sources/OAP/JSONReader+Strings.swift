/// A string that a `JSONReader` has read and checked: where its raw characters lie and how long its value is.
public struct JSONString: Equatable, Sendable {
    /// Offsets of the raw bytes between the quotation marks.
    public let rawBytes: Range<Int>
    /// Bytes of the value in UTF-8, after its escapes are replaced. Equal to `rawBytes.count` when there are none.
    public let valueBytes: Int

    /// True exactly when the raw bytes are not the value. (Every escape is longer than what it stands for.)
    public var hasEscapes: Bool { self.valueBytes != self.rawBytes.count }
}

extension JSONReader {
    /// Reads a string and checks its escapes and its UTF-8.
    @_lifetime(self: copy self)
    @discardableResult
    public mutating func readString() throws(JSONError) -> JSONString {
        guard try self.nextByte() == UInt8(ascii: "\"") else { throw self.error(.expected(.string)) }
        self.offset += 1
        let start = self.offset
        var saved = 0
        while self.offset < self.bytes.count {
            switch self.bytes[self.offset] {
            case UInt8(ascii: "\""):
                let raw = start..<self.offset
                self.offset += 1
                return JSONString(rawBytes: raw, valueBytes: raw.count - saved)
            case UInt8(ascii: "\\"):
                let escape = try self.decodeEscape(at: self.offset)
                saved += escape.rawBytes - Self.utf8Bytes(escape.scalar)
                self.offset += escape.rawBytes
            case 0x20...0x7F:
                self.offset += 1
            case 0x00...0x1F:
                throw self.error(.controlCharacterInString)
            default:
                let sequence = JSONUTF8.sequenceBytes(self.bytes, at: self.offset)
                guard sequence > 0 else { throw self.error(.invalidUTF8) }
                self.offset += sequence
            }
        }
        throw self.error(.endOfText)
    }

    /// Writes the string's value to the start of `output`, which must hold `valueBytes`; returns that count.
    @_lifetime(output: copy output)
    public func copyValue(of string: JSONString, into output: inout MutableSpan<UInt8>) -> Int {
        var written = 0
        var index = string.rawBytes.lowerBound
        while index < string.rawBytes.upperBound {
            // Checked when the string was read; a string of another text ends the copy early.
            guard self.bytes[index] == UInt8(ascii: "\\") else {
                output[written] = self.bytes[index]
                written += 1
                index += 1
                continue
            }
            guard let escape = try? self.decodeEscape(at: index) else { break }
            for byte in UTF8.encode(escape.scalar)! {
                output[written] = byte
                written += 1
            }
            index += escape.rawBytes
        }
        return written
    }

    /// The string's value as a Swift string.
    public func text(of string: JSONString) -> String {
        var value = [UInt8](repeating: 0, count: string.valueBytes)
        var output = value.mutableSpan
        _ = self.copyValue(of: string, into: &output)
        return String(decoding: value, as: UTF8.self)
    }

    /// True exactly when the string's value is `text`, byte for byte.
    public func matches(_ string: JSONString, _ text: String) -> Bool {
        guard string.valueBytes == text.utf8.count else { return false }
        var index = string.rawBytes.lowerBound
        var expected = text.utf8.makeIterator()
        while index < string.rawBytes.upperBound {
            guard self.bytes[index] == UInt8(ascii: "\\") else {
                guard self.bytes[index] == expected.next() else { return false }
                index += 1
                continue
            }
            guard let escape = try? self.decodeEscape(at: index) else { return false }
            for byte in UTF8.encode(escape.scalar)! {
                guard byte == expected.next() else { return false }
            }
            index += escape.rawBytes
        }
        return true
    }

    /// Reads the escape that starts at `start`; a surrogate pair counts as one escape of twelve bytes.
    private func decodeEscape(at start: Int) throws(JSONError) -> (scalar: Unicode.Scalar, rawBytes: Int) {
        guard start + 1 < self.bytes.count else { throw JSONError(offset: self.bytes.count, reason: .endOfText) }
        switch self.bytes[start + 1] {
        case UInt8(ascii: "\""): return ("\"", 2)
        case UInt8(ascii: "\\"): return ("\\", 2)
        case UInt8(ascii: "/"): return ("/", 2)
        case UInt8(ascii: "b"): return ("\u{08}", 2)
        case UInt8(ascii: "f"): return ("\u{0C}", 2)
        case UInt8(ascii: "n"): return ("\n", 2)
        case UInt8(ascii: "r"): return ("\r", 2)
        case UInt8(ascii: "t"): return ("\t", 2)
        case UInt8(ascii: "u"): return try self.decodeUnicodeEscape(at: start)
        default: throw JSONError(offset: start, reason: .invalidEscape)
        }
    }

    private func decodeUnicodeEscape(at start: Int) throws(JSONError) -> (scalar: Unicode.Scalar, rawBytes: Int) {
        let first = try self.hexQuad(at: start + 2, ofEscapeAt: start)
        if let scalar = Unicode.Scalar(first) { return (scalar, 6) }
        guard first < 0xDC00 else { throw JSONError(offset: start, reason: .loneSurrogate) }
        for distance in 6...7 {
            guard start + distance < self.bytes.count else {
                throw JSONError(offset: self.bytes.count, reason: .endOfText)
            }
            guard self.bytes[start + distance] == UInt8(ascii: distance == 6 ? "\\" : "u") else {
                throw JSONError(offset: start, reason: .loneSurrogate)
            }
        }
        let second = try self.hexQuad(at: start + 8, ofEscapeAt: start + 6)
        guard (0xDC00...0xDFFF).contains(second) else { throw JSONError(offset: start, reason: .loneSurrogate) }
        let value = 0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)
        return (Unicode.Scalar(value)!, 12)
    }

    private func hexQuad(at start: Int, ofEscapeAt escape: Int) throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for index in start..<start + 4 {
            guard index < self.bytes.count else { throw JSONError(offset: self.bytes.count, reason: .endOfText) }
            let digit: UInt8
            switch self.bytes[index] {
            case let byte where byte &- UInt8(ascii: "0") < 10: digit = byte &- UInt8(ascii: "0")
            case let byte where (byte | 0x20) &- UInt8(ascii: "a") < 6: digit = (byte | 0x20) &- UInt8(ascii: "a") + 10
            default: throw JSONError(offset: escape, reason: .invalidEscape)
            }
            value = value << 4 | UInt32(digit)
        }
        return value
    }

    private static func utf8Bytes(_ scalar: Unicode.Scalar) -> Int {
        switch scalar.value {
        case 0..<0x80: 1
        case 0x80..<0x800: 2
        case 0x800..<0x10000: 3
        default: 4
        }
    }
}
