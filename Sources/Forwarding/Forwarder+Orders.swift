internal import OAP

/// What is to be done, and when to ask again.
extension Forwarder {
    /// The next order; nil when nothing is to be done at this time. Call until nil, once a turn.
    public mutating func popOrder(nowNanoseconds: UInt64) -> ForwardOrder? {
        while let slot = self.timers.first, let due = self.timers.firstNanoseconds, due <= nowNanoseconds {
            self.expired(slot, nowNanoseconds)
        }
        if let slot = self.failed.firstSlot {
            self.exchanges.remove(slot, from: &self.failed)
            return self.failure(slot, self.exchanges[slot].failure)
        }
        if self.connectionsDeadlineNanoseconds <= nowNanoseconds,
            let order = self.nextConnectionOrder(nowNanoseconds)
        {
            return order
        }
        if let order = self.nextSend(nowNanoseconds) { return order }
        self.isSettled = true
        return nil
    }

    /// When `popOrder` will have something next, if nothing else happens: 0 when it may have something now, nil when it
    /// never will.
    public var nextDeadlineNanoseconds: UInt64? {
        guard self.isSettled else { return 0 }
        let next = min(self.timers.firstNanoseconds ?? .max, self.connectionsDeadlineNanoseconds)
        return next == .max ? nil : next
    }

    /// Tells the outcome of a request that gets no answer. It is in no list.
    private mutating func failure(_ slot: Int, _ reason: ForwardFailure) -> ForwardOrder {
        self.counts.count(reason)
        let tag = self.exchanges[slot].request.tag
        self.free(slot)
        return .fail(tag: tag, reason)
    }

    // MARK: Requests whose time has come

    private mutating func expired(_ slot: Int, _ now: UInt64) {
        switch self.exchanges[slot].phase {
        case .free, .failed: preconditionFailure("an exchange with a time that has none")
        case .backingOff: self.wait(slot, now)
        case .waiting:
            self.exchanges.remove(slot, from: &self.waiting)
            let isLate = self.exchanges[slot].request.deadlineNanoseconds <= now
            self.fail(slot, isLate ? .deadlineExceeded : .unavailable)
        case .open: self.gaveUp(slot, now)
        }
    }

    /// The deadline of a request has passed while the backend has it. Its slot is free from now on: a backend that
    /// never answers would else use the table up. What the backend owes is only counted.
    private mutating func gaveUp(_ slot: Int, _ now: UInt64) {
        let connection = Int(self.exchanges[slot].connection)
        let isProbe = self.exchanges[slot].isProbe
        self.exchanges.remove(slot, from: &self.connections[connection].open)
        self.connections[connection].owed += 1
        if self.exchanges[slot].isCancelled {
            self.free(slot)
        } else {
            self.fail(slot, .deadlineExceeded)
        }
        self.endpointFailed(self.connections[connection].endpoint, isProbe: isProbe, now)
        // Half of its places would be lost for good if the answers never came.
        if 2 * self.connections[connection].owed > self.connections[connection].inflightMax {
            self.drop(connection, .unanswered, now)
        } else if self.connections[connection].state == .draining {
            self.lookAtConnections()
        }
    }

    // MARK: Connections whose time has come

    private mutating func nextConnectionOrder(_ now: UInt64) -> ForwardOrder? {
        for connection in self.connections.indices
        where self.connections[connection].deadlineNanoseconds(self.settings) <= now {
            return self.order(connection, now)
        }
        var next = UInt64.max
        for endpoint in self.endpoints.indices {
            self.endpoints[endpoint].wake(nowNanoseconds: now)
            if case .ejected(let until) = self.endpoints[endpoint].health { next = min(next, until) }
            guard let connection = self.missingConnection(of: endpoint) else { continue }
            let time = self.endpoints[endpoint].reconnectNanoseconds(
                self.settings, isWanted: !self.waiting.isEmpty)
            if time <= now { return self.open(connection, now) }
            next = min(next, time)
        }
        for connection in self.connections { next = min(next, connection.deadlineNanoseconds(self.settings)) }
        self.connectionsDeadlineNanoseconds = next
        return nil
    }

    /// What a connection that is due needs.
    private mutating func order(_ connection: Int, _ now: UInt64) -> ForwardOrder {
        switch self.connections[connection].state {
        case .down: preconditionFailure("a connection that is down is never due")
        case .closing: break
        case .connecting: self.drop(connection, .connectTimedOut, now)
        case .greeting:
            if self.connections[connection].controlCorrelation == 0 { return self.control(connection, .hello, now) }
            self.drop(connection, .connectTimedOut, now)
        case .ready, .draining:
            if self.connections[connection].state == .draining && self.connections[connection].open.isEmpty {
                self.drop(connection, .drained, now)
            } else if self.connections[connection].controlCorrelation == 0 {
                self.counts.pings += 1
                return self.control(connection, .ping, now)
            } else {
                self.drop(connection, .silent, now)
            }
        }
        return self.close(connection)
    }

    private mutating func close(_ connection: Int) -> ForwardOrder {
        guard case .closing(let reason) = self.connections[connection].state else {
            preconditionFailure("a connection is dropped before it is closed")
        }
        self.connections[connection].state = .down
        return .close(self.key(of: connection), reason)
    }

    private mutating func control(_ connection: Int, _ method: Method, _ now: UInt64) -> ForwardOrder {
        self.connections[connection].controlCount += 1
        let correlation = ExchangeTable.controlCorrelation(self.connections[connection].controlCount)
        self.connections[connection].controlCorrelation = correlation
        self.connections[connection].controlNanoseconds = now
        let header = FrameHeader(
            flags: .request, code: method.code, application: Application.control, correlation: correlation)
        return .sendControl(self.key(of: connection), header)
    }

    /// A place for a connection that the endpoint should have and has not; nil when it has all.
    private func missingConnection(of endpoint: Int) -> Int? {
        var promising = 0
        var free: Int?
        for connection in self.connections(of: endpoint) {
            if self.connections[connection].isPromising { promising += 1 }
            if self.connections[connection].state == .down { free = free ?? connection }
        }
        return promising < self.settings.connectionsPerEndpoint ? free : nil
    }

    private mutating func open(_ connection: Int, _ now: UInt64) -> ForwardOrder {
        self.counts.connectionsOpened += 1
        self.connections[connection].generation &+= 1
        self.connections[connection].state = .connecting
        self.connections[connection].isClogged = false
        self.connections[connection].openedNanoseconds = now
        return .open(self.key(of: connection), endpoint: self.connections[connection].endpoint)
    }

    // MARK: Requests that wait

    private mutating func nextSend(_ now: UInt64) -> ForwardOrder? {
        guard let slot = self.waiting.firstSlot else { return nil }
        guard self.hasEndpoint else {
            self.exchanges.remove(slot, from: &self.waiting)
            return self.failure(slot, .unavailable)
        }
        guard let connection = self.chooseConnection() else { return nil }
        self.exchanges.remove(slot, from: &self.waiting)
        let body: ForwardBody =
            if let kept = self.exchanges[slot].body { .kept(kept) } else {
                self.exchanges[slot].hasEmptyBody ? .none : .callers
            }
        let tag = self.exchanges[slot].request.tag
        let header = self.send(slot, on: connection, now)
        return .send(self.key(of: connection), header, tag: tag, body: body)
    }
}
