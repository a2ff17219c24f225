internal import Admission
internal import Gateway
internal import OAP
internal import Reactor

/// Carries the core's orders out: looks up, and appends answers to the session's output.
extension Worker where K: ~Copyable, I: ~Copyable {
    /// Room that a lookup needs before it runs: an answer's header and the largest record that an index takes.
    private static var answerBytesMax: Int { FrameHeader.byteCount + IndexRecord.jsonBytesMax }
    /// What most records need. Asking for the largest would take every second answer out of its block.
    private static var recordBytesUsual: Int { 448 }

    mutating func serve(_ slot: Int, _ header: FrameHeader, _ payload: Span<UInt8>) {
        let order = self.core.frame(slot, header, payload: payload, nowNanoseconds: self.nowNanoseconds)
        self.carryOut(order, slot, payload)
    }

    mutating func carryOut(_ order: Order, _ slot: Int, _ payload: Span<UInt8>) {
        switch order {
        case .lookUp(let header):
            self.lookUp(header, slot, key: payload)
        case .resolve(let ticket):
            guard !I.isForwarded else { return self.forward(ticket, payload: payload) }
            self.resolve(ticket, slot, key: payload)
        case .resolveMany(let ticket, let keys):
            guard !I.isForwarded else { return self.forward(ticket, payload: payload) }
            self.resolveMany(ticket, slot, keys, payload)
        case .answer(let answer):
            self.append(answer, slot, payload)
        case .answerAndClose(let answer):
            self.append(answer, slot, payload)
            let action = self.core.closing(
                slot, outputEmpty: self.connections[slot: slot].isOutputEmpty, nowNanoseconds: self.nowNanoseconds)
            self.perform(action, slot)
        case .wait: break
        }
    }

    /// At the end of a turn, when permits have come back: requests that have waited too long, then those whose turn it
    /// is.
    mutating func serveWaiting() {
        guard self.core.hasWaiting else { return }
        while let late = self.core.popOverstayed(nowNanoseconds: self.nowNanoseconds) {
            self.fail(late.ticket, IndexFailure(code: late.code, detail: ""))
        }
        // Taken out of self, since what is borrowed from there would exclude the session's output.
        var payload = self.waitingScratch
        self.waitingScratch = []
        while let next = self.core.popAdmitted(nowNanoseconds: self.nowNanoseconds, into: &payload) {
            let slot = Int(next.session.slot)
            self.carryOut(next.order, slot, payload.span)
            self.settle(slot)
        }
        self.waitingScratch = payload
    }

    private mutating func append(_ answer: Answer, _ slot: Int, _ payload: Span<UInt8>) {
        switch answer {
        case .echo(let header):
            self.append(header, payload, slot)
        case .hello(let header):
            let hello = self.core.helloPayload
            self.append(header, hello.span, slot)
        case .refusal(let refusal):
            self.append(refusal, slot)
        }
    }

    mutating func append(_ refusal: Refusal, _ slot: Int) {
        if let template = refusal.template {
            self.append(refusal, self.core.errorTemplates[template], slot)
        } else {
            let body = refusal.body
            let header = refusal.header.answer(status: refusal.code.status, payloadBytes: body.count)
            self.append(header, body.bytes, slot)
        }
        guard self.tellsRefusals else { return }
        self.events.tell(
            .requestRefused(correlation: refusal.header.correlation, code: refusal.code),
            nowNanoseconds: self.nowNanoseconds)
    }

    private mutating func append(_ refusal: Refusal, _ template: ErrorTemplate, _ slot: Int) {
        let tail = template.tail(
            correlation: refusal.header.correlation, retryAfterMilliseconds: refusal.retryAfterMilliseconds)
        let payloadBytes = template.shared.count + tail.count
        let header = refusal.header.answer(status: refusal.code.status, payloadBytes: payloadBytes)
        guard let block = self.output(slot, room: FrameHeader.byteCount + payloadBytes) else { return }
        var output = consume block
        output.extend(by: FrameHeader.byteCount) { header.encode(into: &$0) }
        output.append(template.shared.span)
        output.append(tail.bytes)
        self.putBack(output, slot)
    }

    /// Appends one frame to the session's output.
    mutating func append(_ header: FrameHeader, _ payload: Span<UInt8>, _ slot: Int) {
        guard let block = self.output(slot, room: FrameHeader.byteCount + payload.count) else { return }
        var output = consume block
        output.extend(by: FrameHeader.byteCount) { header.encode(into: &$0) }
        output.append(payload)
        self.putBack(output, slot)
    }

    // MARK: Lookups

