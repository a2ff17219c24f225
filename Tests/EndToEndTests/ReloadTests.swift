import Foundation
import GatewayTesting
import Testing

/// A configuration that is read again while clients are served: by `ronctl reload`, and by SIGHUP.
@Suite(.serialized) struct ReloadTests {
    private static let tight = "[quota.tenant]\nrequests_per_second = 0.01\nburst = 1\n"
    private static let wide = "[quota.tenant]\nrequests_per_second = 1000\nburst = 1000\n"

    @Test(arguments: backends) func aNewQuotaHoldsAtOnce(io: String) async throws {
        try await GatewayProcess.run(io: io, config: Self.wide) { gateway in
            var client = try gateway.connect()
            for number in 1...5 {
                #expect(try client.ask(.resolve("name:hello", correlation: UInt64(number))).code == 200)
            }
            try gateway.rewrite(Self.tight)
            let reload = try await gateway.control("reload")
            #expect(reload.status == 0, "\(reload.errors)")
            #expect(reload.output.hasPrefix("reloaded, epoch 2\n"), "\(reload.output)")
            #expect(reload.output.contains(/(?m)^  quota\.tenant\.requests_per_second +1000 +-> +0\.01$/))
            #expect(reload.output.contains(/(?m)^  quota\.tenant\.burst +1000 +-> +1$/))
            // The answer comes after every worker has taken it: of these, one has a token at most.
            let codes = try (6...8).map { try client.ask(.resolve("name:hello", correlation: UInt64($0))).code }
            #expect(codes.count { $0 == 429 } >= 2, "\(codes)")
            #expect(try gateway.metrics().sum("config_epoch") == 2)
            #expect(try gateway.metrics().sum("config_reloads_total", ["result": "ok"]) == 1)
            let line = try await gateway.line("configuration reloaded")
            #expect(line.contains("epoch=2") && line.contains("requests_per_second: 1000 -> 0.01"), "\(line)")
            let status = try await gateway.control("status", "--json").json
            #expect((status["workers"] as? [[String: Any]])?.allSatisfy { $0["epoch"] as? Int == 2 } == true)
            let shown = try await gateway.control("limits").output
            #expect(shown.contains(/(?m)^quota\.tenant\.burst +1 +\S+gateway\.toml:3$/))
        }
    }

    @Test func hangUpIsTheSame() async throws {
        try await GatewayProcess.run(config: Self.tight) { gateway in
            try gateway.rewrite(Self.wide + "[limits]\nmax_inflight = 9\nmax_frame = \"8KiB\"\n")
            gateway.signal(SIGHUP)
            let line = try await gateway.line("configuration reloaded")
            #expect(line.contains("by=SIGHUP") && line.contains("limits.max_inflight: 64 -> 9"), "\(line)")
            var client = try gateway.connect()
            let hello = try jsonObject(client.ask(.hello()).text)
            #expect(hello["max_inflight"] as? Int == 9)
            #expect(hello["max_frame"] as? Int == 8192)
            for number in 2...9 {
                #expect(try client.ask(.resolve("name:hello", correlation: UInt64(number))).code == 200)
            }
            gateway.signal(SIGHUP)
            try await gateway.line("nothing has changed")
        }
    }

    @Test func aWrongFileChangesNothingAndSaysWhy() async throws {
        try await GatewayProcess.run(config: Self.wide) { gateway in
            try gateway.rewrite("oap_concurency = 5\nworkers = \"lots\"\n[quota.tenant]\nburst = 1\n")
            let check = try await Executable.ronctl.run(
                ["config", "check", gateway.directory.path + "/gateway.toml"], in: gateway.directory)
            let reload = try await gateway.control("reload")
            #expect(reload.status == 78)
            #expect(reload.output == "")
            let lines = reload.errors.split(separator: "\n")
            #expect(lines.dropLast() == check.errors.split(separator: "\n")[...], "\(lines)")
            #expect(lines.count == 4 && lines.last?.contains("nothing was changed") == true, "\(lines)")
            let json = try await gateway.control("reload", "--json")
            #expect(json.status == 78)
            #expect(try json.json["result"] as? String == "refused")
            #expect(try (json.json["problems"] as? [String])?.count == 3)
            gateway.signal(SIGHUP)
            try await eventually("three refusals") {
                try gateway.metrics().sum("config_reloads_total", ["result": "refused"]) == 3
            }
            #expect(gateway.lines(with: "configuration not reloaded").count == 3)
            #expect(gateway.lines(with: "did you mean \"oap_concurrency\"?").count == 3)
            #expect(try gateway.metrics().sum("config_epoch") == 1)
            var client = try gateway.connect()
            #expect(try client.ask(.resolve("name:hello")).code == 200)
            try FileManager.default.removeItem(atPath: gateway.directory.path + "/gateway.toml")
            let gone = try await gateway.control("reload")
            #expect(gone.status == 78)
            #expect(gone.errors.contains("there is no such file (named by --config)"), "\(gone.errors)")
        }
    }

    @Test func whatNeedsARestartIsSaidByNameAndStays() async throws {
        try await GatewayProcess.run(["--workers", "1"], config: "log_level = \"info\"\n") { gateway in
            try gateway.rewrite(
                """
                log_level = "debug"
                log_format = "json"
                instance = "other"
                [limits]
                listen_backlog = 7
                connections_max = 20000
                """)
            let reload = try await gateway.control("reload", "--json")
            #expect(reload.status == 0, "\(reload.errors)")
            func keys(_ name: String) throws -> [String] {
                try #require(try reload.json[name] as? [[String: Any]]).compactMap { $0["key"] as? String }
            }
            #expect(try keys("changes") == ["log_level"])
            #expect(
                try Set(keys("restart_needed")) == [
                    "log_format", "instance", "control_socket", "limits.listen_backlog", "limits.connections_max",
                ])
            let status = try await gateway.control("status")
            #expect(status.output.contains("restart needed  instance, control_socket, log_format, "))
            #expect(try gateway.metrics().sum("connections_limit") == 16_384)
            // The level is live: a refusal is told from now on.
            var client = try gateway.connect()
            #expect(try client.ask(.resolve("no key", correlation: 4714)).code == 400)
            try await gateway.line("corr_id=4714")
            // A flag wins over the file at a reload too.
            try gateway.rewrite("workers = 3\n")
            let again = try await gateway.control("reload")
            #expect(!again.output.contains("workers"), "\(again.output)")
        }
    }

    @Test func aLowerLimitDrainsDown() async throws {
        try await GatewayProcess.run { gateway in
            var clients: [HeldClient] = []
            for _ in 0..<4 { clients.append(HeldClient(try gateway.connect())) }
            for held in clients { #expect(try held.client.ask(.ping("in")).code == 200) }
            try gateway.directory.write("[limits]\nconnections_max = 2\n", to: "configs/svc-gateway.toml")
            let reload = try await gateway.control("reload")
            #expect(reload.output.contains(/limits\.connections_max +16384 +-> +2/), "\(reload.output)")
            for held in clients { #expect(try held.client.ask(.ping("still", correlation: 2)).code == 200) }
            #expect(try gateway.metrics().sum("connections") == 4)
            #expect(try gateway.metrics().sum("connections_limit") == 2)
            _ = try? gateway.connect()
            try await gateway.line("connections_max are open")
            try FileManager.default.removeItem(atPath: gateway.directory.path + "/configs/svc-gateway.toml")
            let gone = try await gateway.control("reload")
            #expect(gone.status == 78)
            #expect(gone.errors.contains("the file that runs is gone, and defaults would take its place"))
        }
    }
}
