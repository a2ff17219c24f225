import LoadGeneration
import Testing

/// The search against servers that are functions: a limit, and noise that differs from run to run.
@Suite struct RateSearchTests {
    private struct Server {
        /// Requests a second.
        let limit: Double
        /// Of the limit in one run: uniform between plus and minus this share.
        var noise = 0.0
        /// Share of the runs that something else on the machine spoils, whatever their rate.
        var disturbed = 0.0
        /// What the generator is able to offer.
        var offered = Double.infinity
        var random = RandomNumbers(seed: 1)

        mutating func judge(_ rate: Double) -> RateSearch.Judgement {
            if rate > self.offered { return .unusable }
            if Double(self.random.next(below: 1000)) < 1000 * self.disturbed { return .missed }
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

    /// One miss may be chance: the same rate is asked for again, and a hold is believed at once.
    @Test func aRateIsRefusedByTwoRunsOnly() {
        var search = RateSearch()
        search.saturated(1000)
        search.record(.missed)
        #expect(search.step == .probe(rate: 800, phase: .bracket))
        search.record(.held)
        #expect(search.step == .probe(rate: 1040, phase: .bracket))
        search.record(.missed)
        #expect(search.step == .probe(rate: 1040, phase: .bracket))
        search.record(.missed)
        #expect(search.step == .probe(rate: (800.0 * 1040).squareRoot(), phase: .bisect))
    }

    @Test(arguments: [37.0, 500, 12_345, 987_654, 8_000_000], [0.3, 1, 1.1, 3])
    func findsASteadyLimit(limit: Double, start: Double) throws {
        let walk = Self.search(Server(limit: limit), start: start)
        let rate = try #require(Self.rate(walk.finding), "\(walk)")
        #expect(rate <= limit)
        #expect(rate >= limit / 1.025, "\(rate) of \(limit)")
        #expect(walk.probes.count <= 27, "\(walk.probes)")
        // What is reported has held in the phase that measures for longest, and what is little more was refused there.
        let confirmed = walk.probes.filter { $0.phase == .confirm }
        #expect(confirmed.contains { $0.rate == rate && $0.judgement == .held })
        let above = confirmed.filter { $0.rate > rate && $0.rate <= rate * 1.03 }
        #expect(above.count == 4 && above.allSatisfy { $0.judgement == .missed }, "\(confirmed)")
    }

    /// Runs that differ by 3 % either way, and runs of which every fourth is spoiled: nearly all searches agree within 5 %.
    @Test(arguments: [(noise: 0.03, disturbed: 0.0), (noise: 0.01, disturbed: 0.3)])
    func repeatsUnderNoise(noise: Double, disturbed: Double) throws {
        var rates: [Double] = []
        for seed in 0..<200 {
            let server = Server(
                limit: 100_000, noise: noise, disturbed: disturbed, random: RandomNumbers(seed: UInt64(seed)))
            rates.append(try #require(Self.rate(Self.search(server).finding)))
        }
        rates.sort()
        let median = rates[100]
        #expect(median > 95_000 && median < 103_000, "\(median)")
        let near = rates.count { abs($0 - median) <= 0.05 * median }
        #expect(near >= 190, "\(near) of 200 within 5 % of \(median), from \(rates[0])")
    }

    /// Both first runs miss by chance: the bracket lies far below the limit, and the last phase leaves it.
    @Test func runsThatMisleadAreMadeUpFor() throws {
        var server = Server(limit: 10_000)
        var search = RateSearch()
        search.saturated(10_000)
        search.record(.missed)
        search.record(.missed)
        var probes = 2
        while case .probe(let rate, _) = search.step {
            search.record(server.judge(rate))
            probes += 1
        }
        guard case .finished(.rate(let rate)) = search.step else {
            Issue.record("\(search.step)")
            return
        }
        #expect(rate > 9_700 && rate <= 10_000, "\(rate) after \(probes)")
    }

    /// A machine that is slow for the first refusals of the last phase, and only then.
    @Test func aSlowSpellIsMadeUpFor() throws {
        var search = RateSearch()
        search.saturated(10_000)
        var confirms = 0
        while case .probe(let rate, let phase) = search.step {
            if phase == .confirm { confirms += 1 }
            let limit = phase == .confirm && confirms <= 3 ? 8_500.0 : 10_000
            search.record(rate <= limit ? .held : .missed)
        }
        guard case .finished(.rate(let rate)) = search.step else {
            Issue.record("\(search.step)")
            return
        }
        #expect(rate > 9_700 && rate <= 10_000)
    }

    @Test func saysWhenTheGeneratorIsTheLimit() throws {
        let walk = Self.search(Server(limit: 100_000, offered: 40_000))
        guard case .generatorLimit(let holds)? = walk.finding else {
            Issue.record("\(walk)")
            return
        }
        #expect(holds <= 40_000 && holds > 40_000 / 1.05)
        #expect(Self.search(Server(limit: 100_000, offered: 5)).finding == .generatorUnable(lowest: 10))
    }

    /// A generator that gives up above the server's limit does not hide it.
    @Test func aServerBelowTheGeneratorIsFound() throws {
        let walk = Self.search(Server(limit: 50_000, offered: 60_000), start: 1.6)
        let rate = try #require(Self.rate(walk.finding), "\(walk)")
        #expect(rate > 48_500 && rate <= 50_000)
    }

    /// What a generator held for a moment and not for longer is not claimed.
    @Test func theGeneratorsLimitIsConfirmedToo() {
        var search = RateSearch()
        search.saturated(1000)
        var held: [Double] = []
        while case .probe(let rate, let phase) = search.step {
            let isUnusable = rate > 700 || (phase == .confirm && rate > 600)
            if phase == .confirm, !isUnusable { held.append(rate) }
            search.record(isUnusable ? .unusable : .held)
        }
        #expect(search.step == .finished(.generatorLimit(holds: held.max() ?? 0)))
        #expect((held.max() ?? 0) > 580)
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
        // What a longer run has held is found, also when nobody had the time to refuse more.
        var late = RateSearch()
        late.saturated(1000)
        while case .probe(let rate, let phase) = late.step, phase != .confirm {
            late.record(rate <= 900 ? .held : .missed)
        }
        guard case .probe(let confirmed, .confirm) = late.step else {
            Issue.record("\(late.step)")
            return
        }
        late.record(.held)
        late.record(.missed)
        late.timeIsUp()
        #expect(late.step == .finished(.rate(confirmed)))
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
