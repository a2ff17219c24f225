public import Admission
public import OAP
internal import Telemetry

/// Requests that are answered before anything else happens. They pass under one permit, which the turn's first acquires
/// and `endTurn` gives back: the counter that all workers share is touched twice a turn instead of twice a request.
extension WorkerCore {
    /// The record of a `lookUp` stands in its connection's output.
    @inline(__always)
    public mutating func answered(_ request: FrameHeader) {
        self.count(GatewayMetrics.App(request.application), status: 200)
    }

    /// A `lookUp` of `key` ends with an error; returns what to append. A malformed key's is that it is malformed.
    public mutating func failed(_ request: FrameHeader, _ key: Span<UInt8>, _ code: ErrorCode) -> Refusal {
        guard IndexKey.isValid(key) else { return self.refusal(request, .badRequest, Self.malformedKey) }
        return self.failure(request, code, nil)
    }

    /// The answer to an admitted request that came to nothing; counted here.
    private mutating func failure(_ request: FrameHeader, _ code: ErrorCode, _ sentence: String?) -> Refusal {
        if code == .indexUnavailable || code == .backendUnavailable { self.telemetry.add(self.metrics.indexFailures) }
        let retry = code == .overloaded ? self.overloadRetryMilliseconds(request) : 1000
        return self.refusal(request, code, sentence, retryAfterMilliseconds: retry)
    }

    /// The turn's requests are served: records the latency of those that it answered, all of which arrived at
    /// `arrivalNanoseconds`, and gives back the permit under which requests have passed and the tokens that nobody wanted.
    ///
    /// - Parameter clock: the present time of the monotonic clock.
    @inline(__always)
    public mutating func endTurn(arrivalNanoseconds: UInt64, clock: () -> UInt64) {
        self.passingPermit = nil
        self.turnLookupsLeft = self.limits.turnLookupsMax
        self.accounts.end(from: self.policy, in: self.tenants, clock: clock)
        if self.admittedAtOnce > 0 {
            self.telemetry.observe(self.metrics.admissionWait, nanoseconds: 0, count: self.admittedAtOnce)
            self.admittedAtOnce = 0
        }
        let nowNanoseconds = clock()
        for app in 0..<3 where self.unsettled[app] > 0 {
            self.telemetry.observe(
                self.metrics.latency[app], nanoseconds: nowNanoseconds &- arrivalNanoseconds, count: self.unsettled[app]
            )
            self.unsettled[app] = 0
        }
    }
}

/// Open requests: from admission to the answer, in one slab with two lists through it.
extension WorkerCore {
    /// True while the ticket's request has no answer.
    public func isOpen(_ ticket: Ticket) -> Bool { self.open.contains(ticket) }

    /// Whom a request came from; nil when the ticket is stale, and a session of nil when nobody waits on a
    /// connection.
    public func origin(of ticket: Ticket) -> (session: SessionKey?, request: FrameHeader)? {
        guard self.open.contains(ticket) else { return nil }
        return (self.open[slot: Int(ticket.slot)].session, self.open[slot: Int(ticket.slot)].request)
    }

    /// The request's result stands in its connection's output (or its client has gone): the permit returns.
    public mutating func finish(_ ticket: Ticket, status: UInt16, nowNanoseconds: UInt64) {
        guard let request = self.closed(ticket, nowNanoseconds) else { return }
        self.count(GatewayMetrics.App(request.request.application), status: status)
        self.settleLate(request, nowNanoseconds: nowNanoseconds)
    }

    /// As `finish`, for a request that ends with an error; returns what to append. Nil when the ticket is stale.
    public mutating func fail(
        _ ticket: Ticket, _ code: ErrorCode, sentence: String? = nil, nowNanoseconds: UInt64
    ) -> Refusal? {
        guard let request = self.closed(ticket, nowNanoseconds) else { return nil }
        if request.isWaiting {
            // It has waited in vain: nothing was done for what it was charged.
            self.count(request.request.tenant, .overload)
            self.refund(
                request.request, request.charge, takenNanoseconds: request.arrivalNanoseconds, nowNanoseconds)
        }
        let refusal = self.failure(request.request, code, sentence)
        self.settleLate(request, nowNanoseconds: nowNanoseconds)
        return refusal
    }

