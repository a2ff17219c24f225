@testable import Forwarding
import OAP
import Testing

@Suite struct EndpointTests {
    private static let millisecond = ForwarderHarness.millisecond

    private static func settings(failuresMax: Int) -> ForwardingSettings {
        var settings = ForwardingSettings()
        settings.failuresMax = failuresMax
        return settings
    }

    /// Sends a request and has it answered with a status.
    private static func ask(_ harness: ForwarderHarness, status: UInt16) {
        let request = harness.send(1)
        _ = harness.answer(request.sent, on: request.on, status: status)
    }

    @Test func failuresInARowEject() {
        let (harness, _) = ForwarderHarness.connected(Self.settings(failuresMax: 3))
        for status in [500, 500, 200, 500, 500, 404, 500, 503, 500, 500] as [UInt16] {
            Self.ask(harness, status: status)
        }
        var isEjected = harness.forwarder.isEjected(endpoint: 0)
        #expect(!isEjected, "answers between them, and 503 says only that there is too much to do")
        Self.ask(harness, status: 500)
        isEjected = harness.forwarder.isEjected(endpoint: 0)
        #expect(isEjected)
        let refused = harness.submit(2)
        #expect(refused == .refused(.unavailable))
    }

    @Test func lateAnswersAndLostConnectionsAreFailures() {
        let (harness, _) = ForwarderHarness.connected(Self.settings(failuresMax: 2))
        _ = harness.send(1, milliseconds: 10)
        _ = harness.send(2, milliseconds: 10)
        harness.advance(milliseconds: 10)
        _ = harness.orders()
        let isEjected = harness.forwarder.isEjected(endpoint: 0)
        #expect(isEjected)

        let (other, connection) = ForwarderHarness.connected(Self.settings(failuresMax: 1))
        other.disconnect(connection)
        let isOtherEjected = other.forwarder.isEjected(endpoint: 0)
        #expect(isOtherEjected)
    }

    /// Ejected for 1 s, then one probe; when that fails for 2 s, then 4, up to 30.
    @Test func aProbeDecides() {
        let (harness, connection) = ForwarderHarness.connected(Self.settings(failuresMax: 1))
        Self.ask(harness, status: 500)
        for seconds in [1, 2, 4, 8, 16, 30, 30] as [UInt64] {
            harness.advance(milliseconds: seconds * 1_000 - 1)
            Self.answerPings(harness)
            let early = harness.submit(2)
            #expect(early == .refused(.unavailable), "before \(seconds) s are over")
            harness.advance(milliseconds: 1)
            Self.answerPings(harness)
            let probe = harness.send(3)
            guard case .wait(let key, _) = harness.submit(4) else {
                Issue.record("one probe is enough")
                return
            }
            _ = harness.forwarder.cancel(key)
            _ = harness.answer(probe.sent, on: connection, status: 500)
        }
        harness.advance(milliseconds: 30_000)
        Self.answerPings(harness)
        let probe = harness.send(5)
        guard case .wait = harness.submit(6) else { return }
        _ = harness.answer(probe.sent, on: connection)
        let orders = harness.orders()
        guard orders.count == 1, case .send(connection, _, tag: 6, body: _) = orders[0] else {
            Issue.record("\(orders)")
            return
        }
        #expect(harness.forwarder.counts.ejections == 8)
    }

    /// Keeps idle connections from being taken for dead while a test moves the clock.
    private static func answerPings(_ harness: ForwarderHarness) {
        for order in harness.orders() {
            if case .sendControl(let key, let ping) = order { _ = harness.answer(ping, on: key) }
        }
    }

    /// Only what was sent since then tells how an endpoint is.
    @Test func oldRequestsAreNoProbes() {
        let (harness, connection) = ForwarderHarness.connected(Self.settings(failuresMax: 1))
        let old = (1...2).map { harness.send(UInt64($0), milliseconds: 60_000) }
        Self.ask(harness, status: 500)
        harness.advance(milliseconds: 1_000)
        Self.answerPings(harness)
        _ = harness.answer(old[0].sent, on: connection, status: 500)
        _ = harness.answer(old[1].sent, on: connection, status: 200)
        guard case .halfOpen(_, isProbed: false) = harness.forwarder.endpoints[0].health else {
            Issue.record("\(harness.forwarder.endpoints[0].health)")
            return
        }
    }

