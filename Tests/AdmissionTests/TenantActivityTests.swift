@testable import Admission
import GatewayTesting
import Synchronization
import Testing

@Suite struct TenantActivityTests {
    private static func read(_ activity: TenantActivity) -> (tenants: [UInt128: TenantCounts], others: TenantCounts) {
        var tenants: [UInt128: TenantCounts] = [:]
        var others = TenantCounts()
        activity.read(into: &tenants, others: &others)
        return (tenants, others)
    }

    @Test func outcomesAreCountedByTenant() {
        let activity = TenantActivity(seed: 1)
        for _ in 0..<3 { activity.count(5, .admitted) }
        activity.count(0, .quota)
        activity.count(5, .overload)
        let (tenants, others) = Self.read(activity)
        #expect(tenants == [5: TenantCounts(admitted: 3, overload: 1), 0: TenantCounts(quota: 1)])
        #expect(others == TenantCounts())
    }

    /// Two heavy tenants among a flood of a hundred thousand others: both have their own counts, nearly whole, and nothing is
    /// lost or told twice.
    @Test func heavyTenantsAreKept() {
        var random = SeededGenerator.fromEnvironment()
        let activity = TenantActivity(seed: 1)
        var exact: [UInt128: UInt64] = [:]
        for _ in 0..<200_000 {
            let tenant: UInt128 =
                switch random.next() % 10 {
                case 0..<4: 1
                case 4..<6: 2
                default: 1000 + UInt128(random.next() % 100_000)
                }
            exact[tenant, default: 0] += 1
            activity.count(tenant, .admitted)
        }
        let (tenants, others) = Self.read(activity)
        #expect(tenants.values.reduce(others.total) { $0 + $1.total } == 200_000, "\(random.replay)")
        for tenant in [1, 2] as [UInt128] {
            let share = Double(tenants[tenant]?.total ?? 0) / Double(exact[tenant] ?? 1)
            #expect(share > 0.99 && share <= 1, "tenant \(tenant): \(share); \(random.replay)")
        }
        for (tenant, counts) in tenants { #expect(counts.total <= exact[tenant] ?? 0, "\(random.replay)") }
    }

    /// The ranking bounds the series and keeps their sum, and none of them falls, whatever the traffic turns to.
    @Test func noSeriesEverFalls() {
        var random = SeededGenerator.fromEnvironment()
        let workers = [TenantActivity(seed: 1), TenantActivity(seed: 2)]
        var ranking = TenantRanking(placesMax: 4)
        var counted: UInt64 = 0
        var last: [UInt128: TenantCounts] = [:]
        var lastOther = TenantCounts()
        for scrape in 0..<200 {
            // The heavy ones change every twenty scrapes.
            let heavy = UInt64(scrape / 20 * 10)
            for _ in 0..<random.next() % 1000 {
                let tenant = random.oneIn(3) ? random.next() % 10_000 : heavy + random.next() % 6
                let outcome = TenantOutcome.allCases[Int(random.next() % 3)]
                workers[Int(random.next() % 2)].count(UInt128(tenant), outcome)
                counted += 1
            }
            let report = ranking.merge(workers)
            #expect(report.tenants.count <= 4)
            #expect(report.tenants.reduce(report.other.total) { $0 + $1.counts.total } == counted, "\(random.replay)")
            for outcome in TenantOutcome.allCases {
                #expect(report.other[outcome] >= lastOther[outcome], "\(random.replay)")
                for row in report.tenants {
                    #expect(row.counts[outcome] >= last[row.tenant]?[outcome] ?? 0, "\(random.replay)")
                }
            }
            last = Dictionary(uniqueKeysWithValues: report.tenants.map { ($0.tenant, $0.counts) })
            lastOther = report.other
        }
        #expect(last.count == 4)
    }

    /// A flood in which each tenant comes once gets no series at all.
    @Test func aFloodGetsNoSeries() {
        let activity = TenantActivity(seed: 1)
        var ranking = TenantRanking(placesMax: 5)
        var told: Set<UInt128> = []
        for scrape in 0..<20 {
            for tenant in 0..<2000 {
                activity.count(UInt128(scrape * 2000 + tenant), .quota)
                if tenant.isMultiple(of: 4) { activity.count(UInt128.max, .admitted) }
            }
            told.formUnion(ranking.merge([activity]).tenants.map(\.tenant))
        }
        #expect(told == [UInt128.max])
    }

    /// Read beside its writer, a cell is never told with the counts of another tenant.
    @Test func aReaderNeverMixesTenants() async {
        let activity = TenantActivity(seed: 1)
        let done = Flag()
        async let reading: Int = {
            var mixed = 0
            while !done.isSet.load(ordering: .acquiring) {
                for (tenant, counts) in Self.read(activity).tenants where tenant != 0 {
                    // Even tenants are only admitted, odd ones only refused.
                    if tenant.isMultiple(of: 2) ? counts.quota > 0 : counts.admitted > 0 { mixed += 1 }
                }
            }
            return mixed
        }()
        var random = SeededGenerator(seed: 7)
        for _ in 0..<300_000 {
            let tenant = UInt128(1 + random.next() % 1000)
            activity.count(tenant, tenant.isMultiple(of: 2) ? .admitted : .quota)
        }
        done.isSet.store(true, ordering: .releasing)
        #expect(await reading == 0)
    }

    private final class Flag: Sendable {
        let isSet = Atomic<Bool>(false)
    }
}
