public import Admission
public import OAP
internal import Telemetry

/// Requests that found no permit and wait for one. They stand among the open requests, so that deadlines, correlations and
/// clients that go away treat them as such; the room decides who is next, and who has waited too long.
extension WorkerCore {
    /// Memory of one place for an open or waiting request.
    public static var placeBytes: Int { Slab<OpenRequest>.slotBytes }
    /// Memory of one waiting request's payload.
    public static var waitingPayloadBytes: Int { PayloadShelf.payloadBytesMax }

    /// Requests of this worker that wait.
    public var waitingCount: Int { self.room.count }

    /// Whether requests are to be popped at the end of this turn.
    public var hasWaiting: Bool { self.room.count > 0 || !self.outcasts.isEmpty }

    /// Whether a turn's worth of lookups waits: what comes now is read to be refused, so that the caller had better read less.
    public var isSaturated: Bool { self.room.hasLookupsMax }

    /// Whether the next turn can begin at once with those that wait: they lack no permit.
    public var hasWork: Bool { self.hasWaiting && !self.lacksPermits }

    /// Puts a request among those that wait. Refused at once when it cannot: nobody may wait, it is not what its method
    /// takes, too long to be kept, or has nobody to be answered to later.
    mutating func wait(
        _ slot: Int?, _ method: Method, _ header: FrameHeader, _ payload: Span<UInt8>, _ charge: QuotaCharge,
        isCritical: Bool, _ nowNanoseconds: UInt64
    ) -> Order {
        guard self.room.limits.lengthMax > 0, let slot, payload.count <= PayloadShelf.payloadBytesMax,
            !self.open.isFull, self.outcasts.count < Self.outcastsMax,
            !self.room.refuses(tenant: header.tenant, isCritical: isCritical, nowNanoseconds: nowNanoseconds)
        else {
            return self.refuseUncharged(header, charge, nowNanoseconds)
        }
        var lookups = 1
        if method == .resolveMany {
            let parsed = KeyList.parse(payload)
            guard case .valid(let keys) = parsed else { return self.refuse(header, .badRequest, Self.problem(parsed)) }
            lookups = keys.count
        } else if !IndexKey.isValid(payload) {
            return self.refuse(header, .badRequest, Self.malformedKey)
        }
        let ticket = self.insert(
            slot,
            OpenRequest(
                session: self.sessions[slot].key, request: header, arrivalNanoseconds: nowNanoseconds, charge: charge,
                permit: nil))
        let request = WaitingRequest(
            handle: ticket.handle, tenant: header.tenant, arrivalNanoseconds: nowNanoseconds,
            deadlineNanoseconds: nowNanoseconds + self.limits.requestTimeoutNanoseconds,
            cost: UInt32(clamping: max(lookups, charge.tokens)), lookups: UInt32(lookups), isCritical: isCritical)
        switch self.room.insert(request, nowNanoseconds: nowNanoseconds) {
        case .waiting: break
        case .replaced(let victim): self.castOut(Ticket(handle: victim.handle))
        case .refused:
            _ = self.closed(ticket, nowNanoseconds)
            return self.refuseUncharged(header, charge, nowNanoseconds)
        }
        guard let place = self.shelf.put(payload) else {
            preconditionFailure("fewer places for payloads than in the room")
        }
        self.open[slot: Int(ticket.slot)].place = place
        return .wait
    }

    /// Requests that gave way and are yet to be told, in a turn: more newcomers are refused instead.
    static var outcastsMax: Int { 64 }

    /// A request has given way to another: its payload makes room at once, and it is told at the end of the turn.
    private mutating func castOut(_ victim: Ticket) {
        if let place = self.open[slot: Int(victim.slot)].place.take() { self.shelf.discard(place) }
        self.outcasts.append(victim)
    }

    /// Refused for want of a permit: its quotas get back what it took.
    private mutating func refuseUncharged(
        _ header: FrameHeader, _ charge: QuotaCharge, _ nowNanoseconds: UInt64
    ) -> Order {
        self.refund(header, charge, takenNanoseconds: nowNanoseconds, nowNanoseconds)
        return self.refuse(header, .concurrency)
    }

