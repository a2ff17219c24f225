/// What a scrape tells of tenants.
public struct TenantReport: Equatable, Sendable {
    public struct Row: Equatable, Sendable {
        public let tenant: UInt128
        public let counts: TenantCounts

        public init(tenant: UInt128, counts: TenantCounts) {
            self.tenant = tenant
            self.counts = counts
        }
    }

    /// Most requests first; at most as many as the ranking has places.
    public let tenants: [Row]
    /// All others together.
    public let other: TenantCounts

    public init(tenants: [Row], other: TenantCounts) {
        self.tenants = tenants
        self.other = other
    }
}

/// Which tenants have a series of their own in the metrics, over all workers: at most so many, and as few changes as the
/// traffic allows, so that cardinality is bounded at every scrape and over time. One thread.
///
/// Places are given anew after a while, however often it is asked. A tenant gets a free place when it had a fair part of the requests
/// since then, one in twice as many as there are places, and somebody's place when it had twice as many as the least active there: a
/// flood of invented tenants gets none. What a tenant counted before the last report, when it had no place, stays with the
/// others; when it loses the place, its counts go to them. So the sum of all series is that of the workers, and none of them ever
/// falls.
public struct TenantRanking: Sendable {
    private struct Place {
        let tenant: UInt128
        /// Of the workers' counts, those that were told among the others'.
        var before: TenantCounts
        /// What the series has told.
        var told: TenantCounts
        /// Requests since places were given.
        var recent: UInt64 = 0
    }

    /// Places are given anew after this time, or after `choiceRequests`; less says little about who is heavy.
    static let choiceNanoseconds: UInt64 = 10_000_000_000
    static let choiceRequests: UInt64 = 1000

    private let placesMax: Int
    private var places: [Place] = []
    /// Of every tenant that had a cell at the last merge.
    private var seen: [UInt128: TenantCounts] = [:]
    private var otherTold = TenantCounts()
    /// When places were given, and all counts by then; nil before there were any requests.
    private var choice: (nanoseconds: UInt64, counts: [UInt128: UInt64], total: UInt64)?

    /// - Parameter placesMax: the K of the top K; at least 1.
    public init(placesMax: Int = 20) {
        precondition(placesMax >= 1)
        self.placesMax = placesMax
    }

    /// The report on the requests of all workers until now. Allocates; for the thread that answers scrapes.
    ///
    /// - Parameter nowNanoseconds: of the monotonic clock.
    public mutating func merge(_ workers: [TenantActivity], nowNanoseconds: UInt64) -> TenantReport {
        var counts: [UInt128: TenantCounts] = [:]
        var others = TenantCounts()
        for worker in workers { worker.read(into: &counts, others: &others) }
        let total = counts.values.reduce(others, &+)
        self.grow(counts)
        if self.isDue(total.total, nowNanoseconds) {
            self.choose(counts, fairPart: (total.total &- (self.choice?.total ?? 0)) / UInt64(2 * self.placesMax))
            self.choice = (nowNanoseconds, counts.mapValues(\.total), total.total)
        }
        self.seen = counts
        let told = self.places.reduce(TenantCounts()) { $0 &+ $1.told }
        // A cell that changed hands while it was read may be missing for once: no series falls for that.
        self.otherTold = self.otherTold.raised(to: total, without: told)
        let rows = self.places.map { TenantReport.Row(tenant: $0.tenant, counts: $0.told) }
        return TenantReport(
            tenants: rows.sorted { ($0.counts.total, $1.tenant) > ($1.counts.total, $0.tenant) }, other: self.otherTold)
    }

    private func isDue(_ total: UInt64, _ nowNanoseconds: UInt64) -> Bool {
        guard let choice = self.choice else { return total > 0 }
        let grown = total &- min(total, choice.total)
        return grown >= Self.choiceRequests
            || grown > 0 && nowNanoseconds >= choice.nanoseconds + Self.choiceNanoseconds
    }

    private mutating func grow(_ counts: [UInt128: TenantCounts]) {
        for index in self.places.indices {
            let place = self.places[index]
            let now = counts[place.tenant] ?? TenantCounts()
            // A worker's cell that was lost took its part of the counts along: the series goes on from what it has told.
            let grown = now &- place.before
            if grown.isAtLeast(place.told) {
                self.places[index].recent += grown.total - place.told.total
                self.places[index].told = grown
            } else {
                self.places[index].before = now &- place.told
            }
        }
    }

    private mutating func choose(_ counts: [UInt128: TenantCounts], fairPart: UInt64) {
        let placed = Set(self.places.map(\.tenant))
        let candidates = counts.filter { !placed.contains($0.key) }
            .map {
                (
                    tenant: $0.key, counts: $0.value,
                    recent: $0.value.total &- min($0.value.total, self.choice?.counts[$0.key] ?? 0)
                )
            }
            .filter { $0.recent > fairPart }
            .sorted { ($0.recent, $1.tenant) > ($1.recent, $0.tenant) }
        for candidate in candidates {
            if self.places.count == self.placesMax {
                guard let least = self.places.indices.min(by: { self.places[$0].recent < self.places[$1].recent }),
                    candidate.recent / 2 > self.places[least].recent
                else { break }
                self.places.remove(at: least)
            }
            self.places.append(self.place(candidate.tenant, candidate.counts, recent: candidate.recent))
        }
        for index in self.places.indices { self.places[index].recent = 0 }
    }

    /// A new series begins with what has not been told among the others'.
    private func place(_ tenant: UInt128, _ counts: TenantCounts, recent: UInt64) -> Place {
        let seen = self.seen[tenant] ?? TenantCounts()
        let before = counts.isAtLeast(seen) ? seen : counts
        return Place(tenant: tenant, before: before, told: counts &- before, recent: recent)
    }
}

extension TenantCounts {
    fileprivate func isAtLeast(_ least: TenantCounts) -> Bool {
        TenantOutcome.allCases.allSatisfy { Int64(bitPattern: self[$0] &- least[$0]) >= 0 }
    }

    /// These counts, or what is left of `total` without `told` where that is more.
    fileprivate func raised(to total: TenantCounts, without told: TenantCounts) -> TenantCounts {
        func left(_ outcome: TenantOutcome) -> UInt64 {
            max(self[outcome], total[outcome] - min(total[outcome], told[outcome]))
        }
        return TenantCounts(admitted: left(.admitted), quota: left(.quota), overload: left(.overload))
    }
}
