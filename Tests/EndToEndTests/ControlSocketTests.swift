import Foundation
import GatewayTesting
import Testing

/// The socket that operators live in: where it is, who may use it, and what it says.
@Suite(.serialized) struct ControlSocketTests {
    private static func mode(_ path: String) throws -> Int {
        try #require(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber).intValue
    }

    @Test(.enabled(if: Tool.curl != nil, "curl is not installed: apt-get install curl")) func curlIsAClient()
        async throws
    {
        try await GatewayProcess.run { gateway in
            func curl(_ arguments: [String]) async throws -> (status: String, body: String) {
                let process = try RunningProcess(
                    try #require(Tool.curl),
                    ["-sS", "-w", "\n%{http_code}", "--unix-socket", try gateway.controlSocket] + arguments,
                    in: gateway.directory)
                #expect(try await process.exitStatus() == 0, "\(process.errors)")
                let end = try #require(process.output.lastIndex(of: "\n"))
                return (String(process.output[end...].dropFirst()), String(process.output[..<end]))
            }
            let list = try await curl(["http://x/"])
            #expect(list.status == "200" && list.body.contains("POST /v1/reload"))
            let status = try await curl(["http://x/v1/status"])
            #expect(status.status == "200")
            #expect(try jsonObject(status.body)["instance"] as? String == "default")
            #expect(try jsonObject(status.body)["pid"] as? Int == Int(gateway.process.identifier))
            let limits = try jsonObject(try await curl(["http://x/v1/limits"]).body)
            #expect((limits["limits"] as? [Any])?.isEmpty == false)
            let config = try jsonObject(try await curl(["http://x/v1/config"]).body)
            #expect((config["settings"] as? [[String: Any]])?.contains { $0["key"] as? String == "workers" } == true)
            let reload = try await curl(["-X", "POST", "http://x/v1/reload"])
            #expect(reload.status == "200")
            #expect(try jsonObject(reload.body)["result"] as? String == "unchanged")
            for (arguments, expected) in [
                (["http://x/v1/reload"], "405"), (["-X", "DELETE", "http://x/v1/status"], "405"),
                (["http://x/metrics"], "404"), (["http://x/v2/status"], "404"),
            ] {
                let refused = try await curl(arguments)
                #expect(refused.status == expected)
                let body = try jsonObject(refused.body)
                #expect(body["code"] is String && body["message"] is String)
            }
        }
    }

    @Test func onlyItsOwnerAndGroupMayEnter() async throws {
        var left = ""
        try await GatewayProcess.run { gateway in
            let path = try gateway.controlSocket
            left = path
            #expect(path == gateway.directory.path + "/svc-gateway/default.sock")
            #expect(try Self.mode(path) == 0o660)
            #expect(try Self.mode(gateway.directory.path + "/svc-gateway") == 0o750)
        }
        #expect(!FileManager.default.fileExists(atPath: left), "it goes with the gateway")
    }

    @Test func twoInstancesLiveSideBySideAndTwoOfOneNameDoNot() async throws {
        try await GatewayProcess.run { first in
            let shared = ["XDG_RUNTIME_DIR": first.directory.path]
            try await GatewayProcess.run(["--instance", "second"], environment: shared) { second in
                #expect(try second.controlSocket == first.directory.path + "/svc-gateway/second.sock")
                for (arguments, gateway) in [([], first), (["--instance", "second"], second)] {
                    let status = try await Executable.ronctl.run(["status", "--json"] + arguments, in: first.directory)
                    #expect(try status.json["pid"] as? Int == Int(gateway.process.identifier))
                }
            }
            let third = try await Executable.gateway.run(
                ["--oap-addr", "0", "--metrics-addr", "0", "--index-path", first.directory.index], in: first.directory)
            #expect(third.status == 69)
            #expect(third.errors.contains("another gateway serves as instance \"default\""), "\(third.errors)")
            #expect(third.errors.contains("--instance NAME"))
            #expect(try await first.control("status").status == 0, "the first one's socket is still its own")
        }
    }

    @Test func aSocketThatADeadProcessLeftIsTakenOver() async throws {
        let first = try await GatewayProcess.start()
        let path = try first.controlSocket
        first.signal(SIGKILL)
        _ = try await first.process.exitStatus()
        #expect(FileManager.default.fileExists(atPath: path))
        let dead = try await first.control("status")
        #expect(dead.status == 2)
        #expect(dead.errors.contains("nobody listens at \(path): the gateway that made it has ended"), "\(dead.errors)")
        try await GatewayProcess.run(environment: ["XDG_RUNTIME_DIR": first.directory.path]) { second in
            let own = try second.controlSocket
            #expect(own == path)
            let status = try await first.control("status")
            #expect(status.status == 0, "\(status.errors)")
        }
    }