    func refund(
        _ header: FrameHeader, _ charge: QuotaCharge, takenNanoseconds: UInt64, _ nowNanoseconds: UInt64
    ) {
        guard charge.edition == self.policy.quotaEdition else { return }
        self.policy.refundQuota(
            tenant: header.tenant, tokens: charge.tokens, bytes: Int(header.frameBytes),
            takenNanoseconds: takenNanoseconds,
            nowNanoseconds: nowNanoseconds, day: self.day)
    }

    /// A request that is admitted now, after it waited; nil when there is none, or no permit. Call until nil, once a turn,
    /// after `popOverstayed`.
    ///
    /// - Parameter scratch: exchanged for the request's payload.
    /// - Returns: what to do, and for which session.
    public mutating func popAdmitted(
        nowNanoseconds: UInt64, into scratch: inout [UInt8]
    ) -> (order: Order, session: SessionKey)? {
        self.lacksPermits = false
        guard self.room.count > 0, self.turnLookupsLeft > 0 else { return nil }
        var permit = self.passingPermit.take()
        if permit == nil { permit = self.concurrency.acquire(critical: self.room.hasCritical) }
        guard let permit = permit.take() else {
            self.lacksPermits = true
            return nil
        }
        guard let request = self.room.popNext(nowNanoseconds: nowNanoseconds) else { return nil }
        let ticket = Ticket(handle: request.handle)
        let index = Int(ticket.slot)
        guard self.open.contains(ticket), let place = self.open[slot: index].place.take(),
            let session = self.open[slot: index].session
        else { preconditionFailure("a request waits that is not open") }
        self.shelf.take(place, into: &scratch)
        self.open[slot: index].permit = consume permit
        self.open[slot: index].admittedNanoseconds = nowNanoseconds
        self.count(self.open[slot: index].request.tenant, .admitted)
        self.telemetry.observe(
            self.metrics.admissionWait, nanoseconds: nowNanoseconds &- self.open[slot: index].arrivalNanoseconds)
        return (self.order(ticket, scratch.span), session)
    }

    /// What was checked before it waited.
    private mutating func order(_ ticket: Ticket, _ payload: Span<UInt8>) -> Order {
        let header = self.open[slot: Int(ticket.slot)].request
        guard header.code == Method.resolveMany.code else { return .resolve(ticket) }
        guard case .valid(let keys) = KeyList.parse(payload) else {
            preconditionFailure("the payload of a waiting request has changed")
        }
        self.turnLookupsLeft -= keys.count
        return .resolveMany(ticket, keys)
    }

    /// A request that has waited too long, or gave way to another, and what it is to be failed with; nil when there is
    /// none. Call until nil, once a turn, before `popAdmitted`.
    public mutating func popOverstayed(nowNanoseconds: UInt64) -> (ticket: Ticket, code: ErrorCode)? {
        if let outcast = self.outcasts.popLast() { return (outcast, .overloaded) }
        guard let refusal = self.room.popExpired(nowNanoseconds: nowNanoseconds) else { return nil }
        let code: ErrorCode =
            switch refusal.reason {
            case .overloaded: .overloaded
            case .deadline: .deadlineExceeded
            }
        return (Ticket(handle: refusal.request.handle), code)
    }

    /// The client of a waiting request has gone: nobody is to be answered, and no work is done.
    mutating func abandon(_ index: Int, nowNanoseconds: UInt64) {
        guard let ticket = self.open.key(ofSlot: index) else { return }
        self.open[slot: index].session = nil
        _ = self.closed(ticket, nowNanoseconds)
    }

    /// A waiting request was closed before it was admitted.
    mutating func leaveRoom(_ ticket: Ticket, _ place: PayloadShelf.Place?, nowNanoseconds: UInt64) {
        if let place { self.shelf.discard(place) }
        // Those that gave way, or have been found too late, have left the room before.
        guard !self.room.remove(handle: ticket.handle, nowNanoseconds: nowNanoseconds) else { return }
        self.outcasts.removeAll { $0 == ticket }
    }
}

extension Ticket {
    /// As the waiting room keeps it.
    var handle: UInt64 { UInt64(self.slot) << 32 | UInt64(self.generation) }

    init(handle: UInt64) {
        self.init(slot: UInt32(handle >> 32), generation: UInt32(truncatingIfNeeded: handle))
    }
}
