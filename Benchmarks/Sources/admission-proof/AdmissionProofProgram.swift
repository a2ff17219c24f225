internal import GatewayTesting
internal import Glibc

/// Proves the promise of the quotas by many operations of two threads, and prints one line of JSON; exit status 1 when it does not
/// hold. For `make overload`.
@main
struct AdmissionProofProgram {
    /// Of what the rate allows, granted at least.
    private static let ratioMin = 0.995

    private static let usage = """
        usage: admission-proof [OPERATIONS [SEED]]

        Two threads spend quotas at 0.5 to 100 times their rate, 100,000,000 operations by default; every window of every
        bucket is held against burst + rate * t. Prints JSON; exit status 1 with a violation or a ratio below 0.995.

        """

    static func main() async {
        let arguments = CommandLine.arguments.dropFirst()
        let operations = arguments.first.map { Int($0) } ?? 100_000_000
        let seed = arguments.dropFirst().first.map { UInt64($0) } ?? UInt64.random(in: .min ... .max)
        guard let operations, operations > 0, let seed, arguments.count <= 2 else {
            print(Self.usage, terminator: "")
            exit(64)
        }
        let multiples = AdmissionProof.offeredMultiples
        let targets = AdmissionProof.Target.allCases
        let each = max(1, operations / (multiples.count * targets.count))
        var runs: [AdmissionProof] = []
        for target in targets {
            for multiple in multiples {
                await runs.append(
                    AdmissionProof.run(
                        target, offeredMultiple: multiple, operations: each, seed: seed &+ UInt64(runs.count)))
            }
        }
        let violations = runs.reduce(0) { $0 + $1.violations }
        let details = runs.map { run in
            #"{"target":"\#(run.target.rawValue)","offered":\#(run.offeredMultiple),"operations":\#(run.operations),"#
                + #""violations":\#(run.violations),"interleavings":\#(run.interleavings),"ratio":\#(run.ratio)}"#
        }
        print(
            #"{"operations":\#(runs.reduce(0) { $0 + $1.operations }),"violations":\#(violations),"#
                + #""ratios":[\#(runs.map { "\($0.ratio)" }.joined(separator: ","))],"seed":\#(seed),"#
                + #""runs":[\#(details.joined(separator: ","))]}"#)
        exit(violations == 0 && runs.allSatisfy { $0.ratio >= Self.ratioMin } ? 0 : 1)
    }
}
