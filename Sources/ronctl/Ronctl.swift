import ArgumentParser
import Terminal

/// Where every command speaks.
let console = ToolConsole(tool: "ronctl")

/// `ronctl`: what operators and scripts ask of a gateway, its index and its configuration.
@main
struct Ronctl: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ronctl",
        abstract: "Ask a gateway, work on its index, and check its configuration.",
        // ControlPlane/ServiceVersion.number says the same.
        version: "0.1.0",
        subcommands: [
            ClientResolveCommand.self, ClientPingCommand.self, ClientHelloCommand.self, ControlStatusCommand.self,
            ControlLimitsCommand.self, ControlReloadCommand.self, IndexCommand.self,
            ConfigCommand.self,
        ])
}
