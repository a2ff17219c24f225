import ArgumentParser
import Terminal

/// What the command says: its report on standard output, and everything else on standard error.
enum Console {
    private static let tool = ToolConsole(tool: "oap-bench")

    static func printError(_ message: String) { Self.tool.printError(message) }
    static func printNote(_ message: String) { Self.tool.printNote(message) }
    static func printLine(_ line: String) throws(ExitCode) { try Self.tool.printLine(line) }

    /// Does the work; a failure becomes its message, after `subject`, and exit status 2.
    static func orExit<Value, Failure: Error & CustomStringConvertible>(
        _ subject: String? = nil, _ work: () throws(Failure) -> Value
    ) throws -> Value {
        do throws(Failure) {
            return try work()
        } catch {
            Self.printError((subject.map { "\($0): " } ?? "") + error.description)
            throw BenchExit.unusable
        }
    }

    /// Text on standard error as it is: what is going on, or errors that name their places themselves.
    static func printToStandardError(_ text: String) { Self.tool.printToStandardError(text) }
}
