internal import Admission
internal import Gateway
internal import Reactor

/// One send per session and turn, and the ends of connections.
extension Worker where K: ~Copyable, I: ~Copyable {
    mutating func flushDirty() {
        // A slot may have ended since, and even have a new tenant: flushing that one early is harmless.
        for slot in self.dirty.lazy.map(Int.init) where self.connections.key(ofSlot: slot) != nil {
            self.connections[slot: slot].isDirty = false
            self.flush(slot)
        }
        self.dirty.removeAll(keepingCapacity: true)
    }

    /// Sends what there is, unless a send is in flight: its completion marks the session dirty again.
    private mutating func flush(_ slot: Int) {
        guard self.connections[slot: slot].ending == nil, !self.connections[slot: slot].sendSubmitted,
            let token = self.token(slot)
        else { return }
        while let block = self.nextToSend(slot) {
            let outcome = self.kernel.send(
                self.connections[slot: slot].descriptor, token: token, block,
                from: self.connections[slot: slot].sendingOffset)
            self.connections[slot: slot].sending = consume block
            switch outcome {
            case .submitted:
                self.connections[slot: slot].sendSubmitted = true
                return
            case .finished(let result):
                guard result >= 0 else {
                    self.end(slot, .error, reset: true)
                    return
                }
                self.sent(slot, bytes: Int(result))
            }
        }
        self.settle(slot)
    }

    /// What is left of the block that is being sent, or the next one; nil when there is none. The caller puts it into
    /// `sending`: its bytes stay where they are.
    private mutating func nextToSend(_ slot: Int) -> Block? {
        if let block = self.connections[slot: slot].sending.take() { return block }
        self.connections[slot: slot].sendingOffset = 0
        return self.connections[slot: slot].filling.take()
    }

    mutating func sendFinished(_ completion: Completion) {
        let slot = Int(completion.token.slot)
        guard self.isCurrent(completion.token) else {
            preconditionFailure("a send completed for a connection that is gone")
        }
        self.connections[slot: slot].sendSubmitted = false
        guard self.connections[slot: slot].ending == nil else {
            self.ended.append(UInt32(slot))
            return
        }
        guard completion.result >= 0 else {
            self.end(slot, .error, reset: true)
            return
        }
        self.sent(slot, bytes: Int(completion.result))
        if self.connections[slot: slot].isOutputEmpty { self.settle(slot) } else { self.flushLater(slot) }
    }

    /// Puts the slot on the list of those that are flushed at the end of the turn.
    mutating func flushLater(_ slot: Int) {
        guard !self.connections[slot: slot].isDirty else { return }
        self.connections[slot: slot].isDirty = true
        self.dirty.append(UInt32(slot))
    }

    /// Bytes have left: the block returns once all of it has.
    private mutating func sent(_ slot: Int, bytes: Int) {
        self.core.outputSent(slot, bytes: bytes, nowNanoseconds: self.nowNanoseconds)
        self.connections[slot: slot].sendingOffset += bytes
        if let block = self.connections[slot: slot].sending.take() {
            if self.connections[slot: slot].sendingOffset == block.count {
                self.connections[slot: slot].sendingOffset = 0
                self.pool.give(block)
            } else {
                self.connections[slot: slot].sending = consume block
            }
        }
        guard self.connections[slot: slot].isPaused else { return }
        if self.connections[slot: slot].backlogBytes <= self.core.limits.outputBacklogBytesMax / 2 {
            self.resumable.append(UInt32(slot))
        }
    }

    /// All that there was to send is sent, as far as this session goes: it may have waited for that to end.
    mutating func settle(_ slot: Int) {
        guard self.connections[slot: slot].ending == nil, self.connections[slot: slot].isOutputEmpty,
            !self.connections[slot: slot].isHeld
        else { return }
        self.perform(self.core.outputEmptied(slot, nowNanoseconds: self.nowNanoseconds), slot)
    }

    // MARK: Ends

    mutating func perform(_ action: SessionAction, _ slot: Int) {
        switch action {
        case .none: break
        case .shutdownWrite: self.kernel.shutdownWrite(self.connections[slot: slot].descriptor)
        case .close: self.end(slot, self.connections[slot: slot].reason, reset: false)
        case .abort: self.end(slot, self.connections[slot: slot].reason, reset: true)
        }
    }

    /// Marks a connection as ended. It is closed at the end of the turn, or once nothing of its is in flight.
    mutating func end(_ slot: Int, _ reason: GatewayMetrics.CloseReason, reset: Bool) {
        guard self.connections[slot: slot].ending == nil else { return }
        self.connections[slot: slot].ending = Connection.Ending(reset: reset)
        self.connections[slot: slot].reason = reason
        if !self.connections[slot: slot].isIdleInKernel {
            self.kernel.abort(self.connections[slot: slot].descriptor)
        }
        self.ended.append(UInt32(slot))
    }

    /// Closes a bounded number: the kernel takes some microseconds for each, and whoever stays must not wait for
    /// thousands that leave together. The rest is closed in the next turns, which do not sleep until then.
    mutating func closeEnded() {
        guard !self.ended.isEmpty else { return }
        var looked = 0
        var closed = 0
        while looked < self.ended.count, closed < Self.closesPerTurnMax {
            let slot = Int(self.ended[looked])
            looked += 1
            guard let key = self.connections.key(ofSlot: slot), let ending = self.connections[slot: slot].ending,
                self.connections[slot: slot].isIdleInKernel
            else { continue }
            self.connections[slot: slot].releaseBlocks(to: &self.pool)
            self.kernel.close(self.connections[slot: slot].descriptor, reset: ending.reset)
            self.core.disconnected(
                slot, reason: self.connections[slot: slot].reason, nowNanoseconds: self.nowNanoseconds)
            self.shared.connections.give()
            _ = self.connections.remove(key)
            closed += 1
        }
        self.ended.removeSubrange(..<looked)
    }

    // MARK: Names

    @inline(__always)
    func token(_ slot: Int) -> Token? {
        self.connections.key(ofSlot: slot).map { Token(slot: $0.slot, generation: $0.generation) }
    }

    @inline(__always)
    func isCurrent(_ token: Token) -> Bool {
        self.connections.contains(.init(slot: token.slot, generation: token.generation))
    }
}
