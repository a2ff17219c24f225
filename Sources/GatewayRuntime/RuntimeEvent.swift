public import Admission
public import OAP
public import Reactor

/// What the data path tells its operators. It never logs by itself: the control plane turns these into lines.
public enum RuntimeEvent: Sendable {
    /// Bytes that are no OAP/1 frame; the connection is being closed.
    case headerRefused(peer: SocketAddress?, code: ErrorCode, looksLike: ForeignProtocol?, correlation: UInt64)
    /// The index failed to answer.
    case indexFailed(correlation: UInt64, detail: String)
    /// No connection to the backend is left, and why. Until one is, lookups are answered with an error.
    case backendFailed(detail: String)
    /// A connection to it is there again.
    case backendRecovered
    /// The gateway caught a mistake of its own.
    case internalFault(correlation: UInt64, detail: String)
    /// A connection was closed at once because `connections_max` are open.
    case connectionRefused(open: Int)
    /// A connection was reset at once; `reason` as in `connections_closed_total`.
    case connectionShed(peer: SocketAddress?, reason: String)
    /// Told once when descriptors run out, not for each connection that is refused until there are some again.
    case acceptFailed(SystemError)
    /// A connection was ended by the gateway for one of its limits.
    case connectionEnded(peer: SocketAddress?, reason: String)
    /// A request was refused; only sent when `RuntimeConfiguration.tellsRefusals` is set.
    case requestRefused(correlation: UInt64, code: ErrorCode)
    /// The process is pressed harder than before, or less.
    case pressure(PressureLadder.Step)
    /// Events that were not told because too many came at once.
    case suppressed(count: Int)
    /// The worker cannot go on; its sessions are lost.
    case workerFailed(worker: Int, SystemError)
}

/// Lets a burst of events and then a few per second through, so that hostile traffic cannot write the log full.
struct EventThrottle: ~Copyable {
    private static let rate = TokenRate(tokensPerSecond: 10, burst: 20)
    private var bucket = LocalTokenBucket()
    private var suppressedCount = 0
    private let send: @Sendable (RuntimeEvent) -> Void

    init(_ send: @escaping @Sendable (RuntimeEvent) -> Void) { self.send = send }

    mutating func tell(_ event: RuntimeEvent, nowNanoseconds: UInt64) {
        self.tell(nowNanoseconds: nowNanoseconds) { event }
    }

    /// As above for an event that costs something to make: only what gets through is made.
    mutating func tell(nowNanoseconds: UInt64, _ make: () -> RuntimeEvent) {
        guard case .admitted = self.bucket.take(Self.rate, nowNanoseconds: nowNanoseconds) else {
            self.suppressedCount += 1
            return
        }
        self.sendSuppressed()
        self.send(make())
    }

    /// Tells how many events were suppressed, also when no other one follows them. Once a turn.
    mutating func tellSuppressed(nowNanoseconds: UInt64) {
        guard self.suppressedCount > 0,
            case .admitted = self.bucket.take(Self.rate, nowNanoseconds: nowNanoseconds)
        else { return }
        self.sendSuppressed()
    }

    private mutating func sendSuppressed() {
        guard self.suppressedCount > 0 else { return }
        self.send(.suppressed(count: self.suppressedCount))
        self.suppressedCount = 0
    }
}
