import LoadGeneration
import Testing

@Suite struct RandomNumbersTests {
    @Test func sameSeedGivesTheSameNumbers() {
        var first = RandomNumbers(seed: 7)
        var second = RandomNumbers(seed: 7)
        var other = RandomNumbers(seed: 8)
        let numbers = (0..<100).map { _ in first.next() }
        #expect(numbers == (0..<100).map { _ in second.next() })
        #expect(numbers != (0..<100).map { _ in other.next() })
    }

    /// Sebastiano Vigna's splitmix64.c, seeded with 1234567.
    @Test func isSplitMix64() {
        var random = RandomNumbers(seed: 1_234_567)
        #expect(random.next() == 6_457_827_717_110_365_317)
        #expect(random.next() == 3_203_168_211_198_807_973)
    }

    @Test func bounded() {
        var random = RandomNumbers(seed: 1)
        var counts = [Int](repeating: 0, count: 7)
        for _ in 0..<70_000 { counts[random.next(below: 7)] += 1 }
        // Ten standard deviations.
        for count in counts { #expect(abs(count - 10_000) < 926) }
    }
}
