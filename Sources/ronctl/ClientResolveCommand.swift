import ArgumentParser
import OAP
import Terminal

/// `ronctl resolve KEY…`
struct ClientResolveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resolve", abstract: "Resolve keys through a gateway and print their providers.",
        discussion: """
            Several keys are asked for in one frame (256 at most in each). As json each key is a line: its record, or \
            {"key":…,"status":404,"code":"not_found"}.

            \(ClientExit.resolveHelp)
            """)

    @Argument(help: "Keys: name:<label> or b3:<64 lower-case hex digits>.")
    var keys: [String]

    @OptionGroup var client: ClientOptions

    @Option(name: [.short, .customLong("output")], help: "table or json.")
    var output = ClientFormat.table

    func validate() throws { try IndexKeyArgument.check(self.keys) }

    func run() throws {
        var missing = 0
        let refusal = try ClientExit.run { () throws(ClientFailure) -> ClientRefusal? in
            var connection = try self.client.connect()
            var lookup = ClientLookup()
            for start in stride(from: 0, to: self.keys.count, by: PayloadLimits.keysPerRequestMax) {
                let keys = self.keys[start..<min(start + PayloadLimits.keysPerRequestMax, self.keys.count)]
                switch try lookup.resolve(Array(keys), &connection) {
                case .refused(let refusal): return refusal
                case .records(let records):
                    for (key, record) in zip(keys, records) {
                        if record == nil { missing += 1 }
                        for line in try self.lines(key, record, connection) { try ClientText.printLine(line) }
                    }
                }
            }
            return nil
        }
        if let refusal {
            console.printError("the gateway refused: \(refusal.sentence)")
            throw ClientExit.refused
        }
        if missing > 0 { throw ClientExit.refused }
    }

    private func lines(
        _ key: String, _ json: [UInt8]?, _ connection: borrowing ClientConnection
    ) throws(ClientFailure) -> [String] {
        switch (self.output, json) {
        case (.json, let json?): return [String(decoding: json, as: UTF8.self)]
        case (.json, nil):
            var writer = JSONWriter()
            writer.raw("{\"key\":")
            writer.string(key)
            writer.raw(",\"status\":404,\"code\":\"not_found\"}")
            return [String(decoding: writer.bytes, as: UTF8.self)]
        case (.table, nil):
            return [
                TextStyle.standardOutput.styled(TerminalText.printable(key), .bold),
                "  " + TextStyle.standardOutput.styled("not found", .red),
            ]
        case (.table, let json?):
            do throws(IndexRecordError) {
                return Self.table(try IndexRecord(json: json.span))
            } catch {
                throw ClientFailure(message: "\(connection.address) answered with no record: \(error)")
            }
        }
    }

    private static func table(_ record: IndexRecord) -> [String] {
        let lines = [
            TextStyle.standardOutput.styled(TerminalText.printable(record.key), .bold),
            "  manifest  \(record.manifest ?? "none")",
            "  etag      \(record.etag)",
        ]
        guard !record.providers.isEmpty else { return lines + ["  no providers"] }
        var table = TextTable(["PROVIDER", "REGION", "SCORE"], right: [2])
        for provider in record.providers { table.append(provider: provider) }
        return lines + table.lines(indent: 2)
    }
}
