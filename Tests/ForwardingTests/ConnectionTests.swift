@testable import Forwarding
import OAP
import Testing

@Suite struct ConnectionTests {
    private static let millisecond = ForwarderHarness.millisecond

    @Test func aConnectionTakesRequestsOnceHelloIsAnswered() {
        let harness = ForwarderHarness()
        let connection = harness.opened()[0]
        guard case .wait = harness.submit(1) else {
            Issue.record("the connection is not there")
            return
        }
        harness.forwarder.connected(connection, nowNanoseconds: harness.now)
        var orders = harness.orders()
        guard orders.count == 1, case .sendControl(connection, let hello) = orders[0] else {
            Issue.record("\(orders)")
            return
        }
        let expected = FrameHeader(
            flags: .request, code: 0, application: 0, correlation: hello.correlation, payloadBytes: 0)
        #expect(hello == expected)
        let reception = harness.answer(
            hello, on: connection, flags: .response, payload: #"{"max_frame":1048576,"max_inflight":3}"#)
        orders = harness.orders()
        guard reception == .ignored, orders.count == 1, case .send(connection, _, tag: 1, body: .callers) = orders[0]
        else {
            Issue.record("\(orders)")
            return
        }
    }

    @Test func theBackendsOwnLimitHolds() {
        let harness = ForwarderHarness()
        let connection = harness.connect(inflightMax: 3)[0]
        for tag in 0..<3 as Range<UInt64> { _ = harness.send(tag) }
        let waits = harness.submit(3)
        guard case .wait = waits else {
            Issue.record("\(waits)")
            return
        }
        // What was given up holds a place there until it is answered.
        var settings = ForwardingSettings()
        settings.inflightPerConnectionMax = 2
        let (other, otherConnection) = ForwarderHarness.connected(settings)
        let late = other.send(1, milliseconds: 10)
        _ = other.send(2)
        other.advance(milliseconds: 10)
        let orders = other.orders()
        #expect(orders == [.fail(tag: 1, .deadlineExceeded)])
        guard case .wait = other.submit(3) else {
            Issue.record("the place of a request that was given up is not free")
            return
        }
        _ = other.answer(late.sent, on: otherConnection)
        let sent = other.orders()
        #expect(sent.count == 1)
        #expect(connection.index < UInt32(harness.forwarder.connectionsMax))
    }

    @Test func aConnectionThatDoesNotComeUpIsGivenUp() {
        let harness = ForwarderHarness()
        let first = harness.opened()[0]
        var orders = harness.sleep()
        #expect(orders == [.close(first, .connectTimedOut)])
        let waited = harness.forwarder.settings.connectTimeoutNanoseconds
        #expect(harness.now == 1_000_000 * Self.millisecond + waited)

        orders = harness.sleep()
        guard case .open(let second, endpoint: 0)? = orders.first else {
            Issue.record("\(orders)")
            return
        }
        // It is open, but says nothing.
        harness.forwarder.connected(second, nowNanoseconds: harness.now)
        _ = harness.orders()
        orders = harness.sleep()
        #expect(orders == [.close(second, .connectTimedOut)])
    }

    /// Half of the wait is certain, the other half random: 50 ms, 100, 200 … up to 5 s, or 1 s as soon as a request
    /// waits.
    @Test func reconnectingBacksOff() {
        var settings = ForwardingSettings()
        settings.failuresMax = 1_000
        let harness = ForwarderHarness(settings)
        var connection = harness.opened()[0]
        var waits: [UInt64] = []
        for _ in 0..<12 {
            harness.disconnect(connection)
            let lost = harness.now
            _ = harness.orders()
            let orders = harness.sleep()
            guard case .open(let next, _)? = orders.first else {
                Issue.record("\(orders)")
                return
            }
            waits.append((harness.now - lost) / Self.millisecond)
            connection = next
        }
        for (index, wait) in waits.enumerated() {
            let whole = min(5_000, UInt64(50) << UInt64(index))
            #expect((whole / 2...whole).contains(wait), "attempt \(index + 1) waited \(wait) ms")
        }
        #expect(Set(waits.suffix(5)).count > 1, "the rest is random")

        harness.disconnect(connection)
        let lost = harness.now
        _ = harness.orders()
        _ = harness.submit(1, milliseconds: 60_000)
        _ = harness.orders()
        let orders = harness.sleep()
        guard case .open? = orders.first else {
            Issue.record("\(orders)")
            return
        }
        #expect((500...1_000).contains((harness.now - lost) / Self.millisecond), "somebody waits for it")
    }

    /// An answer makes the next loss a first one; HELLO alone does not, or a backend that fails right behind it would
    /// be asked twenty times a second.
    @Test func onlyServiceForgivesLosses() {
        let harness = ForwarderHarness()
        var connection = harness.connect()[0]
        for _ in 0..<3 {
            harness.disconnect(connection)
            _ = harness.orders()
            let orders = harness.sleep()
            guard case .open(let next, _)? = orders.first else {
                Issue.record("\(orders)")
                return
            }
            harness.greet(next)
            connection = next
        }
        #expect(harness.forwarder.endpoints[0].losses == 3)
        let request = harness.send(1)
        _ = harness.answer(request.sent, on: connection)
        #expect(harness.forwarder.endpoints[0].losses == 0)
    }

    /// A connection that lives on says nothing of those that end as soon as they are open: they are waited for longer each time.
    @Test func anOldSiblingForgivesNoLosses() {
        var settings = ForwardingSettings()
        settings.connectionsPerEndpoint = 2
        let harness = ForwarderHarness(settings)
        let keys = harness.connect()
        var connection = keys[1]
        for losses in 1...4 {
            harness.disconnect(connection)
            let lost = harness.now
            _ = harness.orders()
            let request = harness.send(UInt64(losses))
            _ = harness.answer(request.sent, on: keys[0])
            #expect(harness.forwarder.endpoints[0].losses == losses)
            _ = harness.orders()
            let orders = harness.sleep()
            guard case .open(let next, _)? = orders.first else {
                Issue.record("\(orders)")
                return
            }
            #expect(harness.now - lost >= (UInt64(25) << UInt64(losses - 1)) * Self.millisecond)
            connection = next
        }
    }

    @Test func whatComesUnderAnOldKeyIsIgnored() {
        let (harness, old) = ForwarderHarness.connected()
        let request = harness.send(1)
        harness.disconnect(old)
        let orders = harness.orders()
        #expect(orders == [.fail(tag: 1, .connectionLost)])
        let reopened = harness.sleep()
        guard case .open(let new, _)? = reopened.first else {
            Issue.record("\(reopened)")
            return
        }
        harness.greet(new)
        #expect(new.index == old.index && new.generation != old.generation)
        let late = harness.answer(request.sent, on: old)
        harness.disconnect(old)
        let violation = harness.forwarder.headerRefused(old, nowNanoseconds: harness.now)
        let ready = harness.forwarder.readyCount
        #expect((late, violation, ready) == (.ignored, .ignored, 1))
        let unknown = harness.answer(request.sent, on: ConnectionKey(index: 99, generation: 0))
        #expect(unknown == .ignored)
    }

    // MARK: GOAWAY

    @Test func goAwayFinishesWhatIsOpenBesideASuccessor() {
        let (harness, old) = ForwarderHarness.connected()
        let request = harness.send(1)
        let reception = harness.goAway(old)
        #expect(reception == .ignored)
        guard case .wait = harness.submit(2) else {
            Issue.record("no new request goes to a connection that drains")
            return
        }
        var orders = harness.orders()
        #expect(orders == [])
        orders = harness.sleep()
        guard orders.count == 1, case .open(let new, endpoint: 0) = orders[0], new.index != old.index else {
            Issue.record("\(orders)")
            return
        }
        harness.greet(new)
        orders = harness.orders()
        guard orders.count == 1, case .send(new, let sent, tag: 2, body: .callers) = orders[0] else {
            Issue.record("\(orders)")
            return
        }
        let first = harness.answer(request.sent, on: old)
        let second = harness.answer(sent, on: new)
        guard case .answer(tag: 1, _, isLast: true) = first, case .answer(tag: 2, _, isLast: true) = second else {
            Issue.record("\(first) \(second)")
            return
        }
        orders = harness.orders()
        #expect(orders == [.close(old, .drained)])
        let ready = harness.forwarder.readyCount
        #expect(ready == 1)
    }

    @Test func aDrainingConnectionEndsWhenItsLastRequestIsLate() {
        let (harness, connection) = ForwarderHarness.connected()
        _ = harness.send(1, milliseconds: 20)
        _ = harness.goAway(connection)
        harness.advance(milliseconds: 20)
        let orders = harness.orders()
        #expect(orders.prefix(2) == [.fail(tag: 1, .deadlineExceeded), .close(connection, .drained)])
    }

    @Test func aBackendThatClosesAfterGoAwayIsNoFault() {
        var settings = ForwardingSettings()
        settings.failuresMax = 1
        let (harness, connection) = ForwarderHarness.connected(settings)
        _ = harness.goAway(connection)
        harness.disconnect(connection)
        let counts = (harness.forwarder.counts.drops(.drained), harness.forwarder.counts.ejections)
        #expect(counts == (1, 0))
    }

    // MARK: PING

    @Test func aSilentConnectionIsAskedForASignOfLife() {
        let (harness, connection) = ForwarderHarness.connected()
        var ready = harness.now
        _ = harness.orders()
        var orders = harness.sleep()
        #expect(harness.now == ready + 15_000 * Self.millisecond, "nothing is open")
        guard orders.count == 1, case .sendControl(connection, let ping) = orders[0] else {
            Issue.record("\(orders)")
            return
        }
        #expect(ping.code == 1 && ping.application == 0)
        let pong = harness.answer(ping, on: connection)
        #expect(pong == .ignored)

        // A request after a silence is no reason to ask at once.
        harness.advance(milliseconds: 10_000)
        ready = harness.now
        _ = harness.send(1)
        orders = harness.orders()
        #expect(orders == [])
        orders = harness.sleep()
        #expect(harness.now == ready + 1_000 * Self.millisecond)
        guard orders.count == 1, case .sendControl = orders[0] else {
            Issue.record("\(orders)")
            return
        }
    }

    @Test func withoutPongItIsLost() {
        let (harness, connection) = ForwarderHarness.connected()
        let request = harness.send(1)
        _ = harness.orders()
        var orders = harness.sleep()
        #expect(orders.count == 1)
        orders = harness.sleep()
        #expect(orders == [.close(connection, .silent), .fail(tag: 1, .connectionLost)])
        let late = harness.answer(request.sent, on: connection)
        #expect(late == .ignored)
    }

    /// A connection that brings answers lives, even if its PONG stands behind many of them.
    @Test func answersAreSignsOfLifeToo() {
        let (harness, connection) = ForwarderHarness.connected()
        let request = harness.send(1, streaming: true, milliseconds: 60_000)
        _ = harness.orders()
        _ = harness.sleep()
        for _ in 0..<10 {
            harness.advance(milliseconds: 900)
            _ = harness.answer(request.sent, on: connection, flags: .response)
            let orders = harness.orders()
            #expect(orders == [])
        }
    }

    /// It answers PING, but no requests.
    @Test func aConnectionThatOwesTooMuchIsDropped() {
        var settings = ForwardingSettings()
        settings.inflightPerConnectionMax = 4
        settings.failuresMax = 100
        let (harness, connection) = ForwarderHarness.connected(settings)
        for tag in 1...2 as ClosedRange<UInt64> { _ = harness.send(tag, milliseconds: 10) }
        harness.advance(milliseconds: 10)
        var orders = harness.orders()
        #expect(orders == [.fail(tag: 1, .deadlineExceeded), .fail(tag: 2, .deadlineExceeded)])
        _ = harness.send(3, milliseconds: 10)
        harness.advance(milliseconds: 10)
        orders = harness.orders()
        #expect(orders == [.fail(tag: 3, .deadlineExceeded), .close(connection, .unanswered)])
    }
}
