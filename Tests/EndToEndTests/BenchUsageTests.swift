import Foundation
import Testing

/// What `oap-bench` says before it loads anything: nothing in here has a gateway to reach.
@Suite(.serialized) struct BenchUsageTests {
    private static func bench(_ arguments: String..., in directory: TemporaryDirectory? = nil) async throws -> Outcome {
        try await Executable.bench.run(arguments, in: directory ?? TemporaryDirectory())
    }

    @Test(arguments: [
        (["--rate", "fast"], "flag --rate: error: found \"fast\"; expected a number, 0.1 to 10,000,000"),
        (["--arrival", "poison"], "did you mean \"poisson\"?"),
        (["--depth", "0"], "flag --depth: error: found \"0\"; expected an integer, 1 to 1,024"),
        (["--duration", "10"], "flag --duration: error: found \"10\"; expected a duration like"),
        (["--closed", "--rate", "5"], "flag --rate: error: a closed loop has no schedule"),
        (["--closed", "--schedule-lag-max", "5ms"], "flag --schedule-lag-max: error: a closed loop has no schedule"),
        (["--burst", "5"], "flag --burst: error: only --arrival burst has bursts"),
        (["--ramp-from", "5"], "flag --ramp-from: error: it says where a ramp starts"),
        (["--zipf-exponent", "1.1"], "flag --zipf-exponent: error: only --key-choice zipf"),
        (["--workload", "ping", "--keys", "x"], "flag --keys: error: the workload ping asks for no keys"),
        (["--keys-per-request", "4"], "only the workload resolve-many"),
        (["--payload-bytes", "8"], "only the workload ping"),
        (["--key-count", "5"], "add --key-format"),
        (["--key-count", "5", "--key-format", "k%x"], "flag --key-format: error: found \"k%x\""),
        (["--threads", "60"], "flag --threads: error: each thread has connections of its own"),
        (["--expect", "200,900"], "flag --expect: error: found \"200,900\"; expected statuses from 100 to 599"),
        (["--threshold", "p99<2"], "\"2\" is no limit; it is a time with its unit"),
        (["--abort-on-fail"], "flag --abort-on-fail: error: there is no threshold to miss"),
        (["--find-max", "p99<1ms", "--rate", "5"], "flag --rate: error: the search chooses rates"),
        (["--find-max", "p99<1ms", "--threshold", "p99<1ms"], "flag --threshold: error: what the search has to hold"),
        (["--server", "nowhere"], "--server \"nowhere\": it has no port"),
        (["--keys", "none.txt"], "--keys: none.txt: cannot be read: there is no such file (ENOENT)"),
        (["--scenario", "none.toml"], "none.toml: error: there is no such file (named by --scenario)"),
        (["--html", "none/report.html"], "--html none/report.html: there is no directory"),
        (["--csv", "/"], "--csv /: it is a directory"),
        (["--csv", "a", "--json", "a"], "--csv and --json name the same file, a"),
        (["--compare", "a.json"], "--compare takes two sides"),
        (["--compare", "a.json,a.json", "b.json"], "a.json is named twice"),
        (["--compare", "a.json", "b.json", "--rate", "5"], "--compare loads nothing; leave out --rate"),
        (["--compare", "a.json", "b.json"], "--compare a.json: cannot be read: there is no such file (ENOENT)"),
        (["--bogus"], "Unknown option '--bogus'"),
    ])
    func wrongUsageIsSaidBeforeAnyLoad(arguments: [String], sentence: String) async throws {
        let outcome = try await Executable.bench.run(arguments, in: TemporaryDirectory())
        #expect(outcome.status == 2, "\(outcome.errors)")
        #expect(outcome.errors.contains(sentence), "\(outcome.errors)")
        #expect(outcome.output.isEmpty)
    }

    /// Port 1 on loopback has nobody.
    @Test func noConnectionIsSaid() async throws {
        let outcome = try await Self.bench("--server", "1", "--duration", "1s")
        #expect(outcome.status == 2)
        #expect(outcome.errors.contains("cannot connect to 127.0.0.1:1: connect ECONNREFUSED"), "\(outcome.errors)")
    }

