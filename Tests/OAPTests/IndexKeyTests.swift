import OAP
import Testing

@Suite struct IndexKeyTests {
    static func isValid(_ key: [UInt8]) -> Bool { IndexKey.isValid(key.span) }

    static func fault(_ key: String) -> IndexKey.Fault? { IndexKey.fault(in: Array(key.utf8).span) }

    @Test(arguments: [
        "name:a", "name:site", "name:name:", "name: ", "name:\u{7E}", "name:\u{A0}", "name:é", "name:e\u{301}",
        "name:你好", "name:👩‍💻", "name:\u{10FFFF}", "name:" + String(repeating: "x", count: 506),
        "name:" + String(repeating: "é", count: 253), "b3:" + String(repeating: "0", count: 64),
        "b3:" + String(repeating: "9af", count: 21) + "f",
    ])
    func accepts(key: String) {
        #expect(Self.fault(key) == nil)
    }

    @Test(
        arguments: [
            ("", .empty), ("name", .unknownPrefix), ("name:", .emptyLabel), ("Name:a", .unknownPrefix),
            ("n", .unknownPrefix), ("b3", .unknownPrefix), (" name:a", .unknownPrefix), ("b2:0", .unknownPrefix),
            ("name:" + String(repeating: "x", count: 507), .tooLong), ("name:\0", .controlCharacter),
            ("name:a\u{1F}", .controlCharacter), ("name:\u{7F}", .controlCharacter), ("name:\u{80}", .controlCharacter),
            ("name:x\u{9F}", .controlCharacter), ("name:a\n", .controlCharacter), ("b3:", .invalidDigest),
            ("b3:" + String(repeating: "0", count: 63), .invalidDigest),
            ("b3:" + String(repeating: "0", count: 65), .invalidDigest),
            ("b3:" + String(repeating: "A", count: 64), .invalidDigest),
            ("b3:" + String(repeating: "g", count: 64), .invalidDigest),
            ("b3:" + String(repeating: "/", count: 64), .invalidDigest),
            ("b3:" + String(repeating: ":", count: 64), .invalidDigest),
            ("b3:" + String(repeating: "`", count: 64), .invalidDigest),
        ] as [(String, IndexKey.Fault)])
    func refuses(key: String, fault: IndexKey.Fault) {
        #expect(Self.fault(key) == fault)
    }

    /// All sequences of one to three bytes and their neighbours in four: same verdict as the standard library.
    @Test func agreesWithTheStandardLibraryOnUTF8() {
        let prefix = Array("name:".utf8)
        let interesting: [UInt8] = [
            0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF,
            0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
        ]
        var different: [[UInt8]] = []
        for a in interesting {
            for b in interesting {
                for c in interesting {
                    for d in interesting {
                        let label = [a, b, c, d]
                        let isControlFree = String(validating: label, as: UTF8.self).map { text in
                            text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
                        }
                        if Self.isValid(prefix + label) != (isControlFree ?? false) { different.append(label) }
                    }
                }
            }
        }
        #expect(different.isEmpty)
    }
}
