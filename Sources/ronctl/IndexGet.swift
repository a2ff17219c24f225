import ArgumentParser
import IndexStore
import OAP

/// `ronctl index get KEY…`
struct IndexGet: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Print records. Exit status 1 when one of the keys is not there.")

    @Argument(help: "Keys: name:<label> or b3:<64 lower-case hex digits>.")
    var keys: [String]

    @Option(name: [.short, .customLong("output")], help: "table, or json: one record a line.")
    var output = IndexCommand.OutputFormat.table

    @OptionGroup var location: IndexCommand.Location

    func validate() throws {
        try IndexKeyArgument.check(self.keys)
    }

    func run() throws {
        var missing = 0
        try IndexConsole.run { () throws(IndexError) in
            var reader = try IndexEnvironment(readOnlyAt: self.location.path).makeReader()
            for key in self.keys {
                let name = Array(key.utf8)
                var json: [UInt8] = []
                let result = reader.lookup(name.span) { bytes in
                    for index in bytes.indices { json.append(bytes[index]) }
                }
                switch result {
                case .found:
                    print(self.text(json))
                case .absent:
                    missing += 1
                    IndexConsole.printError("\(IndexConsole.printable(key)) is not in \(self.location.path)")
                case .failed(let error):
                    throw error
                }
            }
        }
        if missing > 0 { throw IndexConsole.keyMissing }
    }

    private func text(_ json: [UInt8]) -> String {
        switch self.output {
        case .json: return String(decoding: json, as: UTF8.self)
        case .table:
            do throws(IndexRecordError) {
                return Self.table(try IndexRecord(json: json.span))
            } catch {
                // Only a foreign program can have written it; what is there is shown as it is.
                return IndexConsole.printable(String(decoding: json, as: UTF8.self)) + "\n  (no valid record: \(error))"
            }
        }
    }

    private static func table(_ record: IndexRecord) -> String {
        var lines = [
            IndexConsole.printable(record.key),
            "  manifest  \(record.manifest ?? "none")",
            "  etag      \(record.etag)",
        ]
        if record.providers.isEmpty { lines.append("  providers none") }
        let ids = record.providers.map { IndexConsole.printable($0.id) }
        let regions = record.providers.map { IndexConsole.printable($0.region) }
        let idWidth = ids.map(\.count).max() ?? 0
        let regionWidth = regions.map(\.count).max() ?? 0
        for (index, provider) in record.providers.enumerated() {
            lines.append(
                (index == 0 ? "  providers " : "            ") + Self.padded(ids[index], idWidth) + "  "
                    + Self.padded(regions[index], regionWidth) + "  \(provider.score)")
        }
        return lines.joined(separator: "\n")
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
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
            throw ValidationError("\"\(IndexConsole.printable(key))\" is no key: \(fault.message)\(hint)")
        }
    }
}
