internal import Admission
internal import Forwarding
internal import Gateway
internal import OAP
internal import Reactor
internal import Telemetry

/// The bytes of links, and their ends. As for sessions, a descriptor is closed only when nothing of it is in flight.
extension Worker where K: ~Copyable, I: ~Copyable {
    // MARK: Receiving

    mutating func linkReceived(_ completion: Completion) {
        guard let slot = self.links?.slot(of: completion.token) else { return }
        if completion.isFinal { self.links?.links[slot: slot].receiving = false }
        if completion.result > 0 {
            self.linkReceived(slot, lent: self.kernel.take(completion))
            if completion.isFinal { self.links?.rearm.append(UInt32(slot)) }
        } else if completion.result == 0 {
            self.dropLink(slot, "the backend has closed the connection")
        } else if completion.result == -ErrnoCode.noBuffers || completion.result == -ErrnoCode.cancelled {
            self.links?.rearm.append(UInt32(slot))
        } else {
            self.dropLink(slot, code: -completion.result, "recv")
        }
        if self.links?.links[slot: slot].isEnding == true { self.links?.ended.append(UInt32(slot)) }
    }

    private mutating func linkReceived(_ slot: Int, lent buffer: consuming LentBuffer) {
        self.linkReceived(slot, buffer.bytes)
        self.kernel.give(buffer)
    }

    private mutating func linkReceived(_ slot: Int, _ bytes: Span<UInt8>) {
        self.links?.links[slot: slot].hasHeard = true
        guard let block = self.links?.links[slot: slot].assembly.take() else {
            self.keep(slot, bytes.extracting(self.decodeLink(slot, bytes)...))
            return
        }
        var frame = consume block
        guard frame.room >= bytes.count || self.pool.grow(&frame, by: bytes.count) else {
            self.pool.give(frame)
            self.dropLink(slot, "no memory for answers")
            return
        }
        frame.append(bytes)
        let consumed =
            frame.count < (self.links?.links[slot: slot].assemblyTotal ?? 0) ? 0 : self.decodeLink(slot, frame.bytes)
        if consumed == 0 {
            self.links?.links[slot: slot].assembly = consume frame
            return
        }
        self.keep(slot, frame.bytes.extracting(consumed...))
        self.pool.give(frame)
    }

    /// Keeps the beginning of a frame.
    private mutating func keep(_ slot: Int, _ bytes: Span<UInt8>) {
        guard bytes.count > 0, self.links?.links[slot: slot].isEnding == false else { return }
        guard let block = self.pool.take(atLeast: bytes.count) else {
            self.dropLink(slot, "no memory for answers")
            return
        }
        var kept = consume block
        kept.append(bytes)
        self.links?.links[slot: slot].assembly = consume kept
    }

    /// Hands whole frames to the forwarder. Returns how many bytes they took.
    private mutating func decodeLink(_ slot: Int, _ bytes: Span<UInt8>) -> Int {
        var offset = 0
        while offset < bytes.count, self.links?.links[slot: slot].isEnding == false,
            let key = self.links?.links[slot: slot].key,
            let step = self.links?.decoder.step(bytes.extracting(offset...))
        {
            switch step {
            case .needMore(let total):
                self.links?.links[slot: slot].assemblyTotal = total
                return offset
            case .frame(let header):
                let payload = bytes.extracting(
                    (offset + header.payloadRange.lowerBound)..<(offset + header.payloadRange.upperBound))
                self.received(key, header, payload)
                offset += Int(header.frameBytes)
            case .refused:
                if case .dropped(let reason) = self.links?.forwarder.headerRefused(
                    key, nowNanoseconds: self.nowNanoseconds)
                {
                    self.violated(slot, reason)
                }
                return offset
            }
        }
        return offset
    }

    mutating func receiveLink(_ slot: Int) {
        guard let token = self.links?.token(slot), let descriptor = self.links?.links[slot: slot].descriptor else {
            return
        }
        do throws(SystemError) {
            try self.kernel.startReceiving(descriptor, token: token)
            self.links?.links[slot: slot].receiving = true
        } catch {
            self.dropLink(slot, error.description)
        }
    }

