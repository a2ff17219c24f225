internal import ArgumentParser

/// `ronctl config`: reads the gateway's configuration with the gateway's own code.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Check the gateway's configuration, or show what is in effect.",
        subcommands: [ConfigCheckCommand.self, ConfigShowCommand.self])
}
