import Admission
import Testing

/// Policies at work, one after the other, on the same buckets.
@Suite struct AdmissionPolicyTests {
    static let now: UInt64 = 1_000_000_000_000
    static let second: UInt64 = 1_000_000_000
    static let day = UTCDay(unixNanoseconds: 20_000 * 86_400 * second, nowNanoseconds: now)

    /// Gives nothing back within a test.
    static func rate(burst: Int) -> TokenRate { TokenRate(tokensPerSecond: 0.001, burst: burst) }

    static func policy(_ change: (inout AdmissionPolicy) -> Void) -> AdmissionPolicy {
        var policy = AdmissionPolicy()
        change(&policy)
        return policy
    }

    static func named(_ tenant: UInt128, burst: Int, isCritical: Bool = false) -> NamedTenant {
        NamedTenant(
            tenant: tenant, name: "t\(tenant)", quota: TenantQuota(requests: rate(burst: burst), isCritical: isCritical)
        )
    }

    private static func take(
        _ snapshot: AdmissionSnapshot, _ tenant: UInt128, tokens: Int = 1, bytes: Int = 0, day: UTCDay = day
    ) -> QuotaDecision {
        snapshot.takeQuota(
            tenant: tenant, tokens: tokens, bytes: bytes, openOnConnection: 0, nowNanoseconds: self.now, day: day)
    }

    /// How many of a hundred requests of `tenant` are let through.
    private static func taken(_ snapshot: AdmissionSnapshot, _ tenant: UInt128) -> Int {
        (0..<100).count { _ in
            switch self.take(snapshot, tenant) {
            case .taken: true
            case .refused: false
            }
        }
    }

    @Test func byDefaultNothingIsLimited() {
        let snapshot = IngressAdmission(AdmissionPolicy()).snapshot
        #expect(Self.taken(snapshot, 1) == 100)
        #expect(Self.take(snapshot, 1, tokens: 1_000_000, bytes: 1_000_000_000) == .taken(isCritical: false))
        #expect(snapshot.connect(from: 1, nowNanoseconds: Self.now) == .accepted(.none))
        #expect(!snapshot.countsDays)
        #expect(snapshot.epoch == 1)
    }

    @Test func aChangedRateKeepsTheDebts() {
        let admission = IngressAdmission(
            Self.policy {
                $0.global = Self.rate(burst: 50)
                $0.tenantDefault.requests = Self.rate(burst: 10)
            })
        #expect(Self.taken(admission.snapshot, 1) == 10)
        #expect(Self.taken(admission.snapshot, 2) == 10)
        let lower = admission.adopt(
            Self.policy {
                $0.global = Self.rate(burst: 40)
                $0.tenantDefault.requests = TokenRate(tokensPerSecond: 0.002, burst: 12)
            }, nowNanoseconds: Self.now, day: Self.day)
        #expect(lower.epoch == 2)
        #expect(Self.taken(lower, 1) == 2, "ten of twelve are owed")
        #expect(Self.taken(lower, 3) == 12)
        #expect(Self.taken(lower, 4) == 6, "20, 2 and 12 of the global 40 are spent")
    }

    /// Each named tenant has its own quota, whatever floods the table, and keeps its debt while its name stays.
    @Test func namedTenantsKeepTheirOwn() {
        let admission = IngressAdmission(
            Self.policy {
                $0.tenantDefault.requests = Self.rate(burst: 2)
                $0.tenants = [Self.named(7, burst: 20), Self.named(8, burst: 30, isCritical: true)]
            }, tenantsMax: 8, seed: 1)
        let first = admission.snapshot
        #expect(Self.taken(first, 7) == 20)
        #expect(Self.taken(first, 1) == 2)
        for tenant in 1000..<2000 { _ = Self.take(first, UInt128(tenant)) }
        #expect(Self.taken(first, 7) == 0)
        #expect(Self.take(first, 8) == .taken(isCritical: true))
        #expect(first.isCritical(8) && !first.isCritical(7) && !first.isCritical(1))
        let second = admission.adopt(
            Self.policy {
                $0.tenantDefault.requests = Self.rate(burst: 2)
                $0.tenants = [Self.named(9, burst: 5), Self.named(7, burst: 25), Self.named(8, burst: 30)]
            }, nowNanoseconds: Self.now, day: Self.day)
        #expect(Self.taken(second, 7) == 5)
        #expect(Self.taken(second, 8) == 29)
        #expect(!second.isCritical(8))
        #expect(Self.taken(second, 9) == 5)
    }

    /// A tenant takes what it owes along when it gets a name and when it loses it.
    @Test func aNameForgivesNoDebt() {
        let admission = IngressAdmission(
            Self.policy { $0.tenantDefault.requests = Self.rate(burst: 10) }, tenantsMax: 64, seed: 1)
        #expect(Self.taken(admission.snapshot, 7) == 10)
        let named = admission.adopt(
            Self.policy {
                $0.tenantDefault.requests = Self.rate(burst: 10)
                $0.tenants = [Self.named(7, burst: 15)]
            }, nowNanoseconds: Self.now, day: Self.day)
        #expect(Self.taken(named, 7) == 5)
        let nameless = admission.adopt(
            Self.policy { $0.tenantDefault.requests = Self.rate(burst: 20) }, nowNanoseconds: Self.now, day: Self.day)
        #expect(Self.taken(nameless, 7) == 0)
        #expect(Self.taken(nameless, 8) == 20)
    }

