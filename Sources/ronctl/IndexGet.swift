import ArgumentParser
import IndexStore
import OAP
import Terminal

/// `ronctl index get KEY…`
struct IndexGet: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Print records. Exit status 1 when one of the keys is not there.")

    @Argument(help: "Keys: name:<label> or b3:<64 lower-case hex digits>.")
    var keys: [String]

    @Option(name: [.short, .customLong("output")], help: "table, or json: one record a line.")
    var output = IndexCommand.OutputFormat.table

    @OptionGroup var location: IndexLocation

    func validate() throws {
        try IndexKeyArgument.check(self.keys)
    }

    func run() throws {
        let path = try self.location.path()
        var reader = try IndexConsole.run { () throws(IndexError) in
            try IndexEnvironment(readOnlyAt: path).makeReader()
        }
        var missing = 0
        for key in self.keys {
            let record = try IndexConsole.run { () throws(IndexError) in try Self.record(key, &reader) }
            if let record {
                try console.printLine(self.text(record))
            } else {
                missing += 1
                console.printError("\(TerminalText.printable(key)) is not in \(path)")
            }
        }
        if missing > 0 { throw IndexConsole.keyMissing }
    }

    /// Its JSON; nil when it is not there.
    private static func record(_ key: String, _ reader: inout IndexReader) throws(IndexError) -> [UInt8]? {
        let name = Array(key.utf8)
        var json: [UInt8] = []
        let result = reader.lookup(name.span) { bytes in
            for index in bytes.indices { json.append(bytes[index]) }
        }
        switch result {
        case .found: return json
        case .absent: return nil
        case .failed(let error): throw error
        }
    }

    private func text(_ json: [UInt8]) -> String {
        switch self.output {
        case .json: return String(decoding: json, as: UTF8.self)
        case .table:
            do throws(IndexRecordError) {
                return Self.table(try IndexRecord(json: json.span)).joined(separator: "\n")
            } catch {
                // Only a foreign program can have written it; what is there is shown as it is.
                return TerminalText.printable(String(decoding: json, as: UTF8.self)) + "\n  (no valid record: \(error))"
            }
        }
    }

    private static func table(_ record: IndexRecord) -> [String] {
        let lines = [
            TextStyle.standardOutput.styled(TerminalText.printable(record.key), .bold),
            "  manifest  \(record.manifest ?? "none")",
            "  etag      \(record.etag)",
        ]
        guard !record.providers.isEmpty else { return lines + ["  providers none"] }
        var table = TextTable(right: [2])
        for provider in record.providers { table.append(provider: provider) }
        return lines + table.lines().enumerated().map { ($0 == 0 ? "  providers " : "            ") + $1 }
    }
}

/// Keys on a command line.
enum IndexKeyArgument {
    /// Throws, with what was meant where that can be guessed, when one of them is no key.
    static func check(_ keys: [String]) throws {
        for key in keys {
            guard let fault = IndexKey.fault(in: Array(key.utf8).span) else { continue }
            let named = "name:\(key)"
            let isLabel = fault == .unknownPrefix && IndexKey.isValid(Array(named.utf8).span)
            let hint = isLabel ? "; did you mean \"\(named)\"?" : ""
            throw ValidationError("\"\(TerminalText.printable(key))\" is no key: \(fault.message)\(hint)")
        }
    }
}
