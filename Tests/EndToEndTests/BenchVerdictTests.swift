import ArgumentParser
import Foundation
import LoadReport
import Testing

@testable import oap_bench

/// How a load ends: each exit status for its reason, against a real gateway.
@Suite(.serialized) struct BenchVerdictTests {
    private static func bench(_ gateway: GatewayProcess, _ arguments: [String]) async throws -> Outcome {
        try await Executable.bench.run(
            ["--server", gateway.address, "--warmup", "0s"] + arguments, in: gateway.directory)
    }

    /// On a machine that is busy with other things the bench may rightly say that it was too late to judge; here it is
    /// another verdict that is asked about, so it may be late.
    private static func judge(_ gateway: GatewayProcess, _ arguments: String...) async throws -> Outcome {
        try await Self.bench(gateway, ["--schedule-lag-max", "1m"] + arguments)
    }

    /// Ten million a second are beyond one thread of any machine, whatever the gateway does.
    @Test(arguments: backends) func aRateBeyondTheGeneratorHasNoVerdict(io: String) async throws {
        try await GatewayProcess.run { gateway in
            let outcome = try await Self.bench(
                gateway,
                [
                    "--rate", "10000000", "--duration", "1s", "--io", io, "--threshold", "p99<1us", "--format", "json",
                    "--workload", "ping", "--timeout", "2s",
                ])
            #expect(outcome.status == 3, "\(outcome.output) \(outcome.errors)")
            let report = try outcome.json
            #expect(report["verdict"] as? String == "unusable")
            let generator = try #require(report["generator"] as? [String: Any])
            #expect((generator["bottlenecks"] as? [String])?.isEmpty == false, "\(generator)")
        }
    }

    @Test func aMissedThresholdIs99() async throws {
        try await GatewayProcess.run { gateway in
            let outcome = try await Self.judge(
                gateway, "--rate", "200", "--duration", "500ms", "--threshold", "p50<1us", "--threshold", "errors<=0%")
            #expect(outcome.status == 99, "\(outcome.output) \(outcome.errors)")
            #expect(outcome.output.contains("p50<1us"))
        }
    }

    /// A minute was asked for; nobody waits for it, since the test would give up first.
    @Test func abortOnFailEndsTheRun() async throws {
        try await GatewayProcess.run { gateway in
            let outcome = try await Self.judge(
                gateway, "--rate", "200", "--duration", "60s", "--threshold", "p50<1us", "--abort-on-fail", "--format",
                "json")
            #expect(outcome.status == 99, "\(outcome.output) \(outcome.errors)")
            let counts = try #require(try outcome.json["outcome"] as? [String: Any])
            #expect(counts["wasAborted"] as? Bool == true)
            #expect(outcome.errors.contains("ended early: p50<1us is missed"), "\(outcome.errors)")
        }
    }

    @Test func unexpectedAnswersFailUnlessAThresholdAllowsThem() async throws {
        try await GatewayProcess.run { gateway in
            let keys = try gateway.directory.write("name:hello\nname:nobody\n", to: "keys.txt")
            let load = ["--schedule-lag-max", "1m", "--keys", keys, "--rate", "200", "--duration", "500ms"]
            func run(_ more: String...) async throws -> Outcome { try await Self.bench(gateway, load + more) }
            let failed = try await run()
            #expect(failed.status == 1, "\(failed.errors)")
            #expect(failed.output.contains("404"))
            let allowed = try await run("--threshold", "errors<90%")
            #expect(allowed.status == 0, "\(allowed.output) \(allowed.errors)")
            let missed = try await run("--threshold", "errors<1%")
            #expect(missed.status == 99)
            // Another threshold says nothing about errors.
            let other = try await run("--threshold", "p99<1s")
            #expect(other.status == 1, "\(other.output) \(other.errors)")
            let expected = try await run("--expect", "200,404")
            #expect(expected.status == 0, "\(expected.output) \(expected.errors)")
        }
    }

    @Test func namesThatAreNotThereAreExplained() async throws {
        try await GatewayProcess.run { gateway in
            let outcome = try await Self.judge(
                gateway, "--rate", "100", "--duration", "300ms", "--key-count", "10", "--key-format", "name:nobody%d")
            #expect(outcome.status == 1)
            #expect(outcome.errors.contains("most keys are not in this gateway's index"), "\(outcome.errors)")
        }
    }

