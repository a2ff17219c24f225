import Testing

@testable import Settings

/// What a reload makes of two configurations.
@Suite struct TransitionTests {
    private func load(_ text: String, _ arguments: [String] = []) throws -> LoadedSettings {
        let workspace = try Workspace()
        try workspace.write(text, to: workspace.localFile)
        return try workspace.load(arguments)
    }

    @Test func liveOnesChangeAndTheOthersStay() throws {
        let old = try self.load("oap_concurrency = 10\nworkers = 2\n[quota.tenant]\nrequests_per_second = 5\n")
        let new = try self.load(
            "oap_concurrency = 20\nworkers = 3\nindex_path = \"x\"\n[quota.tenant]\nrequests_per_second = 7\n")
        let transition = try old.transition(to: new)
        #expect(
            transition.changes == [
                SettingChange(key: "oap_concurrency", old: "10", new: "20"),
                SettingChange(key: "quota.tenant.requests_per_second", old: "5", new: "7"),
                SettingChange(key: "quota.tenant.burst", old: "5", new: "7"),
            ])
        #expect(
            transition.pending == [
                SettingChange(key: "workers", old: "2", new: "3"),
                SettingChange(key: "index_path", old: ".data/index", new: "x"),
            ])
        #expect(transition.settings.settings.oapConcurrency == 20)
        #expect(transition.settings.settings.workers == .count(2))
        #expect(transition.settings.settings.indexPath == ".data/index")
        #expect(transition.settings.rows.contains { $0.key == "workers" && $0.value == "2" })
        // It still waits when the same file is read again, and no longer when it says what runs.
        #expect(try transition.settings.transition(to: new).changes == [])
        #expect(try transition.settings.transition(to: new).pending.count == 2)
        #expect(try transition.settings.transition(to: old).pending == [])
    }

    @Test func nothingChangesWhereNothingIsNew() throws {
        let loaded = try self.load("[[tenant]]\nid = 1\nrequests_per_second = 4\n", ["--workers", "2"])
        let transition = try loaded.transition(to: loaded)
        #expect(transition.changes == [] && transition.pending == [])
        #expect(transition.settings.settings == loaded.settings)
        #expect(transition.settings.rows == loaded.rows)
    }

    @Test func tenantsComeAndGo() throws {
        let old = try self.load("[[tenant]]\nid = 1\n[[tenant]]\nid = 2\nname = \"b\"\ncritical = true\n")
        let new = try self.load("[[tenant]]\nid = 2\nname = \"b\"\n[[tenant]]\nid = 3\nrequests_per_day = 9\n")
        #expect(
            try old.transition(to: new).changes == [
                SettingChange(key: "tenant.3.id", old: nil, new: "3"),
                SettingChange(key: "tenant.3.requests_per_day", old: nil, new: "9"),
                SettingChange(key: "tenant.1.id", old: "1", new: nil),
                SettingChange(key: "tenant.b.critical", old: "true", new: nil),
            ])
    }

    @Test func whatIsHeldBackStaysToo() throws {
        let old = try self.load("[limits]\nconnections_max = 100\n")
        let new = try self.load("[limits]\nconnections_max = 200\nmax_inflight = 3\n")
        let transition = try old.transition(to: new, holding: ["limits.connections_max"])
        #expect(transition.settings.settings.limits.connectionsMax == 100)
        #expect(transition.pending == [SettingChange(key: "limits.connections_max", old: "100", new: "200")])
        #expect(transition.changes == [SettingChange(key: "limits.max_inflight", old: "64", new: "3")])
    }

    /// Each is right alone, and so are both together; the half that may change does not fit the half that may not.
    @Test func aHalfThatDoesNotFitIsRefused() throws {
        let old = try self.load(
            "[limits]\nmax_frame = \"4KiB\"\noutput_backlog_max = \"4KiB\"\nbuffer_memory_max = \"8KiB\"\n")
        let new = try self.load("[limits]\nmax_frame = \"8KiB\"\noutput_backlog_max = \"8KiB\"\n")
        let errors = #expect(throws: SettingsErrors.self) { try old.transition(to: new) }
        #expect(errors?.problems.count == 1)
        #expect(errors?.description.contains("limits.buffer_memory_max stays 8KiB until a restart") == true)
    }
}