    @Test func whatCannotBeIsSaidAndTheGatewayDoesNotStart() async throws {
        let directory = try TemporaryDirectory()
        try directory.write("", to: "plain/file.sock")
        try FileManager.default.createDirectory(atPath: directory.path + "/open", withIntermediateDirectories: false)
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o777], ofItemAtPath: directory.path + "/open")
        let long = directory.path + "/" + String(repeating: "x", count: 90) + "/s.sock"
        for (path, sentence, status) in [
            (directory.path + "/plain/file.sock", "something that is no socket stands there", 69),
            (directory.path + "/plain/file.sock/s.sock", "is no directory", 69),
            (directory.path + "/open/s.sock", "everybody may write to the directory", 69),
            (directory.path + "/no/such/s.sock", "there is no place for the directory", 69),
            (long, "expected the path of a socket, at most 107 bytes", 78),
        ] as [(String, String, Int32)] {
            let outcome = try await Executable.gateway.run(
                ["--oap-addr", "0", "--metrics-addr", "0", "--control-socket", path], in: directory)
            #expect(outcome.status == status, "\(path)")
            #expect(outcome.errors.contains(sentence), "\(outcome.errors)")
        }
    }

    @Test func itCanBeOffOrElsewhere() async throws {
        try await GatewayProcess.run(["--control-socket", ""]) { gateway in
            #expect(try gateway.controlSocket == "off")
            let status = try await gateway.control("status")
            #expect(status.status == 2)
            #expect(status.errors.contains("there is no control socket at "), "\(status.errors)")
        }
        let elsewhere = try TemporaryDirectory()
        try await GatewayProcess.run(["--control-socket", elsewhere.path + "/here.sock"]) { gateway in
            #expect(try await gateway.control("status").status == 2)
            let status = try await gateway.control("status", "--control-socket", elsewhere.path + "/here.sock")
            #expect(status.status == 0, "\(status.errors)")
            let hint = try await Executable.ronctl.run(
                ["status", "--instance", "no"], in: elsewhere, environment: ["RUNTIME_DIRECTORY": "/x"])
            #expect(hint.status == 2)
        }
    }

    // MARK: What it says

    @Test func statusSaysHowItIs() async throws {
        try await GatewayProcess.run(
            ["--workers", "2"], config: "[quota.tenant]\nrequests_per_second = 0.01\nburst = 2\n"
        ) { gateway in
            var client = try gateway.connect()
            for number in 1...4 { _ = try client.ask(.resolve("name:hello", correlation: UInt64(number))) }
            let report = try await gateway.control("status", "--json").json
            #expect(report["ready"] as? Bool == true)
            #expect((report["workers"] as? [[String: Any]])?.map { $0["epoch"] as? Int } == [1, 1])
            #expect((report["connections"] as? [String: Int])?["used"] == 1)
            #expect((report["index"] as? [String: Any])?["records"] as? Int == Sample.recordsCount)
            let rejections = try #require(report["rejections"] as? [[String: Any]])
            #expect(rejections.first?["reason"] as? String == "quota_exhausted")
            #expect(rejections.first?["count"] as? Int == 2)
            let text = try await gateway.control("status")
            #expect(text.status == 0)
            #expect(text.output.hasPrefix("default  ready  up "))
            #expect(!text.output.contains("\u{1B}"), "no colours in a pipe")
            #expect(text.output.contains(/(?m)^  connections +1 of 16,384 open/))
            #expect(text.output.contains(/(?m)^  tenant +0\.01\/s burst 2 +2$/))
            #expect(text.output.contains(/(?m)^  quota_exhausted +2$/))
            #expect(text.output.contains("epoch 1, 0 reloads"))
        }
    }

    @Test func aGatewayThatIsNotReadySaysWhy() async throws {
        try await GatewayProcess.run(indexed: false) { gateway in
            let status = try await gateway.control("status")
            #expect(status.status == 1)
            #expect(status.output.hasPrefix("default  not ready  up "))
            #expect(status.output.contains("  index: "))
        }
    }

    /// The sum that is printed is the sum that is scraped.
    @Test func limitsAddUp() async throws {
        try await GatewayProcess.run(config: "[limits]\nmax_inflight = 7\n") { gateway in
            let report = try await gateway.control("limits", "--json").json
            let memory = try #require(report["memory"] as? [String: Any])
            let terms = try #require(memory["terms"] as? [[String: Any]])
            let sum = try terms.map { term in
                try #require(term["count"] as? Int) * (try #require(term["each"] as? Int))
            }.reduce(0, +)
            #expect(memory["total"] as? Int == sum)
            #expect(try gateway.metrics().sum("memory_ceiling_bytes") == Double(sum))
            let text = try await gateway.control("limits").output
            #expect(text.contains(/(?m)^limits\.max_inflight +7 +\S+gateway\.toml:2$/))
            #expect(text.contains(/(?m)^oap_concurrency +1024 +default$/))
            let total = try #require(text.firstMatch(of: /(?m)^= ([0-9,]+) bytes/))
            #expect(Int(total.1.replacing(",", with: "")) == sum)
            #expect(text.contains(/(?m)^clients +16,384 +connections +1 +16,384$/))
        }
    }
}
