@testable import Forwarding
import GatewayTesting
import OAP
import Testing

/// What clients and backends do in a `ForwarderWorld`, at random.
extension ForwarderWorld {
    func submit() {
        let body = self.random.bytes(Int(self.random.next() % 12))
        let header = FrameHeader(
            flags: .request, code: UInt16(self.random.next() % 4), application: 0x0200,
            tenant: UInt128(self.random.next() % 3), correlation: self.random.next() % 5, payloadBytes: body.count)
        let tag = UInt64(self.requests.count)
        let request = ForwardRequest(
            tag: tag, header: header,
            deadlineNanoseconds: self.now + self.random.next() % (400 * Self.millisecond),
            isIdempotent: !self.random.oneIn(4), isStreaming: self.random.oneIn(4))
        let submission = self.forwarder.submit(request, body: body.span, nowNanoseconds: self.now)
        func note(_ key: ExchangeKey?, needsBody: Bool = false) {
            self.requests.append(
                Request(
                    key: key, header: header, body: body, deadline: request.deadlineNanoseconds,
                    isIdempotent: request.isIdempotent, isStreaming: request.isStreaming, needsBody: needsBody))
        }
        switch submission {
        case .send(let key, let connection, let sent):
            note(key)
            self.accepted += 1
            self.sent(tag, connection, sent, nil)
        case .wait(let key, let needsBody):
            note(key, needsBody: needsBody)
            self.accepted += 1
        case .refused(let reason):
            note(nil)
            self.requests[Int(tag)].outcomes += 1
            let isFull = self.forwarder.exchangeCount == Self.settings.exchangesMax
            self.expect(reason != .tooManyOpen || isFull, "refused with places left")
            return
        }
        self.recent.append(Int(tag))
    }

    func cancel() {
        guard let tag = self.chosen(self.requests.suffix(60).indices) else { return }
        guard let key = self.requests[tag].key else { return }
        let done = self.forwarder.cancel(key)
        self.expect(done == self.requests[tag].isAwaited, "request \(tag): cancelled against the model")
        if done { self.requests[tag].isCancelled = true }
    }

    private func chosen(_ indices: Range<Int>) -> Int? {
        indices.isEmpty ? nil : indices.lowerBound + Int(self.random.next() % UInt64(indices.count))
    }

    /// Something happens on a connection, mostly what should.
    func stirConnection() {
        guard let index = self.chosen(self.connections.indices) else { return }
        let connection = self.connections[index]
        if !connection.isOpen {
            return self.random.oneIn(3) ? self.lose(index) : self.established(index)
        }
        switch self.random.next() % 400 {
        case 0: self.lose(index)
        case 1: self.goAway(index)
        case 2: self.receive(index, self.garbage(), expecting: nil)
        case 3:
            let reception = self.forwarder.headerRefused(connection.key, nowNanoseconds: self.now)
            self.judge(index, reception, .dropped(.malformed))
        case 4: self.answerAnothers(index)
        case 5: self.answerAgain(index)
        case 6..<120 where connection.control != nil: self.answerControl(index)
        default: self.answer(index)
        }
    }

    private func established(_ index: Int) {
        self.forwarder.connected(self.connections[index].key, nowNanoseconds: self.now)
        self.connections[index].isOpen = true
    }

    private func lose(_ index: Int) {
        self.forwarder.disconnected(self.connections[index].key, nowNanoseconds: self.now)
        self.connections.remove(at: index)
    }

    private func goAway(_ index: Int) {
        let header = FrameHeader(
            flags: .event, code: ControlEvent.goAway, application: Application.control, correlation: 0)
        self.receive(index, header, expecting: .ignored)
        self.connections[index].isGoingAway = true
    }

