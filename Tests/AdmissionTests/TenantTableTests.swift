@testable import Admission
import GatewayTesting
import Synchronization
import Testing

@Suite struct TenantTableTests {
    static let second: UInt64 = 1_000_000_000
    static let today = UTCDay(unixNanoseconds: 20_000 * UTCDay.nanoseconds, nowNanoseconds: 0)

    /// A table, with a quota of one rate or of several.
    struct Table {
        let table: TenantTable
        var quota: TenantQuota
        var day = TenantTableTests.today

        init(_ quota: TenantQuota, tenantsMax: Int = 4096, seed: UInt64 = 1) {
            self.table = TenantTable(tenantsMax: tenantsMax, seed: seed)
            self.quota = quota
        }

        func take(_ tenant: UInt128, tokens: Int = 1, bytes: Int = 0, at now: UInt64) -> AdmissionRefusal? {
            let request = QuotaRequest(tokens: tokens, bytes: bytes, nowNanoseconds: now, day: self.day)
            return self.table.take(tenant: tenant, QuotaRules(self.quota), request)
        }

        func refund(_ tenant: UInt128, tokens: Int = 1, bytes: Int = 0, takenAt taken: UInt64, at now: UInt64) {
            let request = QuotaRequest(tokens: tokens, bytes: bytes, nowNanoseconds: taken, day: self.day)
            self.table.refund(tenant: tenant, QuotaRules(self.quota), request) { now }
        }
    }

    static func requests(_ tokensPerSecond: Double, burst: Int) -> TenantQuota {
        TenantQuota(requests: TokenRate(tokensPerSecond: tokensPerSecond, burst: burst))
    }

    @Test func aTenantTakesAtMost64Bytes() {
        #expect(TenantTable.bytesPerTenant <= 64)
    }

    @Test func tenantsDoNotShareTokens() {
        let table = Table(Self.requests(1, burst: 2))
        let now = 100 * Self.second
        for tenant in [0, 1, UInt128.max, UInt128(1) << 64] {
            #expect(table.take(tenant, at: now) == nil)
            #expect(table.take(tenant, at: now) == nil)
            #expect(table.take(tenant, at: now) == .tenantQuota(retryAfterNanoseconds: Self.second))
        }
        #expect(table.take(1, at: now + Self.second) == nil)
        #expect(table.take(1, at: now + Self.second) != nil)
    }

    @Test func aRefundGoesToItsTenant() {
        let table = Table(Self.requests(1, burst: 1))
        let now = 100 * Self.second
        #expect(table.take(7, at: now) == nil)
        #expect(table.take(8, at: now) == nil)
        table.refund(7, takenAt: now, at: now)
        #expect(table.take(8, at: now) != nil)
        #expect(table.take(7, at: now) == nil)
        #expect(table.take(7, at: now) != nil)
        table.refund(999, takenAt: now, at: now)
        #expect(table.take(999, at: now) == nil, "a refund of nothing changes nothing")
        #expect(table.take(999, at: now) != nil)
    }

