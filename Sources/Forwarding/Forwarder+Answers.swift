public import OAP

/// Frames from the backend.
extension Forwarder {
    /// A frame has come whose header the decoder has accepted.
    ///
    /// - Parameter payload: only the connection's own frames are read: an answer's payload is passed by.
    public mutating func receive(
        _ key: ConnectionKey, _ header: FrameHeader, payload: Span<UInt8>, nowNanoseconds: UInt64
    ) -> Reception {
        guard let connection = self.live(key), self.connections[connection].state != .connecting else {
            return .ignored
        }
        self.connections[connection].heardNanoseconds = nowNanoseconds
        switch header.flags.intersection([.request, .response, .event]) {
        case .response:
            return ExchangeTable.isControl(header.correlation)
                ? self.controlAnswered(connection, header, payload, nowNanoseconds)
                : self.answered(connection, header, nowNanoseconds)
        case .event: return self.event(connection, header, nowNanoseconds)
        default: return self.violated(connection, .direction, nowNanoseconds)
        }
    }

    private mutating func answered(_ connection: Int, _ header: FrameHeader, _ now: UInt64) -> Reception {
        switch self.exchanges.lookup(header.correlation, on: connection) {
        case .neverAsked: return self.violated(connection, .unasked, now)
        case .past: return self.lateAnswer(connection, header, now)
        case .open(let slot):
            let request = self.exchanges[slot].request
            guard header.application == request.header.application, header.tenant == request.header.tenant else {
                return self.violated(connection, .mismatched, now)
            }
            let isLast = header.flags.contains(.end)
            let startsAgain = header.flags.contains(.start) && self.exchanges[slot].hasAnswerBegun
            guard isLast || request.isStreaming, !startsAgain else {
                return self.violated(connection, .sequence, now)
            }
            let isWanted = !self.exchanges[slot].isCancelled
            if isLast {
                self.finish(slot, on: connection, status: header.code, now)
            } else {
                self.exchanges[slot].hasAnswerBegun = true
            }
            guard isWanted else {
                self.counts.strayFrames += 1
                return .ignored
            }
            var answer = header
            answer.correlation = request.header.correlation
            return .answer(tag: request.tag, answer, isLast: isLast)
        }
    }

    /// The backend has answered a request to its end.
    private mutating func finish(_ slot: Int, on connection: Int, status: UInt16, _ now: UInt64) {
        let endpoint = self.connections[connection].endpoint
        let isProbe = self.exchanges[slot].isProbe
        if Self.isFault(status: status) {
            self.endpointFailed(endpoint, isProbe: isProbe, now)
        } else {
            self.endpoints[endpoint].answered(isProbe: isProbe, nowNanoseconds: now)
        }
        self.showedLife(connection)
        if !self.exchanges[slot].isCancelled { self.counts.answered += 1 }
        self.exchanges.remove(slot, from: &self.connections[connection].open)
        self.free(slot)
        self.madeRoom(connection)
    }

    /// Whether a status says that the backend is broken. One that is overloaded or drains says so with 503, and is not.
    static func isFault(status: UInt16) -> Bool { status >= 500 && status != 503 }

    /// An answer to a request that was given up: it is owed, so it may come, and ends with END. Without a debt it is
    /// a second answer, and a backend that gives one cannot be trusted with whose answer is whose.
    private mutating func lateAnswer(_ connection: Int, _ header: FrameHeader, _ now: UInt64) -> Reception {
        guard self.connections[connection].owed > 0 else { return self.violated(connection, .unasked, now) }
        self.counts.strayFrames += 1
        if header.flags.contains(.end) {
            self.connections[connection].owed -= 1
            self.madeRoom(connection)
        }
        return .ignored
    }

    /// The endpoint serves this connection, so that the next loss is a first one; one that drains says nothing about others.
    private mutating func showedLife(_ connection: Int) {
        guard self.connections[connection].state == .ready else { return }
        let opened = self.connections[connection].openedNanoseconds
        self.endpoints[self.connections[connection].endpoint].showedLife(openedNanoseconds: opened)
    }

    private mutating func madeRoom(_ connection: Int) {
        self.isSettled = false
        if self.connections[connection].state == .draining && self.connections[connection].open.isEmpty {
            self.lookAtConnections()
        }
    }

    // MARK: The connection's own frames

    private mutating func controlAnswered(
        _ connection: Int, _ header: FrameHeader, _ payload: Span<UInt8>, _ now: UInt64
    ) -> Reception {
        guard header.correlation == self.connections[connection].controlCorrelation,
            header.application == Application.control, header.tenant == 0
        else { return self.violated(connection, .unasked, now) }
        self.connections[connection].controlCorrelation = 0
        guard self.connections[connection].state == .greeting else {
            // A PONG. A backend that does not know PING answers as well, with an error: it lives.
            self.showedLife(connection)
            self.lookAtConnections()
            return .ignored
        }
        guard header.code == 200, let reply = HelloReply(payload),
            reply.frameBytesMax >= self.settings.frameBytesMax
        else { return self.violated(connection, .incompatible, now) }
        self.connections[connection].inflightMax = min(self.settings.inflightPerConnectionMax, reply.inflightMax)
        self.connections[connection].state = .ready
        self.endpoints[self.connections[connection].endpoint].greeted(nowNanoseconds: now)
        self.lookAtConnections()
        return .ignored
    }

    private mutating func event(_ connection: Int, _ header: FrameHeader, _ now: UInt64) -> Reception {
        guard header.application == Application.control, header.code == ControlEvent.goAway else {
            self.counts.eventsIgnored += 1
            return .ignored
        }
        switch self.connections[connection].state {
        case .greeting, .ready:
            self.counts.goAways += 1
            self.connections[connection].state = .draining
            // The endpoint is about to go: its successor may not be there yet.
            self.endpoints[self.connections[connection].endpoint].lost(&self.random, nowNanoseconds: now)
            self.lookAtConnections()
        case .draining, .down, .connecting, .closing: break
        }
        return .ignored
    }
}
