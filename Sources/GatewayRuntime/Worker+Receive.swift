internal import Admission
internal import Gateway
internal import OAP
internal import Reactor
internal import Telemetry

/// From a completion to whole frames. Bytes are decoded where the kernel put them and copied only when a frame is
/// split.
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

    private mutating func decode(_ slot: Int, kept block: consuming Block) {
        self.decode(slot, block.bytes)
        self.pool.give(block)
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
        self.decode(slot, rest)
    }

    /// Serves the frames at the start of `bytes` and keeps what is left of them.
    private mutating func decode(_ slot: Int, _ bytes: Span<UInt8>) {
        var offset = 0
        while offset < bytes.count {
            guard self.connections[slot: slot].ending == nil, self.core.serves(slot) else { return }
            let rest = bytes.extracting(offset...)
            if self.isBacklogged(slot) {
                self.pause(slot)
                self.keep(slot, rest, total: FrameHeader.byteCount)
                return
            }
            switch self.core.decoder.step(rest) {
            case .frame(let header):
                self.serve(slot, header, rest.extracting(header.payloadRange))
                offset += Int(header.frameBytes)
            case .needMore(let total):
                self.keep(slot, rest, total: total)
                return
            case .refused(let code, let header):
                self.connections[slot: slot].reason = .refused
                self.tellRefused(slot, code, header, rest)
                self.carryOut(self.core.headerRefused(slot, code, header), slot, Span())
                return
            }
        }
    }

    /// Appends to what is kept. Returns how many bytes it took once that is decoded; nil while it cannot be.
    private mutating func assemble(_ slot: Int, _ bytes: Span<UInt8>) -> Int? {
        var consumed = 0
        while let block = self.connections[slot: slot].assembly.take() {
            var frame = consume block
            let isPaused = self.connections[slot: slot].isPaused
            let missing = isPaused ? bytes.count : self.connections[slot: slot].assemblyTotal - frame.count
            let taken = min(missing, bytes.count - consumed)
            guard self.extend(slot, &frame, bytes.extracting(consumed..<(consumed + taken))) else {
                self.pool.give(frame)
                return nil
            }
            consumed += taken
            if isPaused {
                self.connections[slot: slot].assembly = consume frame
                return nil
            }
            if taken < missing {
                self.core.partialReceived(slot, bytes: taken, nowNanoseconds: self.nowNanoseconds)
                self.connections[slot: slot].assembly = consume frame
                return nil
            }
            // The frame is whole, or only its header is, which then says how long the frame will be.
            if case .needMore(let total) = self.core.decoder.step(frame.bytes) {
                self.connections[slot: slot].assemblyTotal = total
                self.connections[slot: slot].assembly = consume frame
                continue
            }
            self.core.partialEnded(slot, nowNanoseconds: self.nowNanoseconds)
            self.decode(slot, kept: frame)
            return consumed
        }
        return consumed
    }

    /// Appends to a kept block. False, with the session ended, when there is no memory: growth is by doubling and
    /// never to the announced length before the bytes are there, since a header costs its sender 38 bytes and must
    /// not cost us a mebibyte.
    private mutating func extend(_ slot: Int, _ block: inout Block, _ bytes: Span<UInt8>) -> Bool {
        if block.room < bytes.count, !self.pool.grow(&block, by: bytes.count) {
            self.memoryExhausted(slot, block.bytes)
            return false
        }
        block.append(bytes)
        return true
    }

    /// Keeps bytes that cannot be decoded yet, behind those that are kept already.
    private mutating func keep(_ slot: Int, _ bytes: Span<UInt8>, total: Int) {
        if let block = self.connections[slot: slot].assembly.take() {
            var kept = consume block
            guard self.extend(slot, &kept, bytes) else {
                self.pool.give(kept)
                return
            }
            self.connections[slot: slot].assembly = consume kept
            return
        }
        guard let block = self.pool.take(atLeast: bytes.count) else {
            self.memoryExhausted(slot, bytes)
            return
        }
        var kept = consume block
        kept.append(bytes)
        self.connections[slot: slot].assemblyTotal = total
        self.connections[slot: slot].assembly = consume kept
        if !self.connections[slot: slot].isPaused {
            self.core.partialReceived(slot, bytes: bytes.count, nowNanoseconds: self.nowNanoseconds)
        }
    }

    /// The pool has no memory for a frame: its sender is told, when the header is there to answer to, and the session
    /// ends.
    private mutating func memoryExhausted(_ slot: Int, _ frame: Span<UInt8>) {
        self.connections[slot: slot].reason = .memory
        guard frame.count >= FrameHeader.byteCount, case .needMore = self.core.decoder.step(frame) else {
            self.end(slot, .memory, reset: true)
            return
        }
        self.carryOut(self.core.outOfMemory(slot, FrameHeader(peeking: frame)), slot, Span())
    }

    // MARK: Pauses

    private mutating func isBacklogged(_ slot: Int) -> Bool {
        self.connections[slot: slot].backlogBytes > self.core.limits.outputBacklogBytesMax
    }

    /// Stops reading from a peer that does not read: the kernel's window then pushes back.
    private mutating func pause(_ slot: Int) {
        guard !self.connections[slot: slot].isPaused, let token = self.token(slot) else { return }
        self.connections[slot: slot].isPaused = true
        self.core.outputStalled(slot, nowNanoseconds: self.nowNanoseconds)
        guard self.connections[slot: slot].receiving, !self.connections[slot: slot].receiveStopping else { return }
        self.connections[slot: slot].receiveStopping = true
        self.kernel.stopReceiving(self.connections[slot: slot].descriptor, token: token)
    }

    /// Decodes what paused sessions have kept, once their backlog has fallen.
    mutating func resumePaused() {
        guard !self.resumable.isEmpty else { return }
        let slots = self.resumable
        self.resumable.removeAll(keepingCapacity: true)
        for slot in slots.lazy.map(Int.init) {
            guard self.connections.key(ofSlot: slot) != nil, self.connections[slot: slot].isPaused,
                self.connections[slot: slot].ending == nil
            else { continue }
            self.connections[slot: slot].isPaused = false
            self.core.outputResumed(slot, nowNanoseconds: self.nowNanoseconds)
            if let block = self.connections[slot: slot].assembly.take() {
                self.decode(slot, kept: block)
            }
            self.rearmLater(slot)
            if self.connections[slot: slot].isOutputEmpty {
                self.perform(self.core.outputEmptied(slot, nowNanoseconds: self.nowNanoseconds), slot)
            }
        }
    }

    // MARK: Arming

    mutating func rearmLater(_ slot: Int) { self.rearm.append(UInt32(slot)) }

    /// Arms receives that ended, now that the buffers of this turn are home.
    mutating func rearmReceives() {
        guard !self.rearm.isEmpty else { return }
        for slot in self.rearm.lazy.map(Int.init) {
            guard self.connections.key(ofSlot: slot) != nil, !self.connections[slot: slot].receiving,
                self.connections[slot: slot].ending == nil, !self.connections[slot: slot].isPaused,
                !self.connections[slot: slot].peerHasEnded
            else { continue }
            self.startReceiving(slot)
        }
        self.rearm.removeAll(keepingCapacity: true)
    }

    private mutating func peerEnded(_ slot: Int) {
        guard self.connections[slot: slot].ending == nil else { return }
        self.connections[slot: slot].peerHasEnded = true
        if !self.connections[slot: slot].isPaused, let block = self.connections[slot: slot].assembly.take() {
            self.pool.give(block)
        }
        let outputEmpty = self.connections[slot: slot].isOutputEmpty
        self.perform(self.core.peerEnded(slot, outputEmpty: outputEmpty), slot)
    }

    private mutating func tellRefused(_ slot: Int, _ code: ErrorCode, _ header: FrameHeader, _ bytes: Span<UInt8>) {
        self.events.tell(
            .headerRefused(
                peer: SocketAddress(peerOf: self.connections[slot: slot].descriptor), code: code,
                looksLike: ForeignProtocol(bytes), correlation: header.correlation),
            nowNanoseconds: self.nowNanoseconds)
    }
}
