import ArgumentParser
import Foundation
import IndexStore
import Settings
import Terminal

/// Where the index is: the directory that the gateway of this configuration would open, unless one is named.
struct IndexLocation: ParsableArguments {
    @Option(
        name: .customLong("index-path"),
        help: ArgumentHelp(
            """
            The index's directory. (default: the gateway's setting index_path, from the environment, else the \
            configuration file of $RON_CONFIG, configs/svc-gateway.toml or /etc/ron/svc-gateway.toml, else \
            \(GatewaySettings().indexPath))
            """,
            valueName: "directory"))
    var named: String?

    /// The directory. A configuration that is wrong is reported and ends the command.
    func path() throws -> String {
        if let named = self.named { return named }
        let flags = try SettingsFlags.parse([])
        do throws(SettingsErrors) {
            let settings = try SettingsLoader.load(flags: flags, environment: ProcessInfo.processInfo.environment)
                .settings
            return settings.embeddedIndexPath ?? settings.indexPath
        } catch {
            console.printToStandardError("\(error)\n")
            console.printError(
                "the configuration does not say where the index is; correct it, or pass --index-path DIRECTORY")
            throw ExitCode(SettingsErrors.exitStatus)
        }
    }

    /// Does the work of a command that makes the index when it is missing, and says so when it did.
    func write<Value>(_ work: (_ path: String) throws(IndexError) -> Value) throws -> Value {
        let path = try self.path()
        let isNew = !Self.hasIndex(path)
        if isNew { try Self.checkRoom(path) }
        let value = try IndexConsole.run { () throws(IndexError) in try work(path) }
        if isNew, Self.hasIndex(path) { console.printToStandardError("made a new index at \(path)\n") }
        return value
    }

    private static func hasIndex(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path + "/data.mdb") }

    /// An index is not strewn among other files. The lock file may be left of one whose data was moved away.
    private static func checkRoom(_ path: String) throws {
        // What is missing can be made, and what cannot be listed the store reports.
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        guard names.contains(where: { $0 != "lock.mdb" }) else { return }
        console.printError(
            "\(TerminalText.printable(path)) has other files and no index (no data.mdb); nothing was changed; give the "
                + "index's directory, or a new or empty one, with --index-path")
        throw IndexConsole.noIndex
    }
}
