@testable import Forwarding
import OAP
import Testing

@Suite struct RetryTests {
    /// A connection, and so many retries to spend.
    private static func harness(retries: Int, endpoints: Int = 1) -> ForwarderHarness {
        var settings = ForwardingSettings()
        settings.failuresMax = 1_000
        let harness = ForwarderHarness(settings, endpoints: endpoints)
        _ = harness.connect()
        harness.earn(retries: retries)
        return harness
    }

    /// Sleeps until the request is sent again, connecting where that is wanted.
    private static func resent(_ harness: ForwarderHarness) -> (FrameHeader, ConnectionKey, ForwardBody)? {
        for _ in 0..<20 {
            for order in harness.sleep() {
                switch order {
                case .open(let key, _): harness.greet(key)
                case .send(let key, let header, tag: 1, body: let body): return (header, key, body)
                case .send, .sendControl, .close, .fail: return nil
                }
            }
        }
        return nil
    }

    @Test func aLostRequestIsSentAgainWithItsBody() {
        let harness = Self.harness(retries: 2)
        let first = harness.send(1, body: [7, 8, 9], idempotent: true)
        harness.disconnect(first.on)
        guard let (header, connection, body) = Self.resent(harness), case .kept(let place) = body else {
            Issue.record("not sent again")
            return
        }
        let bytes = harness.forwarder.withKept(place) { span in span.indices.map { span[$0] } }
        #expect(bytes == [7, 8, 9])
        #expect(header.correlation != first.sent.correlation && connection != first.on)
        var same = header
        same.correlation = first.sent.correlation
        #expect(same == first.sent)
        let late = harness.answer(first.sent, on: first.on)
        let reception = harness.answer(header, on: connection)
        guard late == .ignored, case .answer(tag: 1, _, isLast: true) = reception else {
            Issue.record("\(late) \(reception)")
            return
        }
        let (isEmpty, retries) = (harness.isEmpty, harness.forwarder.counts.retries)
        #expect(isEmpty && retries == 1)
    }

    @Test func threeTriesAreAll() {
        let harness = Self.harness(retries: 10)
        var connection = harness.send(1, body: [], idempotent: true).on
        for _ in 0..<2 {
            harness.disconnect(connection)
            guard let (_, next, body) = Self.resent(harness) else {
                Issue.record("not sent again")
                return
            }
            #expect(body == .none, "an empty body needs no place")
            connection = next
        }
        harness.disconnect(connection)
        let orders = harness.orders()
        #expect(orders == [.fail(tag: 1, .connectionLost)])
    }

    @Test func withoutABudgetItFails() {
        let harness = Self.harness(retries: 1)
        let requests = (1...3).map { harness.send(UInt64($0), idempotent: true) }
        harness.disconnect(requests[0].on)
        let orders = harness.orders()
        let failed = orders.count { if case .fail(_, .connectionLost) = $0 { true } else { false } }
        #expect(failed == 2)
        let counts = (harness.forwarder.counts.retries, harness.forwarder.counts.retriesRefused)
        #expect(counts == (1, 2))
    }

    @Test func whatIsNotIdempotentIsSentOnce() {
        let harness = Self.harness(retries: 5)
        let request = harness.send(1)
        harness.disconnect(request.on)
        let orders = harness.orders()
        #expect(orders == [.fail(tag: 1, .connectionLost)])
    }

    @Test func whoseAnswerHasBegunIsSentOnce() {
        let harness = Self.harness(retries: 5)
        let request = harness.send(1, idempotent: true, streaming: true)
        _ = harness.answer(request.sent, on: request.on, flags: [.response, .start])
        harness.disconnect(request.on)
        let orders = harness.orders()
        #expect(orders == [.fail(tag: 1, .connectionLost)])
    }

    /// A body that is too long, or for which there is no place, is sent once.
    @Test func bodiesAreKeptWithinBounds() {
        var settings = ForwardingSettings()
        settings.keptBodiesMax = 2
        settings.keptBodyBytesMax = 4
        let (harness, connection) = ForwarderHarness.connected(settings)
        harness.earn(retries: 5)
        _ = harness.send(1, body: [1, 2, 3, 4, 5], idempotent: true)
        for tag in 2...4 as ClosedRange<UInt64> { _ = harness.send(tag, body: [1, 2, 3, 4], idempotent: true) }
        let counts = (harness.forwarder.counts.bodiesNotKept, harness.forwarder.bodies.count)
        #expect(counts == (2, 2))
        harness.disconnect(connection)
        let orders = harness.orders()
        #expect(orders == [.fail(tag: 1, .connectionLost), .fail(tag: 4, .connectionLost)])
    }

    /// A retry that would come too late is none, and costs no budget.
    @Test func noRetryGoesBeyondTheDeadline() {
        var retried = 0
        for seed in 0..<50 as Range<UInt64> {
            var settings = ForwardingSettings()
            settings.failuresMax = 1_000
            let harness = ForwarderHarness(settings, seed: seed)
            _ = harness.connect()
            harness.earn(retries: 1)
            let request = harness.send(1, idempotent: true, milliseconds: 25)
            let deadline = harness.now + 25 * ForwarderHarness.millisecond
            harness.disconnect(request.on)
            if let time = harness.forwarder.timers.firstNanoseconds {
                retried += 1
                #expect(time < deadline)
            } else {
                let orders = harness.orders()
                #expect(orders == [.fail(tag: 1, .connectionLost)])
                #expect(harness.forwarder.budget.tenths == 11)
            }
        }
        #expect((5...45).contains(retried), "a random time up to 50 ms is below 25 in half of the cases")
    }

    @Test func anotherEndpointTakesOver() {
        let harness = Self.harness(retries: 2, endpoints: 2)
        let first = harness.send(1, idempotent: true)
        harness.disconnect(first.on)
        var second: ConnectionKey?
        for _ in 0..<20 where second == nil {
            for order in harness.sleep() {
                if case .send(let key, _, tag: 1, body: _) = order { second = key }
            }
        }
        #expect(second != nil && second?.index != first.on.index, "the first one is not there to be connected to")
    }
}
