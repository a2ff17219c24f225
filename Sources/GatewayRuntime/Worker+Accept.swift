internal import Admission
internal import Gateway
internal import Reactor

extension Worker where K: ~Copyable, I: ~Copyable {
    /// How long accepting rests when descriptors or kernel memory ran out.
    private static var acceptRestNanoseconds: UInt64 { 20_000_000 }
    /// Refused in a turn for want of descriptors: a quarter of a millisecond's worth, as for closes.
    private static var refusalsPerTurnMax: Int { 32 }

    mutating func acceptFinished(_ completion: Completion) throws(SystemError) {
        if completion.isFinal { self.accepting = false }
        var restNanoseconds: UInt64 = 0
        if completion.result >= 0 {
            self.lacksDescriptors = false
            self.accepted(completion.result)
        } else if completion.result != -ErrnoCode.cancelled {
            restNanoseconds = self.acceptFailed(SystemError(call: "accept", code: -completion.result))
        }
        guard completion.isFinal, self.listener != nil else { return }
        guard self.core.phase != .draining && !self.stopping else {
            self.closeListener()
            return
        }
        if completion.result >= 0 {
            try self.startAccepting()
        } else {
            self.acceptRetryNanoseconds = self.nowNanoseconds + restNanoseconds
        }
    }

    /// Whoever waits is refused when there is no descriptor for it. Returns how long accepting is to rest.
    ///
    /// A kernel looks for a descriptor before it looks into the queue: a failure alone does not mean that one waits.
    private mutating func acceptFailed(_ error: SystemError) -> UInt64 {
        let isSpent = error.code == ErrnoCode.descriptorsSpent || error.code == ErrnoCode.descriptorsSpentBySystem
        if !isSpent || !self.lacksDescriptors {
            self.events.tell(.acceptFailed(error), nowNanoseconds: self.nowNanoseconds)
        }
        guard isSpent, let descriptor = self.listener?.descriptor else { return Self.acceptRestNanoseconds }
        self.lacksDescriptors = true
        let refused = self.descriptorReserve.refuseWaiting(descriptor, max: Self.refusalsPerTurnMax)
        for _ in 0..<refused { self.core.connectionRefused(.descriptors) }
        return refused == Self.refusalsPerTurnMax ? 0 : Self.acceptRestNanoseconds
    }

    private mutating func startAccepting() throws(SystemError) {
        guard let descriptor = self.listener?.descriptor else { return }
        try self.kernel.startAccepting(descriptor, token: Self.listenerToken)
        self.accepting = true
        self.acceptRetryNanoseconds = nil
    }

    mutating func retryAccepting() throws(SystemError) {
        guard let retry = self.acceptRetryNanoseconds, retry <= self.nowNanoseconds else { return }
        try self.startAccepting()
    }

    private mutating func accepted(_ descriptor: Int32) {
        guard !self.stopping else {
            self.kernel.close(descriptor, reset: true)
            return
        }
        guard self.core.rung < .shedConnections else {
            self.shed(descriptor, .pressure)
            return
        }
        // First: what one address has too much is not to be taken from what all addresses share.
        guard let seat = self.seat(descriptor) else { return }
        if let rate = self.core.limits.acceptRate,
            !self.shared.accepts.take(rate, nowNanoseconds: self.nowNanoseconds)
        {
            self.core.giveBack(seat)
            self.shed(descriptor, .acceptRate)
            return
        }
        let connectionsMax = self.core.limits.connectionsMax
        guard self.shared.connections.take(max: connectionsMax) else {
            self.core.giveBack(seat)
            self.kernel.close(descriptor, reset: true)
            self.core.connectionRefused(.connectionsMax)
            self.events.tell(.connectionRefused(open: connectionsMax), nowNanoseconds: self.nowNanoseconds)
            return
        }
        guard let key = self.connections.insert(Connection(descriptor: descriptor)) else {
            preconditionFailure("fewer connections in the process than in this worker")
        }
        self.core.connected(
            SessionKey(slot: key.slot, generation: key.generation), seat: seat, nowNanoseconds: self.nowNanoseconds)
        self.startReceiving(Int(key.slot))
        if self.core.phase == .draining { self.sendGoAway(Int(key.slot)) }
    }

    /// Where the connection is counted for its address; nil when it was refused, and is closed.
    private mutating func seat(_ descriptor: Int32) -> SourceSeat? {
        // Who comes over a Unix socket has no address.
        guard self.core.limitsSources, self.shared.configuration.unixPath == nil else { return SourceSeat.none }
        guard let address = self.kernel.peerAddress(descriptor) else {
            // It has gone before it was looked at, and must not be a way around the limits.
            self.kernel.close(descriptor, reset: true)
            self.core.connectionRefused(.peer)
            return nil
        }
        switch self.core.seat(for: address, nowNanoseconds: self.nowNanoseconds) {
        case .accepted(let seat): return seat
        case .refused(.tooManyConnections): self.shed(descriptor, .sourceConnections)
        case .refused(.handshakeQuota): self.shed(descriptor, .sourceRate)
        }
        return nil
    }

    /// Resets a connection that is one too many.
    private mutating func shed(_ descriptor: Int32, _ reason: GatewayMetrics.CloseReason) {
        self.events.tell(nowNanoseconds: self.nowNanoseconds) {
            .connectionShed(peer: SocketAddress(peerOf: descriptor), reason: reason.rawValue)
        }
        self.kernel.close(descriptor, reset: true)
        self.core.connectionRefused(reason)
    }

    /// Ends accepting; the final completion closes the listener.
    mutating func stopAccepting() {
        self.acceptRetryNanoseconds = nil
        guard let descriptor = self.listener?.descriptor else { return }
        if self.accepting {
            self.kernel.stopAccepting(descriptor, token: Self.listenerToken)
        } else {
            self.closeListener()
        }
    }

    /// Closing one of several listeners of a port resets what waits in its queue, so the queue is emptied first.
    mutating func closeListener() {
        guard let descriptor = self.listener?.descriptor else { return }
        while !self.stopping, let waiting = Listener.acceptPending(descriptor, nonBlocking: K.wantsNonBlocking) {
            self.accepted(waiting)
        }
        if let listener = self.listener.take() {
            self.kernel.close(listener.intoDescriptor(), reset: false)
        }
    }
}
