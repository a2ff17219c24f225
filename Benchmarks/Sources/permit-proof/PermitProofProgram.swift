internal import Admission
internal import GatewayTesting
internal import Glibc

/// Proves the promise of the concurrency limit by many operations of two threads, and prints one line of JSON; exit status 1
/// when it does not hold. For `make overload`.
@main
struct PermitProofProgram {
    private static let usage = """
        usage: permit-proof [OPERATIONS [SEED]]

        Two threads acquire and drop permits of one limit, 1,000,000,000 times by default, and count by themselves how many
        are out. Prints JSON; exit status 1 when the peak is not exactly the limit, or when a permit is lost.

        """

    private static let pairs = 50_000_000

    static func main() async {
        let arguments = CommandLine.arguments.dropFirst()
        let operations = arguments.first.map { Int($0) } ?? 1_000_000_000
        let seed = arguments.dropFirst().first.map { UInt64($0) } ?? UInt64.random(in: .min ... .max)
        guard let operations, operations > 0, let seed, arguments.count <= 2 else {
            print(Self.usage, terminator: "")
            exit(64)
        }
        let nanosecondsPerPair = Self.nanosecondsPerPair()
        let proof = await PermitProof.run(operations: operations, seed: seed)
        print(
            #"{"operations":\#(proof.operations),"peak":\#(max(proof.holdersPeak, proof.openPeak)),"#
                + #""limit":\#(PermitProof.limit),"refusals":\#(proof.refusals),"leaked":\#(proof.openAfter),"#
                + #""nanosecondsPerPair":\#((nanosecondsPerPair * 10).rounded() / 10),"seed":\#(seed)}"#)
        exit(proof.holds ? 0 : 1)
    }

    /// One permit acquired and dropped by a thread that is alone, the least of five: noise only adds.
    private static func nanosecondsPerPair() -> Double {
        let limit = ConcurrencyLimit(openMax: 1024)
        let clock = ContinuousClock()
        var least = Double.infinity
        for _ in 0..<5 {
            var refused = 0
            let elapsed = clock.measure {
                for _ in 0..<(Self.pairs / 5) {
                    let permit = limit.acquire()
                    if permit == nil { refused &+= 1 }
                }
            }
            precondition(refused == 0 && limit.openCount == 0)
            least = min(least, (elapsed / .nanoseconds(1)) / Double(Self.pairs / 5))
        }
        return least
    }
}
