import GatewayTesting
import Synchronization
import Testing

@testable import Admission

/// Quotas change while workers are in the middle of a turn: no bucket ever counts by two rates.
@Suite struct QuotaChangeTests {
    private static let now: UInt64 = 1_000_000_000_000
    private static let day = UTCDay(unixNanoseconds: 0, nowNanoseconds: now)
    private static let activity = TenantActivity(seed: 1)
    /// Far apart, with intervals that are whole ticks. Time stands still, so that nothing comes back.
    private static let rates = [1.0, 32.0, 1000.0]

    private static func policy(
        _ rate: Double, burst: Int, isGlobal: Bool = false, isNamed: Bool = false
    ) -> AdmissionPolicy {
        var policy = AdmissionPolicy()
        let rate = TokenRate(tokensPerSecond: rate, burst: burst)
        if isGlobal {
            policy.global = rate
        } else if isNamed {
            policy.tenants = [NamedTenant(tenant: 7, name: "seven", quota: TenantQuota(requests: rate))]
        } else {
            policy.tenantDefault.requests = rate
        }
        return policy
    }

    private static func take(_ accounts: inout TurnAccounts, _ snapshot: AdmissionSnapshot, tokens: Int = 1) -> Bool {
        accounts.takeQuota(
            tenant: 7, tokens: tokens, bytes: 0, openOnConnection: 0, nowNanoseconds: self.now, day: self.day,
            from: snapshot) == .taken(isCritical: false)
    }

    private static func passed(_ snapshot: AdmissionSnapshot, of count: Int = 10_000) -> Int {
        (0..<count).count { _ in
            snapshot.takeQuota(
                tenant: 7, tokens: 1, bytes: 0, openOnConnection: 0, nowNanoseconds: self.now, day: self.day)
                == .taken(isCritical: false)
        }
    }

