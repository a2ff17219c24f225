import Foundation
import IndexStore
import OAP
import Testing

@Suite struct IndexImporterTests {
    static func importText(
        _ text: String, _ directory: TemporaryDirectory, replace: Bool = false
    ) throws -> IndexImporter.Outcome {
        try IndexImporter(replace: replace).run(
            fromFile: directory.file("in.jsonl", text), into: directory.index)
    }

    static func summary(_ outcome: IndexImporter.Outcome) throws -> IndexImporter.Summary {
        guard case .imported(let summary) = outcome else {
            throw IndexError(cause: .system, code: 0, call: "", path: "refused: \(outcome)")
        }
        return summary
    }

    @Test func countsWhatChanges() throws {
        let directory = TemporaryDirectory()
        let (a, b, c) = try (makeRecord("name:a"), makeRecord("name:b"), makeRecord("name:c"))
        let first = try Self.summary(Self.importText("\n" + jsonLine(a) + " \t\r\n" + jsonLine(b) + "\n", directory))
        #expect(first == .make(read: 2, added: 2, total: 2))
        let changed = try makeRecord("name:b", score: 1)
        // The last line has no newline.
        let text = jsonLine(a) + jsonLine(changed) + jsonLine(c).dropLast()
        #expect(
            try Self.summary(Self.importText(text, directory))
                == .make(
                    read: 3, added: 1, changed: 1, unchanged: 1, total: 3))
        #expect(try Self.summary(Self.importText(text, directory)) == .make(read: 3, unchanged: 3, total: 3))
        #expect(try allLines(directory.index) == [a, changed, c].map(jsonLine))
        #expect(try Self.summary(Self.importText("", directory)) == .make(total: 3))
    }

    @Test func replaceLeavesExactlyTheImported() throws {
        let directory = TemporaryDirectory()
        try write(["a", "b", "c", "d"].map { try makeRecord("name:\($0)") }, to: directory.index)
        let records = try [makeRecord("name:b"), makeRecord("name:c", score: 1), makeRecord("name:e")]
        let text = records.map(jsonLine).joined()
        #expect(
            try Self.summary(Self.importText(text, directory, replace: true))
                == .make(
                    read: 3, added: 1, changed: 1, unchanged: 1, removed: 2, total: 3))
        #expect(try allLines(directory.index) == records.map(jsonLine))
        #expect(try Self.summary(Self.importText("", directory, replace: true)) == .make(removed: 3))
        #expect(try allLines(directory.index).isEmpty)
    }

    /// The last line of a key wins, and each key is counted once by what became of it.
    @Test(arguments: [false, true])
    func repeatedKeys(replace: Bool) throws {
        let directory = TemporaryDirectory()
        try write([makeRecord("name:a"), makeRecord("name:b")], to: directory.index)
        let lines = try [
            makeRecord("name:a"), makeRecord("name:a", score: 1),
            makeRecord("name:b", score: 1), makeRecord("name:b"),
            makeRecord("name:c"), makeRecord("name:c", score: 1), makeRecord("name:c"),
        ]
        let summary = try Self.summary(Self.importText(lines.map(jsonLine).joined(), directory, replace: replace))
        #expect(summary == .make(read: 7, added: 1, changed: 1, unchanged: 1, superseded: 4, total: 3))
        #expect(try allLines(directory.index) == [lines[1], lines[3], lines[6]].map(jsonLine))
    }

    @Test func oneBadLineLeavesEverythingAsItWas() throws {
        let directory = TemporaryDirectory()
        try write([makeRecord("name:a")], to: directory.index)
        let before = try allLines(directory.index)
        let good = try (0..<3000).map { jsonLine(try makeRecord("name:new-\($0)")) }.joined()
        for replace in [false, true] {
            let text = good + "{\"key\":\"name:b\",\"manifest\":null,\"providers\":[{\"id\":\"x\"}]}\n" + good
            guard case .refused(let faults, true) = try Self.importText(text, directory, replace: replace) else {
                Issue.record("accepted")
                continue
            }
            #expect(faults.map(\.line) == [3001])
            #expect(faults.map(\.column) == [46])
            #expect(faults.map(\.reason) == [.record(.missingMember("region", of: "a provider"))])
            #expect(try allLines(directory.index) == before)
        }
    }

    @Test(arguments: [1, 20, 21, 500])
    func reportsAtMostTwentyFaults(count: Int) throws {
        let directory = TemporaryDirectory()
        let outcome = try Self.importText(String(repeating: "{}\n\n", count: count), directory)
        guard case .refused(let faults, let isComplete) = outcome else {
            Issue.record("accepted")
            return
        }
        #expect(faults.map(\.line) == (0..<min(count, 20)).map { $0 * 2 + 1 })
        #expect(isComplete == (count <= 20))
        // Nothing was there before, and a refused import makes no index.
        #expect(throws: IndexError.self) { _ = try IndexEnvironment(readOnlyAt: directory.index) }
    }

    @Test func longLinesAreFaultsAndTheNextLineCounts() throws {
        let directory = TemporaryDirectory()
        let record = jsonLine(try makeRecord("name:a"))
        for excess in [1, 300_000, 1_000_000] {
            let long = String(repeating: " ", count: IndexLimits.lineBytesMax + excess)
            for (text, lines) in [(long, [1]), (record + long + "\n" + record, [2]), (long + "\n{}\n", [1, 2])] {
                guard case .refused(let faults, _) = try Self.importText(text, directory) else {
                    Issue.record("accepted")
                    continue
                }
                #expect(faults.map(\.line) == lines)
                #expect(faults[0].reason == .lineTooLong)
            }
        }
        let fits = String(repeating: " ", count: IndexLimits.lineBytesMax - record.utf8.count + 1) + record
        #expect(try Self.summary(Self.importText(fits + fits, directory)).added == 1)
    }

    /// Lines end up whole wherever the chunks of a pipe cut them.
    @Test func readsPipesInPieces() async throws {
        let directory = TemporaryDirectory()
        let records = try (0..<3000).map { try makeRecord("name:é\($0 + 1000)") }
        let bytes = Data(records.map(jsonLine).joined().utf8)
        let pipe = Pipe()
        let feeder = Thread {
            var start = 0
            var size = 1
            while start < bytes.count {
                let end = min(start + size, bytes.count)
                try? pipe.fileHandleForWriting.write(contentsOf: bytes[start..<end])
                start = end
                size = size * 7 % 5003
            }
            try? pipe.fileHandleForWriting.close()
        }
        feeder.start()
        let outcome = try IndexImporter(replace: false).run(
            from: pipe.fileHandleForReading.fileDescriptor, named: "<stdin>", into: directory.index)
        #expect(try Self.summary(outcome).added == 3000)
        #expect(try allLines(directory.index) == records.map(jsonLine))
    }

    @Test func unreadableSourceIsNamed() throws {
        let directory = TemporaryDirectory()
        let missing = directory.path + "/missing.jsonl"
        #expect(throws: IndexError(cause: .fileAccess, code: ENOENT, call: "open", path: missing)) {
            _ = try IndexImporter(replace: false).run(fromFile: missing, into: directory.index)
        }
        #expect(throws: IndexError(cause: .fileAccess, code: EISDIR, call: "read", path: directory.path)) {
            _ = try IndexImporter(replace: false).run(fromFile: directory.path, into: directory.index)
        }
    }

    @Test func exportAndImportRoundTrip() throws {
        let (source, target) = (TemporaryDirectory(), TemporaryDirectory())
        let records = try (0..<5000).map { try makeRecord("name:\($0 * 7919 % 5000)", score: Double($0) / 5000) }
        try write(records, to: source.index)
        let file = target.path + "/out.jsonl"
        let written = try IndexExporter().run(IndexEnvironment(readOnlyAt: source.index), toFile: file)
        #expect(written == 5000)
        #expect(target.names == ["out.jsonl"], "the temporary file is gone")
        let summary = try Self.summary(IndexImporter(replace: false).run(fromFile: file, into: target.index))
        #expect(summary == .make(read: 5000, added: 5000, total: 5000))
        #expect(try allLines(source.index) == allLines(target.index))
        #expect(try allLines(target.index).joined() == target.text("out.jsonl"))
        let lines = try allLines(target.index)
        #expect(lines == lines.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) })
    }

    @Test func failedExportLeavesTheOldFile() throws {
        let directory = TemporaryDirectory()
        try write([makeRecord("name:a")], to: directory.index)
        let environment = try IndexEnvironment(readOnlyAt: directory.index)
        let target = directory.path + "/none/out.jsonl"
        #expect(throws: IndexError(cause: .fileAccess, code: ENOENT, call: "open", path: target)) {
            _ = try IndexExporter().run(environment, toFile: target)
        }
        // A directory cannot be renamed over: the temporary file must not stay.
        #expect(throws: IndexError.self) { _ = try IndexExporter().run(environment, toFile: directory.index) }
        #expect(directory.names == ["data"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path + "/data") == ["index"])
    }

    /// The sample that the repository ships, which the README's first steps import.
    @Test func importsTheSampleWholly() throws {
        let directory = TemporaryDirectory()
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let sample = root.appendingPathComponent("configs/sample-index.jsonl").path
        let text = try String(contentsOfFile: sample, encoding: .utf8)
        let lines = text.utf8.count { $0 == UInt8(ascii: "\n") }
        #expect(lines >= 220)
        let summary = try Self.summary(IndexImporter(replace: false).run(fromFile: sample, into: directory.index))
        #expect(summary == .make(read: lines, added: lines, total: lines))
        var reader = try TestReader(IndexEnvironment(readOnlyAt: directory.index))
        #expect(try reader.json("name:hello")?.contains("\"providers\":[{") == true)
        #expect(try reader.json("name:site") != nil)
        // The two spellings of café are two records.
        #expect(try reader.json("name:caf\u{E9}") != nil)
        #expect(try reader.json("name:cafe\u{301}") != nil)
        #expect(try reader.json("name:limits/exactly-4000-bytes")?.utf8.count == 4000)
    }
}

extension IndexImporter.Summary {
    fileprivate static func make(
        read: Int = 0, added: Int = 0, changed: Int = 0, unchanged: Int = 0, superseded: Int = 0, removed: Int = 0,
        total: Int = 0
    ) -> Self {
        var summary = Self()
        summary.read = read
        summary.added = added
        summary.changed = changed
        summary.unchanged = unchanged
        summary.superseded = superseded
        summary.removed = removed
        summary.total = total
        return summary
    }
}
