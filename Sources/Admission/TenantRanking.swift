/// What a scrape tells of tenants.
public struct TenantReport: Equatable, Sendable {
    public struct Row: Equatable, Sendable {
        public let tenant: UInt128
        public let counts: TenantCounts
    }

    /// Most requests first; at most as many as the ranking has places.
    public let tenants: [Row]
    /// All others together.
    public let other: TenantCounts
}

/// Which tenants have a series of their own in the metrics, over all workers: at most so many, and as few changes as the
/// traffic allows, so that cardinality is bounded at every scrape and over time. One thread.
///
/// A tenant gets a free place when it had a fair part of the requests since the last merge, one in twice as many as there are
/// places, and somebody's place when it had twice as many as the least active there: a flood of invented tenants gets none. Its
/// series begins at none with the place, and what it counted before stays with the others; when it loses the place, its
/// counts go to the others. So the sum of all series is that of the workers, and none of them ever falls.
public struct TenantRanking: Sendable {
    private struct Place {
        let tenant: UInt128
        /// Of the workers' counts, those from before the place.
        var before: TenantCounts
        /// What the series has told.
        var told = TenantCounts()
        /// Requests since the last merge.
        var recent: UInt64 = 0
    }

    private let placesMax: Int
    private var places: [Place] = []
    /// Of every tenant that had a cell at the last merge.
    private var seen: [UInt128: UInt64] = [:]
    private var totalSeen: UInt64 = 0
    private var otherTold = TenantCounts()

    /// - Parameter placesMax: the K of the top K; at least 1.
    public init(placesMax: Int = 20) {
        precondition(placesMax >= 1)
        self.placesMax = placesMax
    }

    /// The report on the requests of all workers until now. Allocates; for the thread that answers scrapes.
    public mutating func merge(_ workers: [TenantActivity]) -> TenantReport {
        var counts: [UInt128: TenantCounts] = [:]
        var others = TenantCounts()
        for worker in workers { worker.read(into: &counts, others: &others) }
        let total = counts.values.reduce(others, &+)
        self.grow(counts)
        self.choose(counts, fairPart: (total.total &- self.totalSeen) / UInt64(2 * self.placesMax))
        self.seen = counts.mapValues(\.total)
        self.totalSeen = total.total
        let told = self.places.reduce(TenantCounts()) { $0 &+ $1.told }
        // A cell that changed hands while it was read may be missing for once: no series falls for that.
        self.otherTold = self.otherTold.raised(to: total, without: told)
        let rows = self.places.map { TenantReport.Row(tenant: $0.tenant, counts: $0.told) }
        return TenantReport(tenants: rows.sorted { $0.counts.total > $1.counts.total }, other: self.otherTold)
    }

    private mutating func grow(_ counts: [UInt128: TenantCounts]) {
        for index in self.places.indices {
            let place = self.places[index]
            let now = counts[place.tenant] ?? TenantCounts()
            // A worker's cell that was lost took its part of the counts along: the series goes on from what it has told.
            let grown = now &- place.before
            let isWhole = TenantOutcome.allCases.allSatisfy { Int64(bitPattern: grown[$0] &- place.told[$0]) >= 0 }
            if isWhole {
                self.places[index].recent = grown.total - place.told.total
                self.places[index].told = grown
            } else {
                self.places[index].recent = 0
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
                    recent: $0.value.total &- min($0.value.total, self.seen[$0.key] ?? 0)
                )
            }
            .filter { $0.recent > fairPart }
            .sorted { ($0.recent, $1.tenant) > ($1.recent, $0.tenant) }
        for candidate in candidates {
            if self.places.count == self.placesMax {
                guard let least = self.places.indices.min(by: { self.places[$0].recent < self.places[$1].recent }),
                    candidate.recent / 2 > self.places[least].recent
                else { return }
                self.places.remove(at: least)
            }
            self.places.append(Place(tenant: candidate.tenant, before: candidate.counts, recent: candidate.recent))
        }
    }
}

extension TenantCounts {
    /// These counts, or what is left of `total` without `told` where that is more.
    fileprivate func raised(to total: TenantCounts, without told: TenantCounts) -> TenantCounts {
        func left(_ outcome: TenantOutcome) -> UInt64 {
            max(self[outcome], total[outcome] - min(total[outcome], told[outcome]))
        }
        return TenantCounts(admitted: left(.admitted), quota: left(.quota), overload: left(.overload))
    }
}
