import ArgumentParser
import Foundation
import LoadReport
import Testing

@testable import oap_bench

/// The scenarios that come with the project, and the names that a load without keys asks for.
@Suite(.serialized) struct BenchScenarioTests {
    private static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Benchmarks/scenarios").path

    static let names: [String] =
        ((try? FileManager.default.contentsOfDirectory(atPath: Self.directory)) ?? []).filter { $0.hasSuffix(".toml") }
        .sorted()

    private static func path(_ name: String) -> String { "\(Self.directory)/\(name)" }

    @Test func thereAreScenarios() {
        #expect(Self.names.count >= 10)
        #expect(Self.names.contains("baseline.toml"))
    }

    @Test(arguments: Self.names) func isReadAndSaysWhatItIs(name: String) throws {
        let reader = try LoadReader.read(scenario: Self.path(name), LoadFlags.parse([]))
        let summary = try #require(reader.scenarioSummary)
        #expect(summary.count > 10 && summary.count < 100)
        #expect(reader.draft.thresholds?.isEmpty == false, "a scenario without a threshold cannot fail")
    }

    @Test func baselineIsWhatIsPromised() throws {
        let draft = try LoadReader.read(scenario: Self.path("baseline.toml"), LoadFlags.parse([])).draft
        #expect(draft.rate == 500)
        #expect(draft.tenants == 64)
        #expect(draft.durationMilliseconds == 60_000)
        #expect(
            draft.thresholds?.map(\.expression) == ["errors<=0", "p95<40ms", "p99<120ms", "rate>=495"])
    }

    /// Each one as it is but for time, and for a load that also a debug build and a small machine carry. Latencies are
    /// those of a machine that does other things too, so that no threshold is judged here.
    @Test(arguments: Self.names) func runsAgainstAGateway(name: String) async throws {
        try await GatewayProcess.run { gateway in
            let draft = try LoadReader.read(scenario: Self.path(name), LoadFlags.parse([])).draft
            var smaller: [String] = []
            if draft.rate != nil { smaller += ["--rate", "300"] }
            if draft.burst != nil { smaller += ["--burst", "20"] }
            if draft.rampMilliseconds != nil { smaller += ["--ramp", "200ms"] }
            if draft.idleConnections != nil { smaller += ["--idle-connections", "100"] }
            if draft.isClosed == true { smaller += ["--depth", "2"] }
            let outcome = try await Executable.bench.run(
                [
                    "--scenario", Self.path(name), "--server", gateway.address, "--duration", "400ms", "--warmup",
                    "100ms",
                    "--connections", "20", "--format", "json",
                ] + smaller, in: gateway.directory)
            #expect([0, 3, 99].contains(outcome.status), "\(outcome.errors)")
            let report = try outcome.json
            let counts = try #require(report["outcome"] as? [String: Any])
            for count in ["errors", "invalidAnswers", "unexpectedFrames", "connectionsLost", "unanswered"] {
                #expect(counts[count] as? Int == 0, "\(count) in \(counts) \(outcome.errors)")
            }
            #expect(counts["successes"] as? Int ?? 0 > 50, "\(counts)")
            let plan = try #require(report["plan"] as? [String: Any])
            #expect(plan["scenario"] as? String == String(name.dropLast(5)))
            #expect((report["thresholds"] as? [Any])?.count == draft.thresholds?.count)
        }
    }

    // MARK: Flags over files

    private static func draft(_ text: String, _ flags: String...) throws -> LoadDraft {
        let directory = try TemporaryDirectory()
        let path = try directory.write(text, to: "scenario.toml")
        return try LoadReader.read(scenario: path, LoadFlags.parse(flags)).draft
    }

    @Test func flagsOverrideTheFile() throws {
        let file = "rate = 100\nthreshold = [\"p99<1ms\", \"errors<1%\"]\nexpect = [200, 404]\n"
        let draft = try Self.draft(file, "--rate", "200", "--threshold", "p50<1ms", "--tenants", "4")
        #expect(draft.rate == 200)
        #expect(draft.thresholds?.map(\.expression) == ["p50<1ms"])
        #expect(draft.expect == [200, 404])
        #expect(draft.tenants == 4)
    }

    @Test func aFlagOfTheOtherKindOfLoopTurnsTheFile() throws {
        let closed = try Self.draft("rate = 100\narrival = \"burst\"\nburst = 5\n", "--closed")
        #expect(closed.isClosed == true && closed.rate == nil && closed.arrival == nil && closed.burst == nil)
        let open = try Self.draft("closed = true\ndepth = 4\n", "--rate", "100")
        #expect(open.isClosed == nil && open.rate == 100 && open.depth == 4)
        let search = try Self.draft(
            "rate = 100\nduration = \"60s\"\nthreshold = \"p99<1ms\"\n", "--find-max", "p99<1ms")
        #expect(search.rate == nil && search.durationMilliseconds == nil && search.thresholds == nil)
    }

    @Test func keysOfAFlagReplaceThoseOfTheFile() throws {
        let numbered = "key_count = 10\nkey_format = \"name:%d\"\n"
        let draft = try Self.draft(numbered, "--keys", "/tmp/keys")
        #expect(draft.keyCount == nil && draft.keyFormat == nil && draft.keys == "/tmp/keys")
        let other = try Self.draft("keys = \"x\"\n", "--key-count", "10", "--key-format", "name:%d")
        #expect(other.keys == nil && other.keyCount == 10)
        let ping = try Self.draft("key_choice = \"zipf\"\nzipf_exponent = 1.2\n", "--workload", "ping")
        #expect(ping.keyChoice == nil && ping.zipfExponent == nil)
    }

    @Test func aPathInAFileStartsThere() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("keys = \"keys/some.txt\"\n", to: "load/scenario.toml")
        #expect(
            try LoadReader.read(scenario: path, LoadFlags.parse([])).draft.keys
                == "\(directory.path)/load/keys/some.txt")
    }

    // MARK: The names that are asked for by default

    /// Names of plain ASCII and everyday size; those of the sample's own limits are for other tests.
    @Test func sampleNamesAreThoseOfTheSample() throws {
        let lines = try String(contentsOfFile: Sample.path, encoding: .utf8).split(separator: "\n")
        let keys = try lines.map { try #require(try jsonObject(String($0))["key"] as? String) }
        let everyday = keys.filter { key in
            key.allSatisfy(\.isASCII) && key.utf8.count <= 40 && key.hasPrefix("name:")
                && !key.hasPrefix("name:limits/")
        }
        #expect(SampleNames.all == everyday)
    }
}
