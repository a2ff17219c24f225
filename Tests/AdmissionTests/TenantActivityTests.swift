@testable import Admission
import GatewayTesting
import Synchronization
import Testing

@Suite struct TenantActivityTests {
    private static let unlimited = IngressAdmission(AdmissionPolicy(), tenantsMax: 64, seed: 1).snapshot

    private static func read(_ activity: TenantActivity) -> (tenants: [UInt128: TenantCounts], others: TenantCounts) {
        var tenants: [UInt128: TenantCounts] = [:]
        var others = TenantCounts()
        activity.read(into: &tenants, others: &others)
        return (tenants, others)
    }

    @Test func outcomesAreCountedByTenant() {
        let activity = TenantActivity(seed: 1)
        for _ in 0..<3 { activity.addOne(5, .admitted) }
        activity.addOne(0, .quota)
        activity.addOne(5, .overload)
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
            activity.addOne(tenant, .admitted)
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
        var now: UInt64 = 0
        var last: [UInt128: TenantCounts] = [:]
        var lastOther = TenantCounts()
        for scrape in 0..<200 {
            // The heavy ones change every twenty scrapes.
            let heavy = UInt64(scrape / 20 * 10)
            for _ in 0..<random.next() % 1000 {
                let tenant = random.oneIn(3) ? random.next() % 10_000 : heavy + random.next() % 6
                let outcome = TenantOutcome.allCases[Int(random.next() % 3)]
                workers[Int(random.next() % 2)].addOne(UInt128(tenant), outcome)
                counted += 1
            }
            // Sometimes places are given anew, sometimes not.
            now += random.next() % (2 * TenantRanking.choiceNanoseconds)
            let report = ranking.merge(workers, nowNanoseconds: now)
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
                activity.addOne(UInt128(scrape * 2000 + tenant), .quota)
                if tenant.isMultiple(of: 4) { activity.addOne(UInt128.max, .admitted) }
            }
            told.formUnion(ranking.merge([activity], nowNanoseconds: UInt64(scrape) * 1_000_000).tenants.map(\.tenant))
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
            activity.addOne(tenant, tenant.isMultiple(of: 2) ? .admitted : .quota)
        }
        done.isSet.store(true, ordering: .releasing)
        #expect(await reading == 0)
    }

    private final class Flag: Sendable {
        let isSet = Atomic<Bool>(false)
    }

    /// Four tenants have cells of their own wherever they fall, whoever is loudest.
    @Test func fewTenantsAreAlwaysToldApart() {
        var random = SeededGenerator.fromEnvironment()
        for _ in 0..<200 {
            let activity = TenantActivity(seed: random.next())
            var exact: [UInt128: TenantCounts] = [:]
            let tenants = (0..<4).map { _ in UInt128(random.next()) << 64 | UInt128(random.next()) }
            for _ in 0..<100 {
                let tenant = tenants[Int(min(random.next() % 4, random.next() % 4))]
                let counts = TenantCounts(admitted: random.next() % 10, quota: random.next() % 3, overload: 1)
                exact[tenant, default: TenantCounts()] = exact[tenant, default: TenantCounts()] &+ counts
                activity.add(tenant, counts)
            }
            #expect(Self.read(activity).tenants == exact, "\(random.replay)")
            #expect(Self.read(activity).others == TenantCounts())
        }
    }

    /// Counts of many requests at once are those of one after the other, but for who has a cell.
    @Test func aTurnsRequestsAddUp() {
        var random = SeededGenerator.fromEnvironment()
        let activity = TenantActivity(seed: 1)
        var accounts = TurnAccounts()
        var exact: [UInt128: TenantCounts] = [:]
        for step in 0..<10_000 {
            let tenant = UInt128(random.next() % 3)
            let outcome = TenantOutcome.allCases[Int(random.next() % 3)]
            for _ in 0...random.next() % 5 {
                accounts.count(tenant, outcome, in: activity)
                exact[tenant, default: TenantCounts()].add(outcome)
            }
            guard step.isMultiple(of: 10) else { continue }
            accounts.end(from: Self.unlimited, in: activity) { 0 }
            guard Self.read(activity).tenants == exact else {
                Issue.record("the counts differ after \(step) steps; \(random.replay)")
                return
            }
        }
        accounts.end(from: Self.unlimited, in: activity) { 0 }
        #expect(Self.read(activity).others == TenantCounts())
    }

    /// More tenants than a turn has accounts: those without one are told at once, and no request is lost.
    @Test func tenantsThatShareACellAddUp() {
        var random = SeededGenerator.fromEnvironment()
        let activity = TenantActivity(seed: 1)
        var accounts = TurnAccounts()
        var exact = TenantCounts()
        for step in 0..<50_000 {
            let outcome = TenantOutcome.allCases[Int(random.next() % 3)]
            accounts.count(UInt128(random.next() % 500) << 64 | UInt128(random.next() % 2), outcome, in: activity)
            exact.add(outcome)
            guard step.isMultiple(of: 997) else { continue }
            accounts.end(from: Self.unlimited, in: activity) { 0 }
            let found = Self.read(activity)
            let sum = found.tenants.values.reduce(found.others, &+)
            #expect(sum == exact, "\(random.replay)")
        }
    }
}

