import Foundation
import Testing

/// What a load leaves behind: on standard output, on standard error and in files.
@Suite(.serialized) struct BenchReportTests {
    private static func arguments(_ gateway: GatewayProcess) throws -> [String] {
        ["--server", try gateway.address, "--rate", "200", "--duration", "500ms", "--warmup", "100ms"]
    }

    private static func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    @Test func filesAreWrittenInEveryForm() async throws {
        try await GatewayProcess.run { gateway in
            let base = gateway.directory.path + "/report"
            let outcome = try await Executable.bench.run(
                Self.arguments(gateway) + [
                    "--json", base + ".json", "--csv", base + ".csv", "--hdr-log", base + ".hlog", "--html",
                    base + ".html",
                    "--format", "json",
                ], in: gateway.directory)
            #expect([0, 3].contains(outcome.status), "\(outcome.errors)")
            // What is on standard output is what is in the file.
            let report = try jsonObject(Self.text(base + ".json"))
            #expect(try NSDictionary(dictionary: report).isEqual(to: outcome.json))
            #expect(report["schema"] as? String == "oap-bench-report/1")
            #expect((report["tool"] as? [String: Any])?["version"] as? String == "0.1.0")
            let rows = try Self.text(base + ".csv").split(separator: "\n")
            #expect(rows.count >= 2)
            #expect(Set(rows.map { $0.split(separator: ",", omittingEmptySubsequences: false).count }).count == 1)
            #expect(try Self.text(base + ".hlog").contains("\n#[Histogram log format version 1.3]\n"))
            let page = try Self.text(base + ".html")
            #expect(page.contains("<svg") && page.contains("</html>"))
            #expect(page.utf8.count < 300_000)
            let left = try FileManager.default.contentsOfDirectory(atPath: gateway.directory.path)
            #expect(left.filter { $0.hasPrefix("report") }.count == 4, "\(left)")
        }
    }

    @Test func whatIsPipedIsPlain() async throws {
        try await GatewayProcess.run { gateway in
            let outcome = try await Executable.bench.run(
                ["--server", gateway.address, "--rate", "100", "--duration", "2s", "--warmup", "0s"],
                in: gateway.directory)
            #expect([0, 3].contains(outcome.status), "\(outcome.errors)")
            for text in [outcome.output, outcome.errors] {
                #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || !($0.properties.generalCategory == .control) })
            }
            #expect(!outcome.output.isEmpty)
            let quiet = try await Executable.bench.run(Self.arguments(gateway) + ["--no-live"], in: gateway.directory)
            #expect([0, 3].contains(quiet.status) && quiet.errors.isEmpty, "\(quiet.errors)")
        }
    }

    /// A minute was asked for, and a signal ends it with the report of what was.
    @Test(arguments: [SIGINT, SIGTERM]) func aSignalStillGetsTheReport(signal: Int32) async throws {
        try await GatewayProcess.run { gateway in
            let path = gateway.directory.path + "/report.json"
            let before = try gateway.metrics()
            let process = try RunningProcess(
                Executable.bench.url,
                ["--server", gateway.address, "--rate", "200", "--duration", "60s", "--warmup", "0s", "--json", path],
                in: gateway.directory)
            try await eventually("the load to be there") {
                try gateway.metrics().growth("requests_total", since: before) ?? 0 > 20
            }
            process.signal(signal)
            // On a machine that does other things too the generator may have been late now and then.
            #expect([0, 3].contains(try await process.exitStatus()), "\(process.output) \(process.errors)")
            #expect(!process.output.isEmpty)
            let counts = try #require(try jsonObject(Self.text(path))["outcome"] as? [String: Any])
            #expect(counts["wasInterrupted"] as? Bool == true)
            #expect(counts["errors"] as? Int == 0, "\(counts)")
            #expect(counts["successes"] as? Int ?? 0 > 20)
        }
    }

    @Test func anOutputThatTakesNothingIs74() async throws {
        try await GatewayProcess.run { gateway in
            let outcome = try await Executable.bench.run(
                Self.arguments(gateway) + ["--json", "/dev/full"], in: gateway.directory)
            #expect(outcome.status == 74, "\(outcome.errors)")
            let sentence = "--json /dev/full: cannot be written: no space is left (ENOSPC)"
            #expect(outcome.errors.contains(sentence), "\(outcome.errors)")
            // The report is not lost with the file.
            #expect(!outcome.output.isEmpty)
        }
    }

    @Test func twoReportsAreCompared() async throws {
        try await GatewayProcess.run { gateway in
            let base = gateway.directory.path
            for (name, duration) in [("long", "11s"), ("short", "1s")] {
                let outcome = try await Executable.bench.run(
                    [
                        "--server", gateway.address, "--rate", "100", "--duration", duration, "--warmup", "0s",
                        "--json", "\(base)/\(name).json", "--threshold", "max<60s", "--schedule-lag-max", "1m",
                    ], in: gateway.directory)
                #expect(outcome.status == 0, "\(outcome.output) \(outcome.errors)")
            }
            // A run does not differ from itself.
            let same = try await Executable.bench.run(
                ["--compare", "long.json", "long.json", "--html", "compare.html"], in: gateway.directory)
            #expect(same.status == 0, "\(same.errors)")
            #expect(same.output.lowercased().contains("no difference"), "\(same.output)")
            let page = try Self.text(base + "/compare.html")
            #expect(page.contains("<svg") && page.contains("</html>"))
            let short = try await Executable.bench.run(["--compare", "long.json", "short.json"], in: gateway.directory)
            #expect(short.status == 2, "\(short.output)")
            #expect(short.output.contains("intervals that count"), "\(short.output)")
            try gateway.directory.write("{\"schema\":\"oap-bench-report/99\"}", to: "other.json")
            let other = try await Executable.bench.run(["--compare", "long.json", "other.json"], in: gateway.directory)
            #expect(other.status == 2)
            #expect(other.errors.contains("oap-bench-report/99"), "\(other.errors)")
        }
    }
}
