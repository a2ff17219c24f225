/// Where an effective value came from.
public enum SettingOrigin: Sendable, Equatable, CustomStringConvertible {
    case builtIn
    case file(path: String, FilePosition)
    /// By its name.
    case environment(String)
    /// With its dashes.
    case flag(String)
    /// Computed from another setting, named by its path.
    case derived(from: String)

    /// As `config show` prints it: `default`, `PATH:LINE`, `environment NAME`, `flag --name`, `from KEY`.
    public var description: String {
        switch self {
        case .builtIn: "default"
        case .file(let path, let position): "\(path.singleLine):\(position.line)"
        case .environment(let name): "environment \(name)"
        case .flag(let name): "flag \(name)"
        case .derived(let path): "from \(path)"
        }
    }

    /// Where a problem with the value is reported; nil when nobody gave it.
    var place: SettingsProblem.Place? {
        switch self {
        case .builtIn, .derived: nil
        case .file(let path, let position): .file(path: path, position)
        case .environment(let name): .environment(name)
        case .flag(let name): .flag(name)
        }
    }
}