/// Who has a series, and from when on.
@Suite struct TenantRankingTests {
    private static let soon: UInt64 = 1_000_000_000

    private static func rows(_ report: TenantReport) -> [UInt128: TenantCounts] {
        Dictionary(uniqueKeysWithValues: report.tenants.map { ($0.tenant, $0.counts) })
    }

    /// The first report has everything since the start, however late it comes.
    @Test func theFirstReportIsWhole() {
        let workers = [TenantActivity(seed: 1), TenantActivity(seed: 2)]
        var ranking = TenantRanking()
        #expect(ranking.merge(workers, nowNanoseconds: 0) == TenantReport(tenants: [], other: TenantCounts()))
        workers[0].add(7, TenantCounts(admitted: 10, quota: 1))
        workers[1].add(7, TenantCounts(overload: 5))
        workers[1].add(8, TenantCounts(admitted: 2))
        let report = ranking.merge(workers, nowNanoseconds: 1)
        #expect(report.tenants.map(\.tenant) == [7, 8], "the most active is first")
        #expect(
            Self.rows(report) == [
                7: TenantCounts(admitted: 10, quota: 1, overload: 5), 8: TenantCounts(admitted: 2),
            ])
        #expect(report.other == TenantCounts())
    }

    /// Asking often does not make places change hands: a moment says nothing about who is heavy.
    @Test func placesAreGivenAnewAfterAWhile() {
        let activity = TenantActivity(seed: 1)
        var ranking = TenantRanking(placesMax: 1)
        activity.add(1, TenantCounts(admitted: 100))
        #expect(Self.rows(ranking.merge([activity], nowNanoseconds: 0)) == [1: TenantCounts(admitted: 100)])
        activity.add(2, TenantCounts(admitted: 50))
        for second in 1..<10 {
            let report = ranking.merge([activity], nowNanoseconds: UInt64(second) * Self.soon)
            #expect(Self.rows(report) == [1: TenantCounts(admitted: 100)])
            #expect(report.other == TenantCounts(admitted: 50))
        }
        activity.add(2, TenantCounts(admitted: 3))
        let report = ranking.merge([activity], nowNanoseconds: TenantRanking.choiceNanoseconds)
        #expect(Self.rows(report) == [2: TenantCounts(admitted: 3)], "what was told among the others stays there")
        #expect(report.other == TenantCounts(admitted: 150))
        activity.add(1, TenantCounts(quota: TenantRanking.choiceRequests))
        let next = ranking.merge([activity], nowNanoseconds: TenantRanking.choiceNanoseconds + 1)
        #expect(Self.rows(next) == [1: TenantCounts(quota: TenantRanking.choiceRequests)], "or after many requests")
        #expect(next.other == TenantCounts(admitted: 153))
    }
}

extension TenantActivity {
    fileprivate func addOne(_ tenant: UInt128, _ outcome: TenantOutcome) {
        var counts = TenantCounts()
        counts.add(outcome)
        self.add(tenant, counts)
    }
}