    /// What arrived in an earlier turn has a latency of its own; it was just counted with this turn's.
    @inline(__always)
    private mutating func settleLate(_ request: borrowing OpenRequest, nowNanoseconds: UInt64) {
        guard request.arrivalNanoseconds != nowNanoseconds else { return }
        // Who has waited in vain says nothing of the backend.
        if !request.isWaiting { self.service.add(nanoseconds: nowNanoseconds &- request.admittedNanoseconds) }
        let app = GatewayMetrics.App(request.request.application)
        let latency = nowNanoseconds &- request.arrivalNanoseconds
        self.unsettled[app.rawValue] -= 1
        self.telemetry.observe(self.metrics.latency[app.rawValue], nanoseconds: latency)
    }

    /// A request whose deadline has passed. The caller fails it with `deadline_exceeded`.
    public func overdue(nowNanoseconds: UInt64) -> Ticket? {
        guard self.oldest >= 0, self.deadline(of: self.oldest) <= nowNanoseconds else { return nil }
        return self.open.key(ofSlot: Int(self.oldest))
    }

    /// When the oldest open request becomes overdue.
    var openDeadlineNanoseconds: UInt64? { self.oldest < 0 ? nil : self.deadline(of: self.oldest) }

    private func deadline(of slot: Int32) -> UInt64 {
        self.open[slot: Int(slot)].arrivalNanoseconds + self.limits.requestTimeoutNanoseconds
    }

    /// Opens a request that was just admitted: the permit in `passingPermit` is its own.
    mutating func opened(
        _ slot: Int?, _ header: FrameHeader, _ charge: QuotaCharge, _ nowNanoseconds: UInt64
    ) -> Ticket {
        guard let permit = self.passingPermit.take() else { preconditionFailure("a request without a permit") }
        return self.insert(
            slot,
            OpenRequest(
                session: slot.map { self.sessions[$0].key }, request: header, arrivalNanoseconds: nowNanoseconds,
                charge: charge, permit: permit))
    }

    /// Puts a request among the open ones, and into both lists.
    mutating func insert(_ slot: Int?, _ request: consuming OpenRequest) -> Ticket {
        guard let ticket = self.open.insert(request) else {
            preconditionFailure("a permit was granted beyond the capacity for open requests")
        }
        let index = Int32(ticket.slot)
        if let slot {
            let correlation = self.open[slot: Int(index)].request.correlation
            let isFirst = self.sessions[slot].openCount == 0
            self.sessions[slot].openCorrelationMax =
                isFirst ? correlation : max(correlation, self.sessions[slot].openCorrelationMax)
            let first = self.sessions[slot].firstOpen
            self.open[slot: Int(index)].nextInSession = first
            if first >= 0 { self.open[slot: Int(first)].previousInSession = index }
            self.sessions[slot].firstOpen = index
            self.sessions[slot].openCount += 1
        }
        self.open[slot: Int(index)].older = self.youngest
        if self.youngest >= 0 { self.open[slot: Int(self.youngest)].younger = index } else { self.oldest = index }
        self.youngest = index
        return ticket
    }

    /// Takes a request out of the slab and out of both lists.
    mutating func closed(_ ticket: Ticket, _ nowNanoseconds: UInt64) -> OpenRequest? {
        guard let request = self.open.remove(ticket) else { return nil }
        if request.isWaiting { self.leaveRoom(ticket, request.place, nowNanoseconds: nowNanoseconds) }
        if request.older >= 0 {
            self.open[slot: Int(request.older)].younger = request.younger
        } else {
            self.oldest = request.younger
        }
        if request.younger >= 0 {
            self.open[slot: Int(request.younger)].older = request.older
        } else {
            self.youngest = request.older
        }
        if let session = request.session {
            let slot = Int(session.slot)
            if request.previousInSession >= 0 {
                self.open[slot: Int(request.previousInSession)].nextInSession = request.nextInSession
            } else {
                self.sessions[slot].firstOpen = request.nextInSession
            }
            if request.nextInSession >= 0 {
                self.open[slot: Int(request.nextInSession)].previousInSession = request.previousInSession
            }
            self.sessions[slot].openCount -= 1
            self.sessions[slot].activeNanoseconds = nowNanoseconds
        }
        return request
    }

    func isOpen(_ correlation: UInt64, on slot: Int) -> Bool {
        guard correlation <= self.sessions[slot].openCorrelationMax else { return false }
        var next = self.sessions[slot].firstOpen
        while next >= 0 {
            if self.open[slot: Int(next)].request.correlation == correlation { return true }
            next = self.open[slot: Int(next)].nextInSession
        }
        return false
    }
}
