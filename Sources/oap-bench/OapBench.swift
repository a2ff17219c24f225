import ArgumentParser
import Foundation
import LoadReport
import Settings
import Terminal

/// `oap-bench`: load on a gateway, and the truth about how it was answered.
@main
struct OapBench: ParsableCommand {
    /// ControlPlane/ServiceVersion.number says the same.
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "oap-bench",
        abstract: "Load an OAP/1 gateway, and report how it answered.",
        usage: """
            oap-bench [--server HOST:PORT] [--rate R] [--duration T] [options]
            oap-bench --closed [--connections N] [--depth D] [options]
            oap-bench --find-max 'p99<40ms' [options]
            oap-bench --scenario FILE [options]
            oap-bench --compare BEFORE.json AFTER.json [--html FILE]
            """,
        discussion: """
            Without --closed the loop is open: requests are due at the times of a schedule, whatever the gateway does, \
            and latency counts from when a request was due. Every answer is checked: its header, and that its payload \
            is what was asked for. Ctrl-C ends the load and prints the report; a second one quits.

            Exit status:
            \(BenchExit.help)
            """,
        version: Self.version)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text
        case json
    }

    @OptionGroup var load: LoadFlags
    @OptionGroup(title: "The report") var output: ReportFlags

    static func main() {
        do {
            var command = try Self.parseAsRoot()
            try command.run()
        } catch {
            switch Self.exitCode(for: error) {
            case .success:
                Self.exit(withError: Self.printed(Self.fullMessage(for: error)))
            case .validationFailure:
                Console.printError(Self.message(for: error) + "\nSee 'oap-bench --help'.")
                Self.exit(withError: BenchExit.unusable)
            default:
                Self.exit(withError: error)
            }
        }
    }

    /// Help or version, when there is some; returns what to exit with.
    private static func printed(_ message: String) -> ExitCode {
        do throws(ExitCode) {
            if !message.isEmpty { try Console.printLine(message) }
            return .success
        } catch {
            return error
        }
    }

    func run() throws {
        if self.output.printSchema {
            try Console.printLine(LoadReport.jsonSchema)
        } else if !self.output.compare.isEmpty {
            try CompareCommand(self.output, loadFlags: self.load).run()
        } else {
            try LoadCommand(self.load, self.output).run()
        }
    }
}
