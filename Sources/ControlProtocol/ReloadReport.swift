/// What became of reading the configuration again: the answer of `POST /v1/reload`.
public struct ReloadReport: Codable, Sendable, Equatable {
    public enum Result: String, Codable, Sendable {
        /// What could change has changed.
        case reloaded
        /// The configuration is the one that runs.
        case unchanged
        /// Something is wrong with it; nothing has changed.
        case refused
    }

    public struct Change: Codable, Sendable, Equatable {
        public var key: String
        /// Nil when there was none.
        public var old: String?
        /// Nil when there is none any more.
        public var new: String?

        public init(key: String, old: String?, new: String?) {
            self.key = key
            self.old = old
            self.new = new
        }
    }

    public var result: Result
    /// Of the configuration that runs now.
    public var epoch: Int
    /// The file that was read; nil when there is none.
    public var file: String?
    /// In effect.
    public var changes: [Change]
    /// Not in effect until a restart.
    public var restartNeeded: [Change]
    /// What is allowed but probably not meant, a line each.
    public var warnings: [String]
    /// Why it was refused, a line each, as `ronctl config check` says it.
    public var problems: [String]
    /// Workers that had not taken it when the answer left; they will at their next turn.
    public var workersBehind: Int

    public init(
        result: Result, epoch: Int, file: String?, changes: [Change] = [], restartNeeded: [Change] = [],
        warnings: [String] = [], problems: [String] = [], workersBehind: Int = 0
    ) {
        self.result = result
        self.epoch = epoch
        self.file = file
        self.changes = changes
        self.restartNeeded = restartNeeded
        self.warnings = warnings
        self.problems = problems
        self.workersBehind = workersBehind
    }
}
