import Admission
import GatewayTesting
import Testing

/// The promise of the quotas under two threads. Three million operations in a debug build's few seconds; a hundred million
/// with `SVC_GATEWAY_LONG_TESTS=1`, or by `admission-proof` of Benchmarks.
@Suite(.serialized) struct QuotaProofTests {
    static let operations = TestEnvironment.isLong ? 4_800_000 : 150_000

    /// Never more than burst + rate * t in any window, and at least 99.5 % of what is allowed, from half the rate to a hundred
    /// times it.
    @Test(arguments: AdmissionProof.Target.allCases, AdmissionProof.offeredMultiples)
    func twoThreadsGetExactlyTheRate(_ target: AdmissionProof.Target, _ offeredMultiple: Double) async {
        let random = SeededGenerator.fromEnvironment()
        let proof = await AdmissionProof.run(
            target, offeredMultiple: offeredMultiple, operations: Self.operations, seed: random.seed)
        #expect(proof.operations == Self.operations)
        #expect(proof.violations == 0, "\(random.replay)")
        #expect(proof.ratio >= 0.995 && proof.ratio <= 1, "\(proof.ratio); \(random.replay)")
    }

    /// The check itself: one token more than the burst is seen, at once and in a window that is hidden among others.
    @Test func theBoundSeesWhatIsTooMuch() {
        let rate = TokenRate(tokensPerSecond: 2, burst: 3)
        var windows = WindowBound(rate)
        let second: UInt64 = 1_000_000_000
        var verdicts: [Bool] = []
        for (tokens, now) in [(3, 10), (1, 11), (1, 11), (3, 20), (2, 21), (1, 21)] as [(Int, UInt64)] {
            verdicts.append(windows.admit(tokens, at: now * second))
        }
        #expect(verdicts == [true, true, true, true, true, false])
        var early = WindowBound(rate)
        let full = early.admit(3, at: second)
        let tooEarly = early.admit(1, at: second + second / 2 - 1)
        #expect(full && !tooEarly, "a nanosecond is seen")
    }
}
