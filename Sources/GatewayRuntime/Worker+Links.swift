internal import Admission
internal import Forwarding
internal import Gateway
internal import OAP
internal import Reactor

/// Forwards lookups to a backend: carries the forwarder's orders out, and its answers back.
///
/// ```
///  client ──► core ──► forward ──► Forwarder ──► link's output ──► one send per link and turn
///  client ◄── append ◄── answered ◄── Forwarder.receive ◄── link's bytes
/// ```
extension Worker where K: ~Copyable, I: ~Copyable {
    /// True when the completion is a link's and no session's.
    @inline(__always)
    static func isLink(_ token: Token) -> Bool {
        token.slot & BackendLinks.tokenBit != 0 && token.slot < Self.listenerToken.slot
    }

    // MARK: Requests

    /// Sends a request on to the backend, whose answer comes later: the permit and the place stay taken until then.
    mutating func forward(_ ticket: Ticket, payload: Span<UInt8>) {
        guard let origin = self.core.origin(of: ticket) else { return }
        let header = FrameHeader(
            flags: .request, code: origin.request.code, application: origin.request.application,
            tenant: origin.request.tenant, correlation: origin.request.correlation, payloadBytes: payload.count)
        let tag = Self.tag(ticket)
        let request = ForwardRequest(
            tag: tag, header: header,
            deadlineNanoseconds: self.nowNanoseconds + self.core.limits.requestTimeoutNanoseconds, isIdempotent: true)
        switch self.links?.forwarder.submit(request, body: payload, nowNanoseconds: self.nowNanoseconds) {
        case .send(_, let key, let header): self.append(header, payload, on: key)
        case .wait(let exchange, needsBody: true):
            guard self.links?.keep(payload, of: tag) != true else { return }
            _ = self.links?.forwarder.cancel(exchange)
            self.fail(ticket, IndexFailure(code: .overloaded, detail: ""))
        case .wait(_, needsBody: false): break
        case .refused(let reason): self.fail(ticket, self.failure(reason))
        case nil: self.fail(ticket, IndexFailure(detail: "there is no backend"))
        }
    }

    private static func tag(_ ticket: Ticket) -> UInt64 { UInt64(ticket.generation) << 32 | UInt64(ticket.slot) }

    private static func ticket(_ tag: UInt64) -> Ticket {
        Ticket(slot: UInt32(truncatingIfNeeded: tag), generation: UInt32(truncatingIfNeeded: tag >> 32))
    }

    /// What a client is told of a request that got no answer, and what the log says.
    private func failure(_ reason: ForwardFailure) -> IndexFailure {
        switch reason {
        case .deadlineExceeded: IndexFailure(code: .deadlineExceeded, detail: "")
        case .tooManyOpen: IndexFailure(code: .overloaded, detail: "")
        case .unavailable where self.backendTrouble == nil:
            // It is there, and has no room.
            IndexFailure(code: .overloaded, detail: "")
        case .frameTooLarge: IndexFailure(code: .badRequest, detail: "")
        case .connectionLost, .unavailable:
            IndexFailure(detail: self.backendTrouble ?? "the backend is \(reason.name)")
        }
    }

    /// Why the backend is of no use now; nil while it is.
    var backendTrouble: String? {
        switch self.links {
        case .some(let links): links.trouble
        case .none: nil
        }
    }

    // MARK: Orders

    /// What the forwarder wants done, and then one send per link.
    mutating func serveLinks() {
        while let order = self.links?.forwarder.popOrder(nowNanoseconds: self.nowNanoseconds) { self.carryOut(order) }
        self.flushLinks()
    }

    private mutating func carryOut(_ order: ForwardOrder) {
        switch order {
        case .open(let key, let endpoint): self.openLink(key, endpoint)
        case .sendControl(let key, let header): self.append(header, Span(), on: key)
        case .send(let key, let header, let tag, .callers):
            guard let body = self.links?.takeBody(of: tag) else {
                preconditionFailure("the forwarder asks for a body that it has")
            }
            self.append(header, body.span, on: key)
        case .send(let key, let header, _, .kept(let body)):
            // Copied, since what is lent from the links would exclude their output.
            var copy = self.waitingScratch
            self.waitingScratch = []
            self.links?.forwarder.withKept(body) { copy.assign($0) }
            self.append(header, copy.span, on: key)
            self.waitingScratch = copy
        case .send(let key, let header, _, .none): self.append(header, Span(), on: key)
        case .close(let key, let reason):
            guard let slot = self.links?.slot(of: key) else { return }
            self.lose(slot, reason.name)
        case .fail(let tag, let reason):
            _ = self.links?.takeBody(of: tag)
            self.fail(Self.ticket(tag), self.failure(reason))
        }
    }