    /// Requests, bytes and the day, each refused by its own limit, which takes nothing of the others.
    @Test func eachLimitOfAQuotaRefuses() {
        let quota = TenantQuota(
            requests: TokenRate(tokensPerSecond: 1, burst: 5), bytes: TokenRate(tokensPerSecond: 100, burst: 1000),
            requestsPerDay: 4)
        var table = Table(quota)
        let now = 5 * Self.second
        #expect(table.take(1, tokens: 2, bytes: 900, at: now) == nil)
        let tooBig = table.take(1, tokens: 3, bytes: 101, at: now)
        #expect(tooBig == .tenantBytes(retryAfterNanoseconds: 10_000_000))
        #expect(table.take(1, tokens: 4, bytes: 1, at: now) == .tenantQuota(retryAfterNanoseconds: Self.second))
        #expect(table.take(1, tokens: 3, bytes: 100, at: now) == nil, "what was refused has paid nothing")
        let later = now + 100 * Self.second
        #expect(table.take(1, at: later) == nil)
        #expect(table.take(1, at: later) == nil)
        #expect(
            table.take(1, tokens: 3, bytes: 1000, at: later) == .tenantDay(retryAfterNanoseconds: 86_295 * Self.second))
        table.refund(1, takenAt: later, at: later)
        #expect(
            table.take(1, tokens: 4, bytes: 1000, at: later) == nil,
            "a refund counts for the day, and a refusal for nothing")
        let yesterday = table.day
        table.day = UTCDay(unixNanoseconds: 20_001 * UTCDay.nanoseconds, nowNanoseconds: 2 * later)
        #expect(table.take(1, at: 2 * later) == nil, "a new day")
        for _ in 0..<3 { #expect(table.take(1, at: 3 * later) == nil) }
        table.day = yesterday
        #expect(table.take(1, at: 4 * later) != nil, "a clock that is set back begins no day again")
    }

    /// Debts of a day keep a tenant in the table, and those without a cell share one day.
    @Test func aDaysCountIsNotForgotten() {
        let table = Table(TenantQuota(requestsPerDay: 2), tenantsMax: 8)
        for tenant in 0..<8 { #expect(table.take(UInt128(tenant), at: 1) == nil) }
        let strangers = (100..<200).count { table.take(UInt128($0), at: 100 * Self.second) == nil }
        #expect(strangers == 2)
        let again = (0..<8).count { table.take(UInt128($0), at: 200 * Self.second) == nil }
        #expect(again == 8)
        let spent = (0..<8).count { table.take(UInt128($0), at: 300 * Self.second) == nil }
        #expect(spent == 0)
    }

    /// A table of eight cells against a hundred tenants over a long random history: whatever is evicted, no tenant gets more
    /// than its burst and rate allow, in any window.
    @Test func evictionGrantsNothing() {
        var random = SeededGenerator.fromEnvironment()
        let rate = TokenRate(tokensPerSecond: 2, burst: 3)
        let table = Table(TenantQuota(requests: rate), tenantsMax: 8)
        var windows: [UInt128: WindowBound] = [:]
        var now = 1000 * Self.second
        for _ in 0..<100_000 {
            now += random.next() % (Self.second / 20)
            // A few tenants come often, as real ones do, and a flood comes once or twice.
            let tenant = random.oneIn(2) ? UInt128(random.next() % 5) : UInt128(random.next() % 100)
            let tokens = 1 + Int(random.next() % 3)
            guard table.take(tenant, tokens: tokens, at: now) == nil else { continue }
            let isWithin = windows[tenant, default: WindowBound(rate)].admit(tokens, at: now)
            guard isWithin else {
                Issue.record("tenant \(tenant) got more than its quota; \(random.replay)")
                return
            }
        }
        #expect(windows.count > 50, "\(random.replay)")
    }

    /// A flood of invented tenants in a full set shares one bucket: it does not get a burst per name.
    @Test func aFloodOfTenantsLimitsItself() {
        let table = Table(Self.requests(1, burst: 4), tenantsMax: 8, seed: 3)
        let now = 100 * Self.second
        let admitted = (0..<10_000).count { table.take(UInt128($0), at: now) == nil }
        #expect(admitted == 8 + 4, "one token for each of the eight cells, and one shared burst")
    }

    /// A changed rate keeps each debt in tokens.
    @Test func debtsOutliveAChangeOfTheirRate() {
        var table = Table(Self.requests(1, burst: 10))
        let now = 100 * Self.second
        for _ in 0..<10 { #expect(table.take(1, at: now) == nil) }
        for _ in 0..<4 { #expect(table.take(2, at: now) == nil) }
        let faster = Self.requests(1000, burst: 6)
        table.table.rescale(from: table.quota, to: faster, nowNanoseconds: now)
        table.quota = faster
        #expect(table.take(1, at: now) != nil, "ten are owed: as much as the new burst allows")
        #expect(table.take(1, at: now + 1_000_000) == nil)
        let left = (0..<10).count { _ in table.take(2, at: now) == nil }
        #expect(left == 2, "four of six are owed")
        let again = (0..<10).count { _ in table.take(3, at: now) == nil }
        #expect(again == 6)
    }

    /// Two threads, forty tenants, eight cells: whatever is handed on while it is charged, no tenant gets more than its quota in
    /// any window.
    @Test func evictionGrantsNothingAcrossThreads() async {
        let random = SeededGenerator.fromEnvironment()
        let rate = TokenRate(tokensPerSecond: 1024, burst: 2)
        let table = Table(TenantQuota(requests: rate), tenantsMax: 8)
        let clock = Clock()
        let grants = await withTaskGroup(of: [(tenant: UInt128, now: UInt64)].self) { group in
            for worker in 0..<2 {
                group.addTask {
                    var random = SeededGenerator(seed: random.seed &+ UInt64(worker))
                    var grants: [(tenant: UInt128, now: UInt64)] = []
                    for _ in 0..<150_000 {
                        let tenant = UInt128(random.next() % 40)
                        let now = clock.now.add(random.next() % 100_000, ordering: .relaxed).newValue
                        if table.take(tenant, at: now) == nil { grants.append((tenant, now)) }
                    }
                    return grants
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        #expect(grants.count > 10_000, "\(random.replay)")
        var windows: [UInt128: WindowBound] = [:]
        for grant in grants.sorted(by: { $0.now < $1.now }) {
            let isWithin = windows[grant.tenant, default: WindowBound(rate)].admit(1, at: grant.now)
            guard isWithin else {
                Issue.record("tenant \(grant.tenant) got more than its quota; \(random.replay)")
                return
            }
        }
    }

    private final class Clock: Sendable {
        let now = Atomic<UInt64>(1_000_000_000)
    }
}
