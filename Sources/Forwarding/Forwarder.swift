internal import OAP

/// One worker's client of one backend, without I/O: requests, frames and time in, orders out.
///
/// Requests of any number of clients share the connections to the backend. Each one gets a correlation of its own
/// there, and its answer the client's back. The runtime opens and closes connections, moves bytes, and looks up
/// addresses.
///
/// A turn: `receive` for each frame that came, `submit` for each request, then `popOrder` until it has nothing, then
/// sleep until `nextDeadlineNanoseconds` or until something happens.
///
/// What holds whatever the backend does:
/// - A request has exactly one outcome: its last answer, a failure, or its refusal by `submit`; none after `cancel`.
/// - It has it by its deadline. A slot is free again then, and the generation in the correlation keeps a late answer
///   from whoever has the slot next; so no behaviour of a backend uses the table up.
/// - An answer reaches the tag whose request was sent under its correlation on that connection, or nobody.
/// - Nothing is sent twice that is not idempotent, nothing after its answer has begun, and retries are at most a
///   tenth of all requests.
///
/// One thread; time is the monotonic clock in nanoseconds and never goes back. Nothing is allocated per request once
/// each place for a body was used.
public struct Forwarder: ~Copyable {
    public let settings: ForwardingSettings
    public internal(set) var counts = ForwardingCounts()
    var exchanges: ExchangeTable
    /// By slot, as `Exchange.Phase` says.
    var timers: TimerHeap
    var bodies: KeptBodies
    /// For a connection, in order of their coming.
    var waiting = ExchangeList()
    /// To be told.
    var failed = ExchangeList()
    /// Twice as many as are wanted for each endpoint, side by side: one that drains has a successor at once.
    var connections: [BackendConnection] = []
    var endpoints: [Endpoint]
    var budget: RetryBudget
    var random: RandomNumbers
    /// No connection and no endpoint has to be looked at before this.
    var connectionsDeadlineNanoseconds: UInt64 = 0
    /// True exactly when `popOrder` has had nothing since the last thing that happened.
    var isSettled = false

    /// - Parameters:
    ///   - endpoints: addresses of the backend, 1 to 64; they are known here by their indices.
    ///   - seed: of all that is random here: choices between endpoints, and jitter.
    public init(settings: ForwardingSettings = ForwardingSettings(), endpoints: Int, seed: UInt64) {
        settings.check()
        precondition(endpoints >= 1 && endpoints <= 64)
        self.settings = settings
        self.exchanges = ExchangeTable(capacity: settings.exchangesMax)
        self.timers = TimerHeap(capacity: settings.exchangesMax)
        self.bodies = KeptBodies(placesMax: settings.keptBodiesMax, bodyBytesMax: settings.keptBodyBytesMax)
        self.endpoints = Array(repeating: Endpoint(), count: endpoints)
        self.budget = RetryBudget(savedMax: settings.retriesSavedMax)
        self.random = RandomNumbers(seed: seed)
        for index in 0..<(endpoints * 2 * settings.connectionsPerEndpoint) {
            self.connections.append(BackendConnection(endpoint: index / (2 * settings.connectionsPerEndpoint)))
        }
    }

    /// Memory of a forwarder at most, in bytes, but for a few hundred for each connection.
    public static func bytesMax(_ settings: ForwardingSettings) -> Int {
        settings.exchangesMax * (ExchangeTable.slotBytes + TimerHeap.slotBytes)
            + settings.keptBodiesMax * settings.keptBodyBytesMax
    }

    /// One more than the largest index of a connection.
    public var connectionsMax: Int { self.connections.count }

    /// Requests that hold a slot: open, waiting, or yet to be told of their failure.
    public var exchangeCount: Int { self.exchanges.count }

    /// Requests that wait for a connection.
    public var waitingCount: Int { self.waiting.count }

    /// Connections that take requests.
    public var readyCount: Int { self.connections.count { $0.state == .ready } }

    /// Whether requests may go to an endpoint, now or when a connection is there.
    public func isEjected(endpoint: Int) -> Bool { self.endpoints[endpoint].isEjected }

    /// Lends a body that an order names.
    public func withKept<Result>(_ body: KeptBody, _ use: (Span<UInt8>) -> Result) -> Result {
        self.bodies.withBody(body, use)
    }
}

// MARK: - Requests

