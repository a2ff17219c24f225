@testable import Forwarding
import OAP
import Testing

@Suite struct RequestTests {
    @Test func onlyTheCorrelationIsTheForwardersOwn() {
        let (harness, connection) = ForwarderHarness.connected()
        let flags: FrameFlags = [.request, .start, .end, .endToEnd, .acknowledgementRequested]
        let header = FrameHeader(
            flags: flags, code: 9, application: 0x0300, tenant: .max, correlation: 42, capabilityBytes: 2,
            payloadBytes: 3)
        let submission = harness.forwarder.submit(
            ForwardRequest(
                tag: 8, header: header, deadlineNanoseconds: harness.now + 1_000, isIdempotent: false),
            body: [1, 2, 3, 4, 5].span, nowNanoseconds: harness.now)
        guard case .send(_, connection, var sent) = submission else {
            Issue.record("\(submission)")
            return
        }
        #expect(sent.correlation != 42)
        let reception = harness.answer(
            sent, on: connection, flags: [.response, .end, .endToEnd], status: 404, payload: "no")
        let expected = FrameHeader(
            flags: [.response, .end, .endToEnd], code: 404, application: 0x0300, tenant: .max, correlation: 42,
            payloadBytes: 2)
        #expect(reception == .answer(tag: 8, expected, isLast: true))
        sent.correlation = 42
        #expect(sent == header)
        let isEmpty = harness.isEmpty
        #expect(isEmpty)
    }

    @Test func answersInAnyOrderFindTheirRequests() {
        let (harness, connection) = ForwarderHarness.connected()
        let requests = (0..<10).map { (tag: UInt64($0), sent: harness.send(UInt64($0)).sent) }
        #expect(Set(requests.map(\.sent.correlation)).count == 10)
        for request in requests.reversed() {
            let reception = harness.answer(request.sent, on: connection)
            guard case .answer(tag: request.tag, let header, isLast: true) = reception else {
                Issue.record("\(reception)")
                return
            }
            #expect(header.correlation == ForwarderHarness.header().correlation, "all clients chose the same one")
        }
    }

    @Test func aStreamKeepsItsSlotUntilItsEnd() {
        let (harness, connection) = ForwarderHarness.connected()
        let sent = harness.send(1, streaming: true).sent
        for flags in [[.response, .start], .response, .response] as [FrameFlags] {
            let reception = harness.answer(sent, on: connection, flags: flags)
            guard case .answer(tag: 1, _, isLast: false) = reception else {
                Issue.record("\(reception)")
                return
            }
        }
        let count = harness.forwarder.exchangeCount
        #expect(count == 1)
        let last = harness.answer(sent, on: connection, flags: [.response, .end])
        guard case .answer(tag: 1, _, isLast: true) = last else {
            Issue.record("\(last)")
            return
        }
        let isEmpty = harness.isEmpty
        #expect(isEmpty)
    }

    @Test func aRequestIsGivenUpAtItsDeadlineAndNotBefore() {
        let (harness, connection) = ForwarderHarness.connected()
        let first = harness.send(1, milliseconds: 300)
        let second = harness.send(2, milliseconds: 200)
        harness.advance(milliseconds: 199)
        var orders = harness.orders()
        #expect(orders == [])
        let next = harness.forwarder.nextDeadlineNanoseconds
        #expect(next == harness.now + ForwarderHarness.millisecond)
        orders = harness.sleep()
        #expect(orders == [.fail(tag: 2, .deadlineExceeded)])
        orders = harness.sleep()
        #expect(orders == [.fail(tag: 1, .deadlineExceeded)])
        let isEmpty = harness.isEmpty
        #expect(isEmpty, "a slot is free although its answer never came")
        let late = [harness.answer(first.sent, on: connection), harness.answer(second.sent, on: connection)]
        #expect(late == [.ignored, .ignored])
        let counts = (harness.forwarder.counts.strayFrames, harness.forwarder.counts.failures(.deadlineExceeded))
        #expect(counts == (2, 2))
    }

    /// The slot is another's by then, under another generation.
    @Test func aLateAnswerDoesNotReachWhoeverHasTheSlotNext() {
        var settings = ForwardingSettings()
        settings.exchangesMax = 1
        let (harness, connection) = ForwarderHarness.connected(settings)
        let first = harness.send(1, milliseconds: 10)
        harness.advance(milliseconds: 10)
        let orders = harness.orders()
        #expect(orders == [.fail(tag: 1, .deadlineExceeded)])
        let second = harness.send(2)
        #expect(second.sent.correlation & 0xFFFF == first.sent.correlation & 0xFFFF)
        let late = harness.answer(first.sent, on: connection)
        #expect(late == .ignored)
        let reception = harness.answer(second.sent, on: connection)
        guard case .answer(tag: 2, _, isLast: true) = reception else {
            Issue.record("\(reception)")
            return
        }
    }

