import Admission
import Gateway
import GatewayTesting
import OAP
import Testing

/// Who is refused on which rung of the pressure ladder.
@Suite struct PressureTests {
    private static let critical: UInt128 = 1
    private static let named: UInt128 = 2
    private static let unnamed: UInt128 = 3

    private static func harness(tenants: [NamedTenant] = PressureTests.tenants) -> CoreHarness {
        var harness = CoreHarness(tenantRate: TokenRate(tokensPerSecond: 1, burst: 100), tenants: tenants)
        harness.connect(0)
        return harness
    }

    private static let tenants = [
        NamedTenant(tenant: PressureTests.critical, name: "critical", quota: TenantQuota(isCritical: true)),
        NamedTenant(tenant: PressureTests.named, name: "named", quota: TenantQuota()),
    ]

    /// By rung: whether a request of the critical, the named and the unnamed tenant is taken.
    private static let taken: [(rung: PressureLadder.Rung, tenants: [Bool])] = [
        (.normal, [true, true, true]), (.degraded, [true, true, true]), (.shedLowPriority, [true, true, false]),
        (.shedConnections, [true, true, false]), (.refuse, [true, false, false]),
    ]

    @Test func eachRungRefusesWhomItIsFor() {
        var harness = Self.harness()
        var correlation: UInt64 = 0
        for (rung, expected) in Self.taken {
            harness.core.rung = rung
            for (tenant, isTaken) in zip([Self.critical, Self.named, Self.unnamed], expected) {
                correlation += 1
                let seen = harness.order(.resolve("name:site", correlation: correlation, tenant: tenant))
                #expect(seen == (isTaken ? .resolve : .refused(.overloaded)), "\(rung), tenant \(tenant)")
            }
        }
    }

    /// Where nobody has a name nobody is of lower priority than the others.
    @Test func withoutNamesOnlyTheLastRungRefuses() {
        var harness = Self.harness(tenants: [])
        harness.core.rung = .shedConnections
        let taken = harness.order(.resolve("name:site", correlation: 1, tenant: Self.unnamed))
        #expect(taken == .resolve)
        harness.core.rung = .refuse
        let refused = harness.order(.resolve("name:site", correlation: 2, tenant: Self.unnamed))
        #expect(refused == .refused(.overloaded))
    }

    @Test func controlIsAnsweredOnEveryRung() {
        var harness = Self.harness()
        harness.core.rung = .refuse
        let hello = harness.order(.hello())
        let ping = harness.order(.ping())
        #expect(hello == .hello && ping == .echo)
    }

    /// Pressure is no fault of the tenant's: it costs no token, and the answer says when the ladder may have descended.
    @Test func aShedRequestIsNotCharged() {
        var harness = Self.harness()
        harness.core.rung = .refuse
        for correlation in 1...200 as ClosedRange<UInt64> {
            _ = harness.order(.resolve("name:site", correlation: correlation, tenant: Self.unnamed))
        }
        let retry = harness.lastRefusal?.retryAfterMilliseconds ?? 0
        #expect((3000...3750).contains(retry), "three steps down to where it is taken")
        _ = harness.order(.resolve("name:site", correlation: 200, tenant: Self.named))
        let sooner = harness.lastRefusal?.retryAfterMilliseconds ?? 0
        #expect((1000...1250).contains(sooner))
        harness.core.rung = .normal
        let seen = harness.order(.resolve("name:site", correlation: 201, tenant: Self.unnamed))
        #expect(seen == .resolve)
    }

    /// A critical request that comes to nothing leaves its permit of the reserve to nobody.
    @Test func theReserveIsNotForWhoComesNext() {
        var harness = CoreHarness(openMax: 2, criticalReserve: 1, tenants: Self.tenants)
        harness.connect(0)
        _ = harness.open(1)
        let malformed = harness.order(.resolve("no key", correlation: 2, tenant: Self.critical))
        #expect(malformed == .refused(.badRequest))
        let ordinary = harness.order(.resolve("name:site", correlation: 3, tenant: Self.unnamed))
        #expect(ordinary == .refused(.overloaded))
        let critical = harness.order(.resolve("name:site", correlation: 4, tenant: Self.critical))
        #expect(critical == .resolve)
    }
}