    mutating func rearmLinks() {
        guard let slots = self.links?.rearm, !slots.isEmpty else { return }
        self.links?.rearm.removeAll(keepingCapacity: true)
        for slot in slots.lazy.map(Int.init)
        where self.links?.links.key(ofSlot: slot) != nil && self.links?.links[slot: slot].receiving == false
            && self.links?.links[slot: slot].isEnding == false
        { self.receiveLink(slot) }
    }

    // MARK: Sending

    mutating func flushLinks() {
        guard let slots = self.links?.dirty, !slots.isEmpty else { return }
        self.links?.dirty.removeAll(keepingCapacity: true)
        for slot in slots.lazy.map(Int.init) where self.links?.links.key(ofSlot: slot) != nil {
            self.links?.links[slot: slot].isDirty = false
            self.flushLink(slot)
        }
    }

    private mutating func flushLink(_ slot: Int) {
        guard self.links?.links[slot: slot].isEnding == false, self.links?.links[slot: slot].sendSubmitted == false,
            let token = self.links?.token(slot), let descriptor = self.links?.links[slot: slot].descriptor
        else { return }
        while let block = self.nextToSend(link: slot) {
            let offset = self.links?.links[slot: slot].sendingOffset ?? 0
            let outcome = self.kernel.send(descriptor, token: token, block, from: offset)
            self.links?.links[slot: slot].sending = consume block
            switch outcome {
            case .submitted:
                self.links?.links[slot: slot].sendSubmitted = true
                return
            case .finished(let result):
                guard result >= 0 else { return self.dropLink(slot, code: -result, "send") }
                self.linkSent(slot, bytes: Int(result))
            }
        }
    }

    private mutating func nextToSend(link slot: Int) -> Block? {
        if let block = self.links?.links[slot: slot].sending.take() { return block }
        self.links?.links[slot: slot].sendingOffset = 0
        return self.links?.links[slot: slot].filling.take()
    }

    mutating func linkSendFinished(_ completion: Completion) {
        guard let slot = self.links?.slot(of: completion.token) else { return }
        self.links?.links[slot: slot].sendSubmitted = false
        if self.links?.links[slot: slot].isEnding == true {
            self.links?.ended.append(UInt32(slot))
        } else if completion.result < 0 {
            self.dropLink(slot, code: -completion.result, "send")
        } else {
            self.linkSent(slot, bytes: Int(completion.result))
            // Not now: a receive of the same turn says better why a connection has failed.
            self.links?.markDirty(slot)
        }
    }

    /// Bytes have left: the block returns once all of it has.
    private mutating func linkSent(_ slot: Int, bytes: Int) {
        let offset = (self.links?.links[slot: slot].sendingOffset ?? 0) + bytes
        self.links?.links[slot: slot].sendingOffset = offset
        guard let block = self.links?.links[slot: slot].sending.take() else { return }
        if offset == block.count {
            self.links?.links[slot: slot].sendingOffset = 0
            self.pool.give(block)
        } else {
            self.links?.links[slot: slot].sending = consume block
        }
        self.links?.clogOrClear(slot)
    }

    // MARK: Ends

    /// As below; a call that failed before anything was heard is the connect.
    private mutating func dropLink(_ slot: Int, code: Int32, _ call: String) {
        guard let links = self.linkFacts(slot) else { return }
        let error = SystemError(call: links.hasHeard ? call : "connect", code: code, subject: links.address)
        self.dropLink(slot, error.description)
    }

    private func linkFacts(_ slot: Int) -> (hasHeard: Bool, endpoint: Int, address: String)? {
        switch self.links {
        case .some(let links):
            (
                links.links[slot: slot].hasHeard, links.links[slot: slot].endpoint,
                links.endpoints[links.links[slot: slot].endpoint].description
            )
        case .none: nil
        }
    }

