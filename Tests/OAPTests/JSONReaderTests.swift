import OAP
import Testing

@Suite struct JSONReaderTests {
    /// The error of reading one value of any kind, or nil.
    static func fault(_ bytes: [UInt8], depthMax: Int = 16) -> JSONError? {
        do throws(JSONError) {
            var reader = try JSONReader(bytes.span, depthMax: depthMax)
            try reader.skipValue()
            try reader.end()
            return nil
        } catch {
            return error
        }
    }

    static func fault(_ text: String, depthMax: Int = 16) -> JSONError? {
        Self.fault(Array(text.utf8), depthMax: depthMax)
    }

    static func number(_ text: String) throws(JSONError) -> Double {
        let bytes = Array(text.utf8)
        var reader = try JSONReader(bytes.span)
        let value = try reader.readNumber()
        try reader.end()
        return value
    }

    static func string(_ text: String) throws(JSONError) -> String {
        let bytes = Array(text.utf8)
        var reader = try JSONReader(bytes.span)
        let string = try reader.readString()
        try reader.end()
        return reader.text(of: string)
    }

    @Test(arguments: [
        "{}", "[]", "null", "true", "false", "0", "\"\"", " \t\r\n[ 1 , 2 ]\n",
        "{\"a\":{\"b\":[null,true,{}]},\"a\":1}",
        "-0", "10", "0.5", "-12.25e-3", "1E+2", "\"\u{7F}\u{80}\u{2028}\"", "[[[[]]]]",
    ])
    func acceptsWhatTheGrammarHas(text: String) {
        #expect(Self.fault(text) == nil)
    }

    @Test(
        arguments: [
            ("", 0, .endOfText), ("  ", 2, .endOfText), ("nul", 3, .endOfText), ("nulL", 0, .expected(.null)),
            ("True", 0, .expected(.value)), ("trux", 0, .expected(.boolean)), ("NaN", 0, .expected(.value)),
            ("[1,]", 3, .expected(.value)), ("[,1]", 1, .expected(.value)), ("[1 2]", 3, .expected(.commaOrBracket)),
            ("[1}", 2, .expected(.commaOrBracket)), ("{\"a\":1,}", 7, .expected(.memberName)),
            ("{a:1}", 1, .expected(.memberName)), ("{\"a\" 1}", 5, .expected(.colon)),
            ("{\"a\":1 \"b\":2}", 7, .expected(.commaOrBrace)), ("{,}", 1, .expected(.memberName)),
            ("[] []", 3, .bytesAfterValue), ("1 // comment", 2, .bytesAfterValue), ("'a'", 0, .expected(.value)),
            ("\u{FEFF}{}", 0, .byteOrderMark), ("+1", 0, .expected(.value)), (".5", 0, .expected(.value)),
            ("01", 0, .invalidNumber), ("-01", 0, .invalidNumber), ("1.", 2, .endOfText), ("1.e5", 0, .invalidNumber),
            ("-", 1, .endOfText), ("-a", 0, .invalidNumber), ("1e", 2, .endOfText), ("1e+ ", 0, .invalidNumber),
            ("0x10", 1, .bytesAfterValue), ("1_000", 1, .bytesAfterValue), ("1e400", 0, .numberOutOfRange),
            ("-1e999999999999", 0, .numberOutOfRange), ("\u{A0}1", 0, .expected(.value)),
            ("\"a\nb\"", 2, .controlCharacterInString), ("\"\\x41\"", 1, .invalidEscape),
            ("\"\\u12G4\"", 1, .invalidEscape),
            ("\"\\ud800\"", 1, .loneSurrogate), ("\"\\udc00\"", 1, .loneSurrogate),
            ("\"\\ud800\\n\"", 1, .loneSurrogate),
            ("\"\\ud800\\ud800\"", 1, .loneSurrogate), ("\"\\udbff\\u0041\"", 1, .loneSurrogate),
        ] as [(String, Int, JSONError.Reason)])
    func refusesWithPlaceAndReason(text: String, offset: Int, reason: JSONError.Reason) {
        #expect(Self.fault(text) == JSONError(offset: offset, reason: reason))
    }

