public import Gateway
public import OAP

/// What a lookup came to.
public enum IndexOutcome: Sendable {
    /// The record was handed over.
    case found
    case absent
    /// The answer comes later, through `popLate`, under the ticket that was given.
    case pending
    case failed(IndexFailure)
}

/// Why an index did not answer: what the client is told, and what the log says.
public struct IndexFailure: Error, Equatable, Sendable {
    public let code: ErrorCode
    /// For operators: the call, the errno by name, the path or address. Never sent to clients.
    public let detail: String

    public init(code: ErrorCode = .indexUnavailable, detail: String) {
        self.code = code
        self.detail = detail
    }
}

/// An answer that comes after its lookup.
public struct LateAnswer: Sendable {
    public let ticket: Ticket
    public let outcome: IndexOutcome
    /// The record; used exactly when the outcome is `found`.
    public let record: [UInt8]

    public init(ticket: Ticket, outcome: IndexOutcome, record: [UInt8] = []) {
        self.ticket = ticket
        self.outcome = outcome
        self.record = record
    }
}

/// An index as one worker sees it. Made on the worker's thread and never leaves it; no call may block.
public protocol WorkerIndex: ~Copyable, SendableMetatype {
    /// True when no lookup is ever `pending`.
    static var answersAtOnce: Bool { get }

    /// True when no lookup is ever made here: requests are forwarded to `RuntimeConfiguration.backend` as they are.
    static var isForwarded: Bool { get }

    /// - Parameters:
    ///   - ticket: whose lookup it is; nil when it must be answered at once.
    ///   - found: called at most once, before this returns, with a record's JSON; the bytes are valid only inside it.
    mutating func lookup(
        _ key: Span<UInt8>, ticket: Ticket?, nowNanoseconds: UInt64, _ found: (Span<UInt8>) -> Void
    ) -> IndexOutcome

    /// The turn is over: nothing may be held while the worker sleeps.
    mutating func endTurn()

    /// When `popLate` will have something; nil when nothing is pending.
    var nextLateNanoseconds: UInt64? { get }

    mutating func popLate(nowNanoseconds: UInt64) -> LateAnswer?
}

extension WorkerIndex where Self: ~Copyable {
    public static var isForwarded: Bool { false }
}

/// The index of another process.
struct RemoteIndex: WorkerIndex, ~Copyable {
    static var answersAtOnce: Bool { false }
    static var isForwarded: Bool { true }

    mutating func lookup(
        _ key: Span<UInt8>, ticket: Ticket?, nowNanoseconds: UInt64, _ found: (Span<UInt8>) -> Void
    ) -> IndexOutcome {
        preconditionFailure("a lookup that should have been forwarded")
    }

    mutating func endTurn() {}
    var nextLateNanoseconds: UInt64? { nil }
    mutating func popLate(nowNanoseconds: UInt64) -> LateAnswer? { nil }
}
