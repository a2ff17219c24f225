internal import Admission

/// Where a session is in its life. Transitions are one way, from top to bottom.
enum SessionPhase: Sendable {
    /// Frames are read and answered.
    case serving
    /// The peer has ended its side: what is open is answered, then the session ends.
    case peerEnded
    /// The last answer is on its way; nothing is read any more.
    case closing
    /// All is sent and this side's writing has ended: what still arrives is discarded, within bounds.
    case lingering(discardedBytes: Int)
}

/// What the core knows of one connection.
struct Session {
    let key: SessionKey
    /// Where its source address is counted; none once that is given back.
    var seat: SourceSeat
    var phase = SessionPhase.serving
    /// Requests that are open; the length of the list that starts at `firstOpen`.
    var openCount = 0
    var firstOpen: Int32 = -1
    /// The highest correlation since none was open: a client that counts up has none of its requests looked through.
    var openCorrelationMax: UInt64 = 0
    var bucket = LocalTokenBucket()
    /// When the last whole frame came, the last answer was given, bytes last left, or the phase began.
    var activeNanoseconds: UInt64
    /// True exactly when answers are there that the kernel has not taken.
    var outputPending = false
    /// True once the peer has ended its side while `phase` is `closing`: there is nothing to linger for.
    var peerHasEnded = false
    /// When the frame that is being received began or last made its minimum of progress; 0 exactly when none is.
    var partialNanoseconds: UInt64 = 0
    /// Bytes of it that came since then.
    var partialBytes = 0
    /// When the output's backlog rose over its maximum or last made its minimum of progress; 0 exactly when it is
    /// below.
    var stalledNanoseconds: UInt64 = 0
    /// Bytes that left since then, or since the phase `closing` last made its minimum of progress.
    var stalledBytes = 0

    init(key: SessionKey, seat: SourceSeat, nowNanoseconds: UInt64) {
        self.key = key
        self.seat = seat
        self.activeNanoseconds = nowNanoseconds
    }
}

/// Why a session's time is up.
public enum SessionExpiry: Equatable, Sendable {
    case idle
    /// A frame began and did not go on.
    case partialFrame
    /// The peer does not read its answers.
    case outputStalled
    /// The last answer could not be delivered, or the peer keeps sending behind it.
    case lingerEnded
    /// The gateway drains and this session is quiet.
    case drained
}
