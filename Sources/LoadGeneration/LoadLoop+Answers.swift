import OAP
import Reactor

/// From received bytes to checked answers. Bytes are decoded where the kernel put them and copied only when a frame is
/// split.
extension ClosedLoop where K: ~Copyable {
    /// Answers of one send mostly come in one receive, with one latency: they are recorded together.
    private struct LatencyRun {
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
    }

    /// Takes the answers at the start of `bytes` and keeps what is left of them.
    private mutating func decode(_ index: Int, _ lane: Lane, _ bytes: Span<UInt8>) {
        var run = LatencyRun()
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
    private mutating func record(_ run: LatencyRun) {
        guard run.count > 0 else { return }
        let latency = self.arrivalNanoseconds &- run.sentNanoseconds
        self.tally.record(latencyNanoseconds: latency, count: run.count)
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
        _ index: Int, _ lane: Lane, _ header: FrameHeader, _ payload: Span<UInt8>, _ run: inout LatencyRun
    ) {
        guard header.flags.contains(.response), !header.flags.contains(.request), !header.flags.contains(.event),
            let request = self.slots.give(index, correlation: header.correlation)
        else {
            self.takeUnasked(lane, header)
            return
        }
        if request.sentNanoseconds != run.sentNanoseconds {
            self.record(run)
            run = LatencyRun(sentNanoseconds: request.sentNanoseconds, count: 0)
        }
        run.count += 1
        if !lane.isGoingAway { self.markDirty(index) }
        let isRight = header.application == self.plan.workload.application && header.tenant == 0
        if header.code == 200 {
            self.tally.succeeded()
            let hasRightFlags = header.flags == self.plan.workload.answerFlags
            if !isRight || !hasRightFlags || !self.answers(payload, request) { self.tally.invalidAnswers += 1 }
        } else {
            let code = ErrorAnswer.code(of: payload, status: header.code, correlation: header.correlation)
            self.tally.failed(header.code, code)
            if !isRight || code == nil { self.tally.invalidAnswers += 1 }
        }
    }

    /// GOAWAY is the one frame that a gateway sends by itself.
    private mutating func takeUnasked(_ lane: Lane, _ header: FrameHeader) {
        guard header.flags == .event, header.application == Application.control, header.code == ControlEvent.goAway
        else {
            self.tally.unexpectedFrames += 1
            return
        }
        guard !lane.isGoingAway else { return }
        lane.isGoingAway = true
        self.lanesUseful -= 1
        self.tally.goAways += 1
    }

    /// Whether a payload with status 200 is what was asked for.
    private func answers(_ payload: Span<UInt8>, _ request: SlotTable.Request) -> Bool {
        switch self.plan.workload {
        case .ping:
            guard payload.count == Workload.pingBytes else { return false }
            var number: UInt64 = 0
            for index in 0..<Workload.pingBytes { number |= UInt64(payload[index]) << UInt64(8 * index) }
            return number == request.tag
        case .hello:
            return payload.count > 0 && payload[0] == UInt8(ascii: "{")
        case .resolve:
            return RecordAnswer.begins(payload, withRecordOf: request.tag)
        }
    }
}
