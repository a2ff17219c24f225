@testable import Forwarding
import OAP
import Testing

/// Whatever a backend may not send ends its connection, with a reason, and what was open on it has an outcome.
@Suite struct ViolationTests {
    /// A connection with one request open that `violate` is to end.
    private static func expectDrop(
        _ reason: DropReason, streaming: Bool = false, sourceLocation: SourceLocation = #_sourceLocation,
        _ violate: (ForwarderHarness, FrameHeader, ConnectionKey) -> Reception
    ) {
        let (harness, connection) = ForwarderHarness.connected()
        let sent = harness.send(1, streaming: streaming).sent
        let reception = violate(harness, sent, connection)
        #expect(reception == .dropped(reason), sourceLocation: sourceLocation)
        let after = harness.answer(sent, on: connection)
        #expect(after == .ignored, "nothing more is read", sourceLocation: sourceLocation)
        let orders = harness.orders()
        #expect(
            orders == [.fail(tag: 1, .connectionLost), .close(connection, reason)], sourceLocation: sourceLocation)
        let count = harness.forwarder.counts.drops(reason)
        #expect(count == 1 && reason.isViolation, sourceLocation: sourceLocation)
    }

    @Test(
        arguments: [
            FrameFlags.request, [.request, .response, .end], [.response, .event, .end], [], .end, [.request, .event],
        ] as [FrameFlags])
    func framesThatAreNeitherAnswersNorEvents(flags: FrameFlags) {
        Self.expectDrop(.direction) { harness, sent, connection in harness.answer(sent, on: connection, flags: flags) }
    }

    /// Generation 0, a generation that is yet to come, a slot that does not exist, a control frame that was not sent.
    @Test(
        arguments: [0, 5, 2 << 16, 1 << 16 | 1, 1 << 16 | 0xFFFE, 1 << 16 | 0xFFFF, 9 << 16 | 0xFFFF, .max] as [UInt64])
    func answersToWhatWasNeverAsked(correlation: UInt64) {
        Self.expectDrop(.unasked) { harness, sent, connection in
            precondition(sent.correlation == 1 << 16)
            return harness.answer(sent, on: connection, correlation: correlation)
        }
    }

    @Test func aSecondAnswer() {
        Self.expectDrop(.unasked) { harness, _, connection in
            let other = harness.send(2).sent
            let first = harness.answer(other, on: connection)
            precondition(first != .ignored)
            return harness.answer(other, on: connection)
        }
    }

    @Test func anAnswerOnAnotherConnection() {
        var settings = ForwardingSettings()
        settings.connectionsPerEndpoint = 2
        let harness = ForwarderHarness(settings)
        let connections = harness.connect()
        #expect(connections.count == 2)
        let request = harness.send(1)
        guard let other = connections.first(where: { $0 != request.on }) else { return }
        let wrong = harness.answer(request.sent, on: other)
        #expect(wrong == .dropped(.unasked))
        let right = harness.answer(request.sent, on: request.on)
        guard case .answer(tag: 1, _, isLast: true) = right else {
            Issue.record("\(right)")
            return
        }
    }

    @Test func anAnswerOfAnotherTenantOrApplication() {
        Self.expectDrop(.mismatched) { harness, sent, connection in harness.answer(sent, on: connection, tenant: 6) }
        Self.expectDrop(.mismatched) { harness, sent, connection in
            harness.answer(sent, on: connection, application: 1)
        }
    }

    @Test func aUnaryAnswerWithoutEnd() {
        Self.expectDrop(.sequence) { harness, sent, connection in
            harness.answer(sent, on: connection, flags: [.response, .start])
        }
        Self.expectDrop(.sequence) { harness, sent, connection in
            harness.answer(sent, on: connection, flags: .response)
        }
    }

    @Test func aStreamThatStartsTwice() {
        Self.expectDrop(.sequence, streaming: true) { harness, sent, connection in
            _ = harness.answer(sent, on: connection, flags: [.response, .start])
            return harness.answer(sent, on: connection, flags: [.response, .start])
        }
    }

    @Test func aHeaderThatTheDecoderRefuses() {
        Self.expectDrop(.malformed) { harness, _, connection in
            harness.forwarder.headerRefused(connection, nowNanoseconds: harness.now)
        }
    }

    /// As many late answers may come as are owed, and no more.
    @Test func lateAnswersAreCounted() {
        Self.expectDrop(.unasked) { harness, _, connection in
            let late = harness.send(2, milliseconds: 10).sent
            harness.advance(milliseconds: 10)
            let orders = harness.orders()
            precondition(orders == [.fail(tag: 2, .deadlineExceeded)])
            let first = harness.answer(late, on: connection, flags: .response)
            let last = harness.answer(late, on: connection)
            precondition((first, last) == (.ignored, .ignored))
            return harness.answer(late, on: connection)
        }
    }

    @Test(arguments: [
        "", "{}", "[]", #"{"max_frame":1048576}"#, #"{"max_inflight":64}"#, #"{"max_frame":1048575,"max_inflight":64}"#,
        #"{"max_frame":1048576,"max_inflight":0}"#, #"{"max_frame":1048576,"max_inflight":1.5}"#,
        #"{"max_frame":1048576,"max_inflight":1e300}"#, #"{"max_frame":1048576,"max_inflight":64}x"#,
    ])
    func aHelloReplyThatIsNone(payload: String) {
        let harness = ForwarderHarness()
        let connection = harness.opened()[0]
        harness.forwarder.connected(connection, nowNanoseconds: harness.now)
        guard case .sendControl(_, let hello)? = harness.forwarder.popOrder(nowNanoseconds: harness.now) else {
            Issue.record("no HELLO")
            return
        }
        let reception = harness.answer(hello, on: connection, flags: .response, payload: payload)
        #expect(reception == .dropped(.incompatible))
        let orders = harness.orders()
        #expect(orders == [.close(connection, .incompatible)])
    }

    @Test func eventsThatAreUnknownAreCounted() {
        let (harness, connection) = ForwarderHarness.connected()
        let header = FrameHeader(flags: .event, code: 77, application: 0x0200, correlation: 1)
        let reception = harness.forwarder.receive(
            connection, header, payload: [UInt8]().span, nowNanoseconds: harness.now)
        let count = harness.forwarder.counts.eventsIgnored
        #expect(reception == .ignored && count == 1)
    }

    @Test func everyReasonHasItsOwnWord() {
        #expect(Set(DropReason.allCases.map(\.name)).count == DropReason.allCases.count)
        #expect(Set(ForwardFailure.allCases.map(\.name)).count == ForwardFailure.allCases.count)
        let counts = ForwardingCounts()
        // Traps when a case has no place.
        for reason in DropReason.allCases { #expect(counts.drops(reason) == 0) }
        for reason in ForwardFailure.allCases { #expect(counts.failures(reason) == 0) }
    }
}
