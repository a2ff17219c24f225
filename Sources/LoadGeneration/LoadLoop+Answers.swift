internal import OAP
internal import Reactor

/// From received bytes to checked answers. Bytes are decoded where the kernel put them and copied only when a frame is
/// split.
extension LoadLoop where K: ~Copyable {
    /// Answers of one send mostly come in one receive, with the same times: they are recorded together.
    private struct TimeRun {
        var dueNanoseconds: UInt64 = 0
        var sentNanoseconds: UInt64 = 0
        var count: UInt64 = 0
    }

    mutating func received(_ index: Int, _ lane: Lane, _ bytes: Span<UInt8>) {
        var offset = 0
        while lane.assembly != nil {
            guard let consumed = self.assemble(index, lane, bytes.extracting(offset...)) else { return }
            offset += consumed
        }
        self.decode(index, lane, bytes.extracting(offset...))
        if index < self.carryingCount {
            self.makeReady(index)
            self.retireIfSpent(index)
        }
    }

    /// Takes the answers at the start of `bytes` and keeps what is left of them.
    private mutating func decode(_ index: Int, _ lane: Lane, _ bytes: Span<UInt8>) {
        var run = TimeRun()
        var offset = 0
        while offset < bytes.count, !lane.isEnding {
            let rest = bytes.extracting(offset...)
            switch self.decoder.step(rest) {
            case .frame(let header):
                self.take(index, lane, header, rest.extracting(header.payloadRange), &run)
                offset += Int(header.frameBytes)
            case .needMore:
                self.keep(index, lane, rest)
                offset = bytes.count
            case .refused(let code, _):
                self.lose(index, .malformed(code))
            }
        }
        self.record(run)
    }

    @inline(__always)
    private mutating func record(_ run: TimeRun) {
        guard run.count > 0 else { return }
        let latency = self.arrivalNanoseconds &- run.dueNanoseconds
        self.interval.latencies.record(latency, count: run.count)
        guard run.dueNanoseconds >= self.timeline.measureStartNanoseconds else { return }
        let service = self.schedule == nil ? nil : self.arrivalNanoseconds &- run.sentNanoseconds
        self.tally.record(latencyNanoseconds: latency, serviceNanoseconds: service, count: run.count)
    }

    // MARK: Split frames

    private mutating func keep(_ index: Int, _ lane: Lane, _ bytes: Span<UInt8>) {
        guard let block = self.pool.take(atLeast: bytes.count) else {
            self.lose(index, .memory)
            return
        }
        var kept = consume block
        kept.append(bytes)
        lane.assembly = consume kept
    }

    /// Appends to the frame that is kept; returns how many bytes it took, or nil when the frame is not whole yet.
    private mutating func assemble(_ index: Int, _ lane: Lane, _ bytes: Span<UInt8>) -> Int? {
        var consumed = 0
        while let block = lane.assembly.take() {
            var frame = consume block
            switch self.decoder.step(frame.bytes) {
            case .needMore(let total):
                let taken = min(total - frame.count, bytes.count - consumed)
                guard taken > 0 else {
                    lane.assembly = consume frame
                    return nil
                }
                guard frame.room >= taken || self.pool.grow(&frame, by: taken) else {
                    self.pool.give(frame)
                    self.lose(index, .memory)
                    return nil
                }
                frame.append(bytes.extracting(consumed..<(consumed + taken)))
                consumed += taken
                lane.assembly = consume frame
            case .frame, .refused:
                self.decode(index, lane, frame.bytes)
                self.pool.give(frame)
                return consumed
            }
        }
        return consumed
    }

    // MARK: Checks

    private mutating func take(
        _ index: Int, _ lane: Lane, _ header: FrameHeader, _ payload: Span<UInt8>, _ run: inout TimeRun
    ) {
        guard index < self.carryingCount, header.flags.contains(.response), !header.flags.contains(.request),
            !header.flags.contains(.event), let request = self.slots.give(index, correlation: header.correlation)
        else {
            self.takeUnasked(index, lane, header)
            return
        }
        self.interval.answers += 1
        let isRight =
            header.application == self.plan.workload.application && header.tenant == UInt128(request.tenant)
        let isSuccess =
            header.code == 200
            ? self.takeAnswer(request, payload, isRight && header.flags == self.plan.workload.answerFlags)
            : self.takeError(request, header, payload, isRight)
        guard isSuccess else {
            self.interval.errors += 1
            return
        }
        // What was refused for lack of capacity says nothing of how long an answer takes, expected or not.
        guard header.code != 429, header.code != 503 else { return }
        if request.dueNanoseconds != run.dueNanoseconds || request.sentNanoseconds != run.sentNanoseconds {
            self.record(run)
            run = TimeRun(dueNanoseconds: request.dueNanoseconds, sentNanoseconds: request.sentNanoseconds)
        }
        run.count += 1
    }

    @inline(__always)
    private mutating func takeAnswer(
        _ request: SlotTable.Request, _ payload: Span<UInt8>, _ isRight: Bool
    ) -> Bool {
        let isExpected = !request.expectsAbsence && self.plan.expected.contains(200)
        let isValid = isRight && self.answers(payload, request)
        if self.isMeasured(request) { self.tally.answered(isExpected: isExpected, isValid: isValid) }
        return isExpected && isValid
    }

    private mutating func takeError(
        _ request: SlotTable.Request, _ header: FrameHeader, _ payload: Span<UInt8>, _ isRight: Bool
    ) -> Bool {
        let code = ErrorAnswer.code(of: payload, status: header.code, correlation: header.correlation)
        let isExpected = request.expectsAbsence ? code == .notFound : self.plan.expected.contains(header.code)
        let isValid = isRight && code != nil
        if self.isMeasured(request) {
            self.tally.refused(header.code, code, isExpected: isExpected, isValid: isValid)
        }
        return isExpected && isValid
    }

    /// Whether the request counts; notes its answer's time.
    @inline(__always)
    private mutating func isMeasured(_ request: SlotTable.Request) -> Bool {
        guard request.dueNanoseconds >= self.timeline.measureStartNanoseconds else { return false }
        self.tally.lastAnswerNanoseconds = self.arrivalNanoseconds
        return true
    }

    /// GOAWAY is the one frame that a gateway sends by itself.
    private mutating func takeUnasked(_ index: Int, _ lane: Lane, _ header: FrameHeader) {
        guard header.flags == .event, header.application == Application.control, header.code == ControlEvent.goAway
        else {
            self.tally.unexpectedFrames += 1
            return
        }
        guard !lane.isGoingAway else { return }
        lane.isGoingAway = true
        if index < self.carryingCount { self.lanesUseful -= 1 }
        self.tally.goAways += 1
    }

    /// Whether a payload with status 200 is what was asked for.
    @inline(__always)
    private func answers(_ payload: Span<UInt8>, _ request: SlotTable.Request) -> Bool {
        switch self.plan.workload {
        case .ping: PingPayload.isEcho(payload, of: request.tag, bytes: self.plan.payloadBytes)
        case .hello: payload.count > 0 && payload[0] == UInt8(ascii: "{")
        case .resolve: RecordAnswer.begins(payload, withRecordOf: request.tag, keyBytes: Int(request.keyBytes))
        case .resolveMany: RecordList.fingerprint(of: payload) == request.tag
        }
    }
}
