import CTOML
import Testing

@testable import Settings

/// Files that nobody writes by hand. Each is refused with a place; none crashes, hangs or leaks onto the terminal.
@Suite struct NastyFilesTests {
    private func errors(_ bytes: [UInt8]) throws -> [String] {
        let workspace = try Workspace()
        try workspace.write(bytes: bytes)
        return try workspace.errors(["--config", "gateway.toml"])
    }

    private func errors(_ text: String) throws -> [String] {
        try self.errors(Array(text.utf8))
    }

    @Test(arguments: [
        ("io = \"auto\"\nio = \"epoll\"\n", "gateway.toml:2:"), ("[limits]\n[limits]\n", "gateway.toml:2:"),
        ("io = ", "gateway.toml:1:6: error: not TOML"), ("[limits", "gateway.toml:1:8: error: not TOML"),
        ("io = \"auto", "gateway.toml:1:"), ("io\n= 1", "gateway.toml:1:3:"), ("\u{0}", "gateway.toml:1:1:"),
        ("# a\u{0}b", "gateway.toml:1:"), ("io = \"a\u{0}\"", "gateway.toml:1:"),
        ("io = \"\\ud800\"", "gateway.toml:1:"), ("workers = 99999999999999999999", "gateway.toml:1:"),
        ("{\"oap_addr\": 1}", "gateway.toml:1:1:"), ("<xml/>", "gateway.toml:1:1:"),
    ])
    func notTOML(text: String, start: String) throws {
        let lines = try self.errors(text)
        #expect(lines.count == 1)
        #expect(lines.first?.hasPrefix(start) == true, "\(lines)")
        #expect(lines.first?.contains("error: not TOML: ") == true, "\(lines)")
    }

    @Test func escapesInAStringCannotSteerTheTerminal() throws {
        let lines = try self.errors("io = \"\\u001b[2J\\n\"\n\"\\u001b[31m\" = 1\n[\"\\u001b\"]\n")
        #expect(lines.count == 3)
        #expect(lines.joined().unicodeScalars.allSatisfy { $0.value >= 32 && $0.value != 127 })
    }

    @Test func invalidUTF8() throws {
        #expect(
            try self.errors(Array("workers = 1\nio = \"".utf8) + [0xC3, 0x28, UInt8(ascii: "\"")])
                == ["gateway.toml:2:7: error: not TOML: not valid UTF-8"])
        #expect(
            try self.errors(Array("# é".utf8) + [0xFF])
                == ["gateway.toml:1:4: error: not TOML: not valid UTF-8"])
        #expect(try self.errors([0xFF, 0xFE, 0x41, 0]) == ["gateway.toml:1:1: error: not TOML: not valid UTF-8"])
    }

    @Test func aMegabyteOfGarbage() throws {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        let garbage = (0..<TOMLDocument.bytesMax).map { _ in
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return UInt8(truncatingIfNeeded: state >> 32)
        }
        #expect(try self.errors(garbage).count == 1)
        #expect(
            try self.errors([UInt8](repeating: 0x20, count: TOMLDocument.bytesMax + 1))
                == [
                    "gateway.toml: error: is longer than 1,048,576 bytes (named by --config); expected a "
                        + "configuration file"
                ])
    }

    @Test func deepNesting() throws {
        #expect(try self.errors("a = " + String(repeating: "[", count: 100_000)).count == 1)
        #expect(try self.errors(String(repeating: "a = { ", count: 100_000)).count == 1)
    }

    /// Without the bound on dots these overflow the stack when the tables are destroyed.
    @Test(arguments: ["", "[", "a = { b = 'x.y' , "])
    func deepKeys(before: String) throws {
        let lines = try self.errors(before + String(repeating: "a.", count: 400_000) + "a = 1")
        #expect(lines == ["gateway.toml:1:\(before.count + 34): error: not TOML: a key has more than 16 dots"])
    }

    @Test func dotsOutsideOfKeysAreNotCounted() throws {
        let dots = String(repeating: ".", count: 100)
        let workspace = try Workspace()
        try workspace.write(
            """
            # \(dots) it's "quoted \(dots)
            index_path = "a\\"\(dots)" # \(dots)
            log_format = 'text' # '\(dots)
            [limits]
            max_frame = '''4KiB'''
            """)
        #expect(try workspace.load(["--config", "gateway.toml"]).settings.indexPath == "a\"" + dots)
    }

    @Test func aByteOrderMarkAndWindowsLineEnds() throws {
        let workspace = try Workspace()
        try workspace.write("\u{FEFF}workers = 3\r\n[limits]\r\nmax_inflight = 7\r\n")
        let settings = try workspace.load(["--config", "gateway.toml"]).settings
        #expect(settings.workers == .count(3))
        #expect(settings.limits.inflightMax == 7)
    }

    @Test func theShimAnswersWrongNumbers() {
        #expect(ctoml_append(0, 1) == -9)
        #expect(ctoml_parse(0) == -9)
        #expect(ctoml_entry_count(0) == 0)
        #expect(ctoml_entry_byte(0, 0, 0, 0) == -1)
        ctoml_close(0)
        let document = ctoml_open()
        #expect(ctoml_append(document, UInt8(ascii: "#")) == 0)
        #expect(ctoml_parse(document) == 1)
        #expect(ctoml_entry_at(document, 0).kind == 0)
        #expect(ctoml_entry_byte(document, 5, 0, 0) == -1)
        #expect(ctoml_error_byte(document, 0) == -1)
        ctoml_close(document)
        ctoml_close(document)
        #expect(ctoml_append(document, 1) == -9)
    }
}
