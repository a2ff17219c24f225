import OAP
import Testing

@Suite struct KeyListTests {
    static func next(_ list: inout KeyList, of payload: String, into scratch: inout [UInt8]) -> Int? {
        list.next(of: Array(payload.utf8).span, into: &scratch)
    }

    static func parse(_ text: String) -> KeyList.Parsed { KeyList.parse(Array(text.utf8).span) }

    /// All keys of a payload, in order, or nil when it is not a list of keys.
    static func keys(_ text: String) -> [String]? {
        let payload = Array(text.utf8)
        guard case .valid(var list) = KeyList.parse(payload.span) else { return nil }
        var scratch = [UInt8](repeating: 0, count: IndexKey.bytesMax)
        var keys: [String] = []
        while let count = list.next(of: payload.span, into: &scratch) {
            keys.append(String(decoding: scratch.prefix(count), as: UTF8.self))
        }
        #expect(keys.count == list.count)
        #expect(list.remaining == 0)
        return keys
    }

    static func array(_ count: Int) -> String {
        "[" + (0..<count).map { "\"name:\($0)\"" }.joined(separator: ",") + "]"
    }

    @Test func givesKeysInOrder() {
        #expect(Self.keys(#"["name:a"]"#) == ["name:a"])
        #expect(Self.keys(" [ \"name:a\"\n,\t\"name:a\" , \"name:[,]\" ] ") == ["name:a", "name:a", "name:[,]"])
        #expect(Self.keys(Self.array(256)) == (0..<256).map { "name:\($0)" })
    }

    @Test func unescapesKeys() {
        #expect(
            Self.keys(#"["name:\"quoted\"","n\u0061me:\ud83d\ude42","name:\\"]"#) == [
                "name:\"quoted\"", "name:🙂", "name:\\",
            ])
        let longest = "name:" + String(repeating: "A", count: 506)
        let escaped = longest.utf8.map { "\\u00" + String($0, radix: 16) }.joined()
        #expect(Self.keys("[\"\(escaped)\",\"\(longest)\"]") == [longest, longest])
    }

    @Test func countsAtTheLimit() {
        #expect(Self.parse("[]") == .malformed(.noKeys))
        #expect(Self.parse(Self.array(257)) == .tooMany)
        #expect(Self.parse(Self.array(1000)) == .tooMany)
    }

    @Test func oneBadElementMakesTheWholeMalformed() {
        #expect(Self.parse(#"["name:a","nome:b","name:c"]"#) == .malformed(.key(index: 1, fault: .unknownPrefix)))
        #expect(Self.parse(#"["name:a","name:\u0007"]"#) == .malformed(.key(index: 1, fault: .controlCharacter)))
        #expect(Self.parse(#"["name:a","name:\u0085"]"#) == .malformed(.key(index: 1, fault: .controlCharacter)))
        #expect(Self.parse(#"[""]"#) == .malformed(.key(index: 0, fault: .empty)))
        let tooLong = "name:" + String(repeating: "A", count: 507)
        #expect(Self.parse("[\"\(tooLong)\"]") == .malformed(.key(index: 0, fault: .tooLong)))
        let escaped = tooLong.utf8.map { "\\u00" + String($0, radix: 16) }.joined()
        #expect(Self.parse("[\"\(escaped)\"]") == .malformed(.key(index: 0, fault: .tooLong)))
    }

    @Test(
        arguments: [
            ("", 0, .endOfText), ("{}", 0, .expected(.array)), ("\"name:a\"", 0, .expected(.array)),
            ("[\"name:a\",null]", 10, .expected(.string)), ("[\"name:a\",[\"name:b\"]]", 10, .expected(.string)),
            ("[\"name:a\",]", 10, .expected(.string)), ("[\"name:a\"", 9, .endOfText),
            ("[\"name:a\"]]", 10, .bytesAfterValue), ("[\"name:\\ud800\"]", 7, .loneSurrogate),
            ("[\"name:a\" \"name:b\"]", 10, .expected(.commaOrBracket)),
        ] as [(String, Int, JSONError.Reason)])
    func refusesWhatIsNotAnArrayOfStrings(text: String, offset: Int, reason: JSONError.Reason) {
        #expect(Self.parse(text) == .malformed(.json(JSONError(offset: offset, reason: reason))))
    }

    @Test func refusesEveryTruncation() {
        let bytes = Array(#"["name:a","name:\ud83d\ude42é"]"#.utf8)
        for count in 0..<bytes.count {
            if case .malformed = KeyList.parse(Array(bytes.prefix(count)).span) { continue }
            Issue.record("\(count) bytes were accepted")
        }
    }

    /// A caller's mistake ends the list; it neither traps nor writes beyond the scratch.
    @Test func anotherPayloadEndsTheList() {
        let payload = #"["name:a","name:b"]"#
        guard case .valid(let list) = Self.parse(payload) else {
            Issue.record("refused")
            return
        }
        var scratch = [UInt8](repeating: 0, count: IndexKey.bytesMax)
        for other in ["", "[\"unfinished", "[\"" + String(repeating: "x", count: 600) + "\"]"] {
            var cursor = list
            #expect(Self.next(&cursor, of: other, into: &scratch) == nil)
            #expect(Self.next(&cursor, of: payload, into: &scratch) == nil)
        }
    }
}