    private mutating func openLink(_ key: ConnectionKey, _ endpoint: Int) {
        let slot: Int
        do throws(SystemError) {
            guard let opened = try self.links?.open(key, endpoint: endpoint, nonBlocking: K.wantsNonBlocking) else {
                return
            }
            slot = opened
        } catch {
            self.links?.forwarder.disconnected(key, nowNanoseconds: self.nowNanoseconds)
            self.troubled(error.description, endpoint: endpoint)
            return
        }
        self.receiveLink(slot)
        self.links?.forwarder.connected(key, nowNanoseconds: self.nowNanoseconds)
    }

    /// Told once an address and each time that its cause changes, when no connection is left, beside what requests say of it: no
    /// flood of theirs hides it.
    mutating func troubled(_ why: String, endpoint: Int) {
        guard self.links?.note(why, endpoint: endpoint) == true, self.links?.forwarder.readyCount == 0 else { return }
        self.links?.isOut = true
        self.shared.tell(.backendFailed(detail: why))
    }

    private mutating func append(_ header: FrameHeader, _ body: Span<UInt8>, on key: ConnectionKey) {
        // It may have ended since the order was given; the forwarder has been told then.
        guard let slot = self.links?.slot(of: key) else { return }
        if self.links?.append(slot, header, body, to: &self.pool) != true {
            self.dropLink(slot, "no memory for requests")
        }
    }

    // MARK: Answers

    /// A whole frame of the backend.
    mutating func received(_ key: ConnectionKey, _ header: FrameHeader, _ payload: Span<UInt8>) {
        switch self.links?.forwarder.receive(key, header, payload: payload, nowNanoseconds: self.nowNanoseconds) {
        case .answer(let tag, let answer, _): self.answered(Self.ticket(tag), answer, payload)
        case .dropped(let reason):
            if let slot = self.links?.slot(of: key) { self.violated(slot, reason) }
        case .ignored, nil: self.lookWhetherReady()
        }
    }

    private mutating func lookWhetherReady() {
        guard self.links?.isOut == true, (self.links?.forwarder.readyCount ?? 0) > 0 else { return }
        self.links?.recovered()
        self.shared.tell(.backendRecovered)
    }

    /// A backend that breaks the protocol: nothing more of what it has sent is read. The order to close it follows.
    mutating func violated(_ slot: Int, _ reason: DropReason) {
        self.lose(slot, "it broke the protocol (\(reason.name))")
    }

    /// The backend's outcome, as the client is told it: a record as it came, refusals that are the client's own, a backend with
    /// too much to do as overload, and everything else as an index that fails.
    private mutating func answered(_ ticket: Ticket, _ answer: FrameHeader, _ payload: Span<UInt8>) {
        guard let origin = self.core.origin(of: ticket) else { return }
        switch answer.code {
        case 200: break
        case ErrorCode.notFound.status: return self.fail(ticket, IndexFailure(code: .notFound, detail: ""))
        case ErrorCode.badRequest.status: return self.fail(ticket, IndexFailure(code: .badRequest, detail: ""))
        case ErrorCode.deadlineExceeded.status:
            return self.fail(ticket, IndexFailure(code: .deadlineExceeded, detail: ""))
        case 429, 503: return self.fail(ticket, IndexFailure(code: .overloaded, detail: ""))
        default: return self.fail(ticket, IndexFailure(detail: "the backend answers \(answer.code)"))
        }
        guard Int(answer.frameBytes) <= self.core.limits.frameBytesMax else {
            return self.fail(ticket, IndexFailure(code: .badRequest, detail: ""), sentence: Self.answerTooLong)
        }
        if let session = origin.session {
            guard self.hasRoom(Int(session.slot), bytes: Int(answer.frameBytes)) else {
                return self.fail(ticket, IndexFailure(code: .overloaded, detail: ""))
            }
            let header = origin.request.answer(status: 200, payloadBytes: payload.count)
            self.append(header, payload, Int(session.slot))
            self.core.finish(ticket, status: 200, nowNanoseconds: self.nowNanoseconds)
            self.settle(Int(session.slot))
        } else {
            var record: [UInt8] = []
            record.assign(payload)
            self.adminReplies.removeValue(forKey: ticket)?(.record(record))
            self.core.finish(ticket, status: 200, nowNanoseconds: self.nowNanoseconds)
        }
    }
}
