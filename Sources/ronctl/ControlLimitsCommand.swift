import ArgumentParser
import ControlProtocol
import Terminal

/// `ronctl limits`
struct ControlLimitsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "limits", abstract: "Print what bounds a gateway, and the memory and descriptors that it takes.",
        discussion: """
            Every limit in effect with where it came from, then the most memory that the data path takes, as a sum \
            (memory_ceiling_bytes of /metrics), and the most descriptors. The index is mapped and comes on top, as page cache.
            """ + "\n\n" + ControlExit.help("1 the gateway refused"))

    @OptionGroup var control: ControlOptions

    func run() throws {
        let report = try self.control.ask(.limits, LimitsReport.self)
        guard !self.control.json else { return }
        for line in Self.lines(report) { try console.printLine(line) }
    }

    private static func lines(_ report: LimitsReport) -> [String] {
        let style = TextStyle.standardOutput
        var limits = TextTable(["LIMIT", "VALUE", "FROM"])
        for limit in report.limits {
            limits.append([
                TerminalText.printable(limit.key), TerminalText.printable(limit.value),
                TerminalText.printable(limit.from),
            ])
        }
        let memory = Self.sum(
            "MEMORY", report.memory, each: { NumberText.bytes($0) },
            total: { "\(NumberText.grouped($0)) bytes (\(NumberText.bytes($0)))" })
        let descriptors = Self.sum(
            "DESCRIPTORS", report.descriptors, each: { "\($0)" }, total: { NumberText.grouped($0) })
        return limits.lines(style: style) + [""] + memory + [""] + descriptors
            + ["  of \(NumberText.grouped(report.descriptorsMax)) that this process may open (ulimit -n)"]
    }

    /// `name  count unit x each = total`, a line each, and what they come to.
    private static func sum(
        _ head: String, _ sum: LimitsReport.Sum, each: (Int) -> String, total: (Int) -> String
    ) -> [String] {
        var table = TextTable([head, "COUNT", "", "EACH", "TOTAL"], right: [1, 3, 4])
        for term in sum.terms {
            table.append([
                TerminalText.printable(term.name), NumberText.grouped(term.count), TerminalText.printable(term.unit),
                each(term.each), NumberText.grouped(term.total),
            ])
        }
        return table.lines() + ["= " + TextStyle.standardOutput.styled(total(sum.total), .bold)]
    }
}