    @Test func aScenarioIsRefusedWithEveryPlace() async throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write(
            """
            rat = 5
            rate = "fast"
            key-choice = "zipf"
            threshold = ["p99<2ms", 5,
              "p99>2"]
            expect = [200, 999]
            closed = 1
            [limits]
            max_inflight = 1
            """, to: "wrong.toml")
        let outcome = try await Self.bench("--scenario", path, "--depth", "0", in: directory)
        #expect(outcome.status == 2)
        let expected = [
            "1:1: error: unknown key \"rat\"; did you mean \"rate\"?",
            "2:8: error: rate: found the string \"fast\"; expected a number, 0.1 to 10,000,000",
            "3:1: error: unknown key \"key-choice\"; did you mean \"key_choice\"?",
            "4:25: error: threshold: found 5; expected an expression like \"p99<2ms\"",
            "5:3: error: threshold: found the string \"p99>2\"",
            "6:16: error: expect: found 999; expected statuses from 100 to 599",
            "7:10: error: closed: found 1; expected true or false",
            "8:2: error: unknown table [limits]; a scenario has keys only",
        ]
        let lines = outcome.errors.split(separator: "\n").map(String.init)
        #expect(lines.count == expected.count + 1, "\(outcome.errors)")
        for (line, start) in zip(lines, expected) { #expect(line.hasPrefix("\(path):\(start)"), "\(line)") }
        #expect(lines.last?.hasPrefix("flag --depth: error: ") == true)
    }

    @Test func aContradictionInAScenarioHasItsPlace() async throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("closed = true\nrate = 5\n", to: "both.toml")
        let outcome = try await Self.bench("--scenario", path, in: directory)
        #expect(outcome.status == 2)
        #expect(
            outcome.errors.hasPrefix("\(path):2:8: error: rate: a closed loop has no schedule"), "\(outcome.errors)")
    }

    // MARK: Help and manual

    private static let manualPath = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Sources/oap-bench/oap-bench.1").path

    private static func manual() throws -> String {
        try String(contentsOfFile: Self.manualPath, encoding: .utf8).replacing("\\-", with: "-")
    }

    private static func options(_ text: String) -> Set<String> {
        Set(text.matches(of: /--([a-z]+(-[a-z]+)*)/).map { String($0.output.1) })
    }

    @Test func helpAndManualHaveTheSameOptions() async throws {
        let help = try await Self.bench("--help")
        #expect(help.status == 0)
        let inHelp = Self.options(help.output)
        #expect(inHelp.count > 35)
        #expect(Self.options(try Self.manual()) == inHelp)
        // Each option has a paragraph of its own there.
        let manual = try Self.manual()
        for option in inHelp {
            let paragraph = try Regex("\\.TP\n\\.B[IR]* (-h \", \" )?--\(option)\\b")
            #expect(manual.contains(paragraph), "--\(option) has no paragraph in oap-bench.1")
        }
    }

    @Test func helpAndManualHaveTheSameExitStatuses() async throws {
        let help = try await Self.bench("--help").output
        let inHelp = help.matches(of: #/\n {2,3}(\d+) {2}/#).map { String($0.output.1) }
        #expect(inHelp == ["0", "1", "2", "3", "74", "99"], "\(help)")
        let section = try #require(try Self.manual().components(separatedBy: ".SH EXIT STATUS\n").last)
            .components(separatedBy: ".SH ")[0]
        #expect(section.matches(of: /\.TP\n\.B (\d+)\n/).map { String($0.output.1) } == inHelp)
    }

    @Test func everyWordOfTheHelpFitsATerminal() async throws {
        let help = try await Self.bench("--help").output
        for line in help.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
    }

    @Test(.enabled(if: Tool.groff != nil, "groff is not here")) func theManualRendersWithoutWarnings() async throws {
        let groff = try #require(Tool.groff)
        let directory = try TemporaryDirectory()
        let process = try RunningProcess(
            groff, ["-man", "-Tutf8", "-P-cbou", "-ww", "-rLL=90n", Self.manualPath], in: directory)
        #expect(try await process.exitStatus() == 0)
        #expect(process.errors.isEmpty, "\(process.errors)")
        #expect(process.output.contains("EXIT STATUS"))
    }

    @Test func theSchemaIsPrinted() async throws {
        let outcome = try await Self.bench("--print-schema")
        #expect(outcome.status == 0)
        #expect(try outcome.json["$schema"] as? String != nil)
    }
}
