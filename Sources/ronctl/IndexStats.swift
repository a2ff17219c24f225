import ArgumentParser
import IndexStore
import OAP
import Terminal

/// `ronctl index stats`
struct IndexStats: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Print the index's size and shape.")

    @Option(name: [.short, .customLong("output")], help: "table or json.")
    var output = IndexCommand.OutputFormat.table

    @OptionGroup var location: IndexLocation

    func run() throws {
        let path = try self.location.path()
        let statistics = try IndexConsole.run { () throws(IndexError) in
            try IndexEnvironment(readOnlyAt: path).statistics
        }
        switch self.output {
        case .table: try self.printTable(statistics, path)
        case .json: try self.printJSON(statistics, path)
        }
    }

    private func printTable(_ statistics: IndexStatistics, _ path: String) throws {
        let rows = [
            ("path", TerminalText.printable(path)),
            ("records", NumberText.grouped(statistics.recordCount)),
            ("data file", NumberText.bytes(statistics.dataFileBytes)),
            ("largest size", NumberText.bytes(statistics.mapBytes)),
            ("page size", NumberText.bytes(statistics.pageBytes)),
            ("tree depth", "\(statistics.treeDepth)"),
            ("branch pages", NumberText.grouped(statistics.branchPages)),
            ("leaf pages", NumberText.grouped(statistics.leafPages)),
            ("overflow pages", NumberText.grouped(statistics.overflowPages)),
            ("last transaction", "\(statistics.lastTransaction)"),
            ("reader slots used", "\(statistics.readersUsed) of \(statistics.readersMax)"),
        ]
        for (name, value) in rows {
            try console.printLine(TerminalText.padded(name, 19) + value)
        }
    }

    private func printJSON(_ statistics: IndexStatistics, _ path: String) throws {
        var writer = JSONWriter()
        writer.raw("{\"path\":")
        writer.string(path)
        let members = [
            ("records", statistics.recordCount), ("data_file_bytes", statistics.dataFileBytes),
            ("map_bytes", statistics.mapBytes), ("page_bytes", statistics.pageBytes),
            ("tree_depth", statistics.treeDepth), ("branch_pages", statistics.branchPages),
            ("leaf_pages", statistics.leafPages), ("overflow_pages", statistics.overflowPages),
            ("last_transaction", statistics.lastTransaction), ("readers_used", statistics.readersUsed),
            ("readers_max", statistics.readersMax),
        ]
        for (name, value) in members {
            writer.raw(",\"\(name)\":")
            writer.number(value)
        }
        writer.raw("}")
        try console.printLine(String(decoding: writer.bytes, as: UTF8.self))
    }
}
