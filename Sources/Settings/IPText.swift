/// Dotted decimal IPv4 addresses. Leading zeros are refused: some readers take them for octal.
enum IPv4Text {
    static func parse(_ text: ArraySlice<UInt8>) -> UInt32? {
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var number: UInt32 = 0
        for part in parts {
            guard part.count <= 3, part.count == 1 || part.first != UInt8(ascii: "0") else { return nil }
            guard let value = part.decimal, value <= 255 else { return nil }
            number = number << 8 | UInt32(value)
        }
        return number
    }

    static func render(_ number: UInt32) -> String {
        "\(number >> 24).\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)"
    }
}

/// IPv6 addresses: read in every form of RFC 4291, written as RFC 5952 has it.
enum IPv6Text {
    static func parse(_ text: ArraySlice<UInt8>) -> UInt128? {
        guard let gap = Self.gap(in: text) else {
            guard let groups = Self.groups(text), groups.count == 8 else { return nil }
            return Self.number(groups)
        }
        guard let head = Self.groups(text[..<gap]), let tail = Self.groups(text[(gap + 2)...]) else { return nil }
        // An embedded IPv4 address ends the text, so it cannot stand before the gap.
        guard !text[..<gap].contains(UInt8(ascii: ".")), head.count + tail.count <= 7 else { return nil }
        return Self.number(head + Array(repeating: 0, count: 8 - head.count - tail.count) + tail)
    }

    static func render(_ number: UInt128) -> String {
        let groups = (0..<8).map { UInt16(truncatingIfNeeded: number >> UInt128(16 * (7 - $0))) }
        guard number >> 32 != 0xFFFF else {
            return "::ffff:\(IPv4Text.render(UInt32(truncatingIfNeeded: number)))"
        }
        let hex = groups.map { String($0, radix: 16) }
        guard let zeros = Self.longestZeros(groups) else { return hex.joined(separator: ":") }
        return hex[..<zeros.lowerBound].joined(separator: ":") + "::" + hex[zeros.upperBound...].joined(separator: ":")
    }

    /// Index of the first `::`.
    private static func gap(in text: ArraySlice<UInt8>) -> Int? {
        let colon = UInt8(ascii: ":")
        return text.indices.dropLast().first { text[$0] == colon && text[$0 + 1] == colon }
    }

    /// The 16-bit groups of a text without `::`; none for an empty text.
    private static func groups(_ text: ArraySlice<UInt8>) -> [UInt16]? {
        guard !text.isEmpty else { return [] }
        let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        var groups: [UInt16] = []
        for (index, part) in parts.enumerated() {
            if part.contains(UInt8(ascii: ".")) {
                guard index == parts.count - 1, let number = IPv4Text.parse(part) else { return nil }
                groups += [UInt16(number >> 16), UInt16(number & 0xFFFF)]
            } else {
                guard (1...4).contains(part.count), part.allSatisfy({ $0.isHexDigit }) else { return nil }
                guard let group = UInt16(String(decoding: part, as: UTF8.self), radix: 16) else { return nil }
                groups.append(group)
            }
        }
        return groups
    }

    private static func number(_ groups: [UInt16]) -> UInt128 {
        groups.reduce(0) { $0 << 16 | UInt128($1) }
    }

    /// The first of the longest runs of at least two zero groups.
    private static func longestZeros(_ groups: [UInt16]) -> Range<Int>? {
        var best: Range<Int>?
        var start = 0
        while start < groups.count {
            guard groups[start] == 0 else {
                start += 1
                continue
            }
            let end: Int = groups[start...].firstIndex(where: { $0 != 0 }) ?? groups.count
            if end - start >= 2, end - start > best?.count ?? 0 { best = start..<end }
            start = end
        }
        return best
    }
}

extension UInt8 {
    var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

    var isHexDigit: Bool {
        let lowerCased = self | 0x20
        return self.isDigit || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(lowerCased)
    }
}

extension ArraySlice<UInt8> {
    /// The number that these decimal digits write: no sign, no space, nothing else. Nil when it exceeds an `Int`.
    var decimal: Int? {
        guard !self.isEmpty, self.allSatisfy({ $0.isDigit }) else { return nil }
        return Int(String(decoding: self, as: UTF8.self))
    }
}