    /// The network, the backend or want of memory has ended a connection: the forwarder is told.
    mutating func dropLink(_ slot: Int, _ why: String) {
        guard self.links?.links[slot: slot].isEnding == false, let key = self.links?.links[slot: slot].key else {
            return
        }
        self.links?.forwarder.disconnected(key, nowNanoseconds: self.nowNanoseconds)
        self.lose(slot, why)
    }

    /// The forwarder has ended a connection, or knows that it has.
    mutating func lose(_ slot: Int, _ why: String) {
        guard self.links?.links[slot: slot].isEnding == false, let facts = self.linkFacts(slot) else { return }
        self.endLink(slot)
        self.troubled(why.contains(facts.address) ? why : "\(facts.address): \(why)", endpoint: facts.endpoint)
    }

    private mutating func endLink(_ slot: Int) {
        self.links?.links[slot: slot].isEnding = true
        if self.links?.links[slot: slot].isIdleInKernel == false,
            let descriptor = self.links?.links[slot: slot].descriptor
        {
            self.kernel.abort(descriptor)
        }
        self.links?.ended.append(UInt32(slot))
    }

    /// At the end of a turn: closes what has ended, and everything once nobody is left to forward for.
    mutating func settleLinks() {
        if self.hasNoClients { self.endLinks() }
        self.rearmLinks()
        self.closeEndedLinks()
        self.measureLinks()
    }

    /// Ends every connection at once and returns their descriptors, which are closed when the kernel is gone.
    mutating func abandonLinks() -> [Int32] {
        guard let count = self.links?.links.slotsTouched else { return [] }
        var descriptors: [Int32] = []
        for slot in 0..<count {
            guard let key = self.links?.links.key(ofSlot: slot),
                let descriptor = self.links?.links[slot: slot].descriptor
            else { continue }
            self.kernel.abort(descriptor)
            descriptors.append(descriptor)
            self.links?.links[slot: slot].releaseBlocks(to: &self.pool)
            _ = self.links?.links.remove(key)
        }
        return descriptors
    }

    /// Publishes what the forwarder has counted.
    mutating func measureLinks() {
        guard let metrics = self.core.metrics.backend, let counts = self.links?.forwarder.counts,
            let ready = self.links?.forwarder.readyCount
        else { return }
        let telemetry = self.core.telemetry
        telemetry.set(metrics.connections, UInt64(ready))
        telemetry.set(metrics.requests, counts.requests)
        telemetry.set(metrics.retries, counts.retries)
        telemetry.set(metrics.ejections, counts.ejections)
        for (place, reason) in ForwardFailure.allCases.enumerated() {
            telemetry.set(metrics.failures + place, counts.failures(reason))
        }
        for (place, reason) in DropReason.allCases.enumerated() {
            telemetry.set(metrics.losses + place, counts.drops(reason))
        }
    }

    /// When the forwarder has an order; nil without a backend.
    var nextOrderNanoseconds: UInt64? {
        switch self.links {
        case .some(let links): links.ended.isEmpty && links.rearm.isEmpty ? links.forwarder.nextDeadlineNanoseconds : 0
        case .none: nil
        }
    }

    private mutating func endLinks() {
        guard let count = self.links?.links.slotsTouched else { return }
        for slot in 0..<count
        where self.links?.links.key(ofSlot: slot) != nil && self.links?.links[slot: slot].isEnding == false {
            self.endLink(slot)
        }
    }

    mutating func closeEndedLinks() {
        guard let slots = self.links?.ended, !slots.isEmpty else { return }
        self.links?.ended.removeAll(keepingCapacity: true)
        for slot in slots.lazy.map(Int.init) {
            guard let key = self.links?.links.key(ofSlot: slot), self.links?.links[slot: slot].isIdleInKernel == true,
                let descriptor = self.links?.links[slot: slot].descriptor
            else { continue }
            self.links?.links[slot: slot].releaseBlocks(to: &self.pool)
            self.kernel.close(descriptor, reset: true)
            _ = self.links?.links.remove(key)
        }
    }
}
