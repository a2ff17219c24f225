import Admission
import Gateway
import GatewayTesting
import OAP
import Testing

/// Requests that find no permit and wait for one.
@Suite struct WaitingRequestTests {
    private static func harness(openMax: Int = 1, waitingMax: Int = 4, inflightMax: Int = 64) -> CoreHarness {
        var harness = CoreHarness(openMax: openMax, inflightMax: inflightMax, waitingMax: waitingMax)
        harness.connect(0)
        harness.connect(1)
        return harness
    }

    @Test func aRequestWaitsAndIsAdmittedWhenAPermitReturns() {
        var harness = Self.harness()
        let first = harness.open(1)
        let seen = harness.order(.resolve("name:second", correlation: 2, tenant: 7), on: 1)
        #expect(seen == .wait)
        let early = harness.admitted()
        #expect(early == nil, "there is no permit yet")
        harness.advance(milliseconds: 3)
        harness.finish(first)
        let next = harness.admitted()
        #expect(next?.payload == Array("name:second".utf8))
        #expect(next?.session == SessionKey(slot: 1, generation: 0))
        #expect(harness.admission.concurrency.openCount == 1)
        guard let ticket = next?.ticket else { return }
        harness.finish(ticket)
        #expect(harness.admission.concurrency.openCount == 0 && harness.core.openCount == 0)
        let waited = harness.metric("admission_wait_seconds_count")
        #expect(waited == "1", "the first was counted at no turn's end")
        let sum = harness.metric("admission_wait_seconds_sum")
        #expect(sum == "0.003")
    }

