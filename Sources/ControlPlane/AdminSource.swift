/// What the admin server shows: the only thing it knows of the gateway. Every function may be called from any thread
/// and by many requests at once.
public protocol AdminSource: Sendable {
    /// The whole page for `/metrics`, in the text exposition format 0.0.4.
    func metricsText() -> String

    /// Asked anew for every `/readyz`.
    func readiness() -> ReadinessReport

    func version() -> VersionReport

    /// Looks a key up with the same admission as a request over OAP/1.
    ///
    /// Must answer within its own request timeout: the server cancels the task of a client that waits longer than
    /// `AdminLimits.answerTimeoutMilliseconds`, and cannot do more.
    ///
    /// - Parameter key: percent-decoded UTF-8, not empty; otherwise unchecked.
    func resolve(key: String) async -> AdminResolution
}

/// Whether traffic should be sent here.
public struct ReadinessReport: Sendable, Equatable {
    /// One sentence each. Empty exactly when the gateway is ready.
    public var reasons: [String]

    /// Further facts for people, for instance the number of records; shown as `details` when there are any.
    public var details: [String: String]

    public init(reasons: [String] = [], details: [String: String] = [:]) {
        self.reasons = reasons
        self.details = details
    }

    public var isReady: Bool { self.reasons.isEmpty }
}

/// What `/version` answers, with these members in snake case.
public struct VersionReport: Sendable, Codable, Equatable {
    public var name: String
    public var version: String
    public var commit: String
    /// The compiler's version, for instance `6.3.1`.
    public var swift: String
    /// `io_uring` or `epoll`.
    public var ioBackend: String
    /// For instance `OAP/1`.
    public var `protocol`: String
    /// Start of the process, RFC 3339 in UTC.
    public var started: String

    public init(
        name: String, version: String, commit: String, swift: String, ioBackend: String, protocol: String,
        started: String
    ) {
        self.name = name
        self.version = version
        self.commit = commit
        self.swift = swift
        self.ioBackend = ioBackend
        self.protocol = `protocol`
        self.started = started
    }

    private enum CodingKeys: String, CodingKey {
        case name, version, commit, swift, started, `protocol`
        case ioBackend = "io_backend"
    }
}

/// The outcome of a lookup.
public enum AdminResolution: Sendable, Equatable {
    /// The record's JSON, sent as it is.
    case record([UInt8])

    /// - Parameters:
    ///   - status: the HTTP status, 400 to 599.
    ///   - code: snake case, from the closed list of codes.
    ///   - retryAfterMilliseconds: for 429 and 503; 1000 is said where it is nil.
    case refused(status: Int, code: String, message: String, retryable: Bool, retryAfterMilliseconds: Int?)
}