extension Forwarder {
    /// Takes a request, sends it if a connection has room, and else lets it wait behind those that wait already.
    ///
    /// - Parameter body: the bytes behind the header, capability and payload; lent for the call. They are copied only
    ///   if the request may be sent again.
    public mutating func submit(
        _ request: ForwardRequest, body: Span<UInt8>, nowNanoseconds: UInt64
    ) -> Submission {
        precondition(body.count == Int(request.header.frameBytes) - FrameHeader.byteCount)
        self.counts.requests += 1
        if let reason = self.refusal(request, nowNanoseconds) { return self.refused(reason) }
        guard let slot = self.exchanges.insert(request) else { return self.refused(.tooManyOpen) }
        self.budget.earn()
        if request.isIdempotent && self.settings.triesMax > 1 && !body.isEmpty {
            self.exchanges[slot].body = self.bodies.keep(body)
            if self.exchanges[slot].body == nil { self.counts.bodiesNotKept += 1 }
        }
        let key = self.exchanges.key(of: slot)
        if self.waiting.isEmpty, let connection = self.chooseConnection() {
            let header = self.send(slot, on: connection, nowNanoseconds)
            return .send(key, self.key(of: connection), header)
        }
        let needsBody = !self.exchanges[slot].isSelfContained
        self.wait(slot, nowNanoseconds)
        return .wait(key, needsBody: needsBody)
    }

    private func refusal(_ request: ForwardRequest, _ now: UInt64) -> ForwardFailure? {
        if request.deadlineNanoseconds <= now { return .deadlineExceeded }
        if Int(request.header.frameBytes) > self.settings.frameBytesMax { return .frameTooLarge }
        // To wait for the end of an ejection would only make a failure slow.
        return self.hasEndpoint ? nil : .unavailable
    }

    private mutating func refused(_ reason: ForwardFailure) -> Submission {
        self.counts.count(reason)
        return .refused(reason)
    }

    /// The caller wants no outcome any more. A request that was sent keeps its slot until the backend has answered or
    /// was lost, or the deadline has passed, since the backend works on it still; it is not sent again.
    ///
    /// - Returns: false when it has had its outcome.
    public mutating func cancel(_ key: ExchangeKey) -> Bool {
        guard let slot = self.exchanges.slot(of: key), !self.exchanges[slot].isCancelled else { return false }
        self.counts.cancelled += 1
        self.isSettled = false
        switch self.exchanges[slot].phase {
        case .free: preconditionFailure("a key of a free slot is stale")
        case .waiting: self.exchanges.remove(slot, from: &self.waiting)
        case .failed: self.exchanges.remove(slot, from: &self.failed)
        case .backingOff: break
        case .open:
            self.exchanges[slot].isCancelled = true
            return true
        }
        self.free(slot)
        return true
    }

    /// Whether any endpoint gets requests, now or when a connection is there.
    public var hasEndpoint: Bool { self.endpoints.contains { !$0.isEjected } }

    /// Lets a request wait for a connection. It is in no list.
    mutating func wait(_ slot: Int, _ now: UInt64) {
        // Whoever waits makes reconnecting more urgent.
        if self.waiting.isEmpty { self.connectionsDeadlineNanoseconds = 0 }
        self.exchanges[slot].phase = .waiting
        self.exchanges.append(slot, to: &self.waiting)
        let deadline = self.exchanges[slot].request.deadlineNanoseconds
        self.timers.set(slot, nanoseconds: min(deadline, now + self.settings.patienceNanoseconds))
        self.isSettled = false
    }

    /// Counts a request as sent on a connection that has room, and gives the header to send. It is in no list.
    mutating func send(_ slot: Int, on connection: Int, _ now: UInt64) -> FrameHeader {
        let header = self.exchanges.header(sending: slot)
        let isProbe = self.endpoints[self.connections[connection].endpoint].sent()
        self.exchanges[slot].phase = .open
        self.exchanges[slot].connection = Int32(connection)
        self.exchanges[slot].tries += 1
        self.exchanges[slot].isProbe = isProbe
        self.timers.set(slot, nanoseconds: self.exchanges[slot].request.deadlineNanoseconds)
        self.exchanges.append(slot, to: &self.connections[connection].open)
        if self.connections[connection].open.count == 1 {
            self.connections[connection].busyNanoseconds = now
            self.connectionsDeadlineNanoseconds = min(
                self.connectionsDeadlineNanoseconds, now + self.settings.pingBusyNanoseconds)
        }
        self.isSettled = false
        return header
    }

    /// The request has had its outcome, or nobody wants it. It is in no list.
    mutating func free(_ slot: Int) {
        self.timers.remove(slot)
        if let body = self.exchanges[slot].body { self.bodies.discard(body) }
        self.exchanges.free(slot)
    }

    /// The request gets no answer. It is in no list.
    mutating func fail(_ slot: Int, _ reason: ForwardFailure) {
        self.timers.remove(slot)
        self.exchanges[slot].phase = .failed
        self.exchanges[slot].failure = reason
        self.exchanges.append(slot, to: &self.failed)
        self.isSettled = false
    }
}
