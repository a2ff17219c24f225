import Testing

@testable import Settings

/// Files of tools that are no settings: the same reader, its entries for whoever wants them.
@Suite struct TOMLDocumentTests {
    @Test func arraysAreFollowedByTheirElements() throws {
        let document = try TOMLDocument(parsing: Array("a = [\"x\",\n  2, [true]]\nb = false\n".utf8))
        #expect(document.entries.map(\.path) == ["a", "a", "a", "a", "a", "b"])
        #expect(document.entries.map(\.key) == ["a", "", "", "", "", "b"])
        #expect(document.entries.map(\.parent) == [nil, 0, 0, 0, 3, nil])
        #expect(
            document.entries.map(\.value)
                == [.array, .string("x"), .integer(2), .array, .boolean(true), .boolean(false)])
        #expect(document.entries[2].valuePosition == FilePosition(line: 2, column: 3))
        #expect(document.entries[2].keyPosition == document.entries[2].valuePosition)
    }

    @Test func tablesInArraysBelongToThem() throws {
        let document = try TOMLDocument(parsing: Array("[[t]]\na = 1\n[[t]]\na = 2\n".utf8))
        #expect(document.entries.map(\.path) == ["t", "t", "t.a", "t", "t.a"])
        #expect(document.entries.map(\.parent) == [nil, 0, 1, 0, 3])
    }

    @Test func aFileIsReadOrRefusedByName() throws {
        let workspace = try Workspace()
        let path = try workspace.write("rate = 500\n")
        #expect(try TOMLDocument(file: path, namedBy: "--scenario").entries.map(\.key) == ["rate"])
        let broken = try workspace.write("rate = \n", to: "broken.toml")
        #expect {
            _ = try TOMLDocument(file: broken, namedBy: "--scenario")
        } throws: {
            "\($0)".hasPrefix("\(broken):1:8: error: not TOML: ")
        }
        #expect {
            _ = try TOMLDocument(file: workspace.path + "/none.toml", namedBy: "--scenario")
        } throws: {
            "\($0)" == workspace.path
                + "/none.toml: error: there is no such file (named by --scenario); correct the path"
        }
    }

    /// As many elements as a text can have do not make it longer than it is.
    @Test func aMegabyteOfElements() throws {
        let text = "a = [" + String(repeating: "1,", count: 500_000) + "]"
        #expect(try TOMLDocument(parsing: Array(text.utf8)).entries.count == 500_001)
    }
}
