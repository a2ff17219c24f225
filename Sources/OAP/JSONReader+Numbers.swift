extension JSONReader {
    /// Reads a number as the 64-bit float that is nearest to it; one that would be infinite is refused.
    @_lifetime(self: copy self)
    public mutating func readNumber() throws(JSONError) -> Double {
        let first = try self.nextByte()
        let start = self.offset
        guard first == UInt8(ascii: "-") || first &- UInt8(ascii: "0") < 10 else {
            throw self.error(.expected(.number))
        }
        if first == UInt8(ascii: "-") { self.offset += 1 }

        var decimal = Decimal()
        let integerStart = self.offset
        try self.readDigits(into: &decimal, ofNumberAt: start)
        if self.offset - integerStart > 1 && self.bytes[integerStart] == UInt8(ascii: "0") {
            throw JSONError(offset: start, reason: .invalidNumber)
        }
        if self.peekByte() == UInt8(ascii: ".") {
            self.offset += 1
            let fractionStart = self.offset
            try self.readDigits(into: &decimal, ofNumberAt: start)
            decimal.exponent -= self.offset - fractionStart
        }
        let exponent = try self.readExponent(ofNumberAt: start)
        decimal.exponent += exponent ?? 0

        if let exact = decimal.exactValue { return first == UInt8(ascii: "-") ? -exact : exact }
        let value = self.parseSlowly(start..<self.offset)
        guard value.isFinite else { throw JSONError(offset: start, reason: .numberOutOfRange) }
        return value
    }

    /// Digits as a decimal integer times a power of ten.
    private struct Decimal {
        /// Correct exactly when `digits` is at most 18; wraps beyond.
        var significand: UInt64 = 0
        var digits = 0
        var exponent = 0

        /// The value when one division or multiplication of exact floats gives it rounded correctly (Clinger's fast
        /// path: below 2^53, powers of ten to 10^22), else nil.
        var exactValue: Double? {
            guard self.digits <= 18, self.significand < 1 << 53, (-22...22).contains(self.exponent) else { return nil }
            var power = 1.0
            for _ in 0..<abs(self.exponent) { power *= 10 }
            return self.exponent < 0 ? Double(self.significand) / power : Double(self.significand) * power
        }
    }

    @_lifetime(self: copy self)
    private mutating func readDigits(into decimal: inout Decimal, ofNumberAt start: Int) throws(JSONError) {
        let digitsStart = self.offset
        while let byte = self.peekByte(), byte &- UInt8(ascii: "0") < 10 {
            decimal.significand = decimal.significand &* 10 &+ UInt64(byte &- UInt8(ascii: "0"))
            decimal.digits += 1
            self.offset += 1
        }
        guard self.offset > digitsStart else {
            guard self.offset < self.bytes.count else { throw self.error(.endOfText) }
            throw JSONError(offset: start, reason: .invalidNumber)
        }
    }

    /// Reads `e`, a sign and digits, when they are there. An exponent of more than six digits stays at a million: the
    /// number is then zero or out of range anyway, whatever its other digits say.
    @_lifetime(self: copy self)
    private mutating func readExponent(ofNumberAt start: Int) throws(JSONError) -> Int? {
        guard let mark = self.peekByte(), mark | 0x20 == UInt8(ascii: "e") else { return nil }
        self.offset += 1
        let sign = self.peekByte()
        if sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { self.offset += 1 }
        var decimal = Decimal()
        let digitsStart = self.offset
        try self.readDigits(into: &decimal, ofNumberAt: start)
        let magnitude = self.offset - digitsStart > 6 ? 1_000_000 : Int(decimal.significand)
        return sign == UInt8(ascii: "-") ? -magnitude : magnitude
    }

    private func peekByte() -> UInt8? { self.offset < self.bytes.count ? self.bytes[self.offset] : nil }

    /// The standard library's parser for what the fast path cannot round. Long numbers allocate here.
    private func parseSlowly(_ range: Range<Int>) -> Double {
        var text = ""
        for index in range { text.unicodeScalars.append(Unicode.Scalar(self.bytes[index])) }
        return Double(text) ?? .infinity
    }
}