    /// The way of most requests: from the key to the record behind its header, in one step.
    private mutating func lookUp(_ request: FrameHeader, _ slot: Int, key: Span<UInt8>) {
        var recordBytes = Self.recordBytesUsual
        while true {
            guard let block = self.output(slot, room: FrameHeader.byteCount + recordBytes) else {
                _ = self.core.failed(request, key, .internalFault)
                return
            }
            var output = consume block
            let start = output.count
            output.extend(by: FrameHeader.byteCount) { _ in }
            let outcome = self.index.lookup(key, ticket: nil, nowNanoseconds: self.nowNanoseconds) { record in
                recordBytes = record.count
                if recordBytes <= output.room { output.append(record) }
            }
            if case .found = outcome, output.count == start + FrameHeader.byteCount + recordBytes {
                let header = request.answer(status: 200, payloadBytes: recordBytes)
                output.patch(start..<(start + FrameHeader.byteCount)) { header.encode(into: &$0) }
                self.putBack(output, slot)
                self.core.answered(request)
                return
            }
            output.truncate(to: start)
            self.putBack(output, slot)
            if case .found = outcome, recordBytes <= IndexRecord.jsonBytesMax { continue }
            self.failLookUp(request, slot, key, outcome)
            return
        }
    }

    private mutating func failLookUp(
        _ request: FrameHeader, _ slot: Int, _ key: Span<UInt8>, _ outcome: IndexOutcome
    ) {
        let failure: IndexFailure
        switch outcome {
        case .found: failure = IndexFailure(code: .internalFault, detail: Self.recordTooLarge)
        case .absent: failure = IndexFailure(code: .notFound, detail: "")
        case .failed(let why): failure = why
        case .pending: preconditionFailure("an index that answers at once has a lookup pending")
        }
        let refusal = self.core.failed(request, key, failure.code)
        if refusal.code == failure.code { self.tell(failure, request.correlation) }
        self.append(refusal, slot)
    }

    private static var recordTooLarge: String { "a record is larger than \(IndexRecord.jsonBytesMax) bytes" }

    private mutating func resolve(_ ticket: Ticket, _ slot: Int, key: Span<UInt8>) {
        guard let block = self.beginAnswer(ticket, slot) else { return }
        var output = consume block
        let start = output.count - FrameHeader.byteCount
        var fits = true
        let outcome = self.index.lookup(key, ticket: ticket, nowNanoseconds: self.nowNanoseconds) { record in
            fits = record.count <= IndexRecord.jsonBytesMax
            if fits { output.append(record) }
        }
        if case .found = outcome, fits {
            self.give(output, from: start, ticket, slot)
            return
        }
        output.truncate(to: start)
        self.putBack(output, slot)
        switch outcome {
        case .found:
            self.fail(ticket, IndexFailure(code: .internalFault, detail: Self.recordTooLarge))
        case .absent:
            self.fail(ticket, IndexFailure(code: .notFound, detail: ""))
        case .failed(let failure):
            self.fail(ticket, failure)
        case .pending:
            break
        }
    }

    /// The session's output with room for an answer, its header's bytes already taken; nil, with the request failed,
    /// when the session has ended.
    private mutating func beginAnswer(_ ticket: Ticket, _ slot: Int) -> Block? {
        guard let block = self.output(slot, room: Self.answerBytesMax) else {
            _ = self.core.fail(ticket, .internalFault, nowNanoseconds: self.nowNanoseconds)
            return nil
        }
        var output = consume block
        output.extend(by: FrameHeader.byteCount) { _ in }
        return output
    }

    /// Writes the header of a 200 into the room that was left for it, and gives the answer.
    private mutating func give(_ block: consuming Block, from start: Int, _ ticket: Ticket, _ slot: Int) {
        guard let origin = self.core.origin(of: ticket) else {
            preconditionFailure("a request that is being looked up was answered")
        }
        let payloadBytes = block.count - start - FrameHeader.byteCount
        let header = origin.request.answer(status: 200, payloadBytes: payloadBytes)
        block.patch(start..<(start + FrameHeader.byteCount)) { header.encode(into: &$0) }
        self.putBack(block, slot)
        self.core.finish(ticket, status: 200, nowNanoseconds: self.nowNanoseconds)
    }

    /// The records in order, `null` for those that are not there: at most 256 * 4,001 + 1 bytes, which fit one frame.
    private mutating func resolveMany(_ ticket: Ticket, _ slot: Int, _ keys: KeyList, _ payload: Span<UInt8>) {
        guard let block = self.beginAnswer(ticket, slot) else { return }
        var output = consume block
        let start = output.count - FrameHeader.byteCount
        var failure: IndexFailure? = nil
        var rest = keys
        var separator = UInt8(ascii: "[")
        // Taken out of self, since a key that is borrowed from there would exclude the index.
        var key = self.keyScratch
        self.keyScratch = []
        defer { self.keyScratch = key }
        while failure == nil, let count = rest.next(of: payload, into: &key) {
            // Room for a separator, the largest record and the closing bracket.
            guard
                output.room > IndexRecord.jsonBytesMax + 2
                    || self.pool.grow(&output, by: max(IndexRecord.jsonBytesMax + 3, output.count))
                    || self.pool.grow(&output, by: IndexRecord.jsonBytesMax + 3)
            else {
                failure = IndexFailure(code: .overloaded, detail: "no memory for an answer")
                break
            }
            output.append(separator)
            separator = UInt8(ascii: ",")
            failure = self.appendRecord(key.span.extracting(0..<count), &output)
        }
        if failure == nil, output.count - start <= self.core.limits.frameBytesMax - 1 {
            output.append(UInt8(ascii: "]"))
            self.give(output, from: start, ticket, slot)
            return
        }
        output.truncate(to: start)
        self.putBack(output, slot)
        self.fail(
            ticket,
            failure ?? IndexFailure(code: .badRequest, detail: ""),
            sentence: failure == nil
                ? Self.answerTooLong : nil)
    }

