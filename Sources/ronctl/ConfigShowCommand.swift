import Terminal

internal import ArgumentParser
internal import Foundation
internal import Settings

struct ConfigShowCommand: ParsableCommand {
    enum Format: String, CaseIterable, ExpressibleByArgument {
        case table
        case json
    }

    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Print every effective setting and where it came from.",
        discussion: """
            Flags win over the environment, the environment over the file, the file over the defaults. Exits with \
            \(SettingsErrors.exitStatus) when something is wrong with them.
            """)

    @Option(name: .shortAndLong, help: "How to print: table or json.")
    var output = Format.table

    @OptionGroup(title: "Settings")
    var flags: SettingsFlags

    func run() throws {
        let loaded: LoadedSettings
        do {
            loaded = try SettingsLoader.load(flags: self.flags, environment: ProcessInfo.processInfo.environment)
        } catch {
            console.printToStandardError("\(error)\n")
            throw ExitCode(SettingsErrors.exitStatus)
        }
        console.printToStandardError(loaded.warnings.map { "\($0)\n" }.joined())
        let text =
            switch self.output {
            case .table: loaded.table()
            case .json: try loaded.json()
            }
        try console.write(text)
    }
}
