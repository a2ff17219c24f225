import Admission
import GatewayTesting
import Testing

@Suite struct TenantBucketsTests {
    static let second: UInt64 = 1_000_000_000

    @Test func tenantsDoNotShareTokens() {
        let buckets = TenantBuckets(rate: TokenRate(tokensPerSecond: 1, burst: 2))
        let now = 100 * Self.second
        for tenant in [0, 1, UInt128.max, UInt128(1) << 64] {
            #expect(buckets.take(tenant: tenant, nowNanoseconds: now) == .admitted)
            #expect(buckets.take(tenant: tenant, nowNanoseconds: now) == .admitted)
            #expect(buckets.take(tenant: tenant, nowNanoseconds: now) != .admitted)
        }
        #expect(buckets.take(tenant: 1, nowNanoseconds: now + Self.second) == .admitted)
        #expect(buckets.take(tenant: 1, nowNanoseconds: now + Self.second) != .admitted)
    }

    @Test func aRefundGoesToItsTenant() {
        let buckets = TenantBuckets(rate: TokenRate(tokensPerSecond: 1, burst: 1))
        let now = 100 * Self.second
        #expect(buckets.take(tenant: 7, nowNanoseconds: now) == .admitted)
        #expect(buckets.take(tenant: 8, nowNanoseconds: now) == .admitted)
        buckets.refund(tenant: 7)
        #expect(buckets.take(tenant: 8, nowNanoseconds: now) != .admitted)
        #expect(buckets.take(tenant: 7, nowNanoseconds: now) == .admitted)
        #expect(buckets.take(tenant: 7, nowNanoseconds: now) != .admitted)
        buckets.refund(tenant: 999)
        #expect(buckets.take(tenant: 999, nowNanoseconds: now) == .admitted, "a refund of nothing changes nothing")
    }

    /// A table of eight buckets against a hundred tenants over a long random history: whatever is evicted, no tenant
    /// gets more than its burst and rate allow, in any window.
    @Test func evictionGrantsNothing() {
        var random = SeededGenerator.fromEnvironment()
        let rate = TokenRate(tokensPerSecond: 2, burst: 3)
        let buckets = TenantBuckets(rate: rate, tenantsMax: 8, seed: 1)
        var admitted: [UInt128: [UInt64]] = [:]
        var now = 1000 * Self.second
        for _ in 0..<30_000 {
            now += random.next() % (Self.second / 20)
            // A few tenants come often, as real ones do, and a flood comes once or twice.
            let tenant = random.oneIn(2) ? UInt128(random.next() % 5) : UInt128(random.next() % 100)
            if buckets.take(tenant: tenant, nowNanoseconds: now) == .admitted {
                admitted[tenant, default: []].append(now)
            }
        }
        #expect(admitted.count > 50, "\(random.replay)")
        for (tenant, times) in admitted {
            for first in times.indices {
                for last in first..<min(times.count, first + 200) {
                    let seconds = Double(times[last] - times[first]) / 1e9
                    guard Double(last - first + 1) <= 3 + 2 * seconds + 1e-6 else {
                        Issue.record("tenant \(tenant) got \(last - first + 1) in \(seconds) s; \(random.replay)")
                        return
                    }
                }
            }
        }
    }

    /// A flood of invented tenants in a full set shares one bucket: it does not get a burst per name.
    @Test func aFloodOfTenantsLimitsItself() {
        let rate = TokenRate(tokensPerSecond: 1, burst: 4)
        let buckets = TenantBuckets(rate: rate, tenantsMax: 8, seed: 3)
        let now = 100 * Self.second
        let admitted = (0..<10_000).count { buckets.take(tenant: UInt128($0), nowNanoseconds: now) == .admitted }
        #expect(admitted == 8 + 4, "one token for each of the eight buckets, and one shared burst")
    }
}
