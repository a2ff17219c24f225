import Testing

@testable import Settings

@Suite struct PrecedenceTests {
    @Test func flagsOverEnvironmentOverFileOverDefaults() throws {
        let workspace = try Workspace()
        try workspace.write("oap_addr = 1\n  log_level = \"debug\"\nworkers = 2\n", to: workspace.localFile)
        let bare = try workspace.load()
        #expect(bare.settings.oapAddress == SocketAddress(loopbackPort: 1))
        #expect(bare.origins["oap_addr"] == .file(path: workspace.localFile, FilePosition(line: 1, column: 12)))
        #expect(bare.origins["log_level"]?.description == workspace.localFile + ":2")
        #expect(bare.origins["io"] == .builtIn)
        #expect(bare.file == workspace.localFile)

        let environment = ["SVC_GATEWAY_ADDR": "[::1]:2", "RON_LOG": "Warn"]
        let middle = try workspace.load(environment: environment)
        #expect(middle.settings.oapAddress == SocketAddress(host: .ipv6(1), port: 2))
        #expect(middle.settings.logLevel == .warning)
        #expect(middle.origins["oap_addr"] == .environment("SVC_GATEWAY_ADDR"))
        #expect(middle.settings.workers == .count(2))

        let top = try workspace.load(["--oap-addr", "localhost:3", "--workers", "auto"], environment: environment)
        #expect(top.settings.oapAddress == SocketAddress(loopbackPort: 3))
        #expect(top.origins["oap_addr"] == .flag("--oap-addr"))
        #expect(top.settings.workers == .automatic)
        #expect(top.origins["log_level"] == .environment("RON_LOG"))
    }

    @Test func everyFlagReachesItsSetting() throws {
        let settings = try Workspace().load([
            "--oap-addr", "1", "--oap-socket", "/s", "--metrics-addr", "2", "--oap-concurrency", "3", "--workers", "4",
            "--io", "epoll",
            "--index", "tcp:[::1]:5", "--index-path", "/x", "--log-format", "json", "--log-level", "trace",
        ]).settings
        var expected = GatewaySettings()
        expected.oapAddress = SocketAddress(loopbackPort: 1)
        expected.oapSocket = "/s"
        expected.metricsAddress = SocketAddress(loopbackPort: 2)
        expected.oapConcurrency = 3
        expected.workers = .count(4)
        expected.ioBackend = .epoll
        expected.index = .remote([.tcp(SocketAddress(host: .ipv6(1), port: 5))])
        expected.indexPath = "/x"
        expected.logFormat = .json
        expected.logLevel = .trace
        #expect(settings == expected)
    }

    /// `RON_INDEX_SOCK` is a path, as other programs have it, and loses against the flag alone.
    @Test func theIndexIsWhereTheEnvironmentSays() throws {
        let workspace = try Workspace()
        try workspace.write("index = \"embedded:/file\"\n")
        #expect(try workspace.load(["--config", "gateway.toml"]).settings.embeddedIndexPath == "/file")
        let environment = ["RON_INDEX_SOCK": "/run/ron/svc-index.sock"]
        let socket = try workspace.load(["--config", "gateway.toml"], environment: environment)
        #expect(socket.settings.index == .remote([.unix(path: "/run/ron/svc-index.sock")]))
        #expect(socket.settings.embeddedIndexPath == nil)
        #expect(socket.origins["index"] == .environment("RON_INDEX_SOCK"))
        let flag = try workspace.load(["--index", "embedded"], environment: environment).settings
        #expect(flag.embeddedIndexPath == flag.indexPath)
        let two = try workspace.load(["--index", "unix:/a,tcp:9"]).settings.index
        #expect(two == .remote([.unix(path: "/a"), .tcp(SocketAddress(loopbackPort: 9))]))
        #expect(two.description == "unix:/a,tcp:127.0.0.1:9")
    }

