import Testing

@testable import Settings

/// `[[tenant]]`: quotas by name.
@Suite struct TenantTests {
    private func load(_ text: String) throws -> LoadedSettings {
        let workspace = try Workspace()
        try workspace.write(text, to: workspace.localFile)
        return try workspace.load()
    }

    @Test func whatATenantDoesNotSayIsThatOfAll() throws {
        let loaded = try self.load(
            """
            [quota.tenant]
            requests_per_second = 10
            bytes_per_second = "2MiB"
            requests_per_day = 1000

            [[tenant]]
            id = "0xFf"
            name = "billing"
            requests_per_second = 99.5
            critical = true

            [[tenant]]
            id = "340282366920938463463374607431768211455"
            bytes_per_second = 4096
            bytes_burst = "3MiB"

            [[tenant]]
            id = 7
            """)
        let tenants = loaded.settings.tenants
        #expect(tenants.map(\.id) == [255, .max, 7])
        #expect(tenants.map(\.name) == ["billing", "\(UInt128.max)", "7"])
        #expect(tenants.map(\.isCritical) == [true, false, false])
        let inherited = Quota(perSecond: 10, burst: 10)
        #expect(tenants.map(\.quota.requests) == [Quota(perSecond: 99.5, burst: 100), inherited, inherited])
        let bytes = ByteQuota(perSecond: 2 << 20, burst: 2 << 20)
        #expect(tenants.map(\.quota.bytes) == [bytes, ByteQuota(perSecond: 4096, burst: 3 << 20), bytes])
        #expect(tenants.allSatisfy { $0.quota.requestsPerDay == 1000 })
        #expect(loaded.table().contains(/(?m)^tenant\.billing\.requests_per_second +99\.5 +\S+:9$/))
        #expect(loaded.table().contains(/(?m)^tenant\.7\.id +7 +\S+:18$/))
        #expect(try loaded.json().contains("\"tenant.billing.critical\""))
    }

    /// Metrics call a tenant without an entry by its id.
    @Test(arguments: ["0x9", "0xbilling", "other"]) func aNameIsNotTakenForAnother(name: String) throws {
        let lines = try Workspace().errors(file: "[[tenant]]\nid = 7\nname = \"\(name)\"\n")
        #expect(
            lines.count == 1 && lines[0].contains("3:8: error: tenant.name: found the string \"\(name)\""), "\(lines)")
        #expect(lines[0].contains("not \"other\", and not beginning with 0x"), "\(lines)")
    }

    @Test func everyMistakeHasItsPlace() throws {
        let lines = try Workspace().errors(
            file: """
                [[tenant]]
                id = "0x1"
                request_per_second = 5

                [[tenant]]
                name = "a"

                [[tenant]]
                id = "-1"
                burst = 5

                [[tenant]]
                id = 1

                [[tenant]]
                id = 2
                name = "1"
                critical = "yes"

                [[tenant]]
                id = "0x100000000000000000000000000000000"
                name = "other"
                requests_per_day = 0
                """)
        #expect(
            lines.map { String($0.prefix { $0 != ";" }) }
                == [
                    "gateway.toml:3:1: error: unknown key \"request_per_second\" in [[tenant]]",
                    "gateway.toml:5:1: error: this [[tenant]] has no id",
                    "gateway.toml:9:6: error: tenant.id: found the string \"-1\"",
                    "gateway.toml:10:9: error: tenant.burst has no rate to go with",
                    "gateway.toml:12:1: error: a [[tenant]] in line 1 is called \"1\" already",
                    "gateway.toml:13:6: error: tenant.id 1 stands in line 1 already",
                    "gateway.toml:17:8: error: a [[tenant]] in line 12 is called \"1\" already",
                    "gateway.toml:18:12: error: tenant.critical: found the string \"yes\"",
                    "gateway.toml:21:6: error: tenant.id: found the string \"0x100000000000000000000000000000000\"",
                    "gateway.toml:22:8: error: tenant.name: found the string \"other\"",
                    "gateway.toml:23:20: error: tenant.requests_per_day: found 0",
                ])
        #expect(lines.first?.hasSuffix("did you mean \"requests_per_second\"?") == true)
    }

    @Test(arguments: [
        ("[tenant]\nid = 1", "gateway.toml:1:1: error: tenant: found a table; expected an array of tables"),
        ("tenant = 5", "gateway.toml:1:10: error: tenant: found 5; expected an array of tables"),
        ("tenant = [1]", "gateway.toml:1:11: error: tenant: found 1; expected an array of tables"),
        ("[[tenants]]\nid = 1", "gateway.toml:1:3: error: unknown table [tenants]; did you mean [[tenant]]?"),
        ("[tenants]\nid = 1", "gateway.toml:1:2: error: unknown table [tenants]; did you mean [[tenant]]?"),
    ])
    func whatIsNoArrayOfTables(text: String, error: String) throws {
        let lines = try Workspace().errors(file: text)
        #expect(lines.count == 1)
        #expect(lines.first?.hasPrefix(error) == true, "\(lines)")
    }

    @Test func thereAreAtMostFourThousandAndSome() throws {
        func file(_ count: Int) -> String { (0..<count).map { "[[tenant]]\nid = \($0)\n" }.joined() }
        #expect(try self.load(file(4096)).settings.tenants.count == 4096)
        let lines = try Workspace().errors(file: file(4097))
        #expect(lines.count == 1)
        #expect(lines.first?.contains("at most 4,096") == true, "\(lines)")
        #expect(lines.first?.hasPrefix("gateway.toml:8193:") == true, "\(lines)")
    }

    @Test func theLongestFrameMustFit() throws {
        let lines = try Workspace().errors(
            file: """
                [quota.global]
                requests_per_second = 1000
                [quota.tenant]
                bytes_per_second = "2MiB"
                bytes_burst = "512KiB"
                [cost.index]
                per_kib = 1
                [[tenant]]
                id = 1
                requests_per_second = 10
                bytes_per_second = 4096
                bytes_burst = 4096
                """)
        #expect(
            lines.map { String($0.prefix { $0 != "(" }) } == [
                "gateway.toml:2:23: error: quota.global.burst ", "gateway.toml:5:15: error: quota.tenant.bytes_burst ",
                "gateway.toml:8:1: error: tenant.1.burst ", "gateway.toml:8:1: error: tenant.1.bytes_burst ",
            ])
        #expect(lines.first?.contains("1,025 tokens") == true, "\(lines)")
        let loaded = try self.load("[limits]\nmax_frame = \"64KiB\"\n[quota.tenant]\nbytes_per_second = 4096\n")
        #expect(loaded.settings.quotas.tenant.bytes == ByteQuota(perSecond: 4096, burst: 65_536))
        #expect(loaded.origins["quota.tenant.bytes_burst"] == .derived(from: "quota.tenant.bytes_per_second"))
    }
}

