import Testing

@testable import Settings

/// What a file can get wrong, one thing each, with the exact place.
@Suite struct FileErrorsTests {
    @Test(arguments: [
        ("oap_concurency = 5", "1:1: error: unknown key \"oap_concurency\"; did you mean \"oap_concurrency\"?"),
        ("\n  oap-addr = 1", "2:3: error: unknown key \"oap-addr\"; did you mean \"oap_addr\"?"),
        (
            "banana = 1",
            "1:1: error: unknown key \"banana\"; expected one of oap_addr, oap_socket, metrics_addr, oap_concurrency, "
                + "workers, io, index, index_path, instance, control_socket, log_format, log_level"
        ),
        ("[limits]\nmax_frme = 1", "2:1: error: unknown key \"max_frme\" in [limits]; did you mean \"max_frame\"?"),
        ("limits.max_frme = 1", "1:8: error: unknown key \"max_frme\" in [limits]; did you mean \"max_frame\"?"),
        ("limits = { max_frme = 1 }", "1:12: error: unknown key \"max_frme\" in [limits]; did you mean \"max_frame\"?"),
        ("max_frame = 5000", "1:1: error: unknown key \"max_frame\"; it belongs in [limits]"),
        ("max_frme = 5000", "1:1: error: unknown key \"max_frme\"; did you mean \"max_frame\" in [limits]?"),
        (
            "[limits]\nio = \"auto\"",
            "2:1: error: unknown key \"io\" in [limits]; it belongs at the top of the file, before any [table]"
        ),
        (
            "[quota.connection]\nrequests_per_second = 5",
            "2:1: error: unknown key \"requests_per_second\" in "
                + "[quota.connection]; it belongs in [quota.global], or in [quota.tenant]"
        ),
        ("[limtis]\na = 1\nb.c = 2", "1:2: error: unknown table [limtis]; did you mean [limits]?"),
        ("[quota.tennant]", "1:8: error: unknown table [quota.tennant]; did you mean [quota.tenant]?"),
        ("[[limits]]\nmax_inflight = 1", "1:1: error: limits: found an array; expected a table like [limits]"),
        ("quota = 5", "1:9: error: quota: found 5; expected a table like [quota.global]"),
        (
            "\"io.x\" = 5000",
            "1:1: error: unknown key \"io.x\"; expected one of oap_addr, oap_socket, metrics_addr, "
                + "oap_concurrency, workers, io, index, index_path, instance, control_socket, log_format, log_level"
        ),
        (
            "oap_concurrency = \"many\"",
            "1:19: error: oap_concurrency: found the string \"many\"; expected an integer, 1 to 1,000,000"
        ),
        (
            "oap_concurrency = \"1024\"",
            "1:19: error: oap_concurrency: found the string \"1024\"; expected an integer, 1 to 1,000,000"
        ),
        ("oap_concurrency = 0", "1:19: error: oap_concurrency: found 0; expected an integer, 1 to 1,000,000"),
        (
            "oap_concurrency = 1.0",
            "1:19: error: oap_concurrency: found the float 1.0; expected an integer, 1 to 1,000,000"
        ),
        ("oap_concurrency = true", "1:19: error: oap_concurrency: found true; expected an integer, 1 to 1,000,000"),
        ("oap_concurrency = [1]", "1:19: error: oap_concurrency: found an array; expected an integer, 1 to 1,000,000"),
        (
            "oap_concurrency = 2026-01-01",
            "1:19: error: oap_concurrency: found a date or time; expected an integer, 1 to 1,000,000"
        ),
        (
            "oap_concurrency.a = 1",
            "1:1: error: oap_concurrency: found a table; expected an integer, 1 to 1,000,000"
        ),
        ("workers = 257", "1:11: error: workers: found 257; expected \"auto\" or an integer, 1 to 256"),
        (
            "workers = \"atuo\"",
            "1:11: error: workers: found the string \"atuo\"; expected \"auto\" or an integer, "
                + "1 to 256; did you mean \"auto\"?"
        ),
        (
            "io = \"io-uring\"",
            "1:6: error: io: found the string \"io-uring\"; expected \"auto\", \"io_uring\" or "
                + "\"epoll\"; did you mean \"io_uring\"?"
        ),
        (
            "index = \"redis:x\"",
            "1:9: error: index: found the string \"redis:x\" (it names no kind of index); expected \"embedded\", "
                + "\"embedded:DIRECTORY\", or up to 8 of \"unix:PATH\" and \"tcp:ADDRESS:PORT\" with commas between them"
        ),
        ("index_path = \"\"", "1:14: error: index_path: found the string \"\"; expected the path of a directory"),
        (
            "oap_addr = \"example.com:1\"",
            "1:12: error: oap_addr: found the string \"example.com:1\" (host names are "
                + "not looked up, give an IP address); expected an address like \"127.0.0.1:9444\", \"[::1]:9444\" or "
                + "\"localhost:9444\", or a bare port on loopback"
        ),
        (
            "oap_addr = 65536",
            "1:12: error: oap_addr: found 65536 (its port is not a number from 0 to 65535); expected "
                + "an address like \"127.0.0.1:9444\", \"[::1]:9444\" or \"localhost:9444\", or a bare port on loopback"
        ),
        (
            "limits.read_timeout = 5",
            "1:23: error: limits.read_timeout: found 5; expected a duration like \"500ms\", "
                + "\"5s\" or \"2m\", 10ms to 1h"
        ),
        (
            "limits.max_frame = \"2MiB\"",
            "1:20: error: limits.max_frame: found the string \"2MiB\"; expected a size "
                + "like 1048576, \"64KiB\" or \"2MB\", 4KiB to 1MiB"
        ),
        (
            "quota.tenant.requests_per_second = nan",
            "1:36: error: quota.tenant.requests_per_second: found the float "
                + "nan; expected a number, 0.01 to 10,000,000"
        ),
        (
            "quota.tenant.burst = 5",
            "1:22: error: quota.tenant.burst has no rate to go with; set "
                + "quota.tenant.requests_per_second too, or remove it"
        ),
        (
            "metrics_addr = 9444",
            "1:16: error: metrics_addr (127.0.0.1:9444) and oap_addr (127.0.0.1:9444) cannot both "
                + "be listened on; give them different ports"
        ),
        (
            "[limits]\noutput_backlog_max = \"512KiB\"",
            "2:22: error: limits.output_backlog_max (512KiB) is smaller than "
                + "limits.max_frame (1MiB), so that the longest answer would never fit; raise the first to "
                + "at least 1MiB "
                + "or lower the second"
        ),
        (
            "[limits]\nbuffer_memory_max = \"2MiB\"",
            "2:21: error: limits.buffer_memory_max (2MiB) is smaller than "
                + "max_frame + output_backlog_max (1MiB + 2MiB), which one connection may need; raise it to "
                + "at least 3MiB "
                + "or lower the others"
        ),
    ])
    func onePlaceOneSentence(text: String, line: String) throws {
        #expect(try Workspace().errors(file: text) == ["gateway.toml:" + line])
    }

