import Foundation
import IndexStore
import OAP
import Testing

/// `ronctl index` as a process of its own: exit statuses, texts, and writing beside a reader.
@Suite struct IndexCommandTests {
    @Test func readerSeesAnotherProcessesCommitOnlyAfterEndTurn() throws {
        let directory = TemporaryDirectory()
        let (old, new) = try (makeRecord("name:a", score: 0.1), makeRecord("name:a", score: 0.2))
        try write([old], to: directory.index)
        let environment = try IndexEnvironment(readOnlyAt: directory.index)
        var reader = try TestReader(environment)
        #expect(try reader.json("name:a")! + "\n" == jsonLine(old))

        let put = try Ronctl.run("index", "put", "-", "--index-path", directory.index, input: jsonLine(new))
        #expect(put.status == 0, "\(put.errors)")
        #expect(put.output == "changed name:a etag \(new.etag)\n")
        let added = try Ronctl.run("index", "put", "--key", "name:b", "--index-path", directory.index)
        #expect(added.status == 0)

        #expect(try reader.json("name:a")! + "\n" == jsonLine(old))
        #expect(try reader.json("name:b") == nil)
        reader.endTurn()
        #expect(try reader.json("name:a")! + "\n" == jsonLine(new))
        #expect(try reader.json("name:b") != nil)
        #expect(environment.recordCount == 2)

        let deleted = try Ronctl.run("index", "delete", "name:a", "--index-path", directory.index)
        #expect(deleted.status == 0)
        #expect(try reader.json("name:a") != nil)
        reader.endTurn()
        #expect(try reader.json("name:a") == nil)
    }

    @Test func importReportsPlacesAndChangesNothing() throws {
        let directory = TemporaryDirectory()
        let file = directory.file(
            "bad.jsonl", "\n{\"key\":\"name:a\",\"manifest\":null,\"providers\":[]}\n{\"kee\":1}\n")
        let result = try Ronctl.run("index", "import", file, "--index-path", directory.index)
        #expect(result.status == 65)
        #expect(result.output.isEmpty)
        #expect(result.errors.contains("\(file):3:2: error: a record has no member \"kee\"; did you mean \"key\"?\n"))
        #expect(!result.errors.contains("\u{1B}"), "no progress bar where no terminal is")
        let stats = try Ronctl.run("index", "stats", "--index-path", directory.index)
        #expect(stats.status == 66)
        #expect(stats.errors.contains("ronctl index import FILE"))
    }

    @Test func importExportGetStats() throws {
        let directory = TemporaryDirectory()
        let lines = try ["name:a", "name:b", "name:c"].map { jsonLine(try makeRecord($0)) }
        let imported = try Ronctl.run(
            "index", "import", "-", "--index-path", directory.index, input: lines.reversed().joined())
        #expect(imported.status == 0)
        #expect(imported.output.hasPrefix("imported 3 records (3 new, 0 changed, 0 unchanged) in "))

        let exported = try Ronctl.run("index", "export", "--index-path", directory.index)
        #expect(exported.status == 0)
        #expect(exported.output == lines.joined())

        let json = try Ronctl.run("index", "get", "name:b", "name:a", "-o", "json", "--index-path", directory.index)
        #expect(json.status == 0)
        #expect(json.output == lines[1] + lines[0])

        let table = try Ronctl.run("index", "get", "name:b", "name:none", "--index-path", directory.index)
        #expect(table.status == 1)
        #expect(table.output.contains("node  eu  0.5"))
        #expect(table.errors == "ronctl: error: name:none is not in \(directory.index)\n")

        let stats = try Ronctl.run("index", "stats", "-o", "json", "--index-path", directory.index)
        #expect(stats.output.contains("\"records\":3,"))
    }

    @Test func wrongKeysAndRecordsAreRefusedBeforeAnythingIsWritten() throws {
        let directory = TemporaryDirectory()
        let get = try Ronctl.run("index", "get", "site", "--index-path", directory.index)
        #expect(get.status == 64)
        #expect(get.errors.contains("did you mean \"name:site\"?"))
        let put = try Ronctl.run(
            "index", "put", "{\"key\":\"name:a\",\n \"manifest\":1}", "--index-path", directory.index)
        #expect(put.status == 65)
        #expect(put.errors.hasPrefix("<argument>:2:13: error: a manifest is null or"))
        let score = try Ronctl.run(
            "index", "put", "--key", "name:a", "--provider", "n,r,2", "--index-path", directory.index)
        #expect(score.status == 65)
        #expect(score.errors.contains("--provider \"n,r,2\": a score is a number from 0 to 1"))
        let both = try Ronctl.run("index", "put", "{}", "--key", "name:a", "--index-path", directory.index)
        #expect(both.status == 64)
        let delete = try Ronctl.run("index", "delete", "name:a", "--index-path", directory.index)
        #expect(delete.status == 66)
        #expect(directory.names.isEmpty)
    }

    @Test func deleteSaysWhatWasNotThere() throws {
        let directory = TemporaryDirectory()
        try write([makeRecord("name:a"), makeRecord("name:b")], to: directory.index)
        let result = try Ronctl.run("index", "delete", "name:a", "name:z", "--index-path", directory.index)
        #expect(result.status == 1)
        #expect(result.output == "deleted 1 of 2 records\n")
        #expect(result.errors == "ronctl: error: name:z is not in \(directory.index)\n")
        #expect(try allLines(directory.index) == [jsonLine(makeRecord("name:b"))])
    }

    /// `export | head`: far more than a pipe holds, and nobody reads it.
    @Test func exportEndsQuietlyWhenItsReaderIsGone() throws {
        let directory = TemporaryDirectory()
        try write((0..<10_000).map { try makeRecord("name:\($0)") }, to: directory.index)
        let process = Process()
        process.executableURL = try Ronctl.executable()
        process.arguments = ["index", "export", "--index-path", directory.index]
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        try output.fileHandleForWriting.close()
        _ = try output.fileHandleForReading.read(upToCount: 100)
        try output.fileHandleForReading.close()
        process.waitUntilExit()
        #expect(process.terminationReason == .exit)
        #expect(process.terminationStatus == 0)
        #expect(try errors.fileHandleForReading.readToEnd() ?? Data() == Data())
    }
}
