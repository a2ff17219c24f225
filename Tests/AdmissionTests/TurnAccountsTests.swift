import Admission
import GatewayTesting
import Testing

/// Quotas as a turn's requests see them: the same as one by one, but for how often the buckets are asked.
@Suite struct TurnAccountsTests {
    private static let now: UInt64 = 1_000_000_000_000
    private static let activity = TenantActivity(seed: 1)
    private static let day = UTCDay(unixNanoseconds: 0, nowNanoseconds: now)

    /// Gives nothing back within a test.
    private static func rate(burst: Int) -> TokenRate { TokenRate(tokensPerSecond: 0.001, burst: burst) }

    private static func snapshot(_ change: (inout AdmissionPolicy) -> Void) -> AdmissionSnapshot {
        var policy = AdmissionPolicy()
        change(&policy)
        return IngressAdmission(policy, tenantsMax: 64, seed: 1).snapshot
    }

    private static func take(
        _ accounts: inout TurnAccounts, _ snapshot: AdmissionSnapshot, _ tenant: UInt128 = 7, tokens: Int = 1,
        bytes: Int = 0, open: Int = 0, at now: UInt64 = now
    ) -> QuotaDecision {
        accounts.takeQuota(
            tenant: tenant, tokens: tokens, bytes: bytes, openOnConnection: open, nowNanoseconds: now, day: Self.day,
            from: snapshot)
    }

    /// Requests that pass in one turn of so many.
    private static func passed(
        _ accounts: inout TurnAccounts, _ snapshot: AdmissionSnapshot, _ tenant: UInt128 = 7, of count: Int,
        bytes: Int = 0
    ) -> Int {
        var passed = 0
        for _ in 0..<count where self.take(&accounts, snapshot, tenant, bytes: bytes) == .taken(isCritical: false) {
            passed += 1
        }
        return passed
    }

    /// What is left of a tenant's or the gateway's tokens for requests that pay by themselves.
    private static func left(_ snapshot: AdmissionSnapshot, _ tenant: UInt128 = 7) -> Int {
        var count = 0
        while count < 10_000,
            snapshot.takeQuota(
                tenant: tenant, tokens: 1, bytes: 0, openOnConnection: 0, nowNanoseconds: self.now, day: self.day)
                == .taken(isCritical: false)
        { count += 1 }
        return count
    }

    /// However many come in however many turns, the burst passes and no token more.
    @Test(arguments: [1, 3, 5, 9, 64, 1000], [1, 7, 100, 256])
    func theBurstPassesWhole(requestsPerTurn: Int, burst: Int) {
        for isGlobal in [false, true] {
            let snapshot = Self.snapshot {
                if isGlobal {
                    $0.global = Self.rate(burst: burst)
                } else {
                    $0.tenantDefault.requests = Self.rate(burst: burst)
                }
            }
            var accounts = TurnAccounts()
            var passed = 0
            for _ in 0..<1 + 1000 / requestsPerTurn {
                passed += Self.passed(&accounts, snapshot, of: requestsPerTurn)
                accounts.end(from: snapshot, in: Self.activity) { Self.now }
            }
            #expect(passed == burst, "global: \(isGlobal)")
        }
    }

    /// Two pay alone, eight together, and the eleventh takes 32.
    @Test func whatIsLeftGoesBack() {
        for requests in [5, 11, 40] {
            let snapshot = Self.snapshot {
                $0.tenantDefault.requests = Self.rate(burst: 1000)
                $0.global = Self.rate(burst: 2000)
            }
            var accounts = TurnAccounts()
            #expect(Self.passed(&accounts, snapshot, of: requests) == requests)
            accounts.end(from: snapshot, in: Self.activity) { Self.now }
            #expect(Self.left(snapshot) == 1000 - requests)
            // And so it does to the gateway's bucket.
            #expect(Self.left(snapshot, 8) == 1000)
            #expect(Self.left(snapshot, 9) == 0)
        }
    }

    /// While a worker holds tokens another one still gets three quarters of the burst.
    @Test func nobodyHoldsMoreThanAQuarter() {
        let snapshot = Self.snapshot { $0.tenantDefault.requests = Self.rate(burst: 400) }
        var accounts = TurnAccounts()
        #expect(Self.passed(&accounts, snapshot, of: 65) == 65)
        #expect(Self.left(snapshot) >= 300)
    }

    /// What may have come back by itself is not given a second time: of 31 tokens that are left after 3 ms, 28.
    @Test(arguments: [(0, 989), (3, 989), (31, 989), (36, 994), (1000, 1000)])
    func aLongTurnGivesBackLess(milliseconds: UInt64, passes: Int) {
        let snapshot = Self.snapshot { $0.tenantDefault.requests = TokenRate(tokensPerSecond: 1000, burst: 1000) }
        var accounts = TurnAccounts()
        #expect(Self.passed(&accounts, snapshot, of: 11) == 11)
        let end = Self.now + milliseconds * 1_000_000
        accounts.end(from: snapshot, in: Self.activity) { end }
        var passed = 0
        while Self.take(&accounts, snapshot, at: end) == .taken(isCritical: false) { passed += 1 }
        #expect(passed == passes)
    }

