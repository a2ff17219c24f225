public import OAP

/// A request on its way to a backend, as its caller hands it over.
public struct ForwardRequest: Sendable {
    /// Whose it is: the caller's own word, which comes back with the outcome and means nothing here.
    public let tag: UInt64
    /// As the client sent it: the first and only frame of the request side.
    public let header: FrameHeader
    /// Of the monotonic clock. Nobody hears of the request after it.
    public let deadlineNanoseconds: UInt64
    /// True exactly when the backend may get the request twice.
    public let isIdempotent: Bool
    /// True exactly when the answer may have several frames, the last one with END.
    public let isStreaming: Bool

    public init(
        tag: UInt64, header: FrameHeader, deadlineNanoseconds: UInt64, isIdempotent: Bool, isStreaming: Bool = false
    ) {
        self.tag = tag
        self.header = header
        self.deadlineNanoseconds = deadlineNanoseconds
        self.isIdempotent = isIdempotent
        self.isStreaming = isStreaming
    }
}

/// A request that a forwarder has taken; stale once it has had its outcome.
public struct ExchangeKey: Hashable, Sendable {
    let slot: UInt32
    /// Never given twice.
    let serial: UInt64
}

/// One of the forwarder's connections. An index is used again under another generation once its connection is gone, and
/// what comes under the old one is ignored.
public struct ConnectionKey: Hashable, Sendable {
    /// Below `Forwarder.connectionsMax`.
    public let index: UInt32
    public let generation: UInt32
}

/// What became of a request that was handed over.
public enum Submission: Equatable, Sendable {
    /// Send the header, and the body behind it, on this connection now.
    case send(ExchangeKey, ConnectionKey, FrameHeader)
    /// Nothing yet. If `needsBody`, the caller keeps the body until an order says to send it or the request fails.
    case wait(ExchangeKey, needsBody: Bool)
    /// Not taken: this is the outcome, and nothing more will come.
    case refused(ForwardFailure)
}

/// Why a request gets no answer. Counted where it is decided.
public enum ForwardFailure: UInt8, CaseIterable, Sendable {
    /// No answer came in time.
    case deadlineExceeded
    /// The connection was lost when the request was on it, and it may not be sent again.
    case connectionLost
    /// No connection had room for it in time, or every endpoint is ejected.
    case unavailable
    /// As many requests as the forwarder holds are open.
    case tooManyOpen
    case frameTooLarge

    /// The word in metrics and in logs.
    public var name: String {
        switch self {
        case .deadlineExceeded: "deadline_exceeded"
        case .connectionLost: "connection_lost"
        case .unavailable: "unavailable"
        case .tooManyOpen: "too_many_open"
        case .frameTooLarge: "frame_too_large"
        }
    }
}

/// Why a connection ended.
public enum DropReason: UInt8, CaseIterable, Sendable {
    /// The runtime could not open it.
    case connectFailed
    /// HELLO was not answered in time.
    case connectTimedOut
    /// The backend, or the network, ended it.
    case ended
    /// Nothing came for too long, not even a PONG.
    case silent
    /// It answers PING, but more than half of its places are taken by requests that it did not answer in time.
    case unanswered
    /// After GOAWAY, with nothing open any more. The only one that is no fault.
    case drained
    /// A frame that is neither an answer nor an event.
    case direction
    /// An answer to what was never asked on this connection, or a second one.
    case unasked
    /// An answer with another application or tenant than its request.
    case mismatched
    /// START or END where it may not stand, or stands not where it must.
    case sequence
    /// A header that breaks the rules of all headers.
    case malformed
    /// The HELLO reply is none, or takes smaller frames than are forwarded.
    case incompatible

    /// The word in metrics and in logs.
    public var name: String {
        switch self {
        case .connectFailed: "connect_failed"
        case .connectTimedOut: "connect_timed_out"
        case .ended: "ended"
        case .silent: "silent"
        case .unanswered: "unanswered"
        case .drained: "drained"
        case .direction: "direction"
        case .unasked: "unasked"
        case .mismatched: "mismatched"
        case .sequence: "sequence"
        case .malformed: "malformed"
        case .incompatible: "incompatible"
        }
    }

    /// True exactly when the backend has broken the protocol.
    public var isViolation: Bool {
        switch self {
        case .direction, .unasked, .mismatched, .sequence, .malformed, .incompatible: true
        case .connectFailed, .connectTimedOut, .ended, .silent, .unanswered, .drained: false
        }
    }
}
