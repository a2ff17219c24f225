import ArgumentParser
import Foundation
import Testing

@testable import Settings

/// What `ronctl config` and `--check-config` print.
@Suite struct OutputTests {
    private func check(
        _ workspace: Workspace, file: String? = nil, _ arguments: [String] = [], environment: [String: String] = [:]
    ) throws -> ConfigurationCheck {
        SettingsLoader.check(
            file: file, flags: try SettingsFlags.parse(arguments), environment: environment,
            currentDirectory: workspace.path, systemFile: workspace.systemFile)
    }

    @Test func checkWithoutAFile() throws {
        let workspace = try Workspace()
        let check = try self.check(workspace)
        #expect(
            workspace.lines(check.output)
                == ["no file found (searched configs/svc-gateway.toml, etc/svc-gateway.toml): defaults: ok"])
        #expect(check.errorOutput.isEmpty)
        #expect(check.exitStatus == 0)
    }

    @Test func checkOfAGoodFile() throws {
        let workspace = try Workspace()
        let path = try workspace.write("[limits]\nmax_inflight = 2000\n")
        let check = try self.check(workspace, file: "gateway.toml")
        #expect(check.output == "\(path): ok\n")
        #expect(workspace.lines(check.errorOutput).map { $0.prefix(26) } == ["gateway.toml:2:16: warning"])
        #expect(check.exitStatus == 0)
    }

    @Test func checkOfABadFile() throws {
        let workspace = try Workspace()
        try workspace.write("io = 1\nx = 2\n", to: workspace.localFile)
        let check = try self.check(workspace)
        #expect(check.output.isEmpty)
        #expect(
            workspace.lines(check.errorOutput).map { $0.prefix(34) }
                == ["configs/svc-gateway.toml:1:6: erro", "configs/svc-gateway.toml:2:1: erro"])
        #expect(check.errorOutput.hasSuffix("\n"))
        #expect(check.exitStatus == 78)
    }

    @Test func checkOfAMissingFileAndOfTwo() throws {
        let workspace = try Workspace()
        #expect(
            workspace.lines(try self.check(workspace, file: "no.toml").errorOutput) == [
                "no.toml: error: there is no such file (named by the argument FILE); correct the path, or "
                    + "name none to use "
                    + "the defaults"
            ])
        try workspace.write("")
        let twice = try self.check(workspace, file: "gateway.toml", ["--config", "gateway.toml"])
        #expect(twice.errorOutput == "flag --config: error: a file is given as an argument too; give one of them\n")
        #expect(twice.exitStatus == 78)
        #expect(workspace.lines(try self.check(workspace, ["--config", ""]).errorOutput).count == 1)
    }

    @Test func table() throws {
        let workspace = try Workspace()
        try workspace.write("[quota.global]\nrequests_per_second = 1.5\n", to: workspace.localFile)
        let lines = workspace.lines(try workspace.load(["--io", "epoll"], environment: ["RON_LOG": "error"]).table())
        #expect(lines.count == SettingKey.all.count + 1)
        let cells = lines.map { $0.split(separator: /\ \ +/).map(String.init) }
        #expect(cells.first == ["KEY", "VALUE", "FROM"])
        #expect(cells.contains(["oap_addr", "127.0.0.1:9444", "default"]))
        #expect(cells.contains(["io", "epoll", "flag --io"]))
        #expect(cells.contains(["log_level", "error", "environment RON_LOG"]))
        #expect(cells.contains(["limits.buffer_memory_max", "512MiB", "default"]))
        #expect(cells.contains(["quota.global.requests_per_second", "1.5", "configs/svc-gateway.toml:2"]))
        #expect(cells.contains(["quota.global.burst", "2", "from quota.global.requests_per_second"]))
        #expect(cells.contains(["quota.tenant.burst", "off", "default"]))
    }

    @Test func json() throws {
        struct Shown: Decodable, Equatable {
            struct Row: Decodable, Equatable {
                let key: String
                let from: String
                let source: String?
            }
            let file: String?
            let settings: [Row]
        }
        let workspace = try Workspace()
        let without = try workspace.load().json()
        #expect(without.contains("\"file\" : null"))
        try workspace.write("[limits]\nmax_frame = \"8KiB\"\n", to: workspace.localFile)
        let text = try workspace.load(["--workers", "2"]).json()
        let shown = try JSONDecoder().decode(Shown.self, from: Data(text.utf8))
        #expect(shown.file == workspace.localFile)
        #expect(shown.settings.map(\.key) == SettingKey.all.map(\.path))
        #expect(shown.settings.contains(.init(key: "workers", from: "flag", source: "--workers")))
        #expect(
            shown.settings.contains(
                .init(key: "limits.max_frame", from: "file", source: workspace.localFile + ":2:13")))
        #expect(shown.settings.contains(.init(key: "io", from: "default", source: nil)))
        let rows = try #require(
            (JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])?["settings"] as? [[String: Any]])
        func value(_ key: String) -> Any? { rows.first { $0["key"] as? String == key }?["value"] }
        #expect(value("limits.max_frame") as? Int == 8_192)
        #expect(value("workers") as? Int == 2)
        #expect(value("limits.read_timeout") as? String == "5s")
        #expect(value("quota.global.burst") is NSNull)
    }
}
