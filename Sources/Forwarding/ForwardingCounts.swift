/// What a forwarder has done since it was made. Every number only grows.
public struct ForwardingCounts: Sendable {
    /// Handed over, those that were refused included.
    public internal(set) var requests: UInt64 = 0
    /// Requests whose answer has ended, whatever its status.
    public internal(set) var answered: UInt64 = 0
    public internal(set) var cancelled: UInt64 = 0
    /// Requests that were given another try, whether or not it came to that.
    public internal(set) var retries: UInt64 = 0
    /// Requests that failed only because the budget for retries was spent.
    public internal(set) var retriesRefused: UInt64 = 0
    /// Idempotent requests with a body that could not be kept.
    public internal(set) var bodiesNotKept: UInt64 = 0
    /// Frames of answers to requests that were given up, or whose caller has gone.
    public internal(set) var strayFrames: UInt64 = 0
    /// Events other than GOAWAY.
    public internal(set) var eventsIgnored: UInt64 = 0
    public internal(set) var connectionsOpened: UInt64 = 0
    public internal(set) var goAways: UInt64 = 0
    public internal(set) var pings: UInt64 = 0
    public internal(set) var ejections: UInt64 = 0

    // One place for each case, without a reference.
    private var failures = InlineArray<5, UInt64>(repeating: 0)
    private var drops = InlineArray<12, UInt64>(repeating: 0)

    /// Requests without an answer.
    public func failures(_ reason: ForwardFailure) -> UInt64 { self.failures[Int(reason.rawValue)] }

    /// Connections that ended.
    public func drops(_ reason: DropReason) -> UInt64 { self.drops[Int(reason.rawValue)] }

    mutating func count(_ reason: ForwardFailure) { self.failures[Int(reason.rawValue)] += 1 }
    mutating func count(_ reason: DropReason) { self.drops[Int(reason.rawValue)] += 1 }
}
