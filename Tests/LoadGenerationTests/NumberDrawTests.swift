import Foundation
import Reactor
import Testing

@testable import LoadGeneration

@Suite struct NumberDrawTests {
    /// Chi-square of the drawn ranks against 1 / rank^exponent, with rare ranks taken together.
    @Test(arguments: [0.1, 0.5, 0.99, 1, 1.2, 2, 5], [2, 10, 1000]) func zipfHasItsProbabilities(
        exponent: Double, count: Int
    ) {
        let draws = 200_000
        let ranks = ZipfRanks(count: count, exponent: exponent)
        var random = RandomNumbers(seed: 11)
        var seen = [Double](repeating: 0, count: count + 1)
        for _ in 0..<draws { seen[ranks.next(&random)] += 1 }
        #expect(seen[0] == 0)
        let weights = (1...count).map { pow(Double($0), -exponent) }
        let total = weights.reduce(0, +)
        var chiSquare = 0.0
        var cells = 0.0
        var expectedRest = 0.0
        var seenRest = 0.0
        for rank in 1...count {
            expectedRest += weights[rank - 1] / total * Double(draws)
            seenRest += seen[rank]
            guard expectedRest >= 20 else { continue }
            chiSquare += (seenRest - expectedRest) * (seenRest - expectedRest) / expectedRest
            cells += 1
            expectedRest = 0
            seenRest = 0
        }
        // Mean and standard deviation of chi-square; six of the latter are one false alarm in a billion.
        let freedom = max(cells - 1, 1)
        #expect(chiSquare < freedom + 6 * (2 * freedom).squareRoot() + 10, "\(chiSquare) with \(freedom)")
    }

    @Test func zipfNeedsNoTable() {
        // A table of so many ranks would be 80 GB.
        let ranks = ZipfRanks(count: 10_000_000_000, exponent: 1.01)
        var random = RandomNumbers(seed: 1)
        for _ in 0..<10_000 { #expect((1...10_000_000_000).contains(ranks.next(&random))) }
    }

    @Test(arguments: [1, 2, 3, 4, 10, 97, 1000, 4096]) func popularityIsSpreadOneToOne(count: Int) {
        let draw = NumberDraw(.zipf(exponent: 1), count: count)
        #expect(Set((1...count).map { draw.number(rank: $0) }) == Set(0..<count))
    }

    @Test func popularOnesAreNoNeighbours() {
        let draw = NumberDraw(.zipf(exponent: 1), count: 1_000_000)
        let first = draw.number(rank: 1)
        let second = draw.number(rank: 2)
        #expect(abs(first - second) > 1000)
    }

    @Test(arguments: [NumberChoice.uniform, .zipf(exponent: 1.1)]) func oneOfOneIsThatOne(choice: NumberChoice) {
        var random = RandomNumbers(seed: 1)
        let draw = NumberDraw(choice, count: 1)
        for _ in 0..<100 { #expect(draw.next(&random) == 0) }
    }

    @Test func hitRatioIsKept() {
        var keys = KeySet()
        for key in ["name:a", "name:b"] { #expect(throws: Never.self) { try keys.append(Array(key.utf8).span) } }
        var plan = LoadPlan(server: SocketAddress(host: "127.0.0.1", port: 1))
        plan.keys = keys
        for ratio in [0, 0.25, 1] {
            plan.hitRatio = ratio
            var draw = RequestDraw(plan, seed: 4)
            let hits = (0..<40_000).count { _ in draw.key() != nil }
            // Five standard deviations.
            #expect(abs(Double(hits) - 40_000 * ratio) <= 434 * (ratio == 0.25 ? 1 : 0))
        }
    }

    @Test func tenantsStartAtOne() {
        var plan = LoadPlan(server: SocketAddress(host: "127.0.0.1", port: 1))
        var anonymous = RequestDraw(plan, seed: 4)
        #expect(anonymous.tenant() == 0)
        plan.tenantsCount = 3
        var draw = RequestDraw(plan, seed: 4)
        #expect(Set((0..<1000).map { _ in draw.tenant() }) == [1, 2, 3])
    }

    @Test func absentKeysAreKeys() {
        let bytes = AbsentKey.bytes(of: 0x0123_4567_89AB_CDEF)
        let text = String(decoding: (0..<AbsentKey.byteCount).map { bytes[$0] }, as: UTF8.self)
        #expect(text == "name:absent-0123456789abcdef")
    }

    @Test func senselessChoicesAreNamed() {
        #expect(NumberChoice.zipf(exponent: 0).problem != nil)
        #expect(NumberChoice.zipf(exponent: .nan).problem != nil)
        #expect(NumberChoice.zipf(exponent: 11).problem != nil)
        #expect(NumberChoice.zipf(exponent: 0.99).problem == nil)
        #expect(NumberChoice.uniform.problem == nil)
    }
}