    /// A backend that comes back is asked as soon as it greets, however long its ejection was to last.
    @Test func aNewConnectionEndsTheEjectionEarly() {
        var settings = Self.settings(failuresMax: 1)
        settings.ejectionBaseNanoseconds = 20_000 * Self.millisecond
        let (harness, connection) = ForwarderHarness.connected(settings)
        harness.disconnect(connection)
        _ = harness.orders()
        let refused = harness.submit(1)
        #expect(refused == .refused(.unavailable))
        let orders = harness.sleep()
        guard case .open(let key, _)? = orders.first else {
            Issue.record("\(orders)")
            return
        }
        harness.greet(key)
        let probe = harness.send(2)
        guard case .wait = harness.submit(3) else {
            Issue.record("one probe is enough")
            return
        }
        _ = harness.answer(probe.sent, on: key)
        let sent = harness.orders()
        #expect(sent.count == 1)
    }

    /// The end of an ejection is the time of one attempt, even if the next one was due much later.
    @Test func theEndOfAnEjectionConnectsAtOnce() {
        var settings = Self.settings(failuresMax: 4)
        settings.reconnectIdleMaxNanoseconds = 60_000 * Self.millisecond
        settings.reconnectBaseNanoseconds = 60_000 * Self.millisecond
        settings.reconnectBusyMaxNanoseconds = 100 * Self.millisecond
        settings.patienceNanoseconds = 60_000 * Self.millisecond
        let harness = ForwarderHarness(settings)
        _ = harness.submit(1, milliseconds: 60_000)
        var connection = harness.opened()[0]
        for _ in 0..<3 {
            harness.disconnect(connection)
            _ = harness.orders()
            guard case .open(let next, _)? = harness.sleep().first else {
                Issue.record("not opened")
                return
            }
            connection = next
        }
        harness.disconnect(connection)
        var orders = harness.orders()
        #expect(orders == [.fail(tag: 1, .unavailable)], "who waits learns of the ejection")
        let ejected = harness.now
        repeat { orders = harness.sleep() } while orders.isEmpty && harness.now < ejected + 2_000 * Self.millisecond
        #expect(harness.now == ejected + 1_000 * Self.millisecond)
        guard case .open? = orders.first else {
            Issue.record("\(orders)")
            return
        }
    }

    // MARK: Choosing

    @Test func theLeastOutstandingOfTwoIsChosen() {
        var settings = ForwardingSettings()
        settings.inflightPerConnectionMax = 1_000
        let harness = ForwarderHarness(settings, endpoints: 2)
        _ = harness.connect(inflightMax: 1_000)
        for tag in 0..<200 as Range<UInt64> { _ = harness.send(tag) }
        let loads = harness.forwarder.connections.map(\.load).filter { $0 > 0 }
        #expect(loads == [100, 100], "of two, both are always looked at")
    }

    /// With many endpoints the fullest has hardly more than the average, where one random choice would leave it far
    /// above.
    @Test func manyEndpointsAreUsedEvenly() {
        var settings = ForwardingSettings()
        settings.exchangesMax = 4_000
        settings.inflightPerConnectionMax = 1_000
        let harness = ForwarderHarness(settings, endpoints: 16, seed: 42)
        _ = harness.connect(inflightMax: 1_000)
        for tag in 0..<3_200 as Range<UInt64> { _ = harness.send(tag) }
        let loads = harness.forwarder.connections.map(\.load).filter { $0 > 0 }
        #expect(loads.count == 16)
        #expect(loads.max() ?? 0 <= 206 && loads.min() ?? 0 >= 190, "\(loads)")
    }

    @Test func anEndpointThatDoesNotAnswerDoesNotLookIdle() {
        var settings = ForwardingSettings()
        settings.failuresMax = 1_000
        let harness = ForwarderHarness(settings, endpoints: 2)
        let connections = harness.connect()
        // The first one swallows its requests, the second one answers at once.
        for tag in 0..<10 as Range<UInt64> {
            let request = harness.send(tag, milliseconds: 10)
            if request.on == connections[1] { _ = harness.answer(request.sent, on: request.on) }
        }
        harness.advance(milliseconds: 10)
        _ = harness.orders()
        for tag in 100..<120 as Range<UInt64> {
            let request = harness.send(tag)
            #expect(request.on == connections[1])
            _ = harness.answer(request.sent, on: request.on)
        }
    }

    @Test func severalConnectionsShareTheLoad() {
        var settings = ForwardingSettings()
        settings.connectionsPerEndpoint = 4
        let harness = ForwarderHarness(settings)
        let connections = harness.connect()
        #expect(connections.count == 4)
        for tag in 0..<40 as Range<UInt64> { _ = harness.send(tag) }
        for connection in connections {
            let load = harness.forwarder.connections[Int(connection.index)].load
            #expect(load == 10)
        }
    }
}