    /// 4,096 names, each found, and a stranger is not.
    @Test func manyNamesAreTold() {
        let admission = IngressAdmission(
            Self.policy {
                $0.tenants = (0..<AdmissionPolicy.namedTenantsMax).map {
                    Self.named(UInt128($0) << 70 | 3, burst: $0 % 7 + 1, isCritical: $0 % 2 == 0)
                }
            })
        let snapshot = admission.snapshot
        for index in stride(from: 0, to: AdmissionPolicy.namedTenantsMax, by: 97) {
            #expect(Self.taken(snapshot, UInt128(index) << 70 | 3) == index % 7 + 1)
            #expect(snapshot.isCritical(UInt128(index) << 70 | 3) == (index % 2 == 0))
        }
        #expect(Self.taken(snapshot, 12345) == 100)
    }

    /// Tokens, bytes and the day come back together when a later check refuses, the concurrency limit or the global quota.
    @Test func aRefundGivesEverythingBack() {
        let quota = TenantQuota(requests: Self.rate(burst: 9), bytes: Self.rate(burst: 1000), requestsPerDay: 3)
        let admission = IngressAdmission(
            Self.policy {
                $0.global = Self.rate(burst: 10)
                $0.tenantDefault = quota
                $0.tenants = [NamedTenant(tenant: 5, name: "five", quota: quota)]
            })
        let snapshot = admission.snapshot
        #expect(snapshot.countsDays)
        for tenant in [4, 5] as [UInt128] {
            for _ in 0..<10 {
                #expect(Self.take(snapshot, tenant, tokens: 9, bytes: 1000) == .taken(isCritical: false))
                snapshot.refundQuota(
                    tenant: tenant, tokens: 9, bytes: 1000, takenNanoseconds: Self.now, nowNanoseconds: Self.now,
                    day: Self.day)
            }
        }
        #expect(Self.take(snapshot, 3, tokens: 8) == .taken(isCritical: false))
        for tenant in [4, 5] as [UInt128] {
            for _ in 0..<10 {
                guard case .refused(.globalQuota) = Self.take(snapshot, tenant, tokens: 9, bytes: 1000) else {
                    Issue.record("two of the global ten are left")
                    return
                }
            }
            #expect(Self.take(snapshot, tenant, tokens: 1, bytes: 1000) == .taken(isCritical: false))
        }
    }

    /// The day's last request, and midnight of UTC as the time to come back.
    @Test func aDayEndsAtMidnight() {
        let admission = IngressAdmission(Self.policy { $0.tenantDefault.requestsPerDay = 2 })
        let evening = UTCDay(
            unixNanoseconds: (20_000 * 86_400 + 86_000) * Self.second, nowNanoseconds: Self.now - 100 * Self.second)
        #expect(evening.number == 20_000)
        let snapshot = admission.snapshot
        #expect(Self.take(snapshot, 1, tokens: 50, day: evening) == .taken(isCritical: false))
        #expect(Self.take(snapshot, 1, day: evening) == .taken(isCritical: false))
        let spent = Self.take(snapshot, 1, day: evening)
        #expect(spent == .refused(.tenantDay(retryAfterNanoseconds: 300 * Self.second)))
        let morning = UTCDay(unixNanoseconds: 20_001 * 86_400 * Self.second, nowNanoseconds: Self.now)
        #expect(Self.take(snapshot, 1, day: morning) == .taken(isCritical: false))
    }

    /// Sources that were connected before a policy limits them are not counted, and those counted leave under any later one.
    @Test func sourcesOutliveTheirPolicy() throws {
        let admission = IngressAdmission(AdmissionPolicy())
        #expect(admission.snapshot.connect(from: 9, nowNanoseconds: Self.now) == .accepted(.none))
        let limited = Self.policy { $0.source.connectionsMax = 1 }
        let second = admission.adopt(limited, nowNanoseconds: Self.now, day: Self.day)
        second.disconnected(.none)
        guard case .accepted(let seat) = second.connect(from: 9, nowNanoseconds: Self.now) else {
            Issue.record("the first counted connection was refused")
            return
        }
        #expect(second.connect(from: 9, nowNanoseconds: Self.now) == .refused(.tooManyConnections))
        let open = admission.adopt(AdmissionPolicy(), nowNanoseconds: Self.now, day: Self.day)
        open.disconnected(seat)
        let third = admission.adopt(limited, nowNanoseconds: Self.now, day: Self.day)
        #expect(third.connect(from: 9, nowNanoseconds: Self.now) != .refused(.tooManyConnections))
    }

    @Test(arguments: [(0, 1), (1, 2), (512, 2), (513, 3), (1024, 3), (65_536, 129)]) func aCostGrowsWithBytes(
        _ bytes: Int, _ tokens: Int
    ) {
        #expect(RequestCost(baseTokens: 1, tokensPerKibibyte: 2).tokens(bytes: bytes) == tokens)
        #expect(RequestCost().tokens(bytes: bytes) == 1)
    }

    /// A lowered limit cancels nothing and grants nothing until enough has returned; a raised one holds at once.
    @Test func thePermitsFollowThePolicy() {
        let admission = IngressAdmission(Self.policy { $0.openMax = 2 })
        let first = admission.concurrency.acquire()
        let second = admission.concurrency.acquire()
        _ = admission.adopt(
            Self.policy {
                $0.openMax = 3
                $0.criticalReserve = 1
            }, nowNanoseconds: Self.now, day: Self.day)
        let ordinary = admission.concurrency.acquire() != nil
        let critical = admission.concurrency.acquire(critical: true) != nil
        #expect(!ordinary && critical)
        _ = admission.adopt(Self.policy { $0.openMax = 1 }, nowNanoseconds: Self.now, day: Self.day)
        #expect(admission.concurrency.openCount == 2)
        _ = consume first
        let tooEarly = admission.concurrency.acquire(critical: true) != nil
        _ = consume second
        let again = admission.concurrency.acquire() != nil
        #expect(!tooEarly && again)
    }
}
