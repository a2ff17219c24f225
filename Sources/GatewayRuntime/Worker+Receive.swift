internal import Admission
internal import Gateway
internal import OAP
internal import Reactor
internal import Telemetry

/// From a completion to its bytes, and back to a receive.
extension Worker where K: ~Copyable, I: ~Copyable {
    /// A kernel that cannot watch one more descriptor (epoll's limit per user) costs that connection, not the worker.
    mutating func startReceiving(_ slot: Int) {
        guard let token = self.token(slot) else { return }
        do throws(SystemError) {
            try self.kernel.startReceiving(self.connections[slot: slot].descriptor, token: token)
            self.connections[slot: slot].receiving = true
            self.connections[slot: slot].receiveStopping = false
        } catch {
            self.events.tell(.acceptFailed(error), nowNanoseconds: self.nowNanoseconds)
            self.end(slot, .error, reset: true)
        }
    }

    mutating func receiveFinished(_ completion: Completion) {
        let slot = Int(completion.token.slot)
        guard self.isCurrent(completion.token) else {
            // A receive ends before its descriptor closes, so this would be a late completion's only way to a
            // stranger.
            preconditionFailure("a receive completed for a connection that is gone")
        }
        if completion.isFinal { self.connections[slot: slot].receiving = false }
        if completion.result > 0 {
            self.core.telemetry.add(self.core.metrics.bytesIn, UInt64(completion.result))
            self.received(slot, lent: self.kernel.take(completion))
            if completion.isFinal { self.rearmLater(slot) }
        } else if completion.result == 0 {
            self.peerEnded(slot)
        } else if completion.result == -ErrnoCode.noBuffers {
            self.core.telemetry.add(self.core.metrics.buffersExhausted)
            self.rearmLater(slot)
        } else if completion.result == -ErrnoCode.cancelled {
            self.rearmLater(slot)
        } else {
            self.end(slot, .error, reset: true)
        }
        if self.connections[slot: slot].ending != nil { self.ended.append(UInt32(slot)) }
    }

    private mutating func received(_ slot: Int, lent buffer: consuming LentBuffer) {
        self.received(slot, buffer.bytes)
        self.kernel.give(buffer)
    }

    private mutating func received(_ slot: Int, _ bytes: Span<UInt8>) {
        guard self.connections[slot: slot].ending == nil else { return }
        guard self.core.serves(slot) else {
            self.perform(self.core.discarded(slot, bytes: bytes.count), slot)
            return
        }
        var rest = bytes
        if self.connections[slot: slot].assembly != nil {
            guard let consumed = self.assemble(slot, bytes) else { return }
            rest = bytes.extracting(consumed...)
        }
        self.decode(slot, arrived: rest)
    }

    // MARK: Arming

    mutating func rearmLater(_ slot: Int) { self.rearm.append(UInt32(slot)) }

    /// Arms receives that ended, now that the buffers of this turn are home.
    mutating func rearmReceives() {
        guard !self.rearm.isEmpty else { return }
        for slot in self.rearm.lazy.map(Int.init) {
            guard self.connections.key(ofSlot: slot) != nil, !self.connections[slot: slot].receiving,
                self.connections[slot: slot].ending == nil, !self.connections[slot: slot].isHeld,
                !self.connections[slot: slot].peerHasEnded
            else { continue }
            self.startReceiving(slot)
        }
        self.rearm.removeAll(keepingCapacity: true)
    }

    private mutating func peerEnded(_ slot: Int) {
        guard self.connections[slot: slot].ending == nil else { return }
        self.connections[slot: slot].peerHasEnded = true
        let isHeld = self.connections[slot: slot].isHeld
        if !isHeld, let block = self.connections[slot: slot].assembly.take() { self.pool.give(block) }
        // What is kept will be answered yet.
        let outputEmpty = self.connections[slot: slot].isOutputEmpty && !isHeld
        self.perform(self.core.peerEnded(slot, outputEmpty: outputEmpty), slot)
    }
}