    @Test func everyErrorAtOnceInTheOrderOfTheFile() throws {
        let lines = try Workspace().errors(
            file: """
                workers = 0
                oap_addr = "nowhere"
                zebra = 1

                [quota.global]
                burst = 0

                [limits]
                read_timeout = "1ms"
                apple = 2
                max_inflight = 5000
                """)
        #expect(
            lines.map { $0.prefix { $0 != " " } } == [
                "gateway.toml:1:11:", "gateway.toml:2:12:", "gateway.toml:3:1:", "gateway.toml:6:9:",
                "gateway.toml:9:16:",
                "gateway.toml:10:1:", "gateway.toml:11:16:",
            ])
    }

    @Test func relationsAreNotJudgedOnRefusedValues() throws {
        let lines = try Workspace().errors(file: "[limits]\nmax_frame = 1\noutput_backlog_max = 4096\n")
        #expect(lines.count == 1)
        #expect(lines.first?.hasPrefix("gateway.toml:2:13: error: limits.max_frame") == true)
    }

    @Test func columnsCountCharactersNotBytes() throws {
        #expect(
            try Workspace().errors(file: "limits = { \"é\" = 1, max_inflight = 0 }").map { $0.prefix(18) }
                == ["gateway.toml:1:12:", "gateway.toml:1:36:"])
    }

    @Test func aFileFullOfErrorsIsCut() throws {
        let text = (0..<30_000).map { "maxframes\($0) = 1\n" }.joined()
        let lines = try Workspace().errors(file: text)
        #expect(lines.count == 201)
        #expect(lines.first?.hasPrefix("gateway.toml:1:1: error: unknown key \"maxframes0\"; ") == true)
        #expect(lines[199].hasPrefix("gateway.toml:200:1: error: unknown key \"maxframes199\"; "))
        #expect(lines.last == "… and 29,800 more errors")
    }
}
