internal import Admission
internal import Gateway
internal import OAP
internal import Reactor

/// What other threads ask for, and what time asks for.
extension Worker where K: ~Copyable, I: ~Copyable {
    mutating func openMailbox() {
        for message in self.mailbox.takeAll() {
            switch message {
            case .serve: self.core.serve()
            case .adopt(let live): self.adopt(live)
            case .drain: self.drain()
            case .stop: self.stop()
            case .resolve(let key, let reply): self.resolve(key, reply)
            case .probe(let reply): reply(self.probe())
            }
        }
    }

    private mutating func adopt(_ live: LiveSnapshot) {
        self.core.adopt(live.limits, live.admission, nowNanoseconds: self.nowNanoseconds)
        self.tellsRefusals = live.tellsRefusals
        self.report.adopted(epoch: live.epoch)
    }

    // MARK: Ending

    private mutating func drain() {
        guard self.core.phase != .draining else { return }
        self.core.drain(nowNanoseconds: self.nowNanoseconds)
        self.stopAccepting()
        for slot in 0..<self.connections.slotsTouched where self.connections.key(ofSlot: slot) != nil {
            self.sendGoAway(slot)
        }
    }

    mutating func sendGoAway(_ slot: Int) {
        guard self.connections[slot: slot].ending == nil,
            let (header, payload) = self.core.goAway(slot, nowNanoseconds: self.nowNanoseconds)
        else { return }
        self.append(header, payload.span, slot)
    }

    private mutating func stop() {
        guard !self.stopping else { return }
        self.stopping = true
        self.core.drain(nowNanoseconds: self.nowNanoseconds)
        self.stopAccepting()
        for slot in 0..<self.connections.slotsTouched where self.connections.key(ofSlot: slot) != nil {
            self.end(slot, .drain, reset: true)
        }
    }

    /// Sessions whose time is up, and the drain's own deadline.
    mutating func expire() {
        while let (slot, expiry) = self.core.popExpired(nowNanoseconds: self.nowNanoseconds) {
            switch expiry {
            case .idle: self.expired(slot, .idle, reset: false)
            case .partialFrame: self.expired(slot, .read, reset: false)
            case .outputStalled: self.expired(slot, .slowReader, reset: true)
            case .lingerEnded:
                let unsent = !self.connections[slot: slot].isOutputEmpty
                self.end(slot, self.connections[slot: slot].reason, reset: unsent)
            case .drained:
                self.connections[slot: slot].reason = .drain
                let action = self.core.closing(
                    slot, outputEmpty: self.connections[slot: slot].isOutputEmpty, nowNanoseconds: self.nowNanoseconds)
                self.perform(action, slot)
            }
        }
        if self.core.phase == .draining && self.nowNanoseconds >= self.core.drainDeadlineNanoseconds {
            self.stop()
        }
    }

    private mutating func expired(_ slot: Int, _ reason: GatewayMetrics.CloseReason, reset: Bool) {
        guard self.connections[slot: slot].ending == nil else { return }
        self.events.tell(
            .connectionEnded(
                peer: SocketAddress(peerOf: self.connections[slot: slot].descriptor), reason: reason.rawValue),
            nowNanoseconds: self.nowNanoseconds)
        self.end(slot, reason, reset: reset)
    }

    // MARK: The admin port

    static func adminAnswer(_ refusal: Refusal) -> AdminAnswer {
        .refused(
            status: refusal.code.status, code: refusal.code.name, message: refusal.sentence ?? refusal.code.sentence,
            retryable: refusal.code.isRetryable,
            retryAfterMilliseconds: refusal.code.hasRetryAfter ? refusal.retryAfterMilliseconds : nil)
    }

    private mutating func resolve(_ key: [UInt8], _ reply: @escaping @Sendable (AdminAnswer) -> Void) {
        switch self.core.adminResolve(key.span, nowNanoseconds: self.nowNanoseconds) {
        case .answer(.refusal(let refusal)): reply(Self.adminAnswer(refusal))
        case .resolve(let ticket): self.resolve(ticket, key, reply)
        case .answer, .answerAndClose, .lookUp, .resolveMany, .wait:
            preconditionFailure("no answer to an admin resolve")
        }
    }

    private mutating func resolve(
        _ ticket: Ticket, _ key: [UInt8], _ reply: @escaping @Sendable (AdminAnswer) -> Void
    ) {
        self.adminReplies[ticket] = reply
        guard !I.isForwarded else { return self.forward(ticket, payload: key.span) }
        var found: [UInt8] = []
        let outcome = self.index.lookup(key.span, ticket: ticket, nowNanoseconds: self.nowNanoseconds) { record in
            found.assign(record)
        }
        switch outcome {
        case .found:
            self.adminReplies.removeValue(forKey: ticket)?(.record(found))
            self.core.finish(ticket, status: 200, nowNanoseconds: self.nowNanoseconds)
        case .absent: self.fail(ticket, IndexFailure(code: .notFound, detail: ""))
        case .failed(let failure): self.fail(ticket, failure)
        case .pending: break
        }
    }

    private mutating func probe() -> IndexFailure? {
        guard !I.isForwarded else { return self.backendTrouble.map { IndexFailure(detail: $0) } }
        let key: [UInt8] = Array("name:readiness-probe".utf8)
        let outcome = self.index.lookup(key.span, ticket: nil, nowNanoseconds: self.nowNanoseconds) { _ in }
        guard case .failed(let failure) = outcome else { return nil }
        return failure
    }
}
