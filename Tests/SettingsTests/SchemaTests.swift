import ArgumentParser
import Foundation
import Testing

@testable import Settings

/// What the one table of settings promises, and that `configs/svc-gateway.toml` keeps it.
@Suite struct SchemaTests {
    private static let shippedFile = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("configs/svc-gateway.toml")

    private func shippedText() throws -> String {
        try String(contentsOf: Self.shippedFile, encoding: .utf8)
    }

    /// The shipped text with every commented key active.
    private func uncommented() throws -> String {
        try self.shippedText().split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.firstMatch(of: /^# (\[\[tenant\]\]|[a-z_]+ = .*)$/).map { String($0.1) } ?? String(line)
        }.joined(separator: "\n")
    }

    @Test func theShippedFileIsTheDefaultConfiguration() throws {
        let workspace = try Workspace()
        try workspace.write(try self.shippedText(), to: workspace.localFile)
        let loaded = try workspace.load()
        #expect(loaded.settings == GatewaySettings())
        #expect(loaded.warnings == [])
    }

    @Test func theShippedFileWithEverythingActiveLoadsAndHasEveryKey() throws {
        let workspace = try Workspace()
        try workspace.write(try self.uncommented(), to: workspace.localFile)
        let loaded = try workspace.load()
        #expect(loaded.warnings == [])
        for key in SettingKey.all {
            guard case .file = loaded.origins[key.path] else {
                Issue.record("configs/svc-gateway.toml does not have \(key.path)")
                continue
            }
        }
        let named = try #require(loaded.settings.tenants.first)
        for key in SettingKey.tenant where key.name != "name" {
            guard case .file = loaded.origins["tenant.\(named.name).\(key.name)"] else {
                Issue.record("configs/svc-gateway.toml does not have \(key.path)")
                continue
            }
        }
        #expect(loaded.settings.quotas.global == Quota(perSecond: 50_000, burst: 5_000))
        #expect(loaded.settings.quotas.connection == Quota(perSecond: 2_000, burst: 500))
    }

    @Test func theShippedFileNamesEveryFlagAndVariable() throws {
        let text = try self.shippedText()
        for key in SettingKey.all {
            for name in key.environment + [key.flagName].compactMap({ $0 }) {
                #expect(text.contains(name), "\(name)")
            }
        }
    }

    /// The file marks them, for who reads it before changing it.
    @Test func theShippedFileMarksWhatWaitsForARestart() throws {
        var marked: [String] = []
        for part in try self.shippedText().components(separatedBy: "\n\n") where part.contains(" (restart)") {
            let keys = part.split(separator: "\n").filter { !$0.hasPrefix("#") && $0.contains(" = ") }
            marked += keys.map { String($0.prefix { $0 != " " }) }
        }
        #expect(Set(marked) == Set(SettingKey.all.filter { !$0.isLive }.map(\.name)))
    }

    @Test func everySettingIsDescribed() {
        for key in SettingKey.all + SettingKey.tenant {
            #expect(key.summary.hasSuffix("."), "\(key.path)")
            #expect(!key.expected.isEmpty, "\(key.path)")
        }
        for key in SettingKey.all {
            #expect(!key.defaultText.isEmpty, "\(key.path)")
        }
        #expect(Set(SettingKey.all.map(\.path)).count == SettingKey.all.count)
        #expect(
            SettingKey.tables == [
                "limits", "quota", "quota.global", "quota.tenant", "quota.connection", "quota.source", "cost",
                "cost.index", "cost.other", "overload",
            ])
    }

    /// A default that its own reader refused could not be written into a file.
    @Test func everyDefaultIsReadBack() throws {
        for key in SettingKey.all where key.defaultText != "off" {
            var draft = SettingsDraft()
            try key.kind.read(.text(key.defaultText), into: &draft)
            #expect(draft.finished == GatewaySettings(), "\(key.path)")
        }
    }

    @Test func theHelpShowsEveryFlagWithItsDefault() {
        let help = SettingsFlags.helpMessage(columns: 400)
        // Each flag's part starts at its line and ends before the next flag's.
        let parts = help.split(separator: /\n  (?=--)/)
        for key in SettingKey.all {
            guard let flag = key.flagName else { continue }
            let part = parts.first { $0.hasPrefix("\(flag) <") }
            #expect(part?.contains("default: \(key.defaultText))") == true, "\(flag)")
        }
        #expect(help.contains("--config") && help.contains("--tor") && help.contains("--legacy-pay"))
    }

    @Test func theDefaultsKeepEveryRelation() {
        for relation in SettingRelation.all {
            #expect(relation.sentence(SettingsDraft()) == nil, "\(relation.paths)")
            for path in relation.paths { #expect(SettingKey.at(path) != nil, "\(path)") }
        }
        for scope in QuotaScope.all {
            #expect(SettingKey.at(scope.rate) != nil && SettingKey.at(scope.burst) != nil)
        }
    }
}
