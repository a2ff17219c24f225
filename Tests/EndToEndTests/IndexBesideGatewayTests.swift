import Foundation
import GatewayTesting
import Testing

/// The index is changed by one process while another serves it.
@Suite(.serialized) struct IndexBesideGatewayTests {
    @Test(arguments: backends) func theNextResolveSeesWhatWasCommitted(io: String) async throws {
        try await GatewayProcess.run(io: io) { gateway in
            var client = try gateway.connect()
            #expect(try client.ask(.resolve("name:new")).code == 404)

            let put = try await gateway.index("put", "--key", "name:new", "--provider", "node-1,eu,0.5")
            #expect(put.status == 0, "\(put.errors)")
            let first = try client.ask(.resolve("name:new", correlation: 2))
            #expect(first.code == 200)
            #expect(first.text.contains("node-1"))

            let changed = try await gateway.index("put", "--key", "name:new", "--provider", "node-2,us,1")
            #expect(changed.status == 0)
            let second = try client.ask(.resolve("name:new", correlation: 3))
            #expect(second.text.contains("node-2"))
            #expect(try jsonObject(first.text)["etag"] as? String != jsonObject(second.text)["etag"] as? String)

            #expect(try await gateway.index("delete", "name:new").status == 0)
            #expect(try client.ask(.resolve("name:new", correlation: 4)).code == 404)
            #expect(try gateway.get("/resolve/name:new").status == 404)
        }
    }

    /// The index grows by a multiple while it is read from: nobody waits, nobody fails.
    @Test(arguments: backends) func anImportBesideLoadDisturbsNobody(io: String) async throws {
        try await GatewayProcess.run(io: io) { gateway in
            let count = 10_000
            let lines = (0..<count).map { number in
                let digits = String(number)
                let name = "k" + String(repeating: "0", count: 7 - digits.count) + digits
                return "{\"key\":\"name:\(name)\",\"manifest\":null,\"providers\":[{\"id\":\"node-\(digits)\","
                    + "\"region\":\"eu\",\"score\":0.5}]}\n"
            }
            let file = try gateway.directory.write(lines.joined(), to: "many.jsonl")
            let load = try RunningProcess(
                Executable.bench.url,
                [
                    "--closed", "--server", gateway.address, "--io", io, "--format", "json", "--connections", "4",
                    "--duration", "1m", "--keys", Sample.path,
                ], in: gateway.directory)
            try await eventually("the load to run") { try gateway.metrics().sum("requests_total") ?? 0 > 100 }
            let imported = try await gateway.index("import", file)
            #expect(imported.status == 0, "\(imported.errors)")
            let before = try gateway.metrics()
            try await eventually("more load") {
                try gateway.metrics().growth("requests_total", since: before) ?? 0 > 100
            }
            load.signal(SIGINT)
            #expect(try await load.exitStatus() == 0, "\(load.output)")
            #expect(try jsonObject(load.output)["verdict"] as? String == "passed")

            let check = try await Executable.bench.run(
                [
                    "--closed", "--server", gateway.address, "--io", io, "--connections", "4", "--depth", "16",
                    "--duration", "200ms", "--key-count", "\(count)", "--key-format", "name:k%07d",
                ], in: gateway.directory)
            #expect(check.status == 0, "\(check.output)")
            #expect(try gateway.metrics().sum("index_records") == Double(count + Sample.recordsCount))
            #expect(try gateway.metrics().sum("index_failures_total") == 0)
        }
    }

    @Test func aBadLineChangesNothing() async throws {
        try await GatewayProcess.run { gateway in
            let file = try gateway.directory.write(
                """
                {"key":"name:hello","manifest":null,"providers":[]}
                {"key":"name:added","manifest":null,"providers":[]}
                {"key":"name:bad","manifest":null,"providers":[{"id":"a","region":"b","score":1.5}]}

                """, to: "bad.jsonl")
            let imported = try await gateway.index("import", file)
            #expect(imported.status == 65)
            #expect(imported.errors.contains("\(file):3:"), "\(imported.errors)")
            #expect(imported.errors.contains(/bad\.jsonl:3:[0-9]+: error: .*score/), "\(imported.errors)")
            #expect(imported.errors.contains("nothing was imported"))
            var client = try gateway.connect()
            #expect(try client.ask(.resolve("name:added")).code == 404)
            #expect(try client.ask(.resolve("name:hello", correlation: 2)).text.contains(Sample.helloProviders[0]))
            let stats = try await gateway.index("stats", "-o", "json")
            #expect(try stats.json["records"] as? Int == Sample.recordsCount)
        }
    }

    @Test func exportedAndImportedAgainIsTheSame() async throws {
        try await GatewayProcess.run { gateway in
            let exported = try await gateway.index("export")
            #expect(exported.status == 0)
            #expect(exported.output.split(separator: "\n").count == Sample.recordsCount)
            let file = try gateway.directory.write(exported.output, to: "all.jsonl")
            let imported = try await gateway.index("import", file, "--replace")
            #expect(imported.status == 0)
            #expect(imported.output.contains("\(Sample.recordsCount) unchanged"), "\(imported.output)")
        }
    }

    /// A gateway that is started first is not useless: it says what it lacks, and goes on when it has it.
    @Test(arguments: backends) func aMissingIndexIsAwaited(io: String) async throws {
        try await GatewayProcess.run(io: io, indexed: false) { gateway in
            let path = gateway.directory.index
            #expect(try await gateway.line("ready=0").contains(path))
            #expect(gateway.lines.count <= 15)
            let notReady = try gateway.get("/readyz")
            #expect(notReady.status == 503)
            let reasons = try #require(try notReady.json["reasons"] as? [String])
            #expect(reasons.count == 1 && reasons[0].contains(path), "\(reasons)")
            #expect(try gateway.get("/healthz").status == 200)
            #expect(try gateway.metrics().sum("ready") == 0)

            var client = try gateway.connect()
            let answer = try client.ask(.resolve("name:hello", correlation: 4711))
            #expect(answer.code == 500)
            let error = try jsonObject(answer.text)
            #expect(error["code"] as? String == "index_unavailable")
            #expect(error["retryable"] as? Bool == true)
            #expect(error["corr_id"] as? String == "4711")
            #expect(!answer.text.contains(path), "clients are not told paths")
            let line = try await gateway.line("corr_id=4711")
            #expect(line.contains(path) && line.contains("index_unavailable"), "\(line)")
            #expect(try client.ask(.ping("still there", correlation: 2)).text == "still there")

            let http = try gateway.get("/resolve/name:hello")
            #expect(http.status == 500)
            #expect(try http.json["code"] as? String == "index_unavailable")

            try await gateway.directory.importSample()
            try await gateway.line("ready=1")
            try await eventually("/readyz to answer 200") { try gateway.get("/readyz").status == 200 }
            #expect(try client.ask(.resolve("name:hello", correlation: 5)).code == 200)
            #expect(try gateway.get("/resolve/name:hello").status == 200)
            #expect(try gateway.metrics().sum("index_records") == Double(Sample.recordsCount))
        }
    }

    /// Not an index at all.
    @Test func anIndexThatIsAFileIsExplained() async throws {
        let directory = try TemporaryDirectory()
        try directory.write("no index", to: "index")
        let gateway = try GatewayProcess(
            ["--oap-addr", "0", "--metrics-addr", "0", "--index-path", directory.index], in: directory)
        #expect(try await gateway.line("ready=0").contains(directory.index))
        gateway.signal(SIGTERM)
        try await gateway.expectExit(0)
    }
}
