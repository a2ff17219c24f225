/// One thing that is wrong, or worth a warning, with where it stands and what to do about it.
public struct SettingsProblem: Sendable, Equatable, CustomStringConvertible {
    public enum Severity: String, Sendable {
        case error
        case warning
    }

    public enum Place: Sendable, Equatable {
        /// A file, and the position in it where there is one.
        case file(path: String, FilePosition?)
        /// By its name.
        case environment(String)
        /// With its dashes.
        case flag(String)
    }

    public let place: Place
    public let severity: Severity
    public let sentence: String

    public init(place: Place, severity: Severity, sentence: String) {
        self.place = place
        self.severity = severity
        self.sentence = sentence
    }

    /// `PATH:LINE:COLUMN: error: …`, `environment NAME: error: …` or `flag --name: error: …`.
    public var description: String {
        "\(self.place): \(self.severity.rawValue): \(self.sentence)"
    }
}

extension SettingsProblem.Place: CustomStringConvertible {
    public var description: String {
        switch self {
        case .file("", nil): "\"\""
        case .file(let path, nil): path.singleLine
        case .file(let path, let position?): "\(path.singleLine):\(position.line):\(position.column)"
        case .environment(let name): "environment \(name)"
        case .flag(let name): "flag \(name)"
        }
    }

    /// Files first, in the order of their lines, then what overrides them.
    var rank: (Int, FilePosition) {
        switch self {
        case .file(_, let position): (0, position ?? FilePosition(line: 0, column: 0))
        case .environment: (1, FilePosition(line: 0, column: 0))
        case .flag: (2, FilePosition(line: 0, column: 0))
        }
    }
}

/// Everything that is wrong with a configuration, at once.
public struct SettingsErrors: Error, Sendable, Equatable, CustomStringConvertible {
    /// What a process that cannot be configured exits with: EX_CONFIG of sysexits.h.
    public static let exitStatus: Int32 = 78

    /// Most lines of a description. A file that is wrong in more places is not the file that was meant.
    static let linesMax = 200

    /// Not empty. In the order of the file, then the environment, then the flags.
    public let problems: [SettingsProblem]

    /// - Parameter problems: not empty; in any order.
    public init(problems: [SettingsProblem]) {
        precondition(!problems.isEmpty)
        self.problems = problems.inOrderOfPlace
    }

    /// One line per problem, without a newline at the end.
    public var description: String {
        var lines = self.problems.prefix(Self.linesMax).map(\.description)
        if self.problems.count > Self.linesMax {
            lines.append("… and \((self.problems.count - Self.linesMax).grouped) more errors")
        }
        return lines.joined(separator: "\n")
    }
}

extension [SettingsProblem] {
    /// By place; problems of one place stay in the order in which they were found.
    var inOrderOfPlace: [SettingsProblem] {
        self.enumerated()
            .sorted {
                ($0.element.place.rank.0, $0.element.place.rank.1, $0.offset)
                    < ($1.element.place.rank.0, $1.element.place.rank.1, $1.offset)
            }
            .map(\.element)
    }
}
