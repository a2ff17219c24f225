import Admission
import Testing

@Suite struct IngressAdmissionTests {
    static let now: UInt64 = 1_000_000_000_000
    /// Gives nothing back within a test.
    static func rate(burst: Int) -> TokenRate { TokenRate(tokensPerSecond: 0.001, burst: burst) }

    /// The refusal, or nil; a permit that was granted is dropped at once unless `holding` keeps it.
    private static func refusal(
        _ admission: IngressAdmission, tenant: UInt128 = 0, openOnConnection: Int = 0
    ) -> AdmissionRefusal? {
        switch admission.admit(tenant: tenant, openOnConnection: openOnConnection, nowNanoseconds: Self.now) {
        case .admitted: nil
        case .refused(let refusal): refusal
        }
    }

    @Test func withoutQuotasOnlyTheLimitsCount() {
        let admission = IngressAdmission(openMax: 2, inflightPerConnectionMax: 3)
        #expect(Self.refusal(admission) == nil)
        #expect(Self.refusal(admission, openOnConnection: 2) == nil)
        #expect(Self.refusal(admission, openOnConnection: 3) == .tooManyInflight)
        guard case .admitted(let first) = admission.admit(tenant: 0, openOnConnection: 0, nowNanoseconds: Self.now),
            case .admitted(let second) = admission.admit(tenant: 1, openOnConnection: 0, nowNanoseconds: Self.now)
        else {
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
        guard case .admitted(let held) = admission.admit(tenant: 1, openOnConnection: 0, nowNanoseconds: Self.now)
        else {
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