    @Test func whatCannotBeTakenIsRefusedAtOnce() {
        var settings = ForwardingSettings()
        settings.exchangesMax = 2
        settings.frameBytesMax = 1_000
        let (harness, _) = ForwarderHarness.connected(settings)
        let late = harness.submit(1, milliseconds: 0)
        #expect(late == .refused(.deadlineExceeded))
        let large = harness.submit(2, body: Array(repeating: 0, count: 963))
        #expect(large == .refused(.frameTooLarge))
        _ = harness.send(3, body: Array(repeating: 0, count: 962))
        _ = harness.send(4)
        let full = harness.submit(5)
        #expect(full == .refused(.tooManyOpen))
        let refused = ForwardFailure.allCases.map { harness.forwarder.counts.failures($0) }
        #expect(refused == [1, 0, 0, 1, 1])
    }

    @Test func whoFindsNoRoomWaitsInLine() {
        var settings = ForwardingSettings()
        settings.inflightPerConnectionMax = 1
        let (harness, connection) = ForwarderHarness.connected(settings)
        let first = harness.send(1)
        let waiting = [harness.submit(2, idempotent: true), harness.submit(3), harness.submit(4, body: [])]
        let needsBody = waiting.map { submission in
            guard case .wait(_, let needsBody) = submission else { return nil as Bool? }
            return needsBody
        }
        #expect(needsBody == [false, true, false], "kept to be sent again; the caller's; there is none")
        var orders = harness.orders()
        #expect(orders == [])
        var sent = first.sent
        for (tag, callers) in [(2, false), (3, true), (4, false)] as [(UInt64, Bool)] {
            _ = harness.answer(sent, on: connection)
            orders = harness.orders()
            guard orders.count == 1, case .send(connection, let header, tag: tag, body: let body) = orders[0] else {
                Issue.record("\(orders)")
                return
            }
            #expect((body == .callers) == callers)
            sent = header
        }
        let waitingCount = harness.forwarder.waitingCount
        #expect(waitingCount == 0)
    }

    @Test func patienceEndsBeforeTheDeadline() {
        var settings = ForwardingSettings()
        settings.inflightPerConnectionMax = 1
        settings.patienceNanoseconds = 100 * ForwarderHarness.millisecond
        let (harness, _) = ForwarderHarness.connected(settings)
        _ = harness.send(1)
        _ = harness.submit(2)
        _ = harness.submit(3, milliseconds: 50)
        harness.advance(milliseconds: 99)
        var orders = harness.orders()
        #expect(orders == [.fail(tag: 3, .deadlineExceeded)])
        harness.advance(milliseconds: 1)
        orders = harness.orders()
        #expect(orders == [.fail(tag: 2, .unavailable)])
    }

    // MARK: Cancelling

    /// The backend works on it still, so that it counts until it is answered; the caller hears nothing.
    @Test func aCancelledRequestKeepsItsSlotUntilItIsAnswered() {
        let (harness, connection) = ForwarderHarness.connected()
        let request = harness.send(1, streaming: true)
        let cancelled = [harness.forwarder.cancel(request.key), harness.forwarder.cancel(request.key)]
        #expect(cancelled == [true, false])
        let frame = harness.answer(request.sent, on: connection, flags: .response)
        let count = harness.forwarder.exchangeCount
        let last = harness.answer(request.sent, on: connection)
        #expect((frame, count, last) == (.ignored, 1, .ignored))
        let isEmpty = harness.isEmpty
        #expect(isEmpty)
    }

    @Test func aCancelledRequestThatIsNotAnsweredEndsAtItsDeadline() {
        let (harness, connection) = ForwarderHarness.connected()
        let request = harness.send(1, milliseconds: 10)
        _ = harness.forwarder.cancel(request.key)
        harness.advance(milliseconds: 10)
        let orders = harness.orders()
        #expect(orders == [])
        let isEmpty = harness.isEmpty
        #expect(isEmpty)
        let late = harness.answer(request.sent, on: connection)
        #expect(late == .ignored)
    }

    @Test func aCancelledRequestIsNotSentAgain() {
        let (harness, connection) = ForwarderHarness.connected()
        harness.earn(retries: 2)
        let request = harness.send(1, idempotent: true)
        _ = harness.forwarder.cancel(request.key)
        harness.disconnect(connection)
        let isEmpty = harness.isEmpty
        #expect(isEmpty)
    }

    @Test func whoWaitsOrFailedCanBeCancelledWithoutTrace() {
        let harness = ForwarderHarness()
        _ = harness.opened()
        guard case .wait(let waiting, _) = harness.submit(1, idempotent: true) else {
            Issue.record("no connection is ready")
            return
        }
        let cancelled = harness.forwarder.cancel(waiting)
        var isEmpty = harness.isEmpty
        #expect(cancelled && isEmpty)

        let (other, connection) = ForwarderHarness.connected()
        let lost = other.send(1)
        other.disconnect(connection)
        let cancelledLate = other.forwarder.cancel(lost.key)
        isEmpty = other.isEmpty
        #expect(cancelledLate && isEmpty, "it had failed, and nobody was told yet")
        let orders = other.orders()
        #expect(orders == [])
    }

    @Test func aKeyIsStaleOnceThereIsAnOutcome() {
        let (harness, connection) = ForwarderHarness.connected()
        let request = harness.send(1)
        _ = harness.answer(request.sent, on: connection)
        _ = harness.send(2)
        let cancelled = harness.forwarder.cancel(request.key)
        #expect(!cancelled, "the slot is another's by now")
    }
}