    /// What costs more than a token is taken ahead in requests of the same cost, and one that costs more asks anew.
    @Test func costsAreMixed() {
        let snapshot = Self.snapshot { $0.tenantDefault.requests = Self.rate(burst: 1000) }
        var accounts = TurnAccounts()
        var random = SeededGenerator.fromEnvironment()
        var spent = 0
        while true {
            let tokens = Int(random.next() % 5)
            guard Self.take(&accounts, snapshot, tokens: tokens) == .taken(isCritical: false) else {
                #expect(spent + tokens > 1000, "\(random.replay)")
                break
            }
            spent += tokens
            if random.next() % 20 == 0 { accounts.end(from: snapshot, in: Self.activity) { Self.now } }
        }
        accounts.end(from: snapshot, in: Self.activity) { Self.now }
        #expect(spent + Self.left(snapshot) == 1000, "\(random.replay)")
    }

    /// Bytes and the day are asked for by each request.
    @Test func bytesAndDaysAreNotTakenAhead() {
        var snapshot = Self.snapshot {
            $0.tenantDefault.requests = Self.rate(burst: 1000)
            $0.tenantDefault.bytes = Self.rate(burst: 100)
        }
        var accounts = TurnAccounts()
        #expect(Self.passed(&accounts, snapshot, of: 60, bytes: 2) == 50)
        accounts.end(from: snapshot, in: Self.activity) { Self.now }
        snapshot = Self.snapshot {
            $0.tenantDefault.requests = Self.rate(burst: 1000)
            $0.tenantDefault.requestsPerDay = 33
        }
        #expect(Self.passed(&accounts, snapshot, of: 60) == 33)
    }

    /// What costs no tokens still counts its bytes.
    @Test func whatCostsNothingCountsItsBytes() {
        let snapshot = Self.snapshot {
            $0.tenantDefault.requests = Self.rate(burst: 1000)
            $0.tenantDefault.bytes = Self.rate(burst: 100)
        }
        var accounts = TurnAccounts()
        var passed = 0
        for _ in 0..<60 where Self.take(&accounts, snapshot, tokens: 0, bytes: 2) == .taken(isCritical: false) {
            passed += 1
        }
        #expect(passed == 50)
    }

    /// Where as many as the last turn had do not fit into the quarter, a quarter of them is taken ahead.
    @Test func whatDoesNotFitIsTakenInSmallerParts() {
        let snapshot = Self.snapshot { $0.tenantDefault.requests = Self.rate(burst: 4000) }
        var accounts = TurnAccounts()
        #expect(Self.passed(&accounts, snapshot, of: 600) == 600)
        for _ in 0..<600 { accounts.count(7, .admitted, in: Self.activity) }
        accounts.end(from: snapshot, in: Self.activity) { Self.now }
        // The first is refused its 512 and pays by itself, the second takes 128.
        #expect(Self.passed(&accounts, snapshot, of: 2) == 2)
        #expect(Self.left(snapshot) == 4000 - 600 - 1 - 128)
    }

    /// A refusal of the gateway's bucket leaves the tenant its tokens.
    @Test func aGlobalRefusalCostsTheTenantNothing() {
        var policy = AdmissionPolicy()
        policy.tenantDefault.requests = Self.rate(burst: 100)
        policy.global = Self.rate(burst: 30)
        let admission = IngressAdmission(policy, tenantsMax: 64, seed: 1)
        var accounts = TurnAccounts()
        #expect(Self.passed(&accounts, admission.snapshot, of: 80) == 30)
        guard case .refused(.globalQuota) = Self.take(&accounts, admission.snapshot) else {
            Issue.record("the gateway's bucket is empty")
            return
        }
        accounts.end(from: admission.snapshot, in: Self.activity) { Self.now }
        policy.global = nil
        let unlimited = admission.adopt(policy, nowNanoseconds: Self.now, day: Self.day)
        #expect(Self.left(unlimited) == 70)
    }

    /// Named tenants and those without a limit, and who is critical.
    @Test func everyKindOfTenantPasses() {
        let snapshot = Self.snapshot {
            $0.tenants = [
                NamedTenant(tenant: 1, name: "one", quota: TenantQuota(requests: Self.rate(burst: 50))),
                NamedTenant(tenant: 2, name: "two", quota: TenantQuota(isCritical: true)),
            ]
        }
        var accounts = TurnAccounts()
        for _ in 0..<200 { #expect(Self.take(&accounts, snapshot, 2) == .taken(isCritical: true)) }
        #expect(Self.passed(&accounts, snapshot, 1, of: 200) == 50)
        #expect(Self.passed(&accounts, snapshot, 3, of: 200) == 200)
        #expect(Self.take(&accounts, snapshot, 3, open: 1 << 20) == .refused(.tooManyInflight))
        accounts.end(from: snapshot, in: Self.activity) { Self.now }
        #expect(Self.left(snapshot, 1) == 0)
    }

    /// More tenants than accounts: each gets its burst and no more.
    @Test func tenantsThatShareAnAccountPayByThemselves() {
        let snapshot = Self.snapshot { $0.tenantDefault.requests = Self.rate(burst: 20) }
        var accounts = TurnAccounts()
        var passed: [UInt128: Int] = [:]
        for _ in 0..<30 {
            for tenant in 0..<48 as Range<UInt128> {
                // All of them in the same account.
                let tenant = tenant << 64 | tenant
                if Self.take(&accounts, snapshot, tenant) == .taken(isCritical: false) {
                    passed[tenant, default: 0] += 1
                }
            }
        }
        #expect(passed.count == 48)
        #expect(passed[0] == 20 && passed.values.allSatisfy { $0 <= 20 })
    }
}
