import Foundation
import GatewayTesting
import Testing

/// One configuration, three readers, the same words.
@Suite(.serialized) struct ConfigurationTests {
    private static let wrong = """
        oap_concurency = 12
        workers = "lots"

        [limits]
        max_frame = "2GiB"
        idle_timeout = 60
        """

    private static let wrongPlaces = ["1:1", "2:11", "5:13", "6:16"]

    @Test func everyReaderReportsEveryErrorInTheSameWords() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(Self.wrong + "\n", to: "gateway.toml")
        let gateway = try await Executable.gateway.run(["--config", file], in: directory)
        #expect(gateway.status == 78)
        #expect(gateway.output == "")
        let lines = gateway.errors.split(separator: "\n").map(String.init)
        #expect(lines.count == Self.wrongPlaces.count, "\(lines)")
        for (line, place) in zip(lines, Self.wrongPlaces) {
            #expect(line.hasPrefix("\(file):\(place): error: "), "\(line)")
        }
        #expect(lines.first?.contains("did you mean \"oap_concurrency\"?") == true)

        let commands: [(Executable, [String])] = [
            (.gateway, ["--check-config", "--config", file]), (.ronctl, ["config", "check", file]),
            (.ronctl, ["config", "check", "--config", file]), (.ronctl, ["config", "show", "--config", file]),
        ]
        for (executable, arguments) in commands {
            let outcome = try await executable.run(arguments, in: directory)
            #expect(outcome.status == 78, "\(arguments)")
            #expect(outcome.errors == gateway.errors, "\(arguments)")
            #expect(outcome.output == "")
        }
        // Named by the environment, it is the same file.
        let named = try await Executable.gateway.run([], in: directory, environment: ["RON_CONFIG": file])
        #expect(named.status == 78)
        #expect(named.errors == gateway.errors)
    }

    @Test func aGoodFileIsOk() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("oap_concurrency = 12\n", to: "gateway.toml")
        for (executable, arguments) in [
            (Executable.gateway, ["--check-config", "--config", file]), (.ronctl, ["config", "check", file]),
        ] {
            let outcome = try await executable.run(arguments, in: directory)
            #expect(outcome.status == 0)
            #expect(outcome.output == "\(file): ok\n")
            #expect(outcome.errors == "")
        }
    }

    @Test func theCommentedFileOfTheProjectIsServed() async throws {
        let path = URL(fileURLWithPath: Sample.path).deletingLastPathComponent().path + "/svc-gateway.toml"
        try await GatewayProcess.run(["--config", path]) { gateway in
            #expect(GatewayProcess.value("config", in: gateway.lines[0]) == path)
        }
    }

    /// The working directory's file is found without being named.
    @Test func theLocalFileIsFound() async throws {
        let directory = try TemporaryDirectory()
        try directory.write("workers = 3\n", to: "configs/svc-gateway.toml")
        let gateway = try GatewayProcess(
            ["--oap-addr", "0", "--metrics-addr", "0", "--index-path", directory.index], in: directory)
        try await gateway.line("ready=0")
        #expect(gateway.lines(with: " workers=3").count == 1)
        #expect(GatewayProcess.value("config", in: gateway.lines[0]) == "configs/svc-gateway.toml")
        gateway.signal(SIGTERM)
        try await gateway.expectExit(0)
    }

    @Test func flagsWinOverEnvironmentOverFileOverDefaults() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(
            "oap_addr = 1001\nworkers = 3\n", to: "gateway.toml")
        func oapAddress(_ arguments: [String], _ environment: [String: String]) async throws -> (String, String) {
            let outcome = try await Executable.ronctl.run(
                ["config", "show", "-o", "json"] + arguments, in: directory, environment: environment)
            #expect(outcome.status == 0, "\(outcome.errors)")
            let rows = try #require(try outcome.json["settings"] as? [[String: Any]])
            let row = try #require(rows.first { $0["key"] as? String == "oap_addr" })
            return (row["value"] as? String ?? "", row["from"] as? String ?? "")
        }
        let inFile = ["RON_CONFIG": file]
        let inBoth = ["RON_CONFIG": file, "SVC_GATEWAY_ADDR": "1002"]
        #expect(try await oapAddress([], [:]) == ("127.0.0.1:9444", "default"))
        #expect(try await oapAddress([], inFile) == ("127.0.0.1:1001", "file"))
        #expect(try await oapAddress(["--config", file], [:]) == ("127.0.0.1:1001", "file"))
        #expect(try await oapAddress([], inBoth) == ("127.0.0.1:1002", "environment"))
        #expect(try await oapAddress(["--oap-addr", "1003"], inBoth) == ("127.0.0.1:1003", "flag"))
        let table = try await Executable.ronctl.run(
            ["config", "show", "--oap-addr", "1003"], in: directory, environment: inBoth)
        #expect(table.output.contains(/(?m)^oap_addr +127\.0\.0\.1:1003 +flag --oap-addr$/))
        #expect(table.output.contains("\(file):2"), "the file's line of workers")
    }

    @Test func whatDoesNotExistYetIsRefused() async throws {
        let directory = try TemporaryDirectory()
        for (arguments, environment, place) in [
            (["--tor"], [:], "flag --tor: error: "),
            (["--legacy-pay"], [:], "flag --legacy-pay: error: "),
            ([], ["RO_HS_KEY_FILE": "/etc/ron/hs.key"], "environment RO_HS_KEY_FILE: error: "),
        ] as [([String], [String: String], String)] {
            let outcome = try await Executable.gateway.run(arguments, in: directory, environment: environment)
            #expect(outcome.status == 78)
            #expect(outcome.errors.hasPrefix(place), "\(outcome.errors)")
            #expect(outcome.errors.contains("does not exist yet"))
            #expect(outcome.errors.split(separator: "\n").count == 1)
        }
    }

    @Test func aFlagThatIsNoneIsWrongUsage() async throws {
        let directory = try TemporaryDirectory()
        let outcome = try await Executable.gateway.run(["--oap-adr", "1"], in: directory)
        #expect(outcome.status == 64)
        #expect(outcome.errors.contains("--oap-addr"), "\(outcome.errors)")
    }

    @Test func versionIsPrinted() async throws {
        let directory = try TemporaryDirectory()
        let outcome = try await Executable.gateway.run(["--version"], in: directory)
        #expect(outcome.status == 0)
        #expect(outcome.output.contains(/^[0-9]+\.[0-9]+\.[0-9]+ \(.+\)\n$/))
    }

    // MARK: The log

    @Test(arguments: ["RON_LOG", "RUST_LOG"]) func logLevelComesFromTheEnvironment(variable: String) async throws {
        try await GatewayProcess.run(environment: [variable: "debug"]) { gateway in
            var client = try gateway.connect()
            #expect(try client.ask(.resolve("no key", correlation: 4712)).code == 400)
            let line = try await gateway.line("corr_id=4712")
            #expect(line.contains(" DEBUG ") && line.contains("bad_request"), "\(line)")
        }
        try await GatewayProcess.run { gateway in
            var client = try gateway.connect()
            #expect(try client.ask(.resolve("no key", correlation: 4713)).code == 400)
            gateway.signal(SIGHUP)
            try await gateway.line("by=SIGHUP")
            #expect(gateway.lines(with: " DEBUG ").isEmpty)
        }
    }

    @Test func quietLevelsSayNothingOfAnOrderlyRun() async throws {
        let directory = try TemporaryDirectory()
        try await directory.importSample()
        let admin = "127.0.0.1:\(try GatewayProcess.freePort())"
        let gateway = try GatewayProcess(
            ["--oap-addr", "0", "--metrics-addr", admin, "--index-path", directory.index, "--log-level", "error"],
            in: directory)
        try await eventually("the admin port to answer") {
            (try? AdminAnswer("/readyz", at: GatewayProcess.socketAddress(admin)))?.status == 200
        }
        gateway.signal(SIGTERM)
        try await gateway.expectExit(0)
        #expect(gateway.lines == [])
    }

    @Test func jsonLogIsJSONOnEveryLine() async throws {
        let gateway = try await GatewayProcess.start(["--log-format", "json", "--log-level", "debug"])
        let started = try gateway.lines.map(jsonObject)
        let admin = try #require(started.compactMap { $0["metrics"] as? String }.first)
        #expect(admin.hasPrefix("http://127.0.0.1:"))
        let address = try #require(started.compactMap { $0["oap_addr"] as? String }.first)
        #expect(started.contains { $0["msg"] as? String == "ready=1" && $0["startup_ms"] != nil })
        let hello = try await Executable.ronctl.run(["hello", "--server", address], in: gateway.directory)
        #expect(hello.status == 0)
        gateway.signal(SIGHUP)
        try await gateway.line("\"by\":\"SIGHUP\"")
        gateway.signal(SIGTERM)
        try await gateway.expectExit(0)
        let all = try gateway.lines.map(jsonObject)
        #expect(all.count > started.count)
        for line in all {
            #expect(line["ts"] is String && line["msg"] is String)
            #expect(["debug", "info", "notice", "warning"].contains(line["level"] as? String ?? ""), "\(line)")
        }
    }
}
