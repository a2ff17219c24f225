import Terminal

internal import ArgumentParser
internal import Foundation
internal import Settings

struct ConfigCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Report everything that is wrong with a configuration.",
        discussion: """
            Reads file, environment and flags as svc-gateway does. Exits with 0 and says "ok", or reports every error \
            with file, line and column, and exits with \(SettingsErrors.exitStatus).
            """)

    @Argument(help: "The file to check. (default: the one that svc-gateway would read)")
    var file: String?

    @OptionGroup(title: "Settings")
    var flags: SettingsFlags

    func run() throws {
        let check = SettingsLoader.check(
            file: self.file, flags: self.flags, environment: ProcessInfo.processInfo.environment)
        console.printToStandardError(check.errorOutput)
        if !check.output.isEmpty { try console.write(check.output) }
        guard check.exitStatus == 0 else { throw ExitCode(check.exitStatus) }
    }
}
