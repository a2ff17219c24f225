public import Admission
public import OAP

/// A request that was admitted and not yet answered. Stale once it was: a late result then finds nobody.
public typealias Ticket = Slab<OpenRequest>.Key

/// A session: the slot that the runtime keeps its connection in, and that slot's generation.
public struct SessionKey: Hashable, Sendable {
    public let slot: UInt32
    public let generation: UInt32

    public init(slot: UInt32, generation: UInt32) {
        self.slot = slot
        self.generation = generation
    }
}

/// An answer that the core has decided on; the runtime appends it to the connection's output.
public enum Answer: Sendable {
    /// The payload of the request that is being served, unchanged.
    case echo(FrameHeader)
    /// The HELLO reply.
    case hello(FrameHeader)
    case refusal(Refusal)
}

/// An error answer.
public struct Refusal: Sendable {
    public let header: FrameHeader
    public let code: ErrorCode
    /// Nil takes the code's own sentence.
    public let sentence: String?
    /// Of the core's `errorTemplates`: the body but for its numbers; nil when the sentence is none of those.
    public let template: Int?
    public let retryAfterMilliseconds: UInt64

    public var body: ErrorBody {
        ErrorBody(
            self.code, sentence: self.sentence, correlation: self.header.correlation,
            retryAfterMilliseconds: self.retryAfterMilliseconds)
    }
}

/// What the runtime is to do about one frame.
public enum Order: Sendable {
    case answer(Answer)
    /// Answer, then end the connection as `Core.closing` tells.
    case answerAndClose(Answer)
    /// Look the payload up, which may not be a key; the answer is there at once and is told with `answered` or
    /// `failed`.
    case lookUp(FrameHeader)
    /// Look the payload, a key, up; the answer may come later.
    case resolve(Ticket)
    /// Look the keys of the payload up.
    case resolveMany(Ticket, KeyList)
    /// Nothing yet: the request waits for a permit, and `popAdmitted` or `popOverstayed` brings it back.
    case wait
}

/// What the runtime is to do about a session.
public enum SessionAction: Equatable, Sendable {
    case none
    /// Everything is sent: end this side's writing, then read and discard.
    case shutdownWrite
    /// End in order; nothing is unread or unsent.
    case close
    /// End now; what is unsent is lost.
    case abort
}