    @Test(
        arguments: [
            [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF],
            [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xE2, 0x82], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFF], [0xF0, 0x9F, 0x99],
        ] as [[UInt8]])
    func refusesBytesThatAreNotUTF8(bytes: [UInt8]) {
        let text = [UInt8(ascii: "\""), UInt8(ascii: "x")] + bytes + [UInt8(ascii: "\"")]
        #expect(Self.fault(text) == JSONError(offset: 2, reason: .invalidUTF8))
    }

    @Test func unescapes() throws {
        #expect(try Self.string(#""\"\\\/\b\f\n\r\t""#) == "\"\\/\u{8}\u{c}\n\r\t")
        #expect(try Self.string(#""\u0041\u00e9\u20AC\ud83d\ude42\u0000""#) == "Aé€🙂\0")
        #expect(try Self.string(#""\uD800\uDC00\udbff\udfff""#) == "\u{10000}\u{10FFFF}")
        #expect(try Self.string(#""é\u0065\u0301""#).utf8.elementsEqual("é\u{65}\u{301}".utf8))
    }

    @Test func comparesNamesByValue() throws {
        for (text, isSame) in [
            (#""ua""#, true), (#""\u0075\u0061""#, true), (#""u\u0061""#, true), (#""uA""#, false), (#""u""#, false),
            (#""uaa""#, false), (#""\u0075""#, false), (#""\u0075b""#, false), (#""""#, false),
        ] {
            let bytes = Array(text.utf8)
            var reader = try JSONReader(bytes.span)
            let string = try reader.readString()
            #expect(reader.matches(string, "ua") == isSame, "\(text)")
        }
    }

    /// The fast path and the standard library's parser must round alike.
    @Test(arguments: [
        "0", "-0", "1", "0.5", "0.1", "0.30000000000000004", "123456789012345678", "9007199254740993", "1e22", "1e23",
        "123e-22", "1.7976931348623157e308", "5e-324", "1e-400", "0e999999999", "0.000000000000000000000000000001",
        "4.35", "2.2250738585072014E-308", "100000000000000000000000000000000000000000000000000e-50",
    ])
    func roundsNumbersLikeTheStandardLibrary(text: String) throws {
        let value = try Self.number(text)
        let expected = try #require(Double(text))
        #expect(value.bitPattern == expected.bitPattern)
    }

    @Test func roundsManyDecimalsLikeTheStandardLibrary() throws {
        var generator = SplitMix(state: 7)
        for _ in 0..<20_000 {
            let digits = String(generator.next() >> (generator.next() % 64))
            let places = Int(generator.next() % UInt64(digits.count))
            let fraction = places == 0 ? "" : "." + digits.suffix(places)
            let text = digits.dropLast(places) + fraction + "e\(Int(generator.next() % 60) - 30)"
            let expected = try #require(Double(text))
            #expect(try Self.number(String(text)).bitPattern == expected.bitPattern, "\(text)")
        }
    }

    @Test func boundsDepthAndSize() throws {
        #expect(Self.fault("[[[]]]", depthMax: 3) == nil)
        #expect(Self.fault("[[[[]]]]", depthMax: 3) == JSONError(offset: 3, reason: .tooDeep))
        #expect(Self.fault("[{\"a\":[]},[[]],{\"b\":{}}]", depthMax: 3) == nil)
        let deep = String(repeating: "[", count: 100_000)
        #expect(Self.fault(deep) == JSONError(offset: 16, reason: .tooDeep))
        let bytes = Array("[1,2]".utf8)
        #expect(throws: JSONError(offset: 4, reason: .textTooLong)) {
            _ = try JSONReader(bytes.span, bytesMax: 4)
        }
    }

    /// No prefix of an object, an array or a string is a JSON text, and none may trap.
    @Test(arguments: [
        #"{"key":"name:é🙂\ud83d\ude42","manifest":null,"providers":[{"id":"a\n","score":-0.5e-1}],"x":[true,false]}"#,
        #"[ "\u00e9" , {} , [ ] , 12.5E+3 , null ]"#, #""\"\\\u0041€""#,
    ])
    func refusesEveryTruncation(text: String) {
        let bytes = Array(text.utf8)
        #expect(Self.fault(bytes) == nil)
        for count in 0..<bytes.count {
            let fault = Self.fault(Array(bytes.prefix(count)))
            #expect(fault != nil, "\(count) bytes")
            #expect((fault?.offset ?? .max) <= count)
        }
    }

    /// Random damage never traps, and what is accepted is well-formed for the reader a second time.
    @Test func survivesDamage() {
        let original = Array(#"{"a":"\ud83d\ude42é","b":[1.5e3,null,{"c":"\\"}],"d":true}"#.utf8)
        var generator = SplitMix(state: 3)
        for _ in 0..<20_000 {
            var bytes = original
            for _ in 0...generator.next() % 3 {
                bytes[Int(generator.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: generator.next())
            }
            if let fault = Self.fault(bytes) {
                #expect((0...bytes.count).contains(fault.offset))
            } else {
                #expect(Self.fault([UInt8(ascii: "[")] + bytes + [UInt8(ascii: "]")]) == nil)
            }
        }
    }
}

/// A small repeatable source of numbers.
struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var value = self.state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}
