import ArgumentParser
import Foundation
import IndexStore
import OAP
import Terminal

/// `ronctl index put RECORD|-` or `ronctl index put --key KEY …`
struct IndexPut: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "put",
        abstract: "Add one record or replace the one with its key.",
        usage: """
            ronctl index put '{"key":"name:site","manifest":null,"providers":[]}'
            ronctl index put - < record.json
            ronctl index put --key name:site --manifest b3:… --provider node-1,eu-west,0.9 --provider node-2,,0.5
            """)

    @Argument(help: "The record as JSON, or - to read it from standard input.")
    var record: String?

    @Option(help: "The record's key: name:<label> or b3:<64 lower-case hex digits>.")
    var key: String?

    @Option(help: "The record's manifest, b3:<64 lower-case hex digits>; none when left out.")
    var manifest: String?

    @Option(name: .customLong("provider"), help: "A provider as ID,REGION,SCORE; may be repeated. Order is kept.")
    var providers: [String] = []

    @OptionGroup var location: IndexLocation

    func validate() throws {
        switch (self.record, self.key) {
        case (nil, nil): throw ValidationError("give the record as JSON, or - for standard input, or --key")
        case (.some, .some): throw ValidationError("give either the record as JSON or --key, not both")
        case (.some, nil) where self.manifest != nil || !self.providers.isEmpty:
            throw ValidationError("--manifest and --provider belong to --key; a record in JSON has its own")
        case (.some, nil): break
        case (nil, let key?): try IndexKeyArgument.check([key])
        }
        for text in self.providers { _ = try Self.fields(ofProvider: text) }
    }

    func run() throws {
        let record = try self.makeRecord()
        let change = try self.location.write { (path) throws(IndexError) in
            var writer = try IndexWriter(at: path)
            let change = try writer.put(record)
            try writer.commit()
            return change
        }
        let verb =
            switch change {
            case .added: "added"
            case .changed: "changed"
            case .unchanged: "unchanged"
            }
        try console.printLine("\(verb) \(TerminalText.printable(record.key)) etag \(record.etag)")
    }

    private func makeRecord() throws -> IndexRecord {
        guard let json = self.record else { return try self.makeRecordFromOptions() }
        let source = json == "-" ? "<stdin>" : "<argument>"
        let bytes = json == "-" ? try Self.readStandardInput() : Array(json.utf8)
        do throws(IndexRecordError) {
            return try IndexRecord(json: bytes.span)
        } catch {
            let before = bytes.prefix(error.offset)
            let line = before.count { $0 == UInt8(ascii: "\n") } + 1
            let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
            console.printToStandardError(
                "\(source):\(line):\(error.offset - lineStart + 1): error: \(error.fault)\n")
            throw IndexConsole.badData
        }
    }

    private func makeRecordFromOptions() throws -> IndexRecord {
        var providers: [IndexRecord.Provider] = []
        for text in self.providers { providers.append(try Self.makeProvider(text)) }
        do throws(IndexRecord.Fault) {
            return try IndexRecord(key: self.key ?? "", manifest: self.manifest, providers: providers)
        } catch {
            console.printError(error.description)
            throw IndexConsole.badData
        }
    }

    /// The id may have commas of its own: region and score are the last two fields.
    private static func fields(ofProvider text: String) throws -> [Substring] {
        let fields = text.split(separator: ",", omittingEmptySubsequences: false)
        guard fields.count >= 3 else {
            throw ValidationError(
                "--provider \"\(TerminalText.printable(text))\" is not ID,REGION,SCORE (an unknown region is empty)")
        }
        return fields
    }

    private static func makeProvider(_ text: String) throws -> IndexRecord.Provider {
        let fields = try Self.fields(ofProvider: text)
        do throws(IndexRecord.Fault) {
            guard let score = Double(fields[fields.count - 1]) else { throw .scoreOutOfRange }
            return try .init(
                id: fields.dropLast(2).joined(separator: ","), region: String(fields[fields.count - 2]), score: score)
        } catch {
            console.printError("--provider \"\(text)\": \(error)")
            throw IndexConsole.badData
        }
    }

    /// At most the longest line of an import.
    private static func readStandardInput() throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let chunk = try FileHandle.standardInput.read(upToCount: IndexLimits.lineBytesMax), !chunk.isEmpty {
            bytes.append(contentsOf: chunk)
            guard bytes.count <= IndexLimits.lineBytesMax else {
                console.printError("<stdin> is longer than \(IndexLimits.lineBytesMax) bytes: no single record")
                throw IndexConsole.badData
            }
        }
        return bytes
    }
}
