import ArgumentParser
import Foundation
import Glibc
import IndexStore
import Terminal

/// `ronctl index import FILE|-`
struct IndexImport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Import records, one JSON object a line: all of them or, when a line is bad, none.",
        discussion: """
            Blank lines are skipped. When a key comes twice, the last line wins and the others are counted. A bad \
            line is reported as FILE:LINE:COLUMN (columns count bytes, from 1), up to 20 of them.
            """)

    @Argument(help: "The JSONL file, or - for standard input.")
    var file: String

    @OptionGroup var location: IndexLocation

    @Flag(help: "Leave exactly the imported records in the index: others are removed in the same transaction.")
    var replace = false

    func run() throws {
        try self.refuseUTF16()
        let progress = IndexProgress()
        let importer = IndexImporter(replace: self.replace)
        let report = { (step: IndexImporter.Progress) in
            progress.update(
                fraction: step.bytesTotal.map { Double(step.bytesRead) / Double(max($0, 1)) },
                "\(NumberText.grouped(step.lines)) lines")
        }
        let outcome = try self.location.write { (path) throws(IndexError) in
            // Before a failure is told, which would stand behind the bar otherwise.
            defer { progress.clear() }
            if self.file == "-" {
                return try importer.run(
                    from: STDIN_FILENO, named: self.displayName, into: path, progress: report)
            }
            return try importer.run(fromFile: self.file, into: path, progress: report)
        }
        switch outcome {
        case .imported(let summary):
            try self.printSummary(summary, seconds: progress.elapsed / .seconds(1))
        case .refused(let faults, let isComplete):
            self.printFaults(faults, isComplete: isComplete)
            throw IndexConsole.badData
        }
    }

    /// In UTF-16 no line is a record, and one sentence says more than an error a line.
    private func refuseUTF16() throws {
        // A pipe's first bytes could not be read twice; only a file's are looked at.
        let attributes = try? FileManager.default.attributesOfItem(atPath: self.file)
        guard self.file != "-", attributes?[.type] as? FileAttributeType == .typeRegular,
            let head = try? FileHandle(forReadingFrom: URL(fileURLWithPath: self.file)).read(upToCount: 2),
            head == Data([0xFF, 0xFE]) || head == Data([0xFE, 0xFF])
        else { return }
        console.printError("\(self.file) is UTF-16; save it as UTF-8; nothing was imported")
        throw IndexConsole.badData
    }

    private var displayName: String { self.file == "-" ? "<stdin>" : self.file }

    private func printSummary(_ summary: IndexImporter.Summary, seconds: Double) throws {
        var line =
            "imported \(summary.imported) records (\(summary.added) new, \(summary.changed) changed, "
            + "\(summary.unchanged) unchanged"
        if self.replace { line += ", \(summary.removed) removed" }
        line += ") in \(NumberText.decimals(seconds, 2)) s, "
        line += "\(Int(Double(summary.read) / max(seconds, 0.001))) records/s; the index has \(summary.total)"
        if summary.superseded > 0 {
            console.printToStandardError(
                "\(self.displayName): note: \(summary.superseded) lines had no effect: their keys came again further "
                    + "down\n")
        }
        try console.printLine(line)
    }

    private func printFaults(_ faults: [IndexImporter.LineFault], isComplete: Bool) {
        for fault in faults {
            console.printToStandardError(
                "\(self.displayName):\(fault.line):\(fault.column): error: \(fault.reason)\n")
        }
        if !isComplete { console.printToStandardError("\(self.displayName): and more\n") }
        console.printError("nothing was imported; correct these lines and import again")
    }
}
