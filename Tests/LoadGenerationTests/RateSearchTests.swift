import LoadGeneration
import Testing

/// The search against servers that are functions: a limit, and noise that differs from run to run.
@Suite struct RateSearchTests {
    private struct Server {
        /// Requests a second.
        let limit: Double
        /// Of the limit in one run: uniform between plus and minus this share.
        var noise = 0.0
        /// What the generator is able to offer.
        var offered = Double.infinity
        var random = RandomNumbers(seed: 1)

        mutating func judge(_ rate: Double) -> RateSearch.Judgement {
            if rate > self.offered { return .unusable }
            let share = Double(self.random.next(below: 2001) - 1000) / 1000
            return rate <= self.limit * (1 + share * self.noise) ? .held : .missed
        }
    }

    private struct Walk {
        var finding: RateSearch.Finding?
        var probes: [(rate: Double, phase: RateSearch.Phase, judgement: RateSearch.Judgement)] = []
    }

    /// - Parameter start: the rate of the closed loop, as a share of the limit.
    private static func search(_ server: Server, start: Double = 1) -> Walk {
        var server = server
        var search = RateSearch()
        var walk = Walk()
        for _ in 0..<100 {
            switch search.step {
            case .saturate:
                search.saturated(server.limit * start)
            case .probe(let rate, let phase):
                let judgement = server.judge(rate)
                walk.probes.append((rate, phase, judgement))
                search.record(judgement)
            case .finished(let finding):
                walk.finding = finding
                return walk
            }
        }
        return walk
    }

    private static func rate(_ finding: RateSearch.Finding?) -> Double? {
        guard case .rate(let rate)? = finding else { return nil }
        return rate
    }

    @Test func startsWithAClosedLoopAndWaitsForWhatItIsTold() {
        var search = RateSearch()
        #expect(search.step == .saturate)
        search.record(.held)
        #expect(search.step == .saturate)
        search.saturated(1000)
        #expect(search.step == .probe(rate: 800, phase: .bracket))
        #expect(search.step == .probe(rate: 800, phase: .bracket))
        search.saturated(5)
        #expect(search.step == .probe(rate: 800, phase: .bracket))
    }

    @Test(arguments: [37.0, 500, 12_345, 987_654, 8_000_000], [0.3, 1, 1.1, 3])
    func findsASteadyLimit(limit: Double, start: Double) throws {
        let walk = Self.search(Server(limit: limit), start: start)
        let rate = try #require(Self.rate(walk.finding), "\(walk)")
        #expect(rate <= limit)
        #expect(rate >= limit * 0.93, "\(rate) of \(limit)")
        #expect(walk.probes.count <= 18, "\(walk.probes)")
        // What is reported has held, and in the phase that measures for longest.
        let last = try #require(walk.probes.last)
        #expect(last.rate == rate && last.phase == .confirm && last.judgement == .held)
    }

    /// Runs that differ by 3 % either way: nine searches of ten agree within 5 % of their median.
    @Test func repeatsUnderNoise() throws {
        var rates: [Double] = []
        for seed in 0..<200 {
            let server = Server(limit: 100_000, noise: 0.03, random: RandomNumbers(seed: UInt64(seed)))
            rates.append(try #require(Self.rate(Self.search(server).finding)))
        }
        rates.sort()
        let median = rates[100]
        #expect(median > 95_000 && median < 103_000, "\(median)")
        let near = rates.count { abs($0 - median) <= 0.05 * median }
        #expect(near >= 180, "\(near) of 200 within 5 % of \(median)")
    }

    /// The first run misses by chance: the bracket lies far below the limit, and the staircase leaves it.
    @Test func aRunThatMisleadsIsMadeUpFor() throws {
        var server = Server(limit: 10_000)
        var search = RateSearch()
        search.saturated(10_000)
        search.record(.missed)
        var probes = 1
        while case .probe(let rate, _) = search.step {
            search.record(server.judge(rate))
            probes += 1
        }
        guard case .finished(.rate(let rate)) = search.step else {
            Issue.record("\(search.step)")
            return
        }
        #expect(rate > 9_300 && rate <= 10_000, "\(rate) after \(probes)")
    }

    @Test func saysWhenTheGeneratorIsTheLimit() throws {
        let walk = Self.search(Server(limit: 100_000, offered: 40_000))
        guard case .generatorLimit(let holds)? = walk.finding else {
            Issue.record("\(walk)")
            return
        }
        #expect(holds <= 40_000 && holds > 40_000 / 1.09)
        #expect(Self.search(Server(limit: 100_000, offered: 5)).finding == .generatorUnable(lowest: 10))
    }

    /// A generator that gives up above the server's limit does not hide it.
    @Test func aServerBelowTheGeneratorIsFound() throws {
        let walk = Self.search(Server(limit: 50_000, offered: 60_000), start: 1.6)
        let rate = try #require(Self.rate(walk.finding), "\(walk)")
        #expect(rate > 46_500 && rate <= 50_000)
    }

    /// What a generator held for a moment and not for longer is not claimed.
    @Test func theGeneratorsLimitIsConfirmedToo() {
        var search = RateSearch()
        search.saturated(1000)
        var confirmed: [Double] = []
        while case .probe(let rate, let phase) = search.step {
            if phase == .confirm { confirmed.append(rate) }
            search.record(rate > 700 || (phase == .confirm && rate > 600) ? .unusable : .held)
        }
        #expect(confirmed.count > 1)
        #expect(search.step == .finished(.generatorLimit(holds: confirmed.last ?? 0)))
        #expect((confirmed.last ?? 0) <= 600)
    }

    @Test func aSearchWithoutTimeSaysWhatItKnows() {
        var search = RateSearch()
        search.saturated(1000)
        search.timeIsUp()
        #expect(search.step == .finished(.nothingHolds(lowest: 800)))
        var other = RateSearch()
        other.saturated(1000)
        other.record(.held)
        other.timeIsUp()
        #expect(other.step == .finished(.unsteady(bestShort: 800)))
        other.record(.missed)
        #expect(other.step == .finished(.unsteady(bestShort: 800)))
    }

    @Test func aServerThatHoldsNothingIsSaid() {
        #expect(Self.search(Server(limit: 1), start: 1000).finding == .nothingHolds(lowest: 10))
    }

    /// Whatever is answered, the search ends, and names no rate that did not hold.
    @Test(arguments: 0..<300) func endsWhateverIsAnswered(seed: Int) {
        var random = RandomNumbers(seed: UInt64(seed))
        var search = RateSearch()
        search.saturated(Double(1 + random.next(below: 1_000_000)))
        var held: Set<Double> = []
        for _ in 0..<100 {
            guard case .probe(let rate, let phase) = search.step else { break }
            #expect(rate >= 10 && rate <= 50_000_000)
            let judgement: RateSearch.Judgement = [.held, .missed, .missed, .unusable][random.next(below: 4)]
            if judgement == .held, phase == .confirm { held.insert(rate) }
            search.record(judgement)
        }
        guard case .finished(let finding) = search.step else {
            Issue.record("no end: \(search.step)")
            return
        }
        if let rate = Self.rate(finding) { #expect(held.contains(rate)) }
    }
}
