/// What checking a configuration says, for `svc-gateway --check-config` and `ronctl config check`.
public struct ConfigurationCheck: Sendable, Equatable {
    /// For standard output: `FILE: ok`. Empty when something is wrong; else ends with a newline.
    public let output: String

    /// For standard error: every error or warning, a line each. Ends with a newline unless it is empty.
    public let errorOutput: String

    /// 0, or `SettingsErrors.exitStatus`.
    public let exitStatus: Int32
}

extension SettingsLoader {
    /// Loads the settings as `load` does, and tells how it went instead of starting anything.
    ///
    /// - Parameter file: a file named by a positional argument; nil searches as `load` does.
    public static func check(
        file: String? = nil, flags: SettingsFlags, environment: [String: String], currentDirectory: String = ".",
        systemFile: String = "/etc/ron/svc-gateway.toml"
    ) -> ConfigurationCheck {
        do {
            let loaded = try Self.load(
                file: file, flags: flags, environment: environment, currentDirectory: currentDirectory,
                systemFile: systemFile)
            let searched = loaded.searched.joined(separator: ", ")
            return ConfigurationCheck(
                output: (loaded.file?.singleLine ?? "no file found (searched \(searched)): defaults") + ": ok\n",
                errorOutput: loaded.warnings.map { "\($0)\n" }.joined(), exitStatus: 0)
        } catch {
            return ConfigurationCheck(output: "", errorOutput: "\(error)\n", exitStatus: SettingsErrors.exitStatus)
        }
    }
}