    private func answerControl(_ index: Int) {
        guard let control = self.connections[index].control else { return }
        self.connections[index].control = nil
        let isHello = control.code == Method.hello.code
        let payload = Array((isHello ? #"{"max_frame":1048576,"max_inflight":64}"# : "").utf8)
        let header = FrameHeader(
            flags: isHello ? .response : [.response, .end], code: 200, application: Application.control,
            correlation: control.correlation, payloadBytes: payload.count)
        if isHello && !self.connections[index].isGoingAway { self.connections[index].isReady = true }
        self.receive(index, header, payload, expecting: .ignored)
    }

    /// The backend answers one of what it was sent, or begins to; sometimes wrongly.
    private func answer(_ index: Int) {
        guard let place = self.chosen(self.connections[index].pending.indices) else { return }
        let (correlation, tag) = self.connections[index].pending[place]
        let request = self.requests[Int(tag)]
        let isCurrent = request.correlation == correlation && request.outcomes == 0 && request.deadline > self.now
        let isWrong = self.random.oneIn(150)
        let isLast = !request.isStreaming || self.random.oneIn(3)
        var header = FrameHeader(
            flags: isLast ? [.response, .end] : .response, code: self.random.oneIn(6) ? 500 : 200, application: 0x0200,
            tenant: request.header.tenant, correlation: correlation)
        if isWrong { header.tenant += 1 }
        guard isCurrent else {
            // Given up: the backend is free to say anything about it.
            self.receive(index, header, expecting: .ignored)
            if isLast { self.paid(index, place) }
            return
        }
        guard !isWrong else { return self.receive(index, header, expecting: .dropped(.mismatched)) }
        if isLast {
            self.connections[index].pending.remove(at: place)
        } else {
            self.requests[Int(tag)].answerBegan = true
        }
        guard request.isAwaited else { return self.receive(index, header, expecting: .ignored) }
        if isLast { self.requests[Int(tag)].outcomes += 1 }
        self.answers += 1
        var expected = header
        expected.correlation = request.header.correlation
        self.receive(index, header, expecting: .answer(tag: tag, expected, isLast: isLast))
    }

    private func paid(_ index: Int, _ place: Int) {
        self.connections[index].pending.remove(at: place)
        self.connections[index].owed -= 1
    }

    /// An answer to what another connection was sent.
    private func answerAnothers(_ index: Int) {
        guard let other = self.chosen(self.connections.indices), other != index,
            let pending = self.connections[other].pending.first
        else { return }
        let request = self.requests[Int(pending.tag)]
        guard request.correlation == pending.correlation, request.outcomes == 0, request.deadline > self.now else {
            return
        }
        self.receive(index, Self.answering(pending.correlation, request), expecting: .dropped(.unasked))
    }

    /// A second answer to a request that has had its outcome: dropped, unless the connection owes one anyway.
    private func answerAgain(_ index: Int) {
        guard let tag = self.chosen(self.requests.suffix(40).indices) else { return }
        let request = self.requests[tag]
        let isPending = self.connections.contains { connection in
            connection.pending.contains { $0.correlation == request.correlation }
        }
        guard request.tries > 0, !isPending else { return }
        let isOwed = self.connections[index].owed > 0
        guard !isOwed else {
            // Without END, so that the model need not know whose debt it pays.
            var header = Self.answering(request.correlation, request)
            header.flags = .response
            return self.receive(index, header, expecting: .ignored)
        }
        self.receive(index, Self.answering(request.correlation, request), expecting: .dropped(.unasked))
    }

    private static func answering(_ correlation: UInt64, _ request: Request) -> FrameHeader {
        FrameHeader(
            flags: [.response, .end], code: 200, application: request.header.application,
            tenant: request.header.tenant, correlation: correlation)
    }

    /// A frame that no backend may send: any direction but an answer's or an event's, or a correlation of the future.
    private func garbage() -> FrameHeader {
        let flags = FrameFlags(rawValue: UInt16(self.random.next() % 256)).subtracting([.response, .event])
        guard self.random.oneIn(2) else {
            return FrameHeader(flags: flags, code: 1, application: 2, correlation: self.random.next())
        }
        let correlation: UInt64 = (1 << 62) | (self.random.next() >> 8)
        return FrameHeader(flags: [.response, .end], code: 200, application: 0x0200, correlation: correlation)
    }

    /// - Parameter expected: nil for any drop.
    private func receive(
        _ index: Int, _ header: FrameHeader, _ payload: [UInt8] = [], expecting expected: Reception?
    ) {
        let key = self.connections[index].key
        let reception = self.forwarder.receive(key, header, payload: payload.span, nowNanoseconds: self.now)
        self.judge(index, reception, expected)
    }

    private func judge(_ index: Int, _ reception: Reception, _ expected: Reception?) {
        if case .dropped = reception { self.connections.remove(at: index) }
        guard let expected else {
            guard case .dropped = reception else { return self.expect(false, "garbage: \(reception)") }
            return
        }
        self.expect(reception == expected, "\(reception) instead of \(expected)")
    }
}

@Suite struct ForwarderModelTests {
    /// Whatever clients and backends do: each request has one outcome, by its deadline; no answer reaches another's
    /// tag; nothing is sent that may not be; and when all has ended nothing is left. `ForwarderWorld` has the rules.
    @Test func aRandomHistoryKeepsEveryPromise() {
        var random = SeededGenerator.fromEnvironment()
        var failures = [ForwardFailure: UInt64]()
        var drops = [DropReason: UInt64]()
        var (answers, resent, strays, ejections) = (0, UInt64(0), UInt64(0), UInt64(0))
        for _ in 0..<(TestEnvironment.isLong ? 200 : 10) {
            let world = ForwarderWorld(&random)
            guard Self.history(world, steps: 8_000) else {
                Issue.record("\(world.problem ?? ""); \(random.replay)")
                return
            }
            answers += world.answers
            resent += world.resent
            strays += world.forwarder.counts.strayFrames
            ejections += world.forwarder.counts.ejections
            for reason in ForwardFailure.allCases {
                failures[reason, default: 0] += world.forwarder.counts.failures(reason)
            }
            for reason in DropReason.allCases { drops[reason, default: 0] += world.forwarder.counts.drops(reason) }
        }
        // The histories were worth their time only if everything has happened in them.
        #expect(answers > 3_000 && resent > 50 && strays > 50 && ejections > 20, "\(random.replay)")
        let missing = ForwardFailure.allCases.filter { failures[$0] == 0 && $0 != .frameTooLarge }
        #expect(missing.isEmpty, "\(missing) did not happen; \(random.replay)")
        let rare: [DropReason] = [.sequence, .incompatible]
        let missingDrops = DropReason.allCases.filter { drops[$0] == 0 && !rare.contains($0) }
        #expect(missingDrops.isEmpty, "\(missingDrops) did not happen; \(random.replay)")
    }

    /// False when a promise was broken.
    private static func history(_ world: ForwarderWorld, steps: Int) -> Bool {
        world.settle()
        // Busy and quiet stretches, and backends that are quick and slow, so that tables run full and empty.
        var (submitsOneIn, stirsOneIn): (UInt64, UInt64) = (4, 1)
        for _ in 0..<steps {
            if world.random.oneIn(200) {
                submitsOneIn = 2 + world.random.next() % 8
                stirsOneIn = max(1, world.random.next() % 5)
            }
            if world.random.oneIn(submitsOneIn) { world.submit() }
            if world.random.oneIn(60) { world.cancel() }
            if world.random.oneIn(stirsOneIn) { world.stirConnection() }
            if world.random.oneIn(3) {
                let next = world.forwarder.nextDeadlineNanoseconds ?? 0
                let jump = world.random.next() % (world.random.oneIn(100) ? 300 : 4) * ForwarderWorld.millisecond
                // Mostly as the runtime sleeps, sometimes for longer.
                let isOnTime = next > world.now && !world.random.oneIn(10)
                world.pass(isOnTime ? min(jump, next - world.now) : jump)
            } else if world.random.oneIn(2) {
                world.settle()
            }
            guard world.problem == nil else { return false }
        }
        return Self.ending(world)
    }

    /// No more requests; the backend goes on as it likes.
    private static func ending(_ world: ForwarderWorld) -> Bool {
        for _ in 0..<500 {
            world.stirConnection()
            world.pass(ForwarderWorld.millisecond)
            guard world.problem == nil else { return false }
        }
        world.expect(world.forwarder.exchangeCount == 0 && world.forwarder.timers.count == 0, "requests are left")
        world.expect(world.forwarder.bodies.count == 0, "bodies are left")
        world.expect(world.forwarder.connections.allSatisfy { $0.open.isEmpty }, "connections hold requests")
        world.expect(
            world.requests.allSatisfy { $0.outcomes == ($0.isCancelled ? 0 : 1) }, "a request without one outcome")
        return world.problem == nil
    }
}
