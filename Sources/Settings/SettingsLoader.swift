/// Reads the configuration: flags over environment over file over defaults.
public enum SettingsLoader {
    /// The effective settings, or everything that is wrong with what was given.
    ///
    /// The file is the one of `--config`, else of `RON_CONFIG`, else `configs/svc-gateway.toml` in the working
    /// directory, else `systemFile`, else none. A file that was named must be there; the last two may be missing, but
    /// not unreadable. Reads at most one file and changes nothing; may be called from any thread.
    ///
    /// - Parameters:
    ///   - environment: all variables of the process; an empty one counts as unset.
    ///   - currentDirectory: where a relative path of the file starts.
    public static func load(
        flags: SettingsFlags, environment: [String: String], currentDirectory: String = ".",
        systemFile: String = "/etc/ron/svc-gateway.toml"
    ) throws(SettingsErrors) -> LoadedSettings {
        try Self.load(
            file: nil, flags: flags, environment: environment, currentDirectory: currentDirectory,
            systemFile: systemFile)
    }

    /// The same with a file named by a positional argument, which may not be named twice.
    static func load(
        file: String?, flags: SettingsFlags, environment: [String: String], currentDirectory: String,
        systemFile: String
    ) throws(SettingsErrors) -> LoadedSettings {
        let environment = environment.filter { !$0.value.isEmpty }
        var reader = SettingsReader()
        reader.draft.controlDirectory = ControlSocketPath.directories(environment: environment).first
        if file != nil, flags.config != nil {
            reader.refuse(.flag("--config"), "a file is given as an argument too; give one of them")
        }
        let sources = Self.sources(
            file: file, flags: flags, environment: environment, currentDirectory: currentDirectory,
            systemFile: systemFile)
        let path = reader.readFirst(of: sources)
        reader.readEnvironment(environment)
        reader.readFlags(flags)
        reader.checkRelations()
        guard reader.errors.isEmpty else { throw SettingsErrors(problems: reader.errors) }
        return LoadedSettings(
            settings: reader.draft.finished, file: path, searched: sources.map(\.path),
            warnings: reader.warnings.inOrderOfPlace, controlSocketPath: reader.draft.controlSocketPath,
            entries: reader.effectiveEntries, draft: reader.draft)
    }

    private static func sources(
        file: String?, flags: SettingsFlags, environment: [String: String], currentDirectory: String,
        systemFile: String
    ) -> [ConfigurationSource] {
        let named = [
            (file, "the argument FILE"), (flags.config, "--config"), (environment["RON_CONFIG"], "RON_CONFIG"),
        ]
        for (path, name) in named {
            guard let path else { continue }
            return [ConfigurationSource(path: ConfigurationSource.path(path, in: currentDirectory), namedBy: name)]
        }
        return [
            ConfigurationSource(
                path: ConfigurationSource.path(ConfigurationSource.localFile, in: currentDirectory), namedBy: nil),
            ConfigurationSource(path: systemFile, namedBy: nil),
        ]
    }
}