    static var answerTooLong: String { "The answer would be longer than this gateway's max_frame; ask for fewer keys." }

    /// Whether the session's output takes one more answer: those that come late are not held back by its backlog.
    mutating func hasRoom(_ slot: Int, bytes: Int) -> Bool {
        self.connections[slot: slot].fillingBytes + bytes <= BlockPool.blockBytesMax
    }

    /// One element of the array: the record, or `null`.
    private mutating func appendRecord(_ key: Span<UInt8>, _ output: inout Block) -> IndexFailure? {
        var fits = true
        let outcome = self.index.lookup(key, ticket: nil, nowNanoseconds: self.nowNanoseconds) { record in
            fits = record.count <= IndexRecord.jsonBytesMax
            if fits { output.append(record) }
        }
        switch outcome {
        case .found:
            return fits ? nil : IndexFailure(code: .internalFault, detail: Self.recordTooLarge)
        case .absent:
            for byte in "null".utf8 { output.append(byte) }
            return nil
        case .failed(let failure): return failure
        case .pending: return IndexFailure(code: .internalFault, detail: "the index cannot answer many keys late")
        }
    }

    /// Tells operators of a failure that is their concern.
    private mutating func tell(_ failure: IndexFailure, _ correlation: UInt64) {
        switch failure.code {
        case .indexUnavailable, .backendUnavailable:
            self.events.tell(
                .indexFailed(correlation: correlation, detail: failure.detail), nowNanoseconds: self.nowNanoseconds)
        case .internalFault:
            self.events.tell(
                .internalFault(correlation: correlation, detail: failure.detail), nowNanoseconds: self.nowNanoseconds)
        default: break
        }
    }

    /// Answers a request with an error, on its connection or to the admin port, and tells operators when it is their
    /// concern.
    mutating func fail(_ ticket: Ticket, _ failure: IndexFailure, sentence: String? = nil) {
        guard let origin = self.core.origin(of: ticket) else { return }
        self.tell(failure, origin.request.correlation)
        let now = self.nowNanoseconds
        guard let refusal = self.core.fail(ticket, failure.code, sentence: sentence, nowNanoseconds: now)
        else { return }
        if let session = origin.session {
            self.append(refusal, Int(session.slot))
            self.settle(Int(session.slot))
        } else if let reply = self.adminReplies.removeValue(forKey: ticket) {
            reply(Self.adminAnswer(refusal))
        }
    }

    // MARK: Later

    /// Answers that came after their turn, and requests whose deadline has passed.
    mutating func answerLate() {
        while let late = self.index.popLate(nowNanoseconds: self.nowNanoseconds) {
            guard let origin = self.core.origin(of: late.ticket) else { continue }
            switch late.outcome {
            case .found:
                let header = origin.request.answer(status: 200, payloadBytes: late.record.count)
                if let session = origin.session {
                    self.append(header, late.record.span, Int(session.slot))
                } else {
                    self.adminReplies.removeValue(forKey: late.ticket)?(.record(late.record))
                }
                self.core.finish(late.ticket, status: 200, nowNanoseconds: self.nowNanoseconds)
                if let session = origin.session { self.settle(Int(session.slot)) }
            case .absent: self.fail(late.ticket, IndexFailure(code: .notFound, detail: ""))
            case .failed(let failure): self.fail(late.ticket, failure)
            case .pending: break
            }
        }
        while let ticket = self.core.overdue(nowNanoseconds: self.nowNanoseconds) {
            self.fail(ticket, IndexFailure(code: .deadlineExceeded, detail: ""))
        }
    }

    // MARK: Output blocks

    /// The session's output with at least `room` free bytes, taken out of the connection; nil, with the session
    /// ended, when it may have no more. `putBack` returns it.
    private mutating func output(_ slot: Int, room: Int) -> Block? {
        guard self.connections[slot: slot].ending == nil else { return nil }
        if let block = self.connections[slot: slot].filling.take() {
            var filling = consume block
            if filling.room >= room || self.pool.grow(&filling, by: room) { return filling }
            self.pool.give(filling)
        } else if let block = self.pool.take(atLeast: room) {
            return block
        }
        self.end(slot, .memory, reset: true)
        return nil
    }

    private mutating func putBack(_ block: consuming Block, _ slot: Int) {
        guard block.count > 0 else {
            self.pool.give(block)
            return
        }
        self.connections[slot: slot].filling = consume block
        self.core.outputAppended(slot)
        self.flushLater(slot)
    }
}
