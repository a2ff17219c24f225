import ArgumentParser
import ControlProtocol
import Foundation
import Settings
import Terminal

/// Which gateway is meant, and how its answer is printed: the same for all commands that use the control socket.
struct ControlOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            The gateway of that name on this machine: NAME.sock in svc-gateway under the runtime directory \
            ($RUNTIME_DIRECTORY, $XDG_RUNTIME_DIR, /run), or in /tmp/svc-gateway-UID.
            """,
            valueName: "name"))
    var instance = InstanceName.standard

    @Option(help: ArgumentHelp("The gateway with this control socket, wherever it is.", valueName: "path"))
    var controlSocket: String?

    @Option(help: "How long the answer may take: 500ms, 5s, 1m.")
    var timeout = TimeSpan(milliseconds: 10_000)

    @Flag(help: "Print the answer as it came, as JSON.")
    var json = false

    func validate() throws {
        guard !InstanceName.isValid(self.instance) else { return }
        throw ValidationError("--instance \(self.instance.quoted) is no name: expected \(InstanceName.expected)")
    }

    /// Where the socket may be, the likeliest first.
    var paths: [String] {
        if let path = self.controlSocket { return [path] }
        return ControlSocketPath.directories(environment: ProcessInfo.processInfo.environment)
            .map { ControlSocketPath.path(instance: self.instance, in: $0) }
    }

    /// Asks, and prints the answer as JSON where that is wanted; the caller prints it for people otherwise.
    ///
    /// - Returns: the report, whatever its HTTP status, when the answer is one.
    func ask<Report: Decodable>(_ path: ControlPath, _ type: Report.Type) throws -> Report {
        try ControlExit.run { () throws(ControlClientFailure) in
            let client = try ControlClient(self.paths, timeoutMilliseconds: self.timeout.milliseconds)
            let answer = try client.request(path)
            guard let report = try? ControlJSON.decode(type, from: answer.body) else {
                throw client.notAReport(answer)
            }
            if self.json {
                do throws(ExitCode) { try console.write(String(decoding: answer.body, as: UTF8.self)) } catch {
                    throw ControlClientFailure(output: error)
                }
            }
            return report
        }
    }
}

/// Exit statuses of the commands that use the control socket.
enum ControlExit {
    /// The gateway is not ready, or has refused.
    static let refused = ExitCode(1)
    /// Nobody listens, or there was no proper answer.
    static let unreachable = ExitCode(2)
    /// EX_NOPERM: this user may not open the socket.
    static let denied = ExitCode(77)
    /// EX_CONFIG: the new configuration has errors.
    static let configuration = ExitCode(SettingsErrors.exitStatus)

    static func help(_ own: String) -> String {
        "Exit status: 0 done; \(own); 2 no gateway there, or no answer in time; 64 wrong usage; 74 output failed; 77 this "
            + "user may not open the control socket."
    }

    static func run<Value>(_ work: () throws(ControlClientFailure) -> Value) throws -> Value {
        do throws(ControlClientFailure) {
            return try work()
        } catch {
            if let message = error.message { console.printError(message) }
            throw error.status
        }
    }
}
