internal import Admission
internal import Gateway
internal import OAP
internal import Reactor
internal import Telemetry

/// From bytes to whole frames. They are decoded where the kernel put them and copied only when a frame is split, or when
/// the session may not be served further now.
///
/// ```
///  lent buffer │ frame │ frame │ fra        kept block │ decoded before │ frame │ frame │ fra
///                              └ partial ──► keep       └ assemblyOffset        └ held: the block stays, the offset moves
/// ```
extension Worker where K: ~Copyable, I: ~Copyable {
    /// How far `decode` came.
    private enum Decoded {
        /// To the end, or to where the session takes no more.
        case finished
        /// The bytes from `offset` are the beginning of a frame, which can be decoded further once `total` are there.
        case partial(offset: Int, total: Int)
        /// The frames from `offset` may not be served now.
        case held(offset: Int)
    }

    /// Serves the frames at the start of `bytes` and keeps what is left of them.
    mutating func decode(_ slot: Int, arrived bytes: Span<UInt8>) {
        switch self.decode(slot, bytes) {
        case .finished: break
        case .partial(let offset, let total): self.keep(slot, bytes.extracting(offset...), total: total)
        case .held(let offset): self.keep(slot, bytes.extracting(offset...), total: FrameHeader.byteCount)
        }
    }

    /// As above for what was kept.
    private mutating func decode(_ slot: Int, kept block: consuming Block) {
        let start = self.connections[slot: slot].assemblyOffset
        self.connections[slot: slot].assemblyOffset = 0
        switch self.decode(slot, block.bytes.extracting(start...)) {
        case .finished:
            self.pool.give(block)
        case .partial(let offset, let total):
            self.keep(slot, block.bytes.extracting((start + offset)...), total: total)
            self.pool.give(block)
        case .held(let offset):
            // Not copied: a peer that has sent thousands of frames would have its bytes copied turn after turn.
            self.connections[slot: slot].assemblyOffset = start + offset
            self.connections[slot: slot].assembly = consume block
        }
    }

    private mutating func decode(_ slot: Int, _ bytes: Span<UInt8>) -> Decoded {
        var offset = 0
        while offset < bytes.count {
            guard self.connections[slot: slot].ending == nil, self.core.serves(slot) else { return .finished }
            if self.isBacklogged(slot) {
                self.pause(slot)
                return .held(offset: offset)
            }
            let rest = bytes.extracting(offset...)
            switch self.core.decoder.step(rest) {
            case .frame(let header):
                guard self.takesShare(slot, bytes: header.frameBytes) else {
                    self.rest(slot)
                    return .held(offset: offset)
                }
                self.serve(slot, header, rest.extracting(header.payloadRange))
                offset += Int(header.frameBytes)
            case .needMore(let total):
                return .partial(offset: offset, total: total)
            case .refused(let code, let header):
                self.connections[slot: slot].reason = .refused
                self.tellRefused(slot, code, header, rest)
                self.carryOut(self.core.headerRefused(slot, code, header), slot, Span())
                return .finished
            }
        }
        return .finished
    }

    /// Appends to what is kept. Returns how many bytes it took once that is decoded; nil while it cannot be.
    mutating func assemble(_ slot: Int, _ bytes: Span<UInt8>) -> Int? {
        var consumed = 0
        while let block = self.connections[slot: slot].assembly.take() {
            var frame = consume block
            let isHeld = self.connections[slot: slot].isHeld
            let missing = isHeld ? bytes.count : self.connections[slot: slot].assemblyTotal - frame.count
            let taken = min(missing, bytes.count - consumed)
            guard self.extend(slot, &frame, bytes.extracting(consumed..<(consumed + taken))) else {
                self.pool.give(frame)
                return nil
            }
            consumed += taken
            if isHeld {
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
        if !self.connections[slot: slot].isHeld {
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

    // MARK: Shares

    /// Counts a frame against the session's share of this turn; false, with nothing counted, when that is spent. The first
    /// frame of a turn is always served, however large it is.
    @inline(__always)
    private mutating func takesShare(_ slot: Int, bytes: UInt32) -> Bool {
        var share = self.connections[slot: slot].share
        if share.turn == self.turnNumber {
            guard share.frames < self.core.limits.turnFramesMax, share.bytes < self.core.limits.turnBytesMax else {
                return false
            }
            share.frames += 1
            share.bytes += bytes
        } else {
            share = Connection.TurnShare(turn: self.turnNumber, frames: 1, bytes: bytes)
        }
        self.connections[slot: slot].share = share
        return true
    }

    /// Lets everybody else be served first.
    private mutating func rest(_ slot: Int) {
        guard !self.connections[slot: slot].isResting else { return }
        self.connections[slot: slot].isResting = true
        self.resting.append(UInt32(slot))
        self.core.telemetry.add(self.core.metrics.turnSharesSpent)
    }

    /// Decodes what those have kept who had spent their share in the turn before. Whoever spends it again is not read from
    /// until all is decoded, so that the kernel's window pushes back: once could have been a burst.
    mutating func resumeRested() {
        guard !self.rested.isEmpty || !self.resting.isEmpty else { return }
        for slot in self.rested.lazy.map(Int.init) {
            guard self.connections.key(ofSlot: slot) != nil, self.connections[slot: slot].isResting,
                self.connections[slot: slot].ending == nil
            else { continue }
            self.connections[slot: slot].isResting = false
            self.resume(slot)
            if self.connections[slot: slot].isResting { self.stopReading(slot) }
        }
        self.rested.removeAll(keepingCapacity: true)
        swap(&self.rested, &self.resting)
    }

    private mutating func resume(_ slot: Int) {
        if let block = self.connections[slot: slot].assembly.take() { self.decode(slot, kept: block) }
        guard !self.connections[slot: slot].isHeld else { return }
        self.rearmLater(slot)
        if self.connections[slot: slot].isOutputEmpty {
            self.perform(self.core.outputEmptied(slot, nowNanoseconds: self.nowNanoseconds), slot)
        }
    }

    // MARK: Pauses

    /// Mutating for Swift 6.2, which takes the call on a borrowed connection of a borrowed worker for a conflict.
    private mutating func isBacklogged(_ slot: Int) -> Bool {
        self.connections[slot: slot].backlogBytes > self.core.limits.outputBacklogBytesMax
    }

    /// Stops reading from a peer that does not read: the kernel's window then pushes back.
    private mutating func pause(_ slot: Int) {
        guard !self.connections[slot: slot].isPaused else { return }
        self.connections[slot: slot].isPaused = true
        self.core.outputStalled(slot, nowNanoseconds: self.nowNanoseconds)
        self.stopReading(slot)
    }

    private mutating func stopReading(_ slot: Int) {
        guard self.connections[slot: slot].receiving, !self.connections[slot: slot].receiveStopping,
            let token = self.token(slot)
        else { return }
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
            self.resume(slot)
        }
    }

    private mutating func tellRefused(_ slot: Int, _ code: ErrorCode, _ header: FrameHeader, _ bytes: Span<UInt8>) {
        self.events.tell(
            .headerRefused(
                peer: SocketAddress(peerOf: self.connections[slot: slot].descriptor), code: code,
                looksLike: ForeignProtocol(bytes), correlation: header.correlation),
            nowNanoseconds: self.nowNanoseconds)
    }
}
