import Admission
import Gateway
import GatewayTesting
import OAP
import Testing

/// What a reload leaves as it was: debts, and what was paid by other rates.
@Suite struct AdoptedPolicyTests {
    private static let day = UTCDay(unixNanoseconds: 0, nowNanoseconds: 0)

    private static func adopt(_ harness: inout CoreHarness, _ change: (inout AdmissionPolicy) -> Void) {
        var policy = harness.admission.snapshot.policy
        change(&policy)
        let snapshot = harness.admission.adopt(policy, nowNanoseconds: harness.now, day: self.day)
        harness.core.adopt(GatewayLimits(), snapshot, nowNanoseconds: harness.now)
    }

    private static func pinged(_ harness: inout CoreHarness, of count: Int) -> Int {
        var passed = 0
        for correlation in 0..<UInt64(count) where harness.order(.ping("x", correlation: correlation)) == .echo {
            passed += 1
        }
        return passed
    }

    /// A connection that has spent its hundred frames has spent a hundred of a thousand afterwards, at whatever rate.
    @Test(arguments: [(0.01, 1000.0), (1000.0, 0.01)]) func aConnectionKeepsItsDebt(rates: (Double, Double)) {
        var harness = CoreHarness(connectionRate: TokenRate(tokensPerSecond: rates.0, burst: 100))
        harness.connect(0)
        #expect(Self.pinged(&harness, of: 200) == 100)
        Self.adopt(&harness) { $0.connection = TokenRate(tokensPerSecond: rates.1, burst: 1000) }
        #expect(Self.pinged(&harness, of: 2000) == 900)
    }

    /// Requests that waited without having paid anything give nothing back to a quota that came meanwhile.
    @Test func whoHasNotPaidGetsNothingBack() {
        var harness = CoreHarness(openMax: 1, inflightMax: 64, waitingMax: 64)
        harness.connect(0)
        let open = harness.open(1)
        for correlation in 2...40 as ClosedRange<UInt64> {
            #expect(harness.order(.resolve("name:k\(correlation)", correlation: correlation)) == .wait)
        }
        Self.adopt(&harness) { $0.tenantDefault.requests = TokenRate(tokensPerSecond: 1000, burst: 10) }
        harness.finish(open)
        func spent() -> Int {
            (0..<20).count { _ in
                harness.admission.snapshot.takeQuota(
                    tenant: 0, tokens: 1, bytes: 0, openOnConnection: 0, nowNanoseconds: harness.now, day: Self.day)
                    == .taken(isCritical: false)
            }
        }
        #expect(spent() == 10)
        // They overstay at the moment at which they came, as far as their quota goes.
        harness.core.disconnected(0, reason: .peer, nowNanoseconds: harness.now)
        while harness.core.popOverstayed(nowNanoseconds: harness.now + 1_000_000_000) != nil {}
        #expect(spent() == 0)
    }
}