@Suite struct OverloadSettingsTests {
    @Test func reserveIsPermitsOrAShare() throws {
        func reserve(_ value: String) throws -> CriticalReserve {
            let workspace = try Workspace()
            try workspace.write("[overload]\ncritical_reserve = \(value)\n", to: workspace.localFile)
            return try workspace.load().settings.overload.criticalReserve
        }
        #expect(try reserve("64") == .permits(64))
        #expect(try reserve("\"20%\"") == .percent(20))
        #expect(CriticalReserve.percent(20).permits(of: 1024) == 205)
        #expect(CriticalReserve.percent(1).permits(of: 10) == 1)
        #expect(CriticalReserve.percent(0).permits(of: 10) == 0)
        let workspace = try Workspace()
        for wrong in ["\"91%\"", "-1", "\"%\"", "\"20 %\"", "true"] {
            let lines = try workspace.errors(file: "[overload]\ncritical_reserve = \(wrong)\n")
            #expect(lines.first?.contains("expected permits, 0 to 1,000,000, or a share") == true, "\(lines)")
        }
        let all = try workspace.errors(file: "oap_concurrency = 10\n[overload]\ncritical_reserve = 10\n")
        #expect(all.first?.contains("leaves none of the 10 permits") == true, "\(all)")
    }

    @Test func waitsHaveAnOrder() throws {
        let lines = try Workspace().errors(file: "[overload]\nqueue_target = \"100ms\"\n")
        #expect(lines.first?.hasPrefix("gateway.toml:2:16: error: overload.queue_target (100ms) is not below") == true)
    }
}

@Suite struct ControlSocketSettingsTests {
    @Test func theSocketIsCalledAfterTheInstanceInTheRuntimeDirectory() throws {
        let workspace = try Workspace()
        func path(_ arguments: [String], _ environment: [String: String]) throws -> String? {
            try workspace.load(arguments, environment: environment).controlSocketPath
        }
        let session = ["XDG_RUNTIME_DIR": workspace.path]
        #expect(try path([], session) == workspace.path + "/svc-gateway/default.sock")
        #expect(try path(["--instance", "b-2"], session) == workspace.path + "/svc-gateway/b-2.sock")
        #expect(try path(["--control-socket", "/x/y.sock"], session) == "/x/y.sock")
        #expect(try path(["--control-socket", ""], session) == nil)
        let service = session.merging(["RUNTIME_DIRECTORY": "/run/svc-gateway:/run/other"]) { $1 }
        #expect(try path([], service) == "/run/svc-gateway/default.sock")
        #expect(try path([], ["RUNTIME_DIRECTORY": "/run/edge"]) == "/run/edge/svc-gateway/default.sock")
        let shown = try workspace.load(environment: session).table()
        #expect(shown.contains(/(?m)^control_socket +\S+\/svc-gateway\/default\.sock +default$/))
    }

    @Test func placesWithoutAnEnvironment() {
        #expect(
            ControlSocketPath.directories(environment: [:], userID: 0) == ["/run/svc-gateway", "/tmp/svc-gateway-0"])
        #expect(
            ControlSocketPath.directories(environment: [:], userID: 7) == ["/tmp/svc-gateway-7", "/run/svc-gateway"])
        let gone = ["XDG_RUNTIME_DIR": "/nowhere/at/all"]
        #expect(ControlSocketPath.directories(environment: gone, userID: 7).first == "/tmp/svc-gateway-7")
    }

    @Test func namesAndLengthsAreChecked() throws {
        let workspace = try Workspace()
        for wrong in ["", "a/b", ".hidden", "-x", "ä", String(repeating: "a", count: 49)] {
            let lines = try workspace.errors(file: "instance = \"\(wrong)\"\n")
            #expect(lines.first?.hasPrefix("gateway.toml:1:12: error: instance: found") == true, "\(lines)")
        }
        let long = "/" + String(repeating: "a", count: 107)
        let lines = try workspace.errors(file: "control_socket = \"\(long)\"\n")
        #expect(lines.first?.contains("(it has 108 bytes); expected the path of a socket, at most 107 bytes") == true)
    }
}