    @Test(arguments: [
        ("unix:", "it has no path behind the colon"), ("embedded:", "it has no path behind the colon"),
        ("socket", "it names no kind of index"), ("unix:/a,", "it names no kind of index"),
        ("tcp:1.2.3.4", "it has no port"), ("tcp:0.0.0.0:1", "nobody can be connected to there"),
        ("tcp:127.0.0.1:0", "nobody can be connected to there"), ("unix:/a,/a", "it has unix:/a twice"),
        ("/" + String(repeating: "x", count: 107), "its path has 108 bytes"),
        (String(repeating: "tcp:1,", count: 8) + "tcp:1", "it has 9 addresses"),
    ])
    func anIndexThatIsNoneIsSaid(text: String, reason: String) throws {
        #expect {
            try Workspace().load(["--index", text])
        } throws: { error in
            "\(error)".contains(reason)
        }
    }

    @Test func everyKeyOfAFileReachesItsSetting() throws {
        let workspace = try Workspace()
        try workspace.write(
            """
            [limits]
            max_inflight = 1
            connections_max = 2
            accept_rate = 3
            accept_burst = 4
            max_frame = "4KiB"
            read_timeout = "30ms"
            idle_timeout = "40ms"
            request_timeout = "50ms"
            output_backlog_max = 6000
            output_stall_timeout = "70ms"
            drain_deadline = "80ms"
            listen_backlog = 9
            buffer_memory_max = "1MB"
            [quota.global]
            requests_per_second = 2.5
            [quota.tenant]
            requests_per_second = 0.5
            [quota.connection]
            frames_per_second = 7
            burst = 8
            """)
        let loaded = try workspace.load(["--config", "gateway.toml"])
        var expected = GatewayLimits()
        expected.inflightMax = 1
        expected.connectionsMax = 2
        expected.acceptRate = 3
        expected.acceptBurst = 4
        expected.frameBytesMax = 4_096
        expected.readTimeoutMilliseconds = 30
        expected.idleTimeoutMilliseconds = 40
        expected.requestTimeoutMilliseconds = 50
        expected.outputBacklogBytesMax = 6_000
        expected.outputStallTimeoutMilliseconds = 70
        expected.drainDeadlineMilliseconds = 80
        expected.listenBacklog = 9
        expected.bufferMemoryBytesMax = 1_000_000
        #expect(loaded.settings.limits == expected)
        #expect(loaded.settings.quotas.global == Quota(perSecond: 2.5, burst: 3))
        #expect(loaded.settings.quotas.tenant.requests == Quota(perSecond: 0.5, burst: 1))
        #expect(loaded.settings.quotas.connection == Quota(perSecond: 7, burst: 8))
        #expect(loaded.origins["quota.global.burst"] == .derived(from: "quota.global.requests_per_second"))
        #expect(loaded.warnings == [])
    }

    @Test func theFirstFileInTheSearchOrderIsTheOnlyOne() throws {
        let workspace = try Workspace()
        #expect(try workspace.load().file == nil)
        try workspace.write("workers = 4", to: workspace.systemFile)
        #expect(try workspace.load().settings.workers == .count(4))
        try workspace.write("oap_concurrency = 3", to: workspace.localFile)
        #expect(try workspace.load().settings.workers == .automatic)
        try workspace.write("workers = 2", to: "two.toml")
        try workspace.write("workers = 1", to: "one.toml")
        let environment = ["RON_CONFIG": "two.toml"]
        #expect(try workspace.load(environment: environment).settings.workers == .count(2))
        #expect(try workspace.load(["--config", "one.toml"], environment: environment).settings.workers == .count(1))
        #expect(try workspace.load(["--config", workspace.path + "/one.toml"]).settings.workers == .count(1))
        #expect(try workspace.load(environment: ["RON_CONFIG": ""]).file == workspace.localFile)
    }

    @Test func whatNobodyGaveIsTheDefault() throws {
        let loaded = try Workspace().load(environment: ["SVC_GATEWAY_ADDR": "", "RON_LOG": "", "HOME": "/"])
        #expect(loaded.settings == GatewaySettings())
        #expect(loaded.origins.count == SettingKey.all.count)
        #expect(loaded.origins.values.allSatisfy { $0 == .builtIn })
        #expect(loaded.warnings == [])
    }
}

@Suite struct EnvironmentTests {
    @Test(arguments: [
        ("info", LogLevel.info, false), ("WARN", .warning, false), ("debug,hyper=trace", .debug, true),
        ("hyper=trace, error", .error, true), ("trace,warn", .warning, false), ("debug/regex", .debug, false),
    ])
    func rustLog(text: String, level: LogLevel, warns: Bool) throws {
        let loaded = try Workspace().load(environment: ["RUST_LOG": text])
        #expect(loaded.settings.logLevel == level)
        #expect(loaded.origins["log_level"] == .environment("RUST_LOG"))
        #expect(loaded.warnings.count == (warns ? 1 : 0))
    }

    @Test(arguments: ["hyper=trace", "svc_gateway", "off", ",,", "/x"])
    func rustLogWithoutALevelIsPolitelyIgnored(text: String) throws {
        let loaded = try Workspace().load(environment: ["RUST_LOG": text])
        #expect(loaded.settings.logLevel == .info)
        #expect(loaded.origins["log_level"] == .builtIn)
    }

    @Test func ronLogIsStrictAndStronger() throws {
        let workspace = try Workspace()
        let both = try workspace.load(environment: ["RON_LOG": "error", "RUST_LOG": "trace,x=y"])
        #expect(both.settings.logLevel == .error)
        #expect(both.warnings == [])
        #expect(
            try workspace.errors(environment: ["RON_LOG": "inf"]) == [
                "environment RON_LOG: error: found \"inf\"; expected \"trace\", \"debug\", \"info\", \"notice\", "
                    + "\"warning\", \"error\" or \"critical\"; did you mean \"info\"?"
            ])
    }
}
