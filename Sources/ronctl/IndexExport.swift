import ArgumentParser
import Glibc
import IndexStore
import Terminal

/// `ronctl index export [FILE|-]`
struct IndexExport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write all records as JSON lines, sorted by key, from one snapshot.",
        discussion: "A FILE appears, or replaces an older one, only when it is complete.")

    @Argument(help: "The file to write, or - for standard output.")
    var file = "-"

    @OptionGroup var location: IndexLocation

    func run() throws {
        let progress = IndexProgress()
        let path = try self.location.path()
        let records = try IndexConsole.run { () throws(IndexError) -> Int? in
            // Before a failure is told, which would stand behind the bar otherwise.
            defer { progress.clear() }
            let environment = try IndexEnvironment(readOnlyAt: path)
            let total = max(environment.recordCount, 1)
            let report = { (records: Int) in
                progress.update(
                    fraction: Double(records) / Double(total), "\(NumberText.grouped(records)) records")
            }
            guard self.file == "-" else {
                let records = try IndexExporter().run(environment, toFile: self.file, progress: report)
                return records
            }
            // With `export | head` the write then fails with EPIPE, which ends the export quietly and in order.
            signal(SIGPIPE, SIG_IGN)
            _ = try IndexExporter().run(
                environment, to: STDOUT_FILENO, named: ToolConsole.standardOutputName, progress: report)
            return nil
        }
        if let records { try console.printLine("exported \(records) records to \(self.file)") }
    }
}
