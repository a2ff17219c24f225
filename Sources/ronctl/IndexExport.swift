import ArgumentParser
import Glibc
import IndexStore

/// `ronctl index export [FILE|-]`
struct IndexExport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write all records as JSON lines, sorted by key, from one snapshot.",
        discussion: "A FILE appears, or replaces an older one, only when it is complete.")

    @Argument(help: "The file to write, or - for standard output.")
    var file = "-"

    @OptionGroup var location: IndexCommand.Location

    func run() throws {
        let progress = IndexProgress()
        try IndexConsole.run { () throws(IndexError) in
            let environment = try IndexEnvironment(readOnlyAt: self.location.path)
            let total = max(environment.recordCount, 1)
            let report = { (records: Int) in
                progress.update(
                    fraction: Double(records) / Double(total), "\(IndexConsole.grouped(records)) records")
            }
            guard self.file == "-" else {
                let records = try IndexExporter().run(environment, toFile: self.file, progress: report)
                progress.clear()
                print("exported \(records) records to \(self.file)")
                return
            }
            // With `export | head` the write then fails with EPIPE, which ends the export quietly and in order.
            signal(SIGPIPE, SIG_IGN)
            _ = try IndexExporter().run(environment, to: STDOUT_FILENO, named: "<stdout>", progress: report)
            progress.clear()
        }
    }
}