    /// What a worker holds stays spent, as tokens: neither does it come back at a thousand times its worth, nor do a few tokens
    /// of a slow rate keep a fast bucket closed.
    @Test(arguments: [(false, false), (false, true), (true, false)], [(0.001, 1000.0), (1000.0, 0.001)])
    func whatWasTakenAheadStaysSpent(kind: (isGlobal: Bool, isNamed: Bool), rates: (Double, Double)) {
        let admission = IngressAdmission(
            Self.policy(rates.0, burst: 1000, isGlobal: kind.isGlobal, isNamed: kind.isNamed), tenantsMax: 64, seed: 1)
        let old = admission.snapshot
        var accounts = TurnAccounts()
        for _ in 0..<11 { #expect(Self.take(&accounts, old)) }
        let new = admission.adopt(
            Self.policy(rates.1, burst: 1000, isGlobal: kind.isGlobal, isNamed: kind.isNamed), nowNanoseconds: Self.now,
            day: Self.day)
        // The turn goes on by the old policy; the 42 are spent before anything is asked for.
        for _ in 0..<4 { #expect(Self.take(&accounts, old)) }
        accounts.follow(from: old, to: new)
        accounts.end(from: new, in: Self.activity) { Self.now }
        #expect(Self.passed(new) == 1000 - 42)
    }

    /// As above, of a worker that ends its turn before it hears of the change.
    @Test(arguments: [(0.001, 1000.0), (1000.0, 0.001)])
    func aTurnThatEndsLateGivesNothingBack(rates: (Double, Double)) {
        let admission = IngressAdmission(Self.policy(rates.0, burst: 1000), tenantsMax: 64, seed: 1)
        let old = admission.snapshot
        var accounts = TurnAccounts()
        for _ in 0..<11 { #expect(Self.take(&accounts, old)) }
        let new = admission.adopt(Self.policy(rates.1, burst: 1000), nowNanoseconds: Self.now, day: Self.day)
        accounts.end(from: old, in: Self.activity) { Self.now }
        #expect(Self.passed(new) == 1000 - 42)
    }

    /// A reload that leaves the quotas alone costs nobody a token.
    @Test func otherChangesLeaveTokensWhereTheyAre() {
        var policy = Self.policy(0.001, burst: 1000)
        let admission = IngressAdmission(policy, tenantsMax: 64, seed: 1)
        let old = admission.snapshot
        var accounts = TurnAccounts()
        for _ in 0..<11 { #expect(Self.take(&accounts, old)) }
        policy.openMax = 7
        let new = admission.adopt(policy, nowNanoseconds: Self.now, day: Self.day)
        accounts.follow(from: old, to: new)
        accounts.end(from: new, in: Self.activity) { Self.now }
        #expect(Self.passed(new) == 1000 - 11)
    }

    /// Requests that a worker still admits by the old snapshot cost what the new one says, refunds included.
    @Test(arguments: [(0.001, 1000.0), (1000.0, 0.001)])
    func anOldSnapshotAsksTheNewOne(rates: (Double, Double)) {
        let admission = IngressAdmission(Self.policy(rates.0, burst: 100), tenantsMax: 64, seed: 1)
        let old = admission.snapshot
        #expect(Self.passed(old, of: 10) == 10)
        let new = admission.adopt(Self.policy(rates.1, burst: 200), nowNanoseconds: Self.now, day: Self.day)
        #expect(Self.passed(old, of: 150) == 150)
        old.refundQuota(
            tenant: 7, tokens: 1, bytes: 0, takenNanoseconds: Self.now, nowNanoseconds: Self.now, day: Self.day)
        #expect(Self.passed(new) == 40)
        #expect(Self.passed(old) == 0)
    }

    /// Two workers, and a policy that changes at any moment of their turns: with time standing still no more passes than the
    /// largest burst, and no less than what was held ahead at a change accounts for.
    @Test func noHistoryGrantsMoreThanTheBurst() {
        var random = SeededGenerator.fromEnvironment()
        for _ in 0..<200 {
            let burst = 64 + Int(random.next() % 2000)
            let kind = random.next() % 3
            let admission = IngressAdmission(
                Self.policy(1, burst: burst, isGlobal: kind == 1, isNamed: kind == 2), tenantsMax: 64, seed: 1)
            var snapshots = [admission.snapshot, admission.snapshot]
            var first = TurnAccounts()
            var second = TurnAccounts()
            var passed = 0
            var changes = 0
            for _ in 0..<4 * burst {
                let worker = Int(random.next() % 2)
                switch random.next() % 32 {
                case 0 where changes < 4:
                    changes += 1
                    _ = admission.adopt(
                        Self.policy(
                            Self.rates[Int(random.next() % 3)], burst: burst, isGlobal: kind == 1, isNamed: kind == 2),
                        nowNanoseconds: Self.now, day: Self.day)
                case 1:
                    let newest = admission.snapshot
                    if worker == 0 {
                        first.follow(from: snapshots[0], to: newest)
                    } else {
                        second.follow(from: snapshots[1], to: newest)
                    }
                    snapshots[worker] = newest
                case 2:
                    if worker == 0 {
                        first.end(from: snapshots[0], in: Self.activity) { Self.now }
                    } else {
                        second.end(from: snapshots[1], in: Self.activity) { Self.now }
                    }
                default:
                    let tokens = 1 + Int(random.next() % 3)
                    let isTaken =
                        worker == 0
                        ? Self.take(&first, snapshots[0], tokens: tokens)
                        : Self.take(&second, snapshots[1], tokens: tokens)
                    if isTaken { passed += tokens }
                }
            }
            // What is left in the bucket or in accounts of the newest quotas.
            first.follow(from: snapshots[0], to: admission.snapshot)
            second.follow(from: snapshots[1], to: admission.snapshot)
            first.end(from: admission.snapshot, in: Self.activity) { Self.now }
            second.end(from: admission.snapshot, in: Self.activity) { Self.now }
            passed += Self.passed(admission.snapshot)
            #expect(passed <= burst, "\(random.replay)")
            // A quarter is the most that is held at each change, and a change may round up by a token.
            #expect(passed >= burst - changes * (burst / 4 + 1), "\(random.replay)")
        }
    }

    /// Threads that take, hold and give back while the rate goes up and down by a thousand: what passes is the burst at most.
    @Test func threadsGrantNoMoreThanTheBurst() async {
        let burst = 100_000
        for isGlobal in [false, true] {
            let admission = IngressAdmission(Self.policy(1, burst: burst, isGlobal: isGlobal), tenantsMax: 64, seed: 1)
            let passed = await withTaskGroup(of: Int.self) { group in
                for _ in 0..<3 {
                    group.addTask {
                        var accounts = TurnAccounts()
                        var snapshot = admission.snapshot
                        var passed = 0
                        for turn in 0..<4_000 {
                            for _ in 0..<1 + turn % 24 where Self.take(&accounts, snapshot) { passed += 1 }
                            if turn % 3 == 0 {
                                let newest = admission.snapshot
                                accounts.follow(from: snapshot, to: newest)
                                snapshot = newest
                            }
                            accounts.end(from: snapshot, in: Self.activity) { Self.now }
                        }
                        return passed
                    }
                }
                group.addTask {
                    for change in 0..<300 {
                        let policy = Self.policy(Self.rates[change % 3], burst: burst, isGlobal: isGlobal)
                        _ = admission.adopt(policy, nowNanoseconds: Self.now, day: Self.day)
                        await Task.yield()
                    }
                    return 0
                }
                return await group.reduce(0, +)
            }
            #expect(passed + Self.passed(admission.snapshot, of: 2 * burst) <= burst)
            #expect(passed > 0)
        }
    }
}
