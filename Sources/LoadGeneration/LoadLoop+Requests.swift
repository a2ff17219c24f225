internal import OAP
internal import Reactor

/// From the schedule, or a free slot, to bytes on a connection.
extension LoadLoop where K: ~Copyable {
    /// Requests of one turn: answers that have come meanwhile must not wait for the rest of a long queue.
    private static var requestsPerTurnMax: Int { 4096 }

    /// Puts what is due on lanes with free slots, in rotation, and sends it.
    mutating func dispatch() {
        if self.isDispatching {
            let now = MonotonicClock.nowNanoseconds()
            if self.schedule == nil { self.dispatchFree(now) } else { self.dispatchDue(now) }
        }
        self.flushDirty()
    }

    /// Closed: a request for each free slot.
    private mutating func dispatchFree(_ nowNanoseconds: UInt64) {
        while let index = self.nextLane() {
            let count = min(self.slots.freeCount(index), self.lanes[index].requestsLeft)
            let appended = self.append(count, to: index, dueNanoseconds: nowNanoseconds, nowNanoseconds)
            self.interval.due += UInt64(appended)
            if nowNanoseconds >= self.timeline.measureStartNanoseconds { self.tally.due += UInt64(appended) }
        }
    }

    /// Open: a free slot for each request.
    private mutating func dispatchDue(_ nowNanoseconds: UInt64) {
        var left = Self.requestsPerTurnMax
        while true {
            let due = self.nextDueNanoseconds
            self.isBehind = due <= nowNanoseconds && left == 0
            guard due <= nowNanoseconds, left > 0 else { return }
            guard let index = self.nextLane() else {
                self.isBlocked = true
                return
            }
            if self.isBlocked {
                self.isBlocked = false
                self.slotsFreeNanoseconds = self.arrivalNanoseconds
            }
            guard self.append(1, to: index, dueNanoseconds: due, nowNanoseconds) == 1 else { continue }
            self.recordLag(dueNanoseconds: due, nowNanoseconds)
            self.schedule?.advance()
            self.makeReady(index)
            left -= 1
        }
    }

    @inline(__always)
    private mutating func recordLag(dueNanoseconds: UInt64, _ nowNanoseconds: UInt64) {
        let lag = nowNanoseconds - dueNanoseconds
        self.interval.lagNanosecondsMax = max(self.interval.lagNanosecondsMax, lag)
        guard dueNanoseconds >= self.timeline.measureStartNanoseconds else { return }
        let own = nowNanoseconds - max(dueNanoseconds, self.slotsFreeNanoseconds)
        self.tally.record(lagNanoseconds: lag, ownNanoseconds: own, count: 1)
    }

    // MARK: Lanes

    /// The lane whose turn it is among those that may take a request.
    @inline(__always)
    private mutating func nextLane() -> Int? {
        while let index = self.ready.pop() {
            self.lanes[index].isReady = false
            if self.mayTake(index) { return index }
        }
        return nil
    }

    @inline(__always)
    private func mayTake(_ index: Int) -> Bool {
        let lane = self.lanes[index]
        return !lane.sendSubmitted && !lane.isEnding && !lane.isGoingAway && !lane.isResting && lane.requestsLeft > 0
            && self.slots.freeCount(index) > 0
    }

    /// Puts the lane at the end of the rotation if it may take a request and is not in it.
    @inline(__always)
    mutating func makeReady(_ index: Int) {
        guard !self.lanes[index].isReady, self.mayTake(index) else { return }
        self.lanes[index].isReady = true
        self.ready.push(index)
    }

    mutating func markDirty(_ index: Int) {
        guard !self.lanes[index].isDirty else { return }
        self.lanes[index].isDirty = true
        self.dirty.append(index)
    }

    private mutating func flushDirty() {
        guard !self.dirty.isEmpty else { return }
        for index in self.dirty {
            self.lanes[index].isDirty = false
            self.flush(index)
        }
        self.dirty.removeAll(keepingCapacity: true)
    }

    /// Sends what the lane has collected, and what is left from before.
    private mutating func flush(_ index: Int) {
        let lane = self.lanes[index]
        guard !lane.isEnding, !lane.sendSubmitted, !lane.isClosed || self.open(index) else { return }
        while let block = lane.sending.take() {
            let requests = consume block
            let token = Token(slot: UInt32(index), generation: 0)
            let outcome = self.kernel.send(lane.descriptor, token: token, requests, from: lane.sendingOffset)
            lane.sending = consume requests
            switch outcome {
            case .submitted:
                lane.sendSubmitted = true
                return
            case .finished(let result):
                guard result >= 0 else {
                    self.lose(index, .failed(-result))
                    return
                }
                self.sent(lane, bytes: Int(result))
            }
        }
        self.makeReady(index)
    }