    /// The whole search takes most of a minute and is run by `make baseline`; here it is left after its first runs.
    @Test func aSearchThatIsInterruptedShowsItsRuns() async throws {
        try await GatewayProcess.run { gateway in
            let path = gateway.directory.path + "/found.json"
            let process = try RunningProcess(
                Executable.bench.url, ["--server", gateway.address, "--find-max", "p99<500ms", "--json", path],
                in: gateway.directory)
            try await eventually("two runs") { process.errors.split(separator: "\n").count >= 2 }
            process.signal(SIGINT)
            #expect(try await process.exitStatus() == 1, "\(process.errors)")
            #expect(process.output.contains("interrupted before a rate was found"), "\(process.output)")
            let found = try jsonObject(try String(contentsOfFile: path, encoding: .utf8))
            #expect(found["schema"] as? String == "oap-bench-find-max/1")
            #expect(found["result"] as? String == "interrupted")
            #expect(found["objectives"] as? [String] == ["p99<500ms", "errors<0.1%"])
            let probes = try #require(found["probes"] as? [[String: Any]])
            #expect(probes.map { $0["phase"] as? String }.prefix(2) == ["saturate", "bracket"])
            #expect(probes.allSatisfy { ($0["rate"] as? Double ?? 0) > 0 })
        }
    }
}

/// What a report comes to, without a load.
@Suite struct LoadVerdictTests {
    private static func report(_ verdict: LoadReport.Verdict, errors: UInt64 = 0, frames: UInt64 = 0) -> LoadReport {
        var report = LoadReport(
            tool: .init(version: "0"), environment: .init(), plan: .init(), startedAt: "", outcome: .init(),
            latency: .init(), serviceTime: .init(), scheduleLag: .init(), generator: .init(), statuses: [], losses: [],
            series: [], thresholds: [], verdict: verdict)
        report.outcome.requestsDue = 1000
        report.outcome.errors = errors
        report.outcome.successes = 1000 - errors
        report.outcome.unexpectedFrames = frames
        return report
    }

    private static func settled(_ report: LoadReport, _ thresholds: String...) throws -> LoadReport {
        var report = report
        LoadVerdict.settle(&report, try thresholds.map { try Threshold(parsing: $0) })
        return report
    }

    @Test func thresholdsDecide() throws {
        #expect(try Self.settled(Self.report(.passed)).verdict == .passed)
        #expect(try Self.settled(Self.report(.failed, errors: 5)).verdict == .failed)
        #expect(try Self.settled(Self.report(.failed, errors: 5), "errors<1%").verdict == .passed)
        #expect(try Self.settled(Self.report(.failed, errors: 50), "errors<1%").verdict == .missed)
        #expect(try Self.settled(Self.report(.failed, errors: 1000), "errors<=100%").verdict == .failed)
        #expect(try Self.settled(Self.report(.failed, frames: 1), "errors<1%").verdict == .failed)
    }

    /// A late generator makes latencies look worse: what holds all the same does hold, if all of it has left.
    @Test func whatHoldsInSpiteOfTheGeneratorHolds() throws {
        var report = Self.report(.unusable)
        report.plan.rate = 100
        report.plan.durationSeconds = 10
        report.outcome.elapsedSeconds = 10
        report.outcome.requestsSent = 1000
        report.outcome.answersPerSecond = 100
        report.latency.count = 1000
        report.latency.max = 5000
        #expect(try Self.settled(report, "max<1s").verdict == .passed)
        #expect(try Self.settled(report, "max<1s", "errors<1%").verdict == .passed)
        #expect(try Self.settled(report, "max<1ms").verdict == .unusable)
        // Nothing was asked, or it is no harder to hold for one who is late.
        #expect(try Self.settled(report).verdict == .unusable)
        #expect(try Self.settled(report, "max>1ms").verdict == .unusable)
        #expect(try Self.settled(report, "rate<1000").verdict == .unusable)
        var short = report
        short.outcome.requestsSent = 900
        #expect(try Self.settled(short, "max<1s").verdict == .unusable)
        var slow = report
        slow.outcome.answersPerSecond = 90
        #expect(try Self.settled(slow, "max<1s").verdict == .unusable)
        var failing = report
        failing.outcome.errors = 5
        #expect(try Self.settled(failing, "max<1s").verdict == .failed)
        #expect(try Self.settled(failing, "max<1s", "errors<1%").verdict == .passed)
    }

    /// Nothing that was measured says anything when the generator was the limit, thresholds included.
    @Test func theGeneratorsLimitWins() throws {
        let report = try Self.settled(Self.report(.unusable, errors: 500), "errors<1%")
        #expect(report.verdict == .unusable)
        #expect(report.thresholds.map(\.passed) == [false])
        #expect(LoadVerdict.exit(report.verdict)?.rawValue == 3)
    }
}
