import Admission
import Testing

@Suite struct IngressAdmissionTests {
    static let now: UInt64 = 1_000_000_000_000
    /// Gives nothing back within a test.
    static func rate(burst: Int) -> TokenRate { TokenRate(tokensPerSecond: 0.001, burst: burst) }

    /// The refusal, or nil; a permit that was granted is dropped at once.
    private static func refusal(
        _ admission: IngressAdmission, tenant: UInt128 = 0, openOnConnection: Int = 0
    ) -> AdmissionRefusal? {
        var held: Permit? = nil
        return admission.admit(
            tenant: tenant, openOnConnection: openOnConnection, nowNanoseconds: Self.now, held: &held)
    }

    private static func permit(_ admission: IngressAdmission, tenant: UInt128) -> Permit? {
        var held: Permit? = nil
        _ = admission.admit(tenant: tenant, openOnConnection: 0, nowNanoseconds: Self.now, held: &held)
        return held
    }

    /// The permit of one request serves the next, and the limit's counter is not touched in between.
    @Test func aHeldPermitIsUsedAgain() {
        let admission = IngressAdmission(openMax: 1, inflightPerConnectionMax: 9, tenantRate: Self.rate(burst: 2))
        var held: Permit? = nil
        for expected in [nil, nil] as [AdmissionRefusal?] {
            let why = admission.admit(tenant: 1, openOnConnection: 0, nowNanoseconds: Self.now, held: &held)
            #expect(why == expected)
            #expect(admission.concurrency.openCount == 1)
        }
        let spent = admission.admit(tenant: 1, openOnConnection: 0, nowNanoseconds: Self.now, held: &held)
        guard case .tenantQuota = spent else {
            Issue.record("a held permit does not pay for tokens")
            return
        }
        #expect(admission.concurrency.openCount == 1, "a refusal leaves the permit where it is")
        held = nil
        #expect(admission.concurrency.openCount == 0)
    }

    @Test func withoutQuotasOnlyTheLimitsCount() {
        let admission = IngressAdmission(openMax: 2, inflightPerConnectionMax: 3)
        #expect(Self.refusal(admission) == nil)
        #expect(Self.refusal(admission, openOnConnection: 2) == nil)
        #expect(Self.refusal(admission, openOnConnection: 3) == .tooManyInflight)
        guard let first = Self.permit(admission, tenant: 0), let second = Self.permit(admission, tenant: 1) else {
            Issue.record("two of two were refused")
            return
        }
        #expect(admission.concurrency.openCount == 2)
        #expect(Self.refusal(admission) == .concurrency)
        _ = consume first
        #expect(Self.refusal(admission) == nil)
        _ = consume second
        #expect(admission.concurrency.openCount == 0)
    }

    /// The cheapest refusal decides, and takes nothing of what stands behind it.
    @Test func theFirstRefusalTakesNothingOfTheLaterOnes() {
        let admission = IngressAdmission(
            openMax: 1, inflightPerConnectionMax: 1, tenantRate: Self.rate(burst: 1), globalRate: Self.rate(burst: 2))
        for _ in 0..<5 { #expect(Self.refusal(admission, tenant: 1, openOnConnection: 1) == .tooManyInflight) }
        #expect(Self.refusal(admission, tenant: 1) == nil)
        for _ in 0..<5 {
            guard case .tenantQuota(let retry) = Self.refusal(admission, tenant: 1) else {
                Issue.record("tenant 1 has a second token")
                return
            }
            #expect(retry == 1_000_000_000_000)
        }
        #expect(Self.refusal(admission, tenant: 2) == nil, "the global token is still there")
        for _ in 0..<5 {
            guard case .globalQuota = Self.refusal(admission, tenant: 3) else {
                Issue.record("a third global token, or tenant 3 has paid for refusals")
                return
            }
        }
    }

    /// A request that the concurrency limit refuses gets its tokens back.
    @Test func tokensOfTheRefusedAreGivenBack() {
        let admission = IngressAdmission(
            openMax: 1, inflightPerConnectionMax: 9, tenantRate: Self.rate(burst: 2), globalRate: Self.rate(burst: 3))
        guard let held = Self.permit(admission, tenant: 1) else {
            Issue.record("the first was refused")
            return
        }
        for _ in 0..<10 { #expect(Self.refusal(admission, tenant: 1) == .concurrency) }
        _ = consume held
        #expect(Self.refusal(admission, tenant: 1) == nil)
        #expect(Self.refusal(admission, tenant: 2) == nil)
        guard case .globalQuota = Self.refusal(admission, tenant: 3) else {
            Issue.record("three global tokens were spent")
            return
        }
    }
}
