import ArgumentParser
import Terminal

/// What the command ends with; `--help` and the manual page say the same.
enum BenchExit {
    /// An answer was invalid or unexpected, or a connection was lost, and no threshold is about that.
    static let failed = ExitCode(1)
    /// Wrong usage, or nothing to load.
    static let unusable = ExitCode(2)
    /// The generator was the bottleneck: there is no verdict about the server.
    static let generatorLimit = ExitCode(3)
    /// EX_IOERR of sysexits.h: a report could not be written.
    static let outputFailed = ExitCode(74)
    /// A threshold was missed.
    static let missed = ExitCode(99)

    /// Each status that there is, with what it means, for `--help`.
    static let table: [(status: Int32, meaning: String)] = [
        (0, "every answer was valid and expected; every threshold holds"),
        (1, "one was not, or a connection was lost; or no rate was found"),
        (2, "wrong usage, no connection, or reports that cannot be compared"),
        (3, "no verdict: the generator was the bottleneck (wins over 1 and 99)"),
        (74, "a report could not be written"),
        (99, "a threshold was missed"),
    ]

    /// The table as lines.
    static let help = Self.table.map { "  \(TerminalText.leftPadded(String($0.status), 2))  \($0.meaning)" }.joined(
        separator: "\n")
}

/// Why there is nothing to measure, as a sentence.
struct BenchFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
