/// The life of connections.
extension Forwarder {
    /// The connection that was ordered is open.
    public mutating func connected(_ key: ConnectionKey, nowNanoseconds: UInt64) {
        guard let connection = self.live(key), self.connections[connection].state == .connecting else { return }
        self.connections[connection].state = .greeting
        self.connections[connection].heardNanoseconds = nowNanoseconds
        self.lookAtConnections()
    }

    /// The connection could not be opened, or the backend or the network has ended it. What is left of its bytes was
    /// received before.
    public mutating func disconnected(_ key: ConnectionKey, nowNanoseconds: UInt64) {
        guard let connection = self.live(key) else { return }
        let reason: DropReason =
            switch self.connections[connection].state {
            case .connecting: .connectFailed
            case .draining where self.connections[connection].open.isEmpty: .drained
            case .greeting, .ready, .draining, .down, .closing: .ended
            }
        self.end(connection, reason, nowNanoseconds)
        self.connections[connection].state = .down
    }

    /// The frame decoder has refused a header.
    public mutating func headerRefused(_ key: ConnectionKey, nowNanoseconds: UInt64) -> Reception {
        guard let connection = self.live(key) else { return .ignored }
        return self.violated(connection, .malformed, nowNanoseconds)
    }

    /// Whether requests are to wait for the bytes of those before them to leave.
    public mutating func setClogged(_ key: ConnectionKey, _ isClogged: Bool) {
        guard let connection = self.live(key) else { return }
        self.connections[connection].isClogged = isClogged
        if !isClogged { self.isSettled = false }
    }

    /// The index of a connection whose key is not stale.
    func live(_ key: ConnectionKey) -> Int? {
        let index = Int(key.index)
        guard index < self.connections.count, self.connections[index].generation == key.generation,
            self.connections[index].isLive
        else { return nil }
        return index
    }

    func key(of connection: Int) -> ConnectionKey {
        ConnectionKey(index: UInt32(connection), generation: self.connections[connection].generation)
    }

    mutating func violated(_ connection: Int, _ reason: DropReason, _ now: UInt64) -> Reception {
        self.drop(connection, reason, now)
        return .dropped(reason)
    }

    /// Ends a connection from this side; the order follows.
    mutating func drop(_ connection: Int, _ reason: DropReason, _ now: UInt64) {
        self.end(connection, reason, now)
        self.connections[connection].state = .closing(reason)
    }

    /// Whatever ends a connection: its requests are sent again or fail, its endpoint is judged.
    private mutating func end(_ connection: Int, _ reason: DropReason, _ now: UInt64) {
        self.counts.count(reason)
        // Out of the connection first: a request that fails or waits is linked into another list.
        var open = self.connections[connection].open
        self.connections[connection].open = ExchangeList()
        self.connections[connection].owed = 0
        self.connections[connection].controlCorrelation = 0
        while let slot = open.firstSlot {
            self.exchanges.remove(slot, from: &open)
            self.lost(slot, now)
        }
        let endpoint = self.connections[connection].endpoint
        // One that drained was counted when it began to.
        if self.connections[connection].state != .draining {
            self.endpoints[endpoint].lost(&self.random, nowNanoseconds: now)
        }
        if reason != .drained { self.endpointFailed(endpoint, isProbe: true, now) }
        self.lookAtConnections()
    }

    /// A request whose connection has gone. It is in no list.
    private mutating func lost(_ slot: Int, _ now: UInt64) {
        guard !self.exchanges[slot].isCancelled else { return self.free(slot) }
        let deadline = self.exchanges[slot].request.deadlineNanoseconds
        guard deadline > now else { return self.fail(slot, .deadlineExceeded) }
        guard self.mayRetry(slot) else { return self.fail(slot, .connectionLost) }
        // Full jitter: those that were lost together are not sent again together.
        let longest = Backoff.exponential(
            base: self.settings.retryBaseNanoseconds, max: self.settings.retryMaxNanoseconds,
            attempt: Int(self.exchanges[slot].tries))
        let again = now + self.random.next(below: longest + 1)
        guard again < deadline else { return self.fail(slot, .connectionLost) }
        guard self.budget.spend() else {
            self.counts.retriesRefused += 1
            return self.fail(slot, .connectionLost)
        }
        self.counts.retries += 1
        self.exchanges[slot].phase = .backingOff
        self.timers.set(slot, nanoseconds: again)
        self.isSettled = false
    }

    private func mayRetry(_ slot: Int) -> Bool {
        let exchange = self.exchanges[slot]
        return exchange.request.isIdempotent && exchange.isSelfContained && !exchange.hasAnswerBegun
            && Int(exchange.tries) < self.settings.triesMax
    }

    mutating func endpointFailed(_ endpoint: Int, isProbe: Bool, _ now: UInt64) {
        guard self.endpoints[endpoint].failed(isProbe: isProbe, self.settings, nowNanoseconds: now) else { return }
        self.counts.ejections += 1
        self.lookAtConnections()
    }

    /// Something about connections or endpoints has changed that may be due before what was due first.
    mutating func lookAtConnections() {
        self.connectionsDeadlineNanoseconds = 0
        self.isSettled = false
    }
}