    mutating func sent(_ lane: Lane, bytes: Int) {
        if self.measuringNanoseconds != nil { self.tally.bytesOut += UInt64(bytes) }
        if lane.connectNanoseconds != 0 {
            if self.measuringNanoseconds != nil {
                self.tally.connected(nanoseconds: MonotonicClock.nowNanoseconds() - lane.connectNanoseconds)
            }
            lane.connectNanoseconds = 0
        }
        lane.sendingOffset += bytes
        guard let block = lane.sending.take() else { return }
        if lane.sendingOffset == block.count {
            lane.sendingOffset = 0
            self.pool.give(block)
        } else {
            lane.sending = consume block
        }
    }

    // MARK: Bytes

    /// Adds requests to what the lane sends next; returns how many, fewer only when there is no memory, which ends the
    /// lane.
    private mutating func append(
        _ count: Int, to index: Int, dueNanoseconds: UInt64, _ nowNanoseconds: UInt64
    ) -> Int {
        let lane = self.lanes[index]
        guard let block = lane.sending.take() ?? self.pool.take(atLeast: self.requestBytes(count)) else {
            self.lose(index, .memory)
            return 0
        }
        var requests = consume block
        var appended = 0
        // Room for the largest, so that nothing has to be looked at while a request is written.
        while appended < count,
            requests.room >= self.requestBytesMax || self.pool.grow(&requests, by: self.requestBytesMax)
        {
            self.append(to: index, &requests, dueNanoseconds, nowNanoseconds)
            appended += 1
        }
        lane.sending = consume requests
        lane.requestsLeft -= appended
        self.interval.sent += UInt64(appended)
        if dueNanoseconds >= self.timeline.measureStartNanoseconds { self.tally.sent += UInt64(appended) }
        if appended == count { self.markDirty(index) } else { self.lose(index, .memory) }
        return appended
    }

    /// Bytes for so many requests of common size, with a largest one at the end.
    private func requestBytes(_ count: Int) -> Int {
        (count - 1) * self.requestBytesTypical + self.requestBytesMax
    }

    @inline(__always)
    private mutating func append(
        to index: Int, _ requests: inout Block, _ dueNanoseconds: UInt64, _ nowNanoseconds: UInt64
    ) {
        var request = SlotTable.Request(dueNanoseconds: dueNanoseconds, sentNanoseconds: nowNanoseconds)
        request.tenant = self.draw.tenant()
        switch self.plan.workload {
        case .hello: self.append(header: request, index, payloadBytes: 0, &requests)
        case .ping:
            request.tag = self.draw.number()
            self.append(header: request, index, payloadBytes: self.plan.payloadBytes, &requests)
            PingPayload.append(request.tag, bytes: self.plan.payloadBytes, to: &requests)
        case .resolve:
            if let number = self.draw.key() {
                request.tag = KeyFingerprint.of(self.plan.keys[number])
                request.keyBytes = UInt16(truncatingIfNeeded: self.plan.keys[number].count)
                self.append(header: request, index, payloadBytes: Int(request.keyBytes), &requests)
                requests.append(self.plan.keys[number])
            } else {
                request.expectsAbsence = true
                self.append(header: request, index, payloadBytes: AbsentKey.byteCount, &requests)
                let key = AbsentKey.bytes(of: self.draw.number())
                requests.append(key.span)
            }
        case .resolveMany: self.appendMany(request, index, &requests)
        }
    }

    @inline(__always)
    private mutating func append(
        header request: SlotTable.Request, _ index: Int, payloadBytes: Int, _ requests: inout Block
    ) {
        var header = self.template
        header.tenant = UInt128(request.tenant)
        header.correlation = self.slots.take(index, request)
        header.frameBytes += UInt32(payloadBytes)
        requests.extend(by: FrameHeader.byteCount) { header.encode(into: &$0) }
    }

    /// A JSON array of keys. Its length is known when it is written, and so is what the answer has to show.
    private mutating func appendMany(_ request: SlotTable.Request, _ index: Int, _ requests: inout Block) {
        let start = requests.count
        requests.extend(by: FrameHeader.byteCount) { _ in }
        var tag = RecordList.fingerprintOfNone
        for place in 0..<self.plan.keysPerRequest {
            requests.append(UInt8(ascii: place == 0 ? "[" : ","))
            if let number = self.draw.key() {
                tag = RecordList.fingerprint(tag, KeyFingerprint.of(self.plan.keys[number]))
                RecordList.append(self.plan.keys[number], to: &requests)
            } else {
                tag = RecordList.fingerprint(tag, RecordList.fingerprintOfAbsent)
                let key = AbsentKey.bytes(of: self.draw.number())
                RecordList.append(key.span, to: &requests)
            }
        }
        requests.append(UInt8(ascii: "]"))
        var request = request
        request.tag = tag
        var header = self.template
        header.tenant = UInt128(request.tenant)
        header.correlation = self.slots.take(index, request)
        header.frameBytes = UInt32(requests.count - start)
        requests.patch(start..<(start + FrameHeader.byteCount)) { header.encode(into: &$0) }
    }
}
