import ArgumentParser
import ControlProtocol
import Terminal

/// `ronctl reload`
struct ControlReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload", abstract: "Have a gateway read its configuration again.",
        discussion: """
            The gateway reads its file with the flags and the environment that it was started with, and checks all of it. What may \
            change while it serves takes effect at once; what cannot is named, and waits for a restart. When anything is \
            wrong, nothing changes. SIGHUP does the same.
            """ + "\n\n"
                + ControlExit.help("1 the gateway refused; 78 the configuration has errors, which are printed"))

    @OptionGroup var control: ControlOptions

    func run() throws {
        let report = try self.control.ask(.reload, ReloadReport.self)
        if !self.control.json { try self.tell(report) }
        guard report.result != .refused else { throw ControlExit.configuration }
    }

    private func tell(_ report: ReloadReport) throws {
        console.printToStandardError(report.warnings.map { TerminalText.printable($0) + "\n" }.joined())
        switch report.result {
        case .refused:
            console.printToStandardError(report.problems.map { TerminalText.printable($0) + "\n" }.joined())
            console.printError("nothing was changed; the gateway goes on as before (epoch \(report.epoch))")
            return
        case .unchanged:
            try console.printLine("nothing to change (epoch \(report.epoch))")
        case .reloaded:
            try console.printLine(
                report.changes.isEmpty
                    ? "nothing took effect (epoch \(report.epoch))" : "reloaded, epoch \(report.epoch)")
        }
        for line in Self.lines(report.changes) { try console.printLine(line) }
        if !report.restartNeeded.isEmpty {
            try console.printLine(TextStyle.standardOutput.styled("waits for a restart", .yellow))
            for line in Self.lines(report.restartNeeded) { try console.printLine(line) }
        }
        if report.workersBehind > 0 {
            console.printNote(
                "\(NumberText.counted(report.workersBehind, "worker")) had not taken it within 2 s; `ronctl status` shows which"
            )
        }
    }

    /// `key  old -> new`, aligned.
    private static func lines(_ changes: [ReloadReport.Change]) -> [String] {
        var table = TextTable()
        for change in changes {
            table.append([
                TerminalText.printable(change.key), TerminalText.printable(change.old ?? "-"), "->",
                TerminalText.printable(change.new ?? "-"),
            ])
        }
        return table.lines(indent: 2)
    }
}