    @Test func resolveManyWaitsToo() {
        var harness = Self.harness()
        let first = harness.open(1)
        let seen = harness.order(.resolveMany(json: #"["name:a","name:b"]"#, correlation: 2), on: 1)
        #expect(seen == .wait)
        harness.finish(first)
        let next = harness.admitted()
        #expect(next?.seen == .resolveMany(2))
    }

    /// What is no key would be refused later anyway; it is refused before it takes a place.
    @Test func theMalformedDoNotWait() {
        var harness = Self.harness()
        _ = harness.open(1)
        let seen = harness.order(.resolve("no key", correlation: 2), on: 1)
        #expect(seen == .refused(.badRequest))
        #expect(harness.core.waitingCount == 0)
    }

    @Test func aFullRoomRefusesAndGivesTokensBack() {
        var harness = CoreHarness(
            openMax: 1, tenantRate: TokenRate(tokensPerSecond: 0.01, burst: 4), waitingMax: 2)
        harness.connect(0)
        for correlation in 1...3 as ClosedRange<UInt64> {
            let seen = harness.order(.resolve("name:site", correlation: correlation))
            #expect(seen == (correlation == 1 ? .resolve : .wait))
        }
        for _ in 0..<3 {
            let seen = harness.order(.resolve("name:site", correlation: 9))
            #expect(seen == .refused(.overloaded), "the fourth token is taken and given back each time")
        }
        #expect((harness.lastRefusal?.retryAfterMilliseconds ?? 0) > 0)
    }

    @Test func waitingCountsAsOpenOnItsConnection() {
        var harness = Self.harness(inflightMax: 2)
        _ = harness.open(1)
        let second = harness.order(.resolve("name:site", correlation: 2))
        let same = harness.order(.resolve("name:site", correlation: 2))
        let third = harness.order(.resolve("name:site", correlation: 3))
        #expect(second == .wait && same == .refused(.badSequence) && third == .refused(.tooManyInflight))
    }

    /// …and nobody does work for it.
    @Test func aClientThatGoesTakesItsWaitingRequestsAlong() {
        var harness = Self.harness()
        let first = harness.open(1)
        _ = harness.order(.resolve("name:site", correlation: 2), on: 1)
        _ = harness.order(.resolve("name:site", correlation: 3), on: 1)
        harness.core.disconnected(1, reason: .peer, nowNanoseconds: harness.now)
        #expect(harness.core.waitingCount == 0 && harness.core.openCount == 1)
        harness.finish(first)
        let next = harness.admitted()
        #expect(next == nil)
    }

    @Test func aDeadlinePassesWhileARequestWaits() {
        var limits = GatewayLimits()
        limits.requestTimeoutNanoseconds = 50 * CoreHarness.millisecond
        var harness = CoreHarness(limits: limits, openMax: 1, waitingMax: 4)
        harness.connect(0)
        _ = harness.open(1)
        harness.advance(milliseconds: 10)
        _ = harness.order(.resolve("name:site", correlation: 2))
        harness.advance(milliseconds: 51)
        var late: [ErrorCode] = []
        while let ticket = harness.core.overdue(nowNanoseconds: harness.now) {
            let refusal = harness.core.fail(ticket, .deadlineExceeded, nowNanoseconds: harness.now)
            late.append(refusal?.code ?? .internalFault)
        }
        #expect(late == [.deadlineExceeded, .deadlineExceeded])
        #expect(harness.core.waitingCount == 0 && harness.core.openCount == 0)
        #expect(harness.admission.concurrency.openCount == 0)
    }

    /// Overload: who has waited longer than the target is refused, so that those who are served have not.
    @Test func whoHasWaitedTooLongIsRefused() {
        var harness = Self.harness(waitingMax: 64)
        _ = harness.open(1)
        var refused = 0
        for round in 0..<400 as Range<UInt64> {
            harness.advance(milliseconds: 1)
            _ = harness.order(.resolve("name:site", correlation: 10 + round), on: round % 2 == 0 ? 0 : 1)
            while let late = harness.core.popOverstayed(nowNanoseconds: harness.now) {
                let refusal = harness.core.fail(late.ticket, late.code, nowNanoseconds: harness.now)
                #expect(refusal?.code == .overloaded && (refusal?.retryAfterMilliseconds ?? 0) > 0)
                refused += 1
            }
        }
        #expect(refused > 300, "the permit never returns: all but the latest are told so")
        #expect(harness.core.waitingCount < 32)
    }

    /// Permits that come back to another worker serve this one's waiting requests too, and every request gets exactly one
    /// end, over a long random history.
    @Test func everyRequestEndsOnce() {
        var random = SeededGenerator(seed: 11)
        var harness = Self.harness(openMax: 3, waitingMax: 8)
        var open: [Ticket] = []
        var answered = 0
        var begun = 0
        for step in 0..<20_000 as Range<UInt64> {
            harness.advance(milliseconds: UInt64.random(in: 0...2, using: &random))
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5:
                begun += 1
                switch harness.order(
                    .resolve("name:site", correlation: step), on: Int.random(in: 0...1, using: &random))
                {
                case .resolve: if let ticket = harness.lastTicket { open.append(ticket) }
                case .wait: break
                default: answered += 1
                }
            case 5..<9:
                guard !open.isEmpty else { break }
                harness.finish(open.remove(at: Int.random(in: 0..<open.count, using: &random)))
                answered += 1
            default:
                while let late = harness.core.popOverstayed(nowNanoseconds: harness.now) {
                    if harness.core.fail(late.ticket, late.code, nowNanoseconds: harness.now) != nil { answered += 1 }
                }
                while let next = harness.admitted() { open.append(next.ticket) }
            }
            let permits = harness.admission.concurrency.openCount
            #expect(permits == open.count && permits <= 3)
        }
        // Those that are to be told wait no more.
        let untold = harness.outcasts()
        #expect(answered + open.count + harness.core.waitingCount + untold == begun)
    }

    /// A turn's worth of lookups waits at most: more is refused before it is read any further, whatever it says.
    @Test func aTurnOfLookupsWaits() {
        var limits = GatewayLimits()
        limits.turnLookupsMax = 4
        var harness = CoreHarness(limits: limits, waitingMax: 64)
        harness.connect(0)
        let three = #"["name:a","name:b","name:c"]"#
        let seen = (1...5 as ClosedRange<UInt64>).map { harness.order(.resolveMany(json: three, correlation: $0)) }
        #expect(seen == [.resolveMany(3), .resolveMany(3), .wait, .wait, .refused(.overloaded)])
        let malformed = harness.order(.resolveMany(json: "[", correlation: 6))
        #expect(malformed == .refused(.overloaded))
        let isSaturated = harness.core.isSaturated
        #expect(isSaturated)
        let single = harness.order(.resolve("name:a", correlation: 7))
        #expect(single == .resolve, "what is not held up by lookups passes")
        harness.endTurn()
        var admitted = 0
        while harness.admitted() != nil { admitted += 1 }
        let isSaturatedStill = harness.core.isSaturated
        #expect(admitted == 2 && !isSaturatedStill)
    }

    /// A tenant that fills the room keeps neither another tenant nor a critical one out of it.
    @Test func theTenantWithMostWaitingGivesWay() {
        var harness = CoreHarness(
            openMax: 1, waitingMax: 4,
            tenants: [NamedTenant(tenant: 9, name: "critical", quota: TenantQuota(isCritical: true))])
        harness.connect(0)
        let open = harness.open(1)
        for correlation in 2...5 as ClosedRange<UInt64> {
            let seen = harness.order(.resolve("name:many\(correlation)", correlation: correlation, tenant: 1))
            #expect(seen == .wait)
        }
        let own = harness.order(.resolve("name:site", correlation: 6, tenant: 1))
        let other = harness.order(.resolve("name:other", correlation: 7, tenant: 2))
        let critical = harness.order(.resolve("name:critical", correlation: 8, tenant: 9))
        #expect(own == .refused(.overloaded) && other == .wait && critical == .wait)
        #expect(harness.core.waitingCount == 4)
        let outcasts = harness.outcasts()
        #expect(outcasts == 2)
        var served: [String] = []
        harness.finish(open)
        while let next = harness.admitted() {
            served.append(String(decoding: next.payload, as: UTF8.self))
            harness.finish(next.ticket)
        }
        #expect(served == ["name:critical", "name:many2", "name:other", "name:many3"])
    }

    /// Those who gave way are told in the same turn; while too many are to be told, newcomers are refused instead.
    @Test func outcastsAreBounded() {
        var harness = CoreHarness(openMax: 1, inflightMax: 10_000, waitingMax: 200)
        harness.connect(0)
        _ = harness.open(1)
        for correlation in 2...201 as ClosedRange<UInt64> {
            _ = harness.order(.resolve("name:many", correlation: correlation, tenant: 1))
        }
        var waiting = 0
        for correlation in 300..<400 as Range<UInt64> {
            let seen = harness.order(.resolve("name:few", correlation: correlation, tenant: UInt128(correlation)))
            if seen == .wait { waiting += 1 }
        }
        let outcasts = harness.outcasts()
        #expect(waiting == 64 && outcasts == 64)
    }

    /// Who has waited in vain says nothing of the backend.
    @Test func waitsInVainAreNoServiceTimes() {
        var harness = Self.harness(waitingMax: 64)
        _ = harness.open(1)
        _ = harness.order(.resolve("name:site", correlation: 2))
        harness.advance(milliseconds: 150)
        var refused = 0
        while let late = harness.core.popOverstayed(nowNanoseconds: harness.now) {
            if harness.core.fail(late.ticket, late.code, nowNanoseconds: harness.now) != nil { refused += 1 }
        }
        let times = harness.core.takeServiceTimes()
        #expect(refused == 1 && times.count == 0)
    }

    /// Clients that leave take the reason along for which the others had to queue.
    @Test func anEmptyRoomHoldsNobodyUp() {
        var harness = Self.harness()
        let first = harness.open(1)
        _ = harness.order(.resolve("name:site", correlation: 2), on: 1)
        let early = harness.admitted()
        #expect(early == nil)
        harness.core.disconnected(1, reason: .peer, nowNanoseconds: harness.now)
        harness.finish(first)
        harness.endTurn()
        let seen = harness.order(.resolve("name:site", correlation: 3))
        #expect(seen == .resolve)
    }
}
