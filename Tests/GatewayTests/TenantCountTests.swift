import Admission
import Gateway
import GatewayTesting
import OAP
import Testing

/// Each request on which admission has decided is counted for its tenant, once.
@Suite struct TenantCountTests {
    /// What a scrape after this turn would have.
    private static func counts(_ harness: inout CoreHarness) -> [UInt128: TenantCounts] {
        harness.endTurn()
        var ranking = TenantRanking()
        let report = ranking.merge([harness.core.tenants], nowNanoseconds: harness.now)
        #expect(report.other == TenantCounts())
        return Dictionary(uniqueKeysWithValues: report.tenants.map { ($0.tenant, $0.counts) })
    }

    @Test(arguments: [false, true]) func admittedAndOverQuota(answersAtOnce: Bool) {
        var harness = CoreHarness(
            tenantRate: TokenRate(tokensPerSecond: 0.01, burst: 3), answersAtOnce: answersAtOnce)
        harness.connect(0)
        for correlation in 1...5 as ClosedRange<UInt64> {
            _ = harness.order(.resolve("name:site", correlation: correlation, tenant: 7))
            _ = harness.order(.ping())
        }
        _ = harness.order(.resolve("name:site", correlation: 6, tenant: UInt128.max))
        let counts = Self.counts(&harness)
        #expect(counts == [7: TenantCounts(admitted: 3, quota: 2), UInt128.max: TenantCounts(admitted: 1)])
    }

    @Test func tooManyAtOnceIsTheClients() {
        var harness = CoreHarness(inflightMax: 1)
        harness.connect(0)
        _ = harness.order(.resolve("name:site", correlation: 1, tenant: 7))
        _ = harness.order(.resolve("name:site", correlation: 2, tenant: 7))
        let counts = Self.counts(&harness)
        #expect(counts == [7: TenantCounts(admitted: 1, quota: 1)])
    }

    @Test func theGatewaysOwnQuotaAndPermitsAreOverload() {
        var harness = CoreHarness(openMax: 2, globalRate: TokenRate(tokensPerSecond: 0.01, burst: 3))
        harness.connect(0)
        _ = harness.open(1)
        _ = harness.open(2)
        // No permit, and its token comes back.
        _ = harness.order(.resolve("name:site", correlation: 3, tenant: 7))
        harness.core.disconnected(0, reason: .peer, nowNanoseconds: harness.now)
        harness.connect(0, generation: 1)
        _ = harness.order(.resolve("name:site", correlation: 4, tenant: 8))
        _ = harness.order(.resolve("name:site", correlation: 5, tenant: 8))
        let counts = Self.counts(&harness)
        #expect(
            counts == [
                0: TenantCounts(admitted: 2), 7: TenantCounts(overload: 1), 8: TenantCounts(overload: 2),
            ])
    }

    @Test func whatPressureShedsIsOverload() {
        var harness = CoreHarness()
        harness.connect(0)
        harness.core.rung = .refuse
        let seen = harness.order(.resolve("name:site", correlation: 1, tenant: 7))
        #expect(seen == .refused(.overloaded))
        let counts = Self.counts(&harness)
        #expect(counts == [7: TenantCounts(overload: 1)])
    }

    /// What waits is counted when it is decided: admitted, or refused. A client that has gone is told nothing.
    @Test func whatWaitedIsCountedAtItsEnd() {
        var limits = GatewayLimits()
        limits.requestTimeoutNanoseconds = 500 * CoreHarness.millisecond
        var harness = CoreHarness(limits: limits, openMax: 1, waitingMax: 4)
        for slot in 0..<3 { harness.connect(slot) }
        let first = harness.open(1)
        for (slot, tenant) in [(0, 5), (1, 6), (2, 7)] as [(Int, UInt128)] {
            let seen = harness.order(.resolve("name:site", correlation: 2, tenant: tenant), on: slot)
            #expect(seen == .wait)
        }
        var counts = Self.counts(&harness)
        #expect(counts == [0: TenantCounts(admitted: 1)], "nothing is decided yet")
        harness.core.disconnected(1, reason: .peer, nowNanoseconds: harness.now)
        harness.advance(milliseconds: 1)
        harness.finish(first)
        let next = harness.admitted()
        #expect(next != nil)
        harness.advance(milliseconds: 600)
        while let (ticket, code) = harness.core.popOverstayed(nowNanoseconds: harness.now) {
            _ = harness.core.fail(ticket, code, nowNanoseconds: harness.now)
        }
        while let ticket = harness.core.overdue(nowNanoseconds: harness.now) {
            _ = harness.core.fail(ticket, .deadlineExceeded, nowNanoseconds: harness.now)
        }
        #expect(harness.core.openCount == 0)
        counts = Self.counts(&harness)
        let both = (counts[5] ?? TenantCounts()) &+ (counts[7] ?? TenantCounts())
        #expect(both == TenantCounts(admitted: 1, overload: 1), "one was admitted, and was late later")
        #expect(counts[6] == nil)
    }

    /// A frame too many on its connection is no request yet, and a gateway that does not serve decides nothing.
    @Test func whatIsRefusedBeforeIsNobodys() {
        var harness = CoreHarness(connectionRate: TokenRate(tokensPerSecond: 0.01, burst: 1), serving: false)
        harness.connect(0)
        _ = harness.order(.resolve("name:site", correlation: 1, tenant: 7))
        let seen = harness.order(.resolve("name:site", correlation: 2, tenant: 7))
        #expect(seen == .refused(.quotaExhausted))
        let counts = Self.counts(&harness)
        #expect(counts.isEmpty)
    }
}
