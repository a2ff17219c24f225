import Foundation
import Testing

/// The tools where nothing is as it should be: an output that takes nothing, an index that is no index, a port that
/// speaks something else.
@Suite(.serialized) struct ToolMannersTests {
    @Test(arguments: ["stats", "get name:hello", "export -"])
    func outputThatIsLostIsAnError(command: String) async throws {
        let directory = try TemporaryDirectory()
        try await directory.importSample()
        let tool = try Executable.ronctl.url.path
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        let script = "exec \"$0\" index \(command) --index-path \"$1\" > /dev/full"
        process.arguments = ["-c", script, tool, directory.index]
        let errors = Pipe()
        process.standardError = errors
        try process.run()
        let text = String(decoding: try errors.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 74)
        #expect(text.contains("ENOSPC"), "\(text)")
    }

    @Test func theIndexIsTheGatewaysOwn() async throws {
        let directory = try TemporaryDirectory()
        let config = try directory.write("index_path = \"\(directory.index)\"\n", to: "gateway.toml")
        let put = try await Executable.ronctl.run(
            ["index", "put", "--key", "name:a"], in: directory, environment: ["RON_CONFIG": config])
        #expect(put.status == 0, "\(put.errors)")
        #expect(put.errors.contains("made a new index at \(directory.index)"))
        let get = try await Executable.ronctl.run(
            ["index", "get", "name:a", "--index-path", directory.index], in: directory)
        #expect(get.status == 0, "\(get.errors)")

        let broken = try directory.write("index_path = 5\n", to: "broken.toml")
        let refused = try await Executable.ronctl.run(
            ["index", "stats"], in: directory, environment: ["RON_CONFIG": broken])
        #expect(refused.status == 78)
        #expect(refused.errors.contains("broken.toml:1:14: error:"), "\(refused.errors)")
        #expect(refused.errors.contains("--index-path"))
    }

    @Test func noIndexIsMadeAmongOtherFiles() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("mine\n", to: "notes.txt")
        let parent = URL(fileURLWithPath: file).deletingLastPathComponent().path
        let put = try await Executable.ronctl.run(
            ["index", "put", "--key", "name:a", "--index-path", parent], in: directory)
        #expect(put.status == 66)
        #expect(put.errors.contains(parent), "\(put.errors)")
        #expect(!FileManager.default.fileExists(atPath: parent + "/data.mdb"))
    }

    @Test func aPortThatSpeaksHTTPIsNamed() async throws {
        try await GatewayProcess.run { gateway in
            let outcome = try await Executable.bench.run(
                [
                    "--closed", "--server", gateway.adminAddress, "--duration", "200ms", "--warmup", "0s", "--workload",
                    "ping",
                ],
                in: gateway.directory)
            #expect(outcome.status == 1)
            #expect(outcome.errors.contains("is it an OAP/1 port?"), "\(outcome.errors)")
            #expect(!outcome.output.contains("0.00us"), "\(outcome.output)")
        }
    }

    @Test func versionsAreOne() async throws {
        let directory = try TemporaryDirectory()
        let gateway = try await Executable.gateway.run(["--version"], in: directory)
        let number = gateway.output.prefix { $0 != " " }
        #expect(number.split(separator: ".").count == 3)
        for tool in [Executable.ronctl, .bench] {
            let outcome = try await tool.run(["--version"], in: directory)
            #expect(outcome.status == 0)
            #expect(outcome.output == number + "\n")
        }
    }
}
