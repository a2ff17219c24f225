import Foundation
import Testing

@testable import Settings

@Suite struct RefusalTests {
    @Test func whatDoesNotExistYet() throws {
        let workspace = try Workspace()
        #expect(
            try workspace.errors(["--tor"]) == [
                "flag --tor: error: a Tor hidden service does not exist yet; start without --tor"
            ])
        #expect(
            try workspace.errors(["--legacy-pay"]) == [
                "flag --legacy-pay: error: the legacy payment mode does not exist yet; start without --legacy-pay"
            ])
        #expect(
            try workspace.errors(environment: ["RO_HS_KEY_FILE": "k"]) == [
                "environment RO_HS_KEY_FILE: error: a Tor hidden service (--tor) does not exist yet, so its key is not "
                    + "used; unset RO_HS_KEY_FILE"
            ])
        #expect(try workspace.load(environment: ["RO_HS_KEY_FILE": ""]).warnings == [])
    }

    @Test func everySourceIsReportedAtOnce() throws {
        let workspace = try Workspace()
        try workspace.write("io = \n")
        let lines = try workspace.errors(
            ["--config", "gateway.toml", "--workers", "lots", "--tor", "--io", "epol"],
            environment: ["SVC_GATEWAY_ADDR": "example.com:1", "RON_INDEX_SOCK": "x"])
        #expect(
            lines.map { String($0.prefix { $0 != ";" }) } == [
                lines[0],
                "environment SVC_GATEWAY_ADDR: error: found \"example.com:1\" (host names are not looked "
                    + "up, give an IP "
                    + "address)",
                "environment RON_INDEX_SOCK: error: found \"x\" (it names no kind of index)",
                "flag --workers: error: found \"lots\"",
                "flag --io: error: found \"epol\"",
                "flag --tor: error: a Tor hidden service does not exist yet",
            ])
        #expect(lines.first?.hasPrefix("gateway.toml:1:6: error: not TOML: ") == true)
    }

    @Test func anInvalidValueIsReportedThoughSomethingOverridesIt() throws {
        #expect(try Workspace().errors(["--oap-addr", "1"], environment: ["SVC_GATEWAY_ADDR": "x"]).count == 1)
    }

    @Test func aRelationIsReportedWhereItWasBroken() throws {
        let workspace = try Workspace()
        #expect(
            try workspace.errors(["--metrics-addr", "9444"]).map { $0.prefix(27) } == ["flag --metrics-addr: error:"])
        #expect(
            try workspace.errors(environment: ["SVC_GATEWAY_ADDR": "9909"]).map { $0.prefix(36) }
                == ["environment SVC_GATEWAY_ADDR: error:"])
    }

    @Test func aNamedFileMustBeThere() throws {
        let workspace = try Workspace()
        let rest = "; correct the path, or name none to use the defaults"
        #expect(
            try workspace.errors(["--config", "no.toml"])
                == ["no.toml: error: there is no such file (named by --config)" + rest])
        #expect(
            try workspace.errors(environment: ["RON_CONFIG": "no.toml"])
                == ["no.toml: error: there is no such file (named by RON_CONFIG)" + rest])
        try workspace.write("", to: "file")
        #expect(
            try workspace.errors(["--config", "file/no.toml"])
                == ["file/no.toml: error: there is no such file (named by --config)" + rest])
        #expect(
            try workspace.errors(["--config", workspace.path])
                == ["\(workspace.path): error: cannot be read: Is a directory (named by --config)"])
    }

    /// A configuration that is there and cannot be read must not silently become the defaults.
    @Test func aSearchedFileMayBeMissingButNotUnreadable() throws {
        let workspace = try Workspace()
        try FileManager.default.createDirectory(atPath: workspace.localFile, withIntermediateDirectories: true)
        #expect(try workspace.errors() == ["configs/svc-gateway.toml: error: cannot be read: Is a directory"])
    }

    @Test func suspiciousRelationsAreWarnings() throws {
        let workspace = try Workspace()
        try workspace.write("oap_concurrency = 5\n[limits]\nmax_inflight = 6\nrequest_timeout = \"11s\"\n")
        #expect(
            try workspace.load(["--config", "gateway.toml"]).warnings.flatMap { workspace.lines("\($0)") } == [
                "gateway.toml:3:16: warning: limits.max_inflight (6) is never reached, because oap_concurrency lets 5 "
                    + "requests be open in the whole process",
                "gateway.toml:4:19: warning: limits.drain_deadline (10s) is shorter than "
                    + "limits.request_timeout (11s): a "
                    + "request that is open at the end may be cut off unanswered",
            ])
        #expect(try workspace.load(["--oap-concurrency", "1"]).warnings == [])
    }
}
