import ArgumentParser
import ControlPlane
import Foundation
import Settings

@main
struct SvcGateway: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "svc-gateway",
        abstract: "The OAP/1 edge gateway: admits requests, resolves names from its index, answers.",
        discussion: """
            Settings come from flags, then the environment, then a TOML file (--config, RON_CONFIG, \
            ./configs/svc-gateway.toml or /etc/ron/svc-gateway.toml), then defaults; `ronctl config show` prints them with \
            their origins. SIGHUP and `ronctl reload` read them again. SIGTERM and SIGINT drain and exit 0; a second one exits \
            at once.

            Exit status: 0 after an orderly end, 64 for wrong usage, 69 when a port, the control socket or a backend cannot be had, \
            70 when a worker failed, 78 for a configuration with errors.
            """,
        version: ServiceVersion.line)

    @OptionGroup var flags: SettingsFlags

    @Flag(help: "Check the configuration, print every error, and exit.")
    var checkConfig = false

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        if self.checkConfig {
            let check = SettingsLoader.check(flags: self.flags, environment: environment)
            Self.write(check.output, to: .standardOutput)
            Self.write(check.errorOutput, to: .standardError)
            throw ExitCode(check.exitStatus)
        }
        let loaded: LoadedSettings
        do {
            loaded = try SettingsLoader.load(flags: self.flags, environment: environment)
        } catch {
            Self.write("\(error)\n", to: .standardError)
            throw ExitCode(SettingsErrors.exitStatus)
        }
        let flags = self.flags
        let service = GatewayService(loaded) { () throws(SettingsErrors) in
            try SettingsLoader.load(flags: flags, environment: environment)
        }
        throw ExitCode(await service.run())
    }

    private static func write(_ text: String, to handle: FileHandle) {
        guard !text.isEmpty else { return }
        try? handle.write(contentsOf: Data(text.utf8))
    }
}
