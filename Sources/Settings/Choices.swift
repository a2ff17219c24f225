/// How many workers serve connections.
public enum Workers: Sendable, Equatable, CustomStringConvertible {
    /// One for each core that the process may use.
    case automatic
    /// 1…256.
    case count(Int)

    /// The range of `count`.
    public static let countRange = 1...256

    public var description: String {
        switch self {
        case .automatic: "auto"
        case .count(let count): "\(count)"
        }
    }
}

/// Which kernel interface the reactor is asked to use.
public enum IOBackendChoice: String, Sendable, Equatable, CaseIterable {
    /// io_uring where the kernel lets us, else epoll.
    case automatic = "auto"
    case ioUring = "io_uring"
    case epoll
}

/// How log lines look.
public enum LogFormat: String, Sendable, Equatable, CaseIterable {
    case text
    case json
}

/// The least severe level that is logged. The names are those of swift-log.
public enum LogLevel: String, Sendable, Equatable, CaseIterable {
    case trace
    case debug
    case info
    case notice
    case warning
    case error
    case critical

    /// Names of other tools that we understand too.
    static let aliases: [String: LogLevel] = ["warn": .warning]

    /// Reads a name in any case, `warn` included.
    init?(name: String) {
        let lowerCased = name.lowercased()
        guard let level = LogLevel(rawValue: lowerCased) ?? Self.aliases[lowerCased] else { return nil }
        self = level
    }
}
