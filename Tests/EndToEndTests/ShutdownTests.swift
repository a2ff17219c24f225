import Foundation
import GatewayTesting
import Reactor
import Testing

/// How a gateway ends, and what does not end it.
@Suite(.serialized) struct ShutdownTests {
    @Test(arguments: backends, [SIGTERM, SIGINT]) func drainTellsClientsAndEndsInOrder(
        io: String, signal: Int32
    ) async throws {
        let gateway = try await GatewayProcess.start(io: io)
        var client = try gateway.connect()
        #expect(try client.ask(.resolve("name:hello")).code == 200)
        let address = try gateway.address
        gateway.signal(signal)

        let goAway = try client.frame()
        #expect(goAway.flags == WireFrame.Flag.event)
        #expect(goAway.application == 0 && goAway.code == 1)
        let body = try jsonObject(goAway.text)
        #expect(body["reason"] as? String == "drain")
        #expect(try #require(body["deadline_ms"] as? Int) <= 10_000)
        try client.expectEnd()
        client.shutdownWrite()
        try await gateway.expectExit(0)
        #expect(gateway.lines(with: "shutting down signal=\(signal == SIGTERM ? "SIGTERM" : "SIGINT")").count == 1)
        #expect(gateway.lines.last?.contains("stopped") == true)
        Self.expectNobodyListens(try GatewayProcess.socketAddress(address))
    }

    /// What clients and operators see while somebody keeps the drain from ending.
    @Test(arguments: backends) func drainingRefusesWhatIsNew(io: String) async throws {
        let gateway = try await GatewayProcess.start(io: io, config: Self.patient(drainDeadline: "10m"))
        let stuck = try await gateway.stuckClient()
        var client = try gateway.connect()
        #expect(try client.ask(.ping("before")).code == 200)
        gateway.signal(SIGTERM)
        let answer = try Self.firstRefusal(&client)
        #expect(answer.code == 503)
        let error = try jsonObject(answer.text)
        #expect(error["code"] as? String == "draining")
        #expect(try #require(error["retry_after_ms"] as? Int) > 0)

        let ready = try gateway.get("/readyz")
        #expect(ready.status == 503)
        let reasons = try #require(try ready.json["reasons"] as? [String])
        #expect(reasons.contains { $0.contains("draining") }, "\(reasons)")
        #expect(try gateway.metrics().sum("ready") == 0)
        #expect(try gateway.get("/healthz").status == 200)
        let http = try gateway.get("/resolve/name:hello")
        #expect(http.status == 503)
        #expect(try http.json["code"] as? String == "draining")
        #expect(try #require(http.headers["retry-after"].flatMap { Int($0) }) >= 1)
        Self.expectNobodyListens(try GatewayProcess.socketAddress(gateway.address))

        // A client that has been told goes when it is quiet, whoever else is still there.
        try client.expectEnd()
        client.shutdownWrite()
        #expect(gateway.process.isRunning)
        stuck.reset()
        try await gateway.expectExit(0)
    }

    /// Asks without a pause until a request is refused; GOAWAY comes somewhere on the way.
    private static func firstRefusal(_ client: inout RawClient) throws -> WireFrame {
        let deadline = ContinuousClock.now + .seconds(20)
        var number: UInt64 = 1
        var goAways = 0
        while ContinuousClock.now < deadline {
            number += 1
            try client.send(.resolve("name:hello", correlation: number))
            var answer = try client.frame()
            if answer.flags == WireFrame.Flag.event {
                goAways += 1
                answer = try client.frame()
            }
            if answer.code != 200 {
                #expect(goAways == 1)
                return answer
            }
        }
        throw Failure("no request was refused")
    }

    /// Nothing that was asked stays without an answer.
    @Test(arguments: backends) func loadIsAnsweredToItsEnd(io: String) async throws {
        let gateway = try await GatewayProcess.start(io: io)
        let bench = try RunningProcess(
            Executable.bench.url,
            [
                "--closed", "--server", gateway.address, "--io", io, "--format", "json", "--connections", "10",
                "--depth", "16", "--duration", "30s", "--keys", Sample.path, "--expect", "200,503",
            ], in: gateway.directory)
        try await eventually("the load to run") {
            try gateway.metrics().sum("requests_total", ["app": "index", "status": "200"]) ?? 0 > 1000
        }
        gateway.signal(SIGTERM)
        try await gateway.expectExit(0)
        _ = try await bench.exitStatus()
        let outcome = try jsonObject(bench.output)["outcome"] as? [String: Any] ?? [:]
        #expect(outcome["goAways"] as? Int == 10)
        #expect(outcome["unanswered"] as? Int == 0)
        #expect(outcome["invalidAnswers"] as? Int == 0)
        #expect(outcome["unexpectedFrames"] as? Int == 0)
    }

    /// The deadline ends what would not end by itself.
    @Test(arguments: backends) func deadlineEndsABusyDrain(io: String) async throws {
        let gateway = try await GatewayProcess.start(io: io, config: Self.patient(drainDeadline: "300ms"))
        let stuck = try await gateway.stuckClient()
        gateway.signal(SIGTERM)
        try await gateway.expectExit(0)
        #expect(gateway.lines.last?.contains("connections_at_signal=1") == true, "\(gateway.lines)")
        stuck.shutdownWrite()
    }

    @Test(arguments: backends, [SIGTERM, SIGINT]) func secondSignalEndsAtOnce(io: String, second: Int32) async throws {
        let gateway = try await GatewayProcess.start(io: io, config: Self.patient(drainDeadline: "10m"))
        let stuck = try await gateway.stuckClient()
        gateway.signal(SIGTERM)
        try await eventually("the drain to begin") { try gateway.get("/readyz").status == 503 }
        #expect(gateway.process.isRunning)
        gateway.signal(second)
        try await gateway.expectExit(130)
        #expect(gateway.lines.last?.contains("ending at once") == true, "\(gateway.lines)")
        stuck.shutdownWrite()
    }

    /// A gateway that ends nobody for being slow.
    private static func patient(drainDeadline: String) -> String {
        "[limits]\ndrain_deadline = \"\(drainDeadline)\"\noutput_stall_timeout = \"10m\"\nrequest_timeout = \"10m\"\n"
    }

    private static func expectNobodyListens(_ address: SocketAddress) {
        let error = #expect(throws: SystemError.self) { _ = try RawClient(address) }
        #expect(error?.name == "ECONNREFUSED")
    }

    /// What a terminal that closes sends ends nobody's connection.
    @Test(arguments: backends) func hangUpEndsNothing(io: String) async throws {
        try await GatewayProcess.run(io: io) { gateway in
            var client = try gateway.connect()
            #expect(try client.ask(.resolve("name:hello")).code == 200)
            gateway.signal(SIGHUP)
            try await gateway.line("by=SIGHUP")
            #expect(try client.ask(.resolve("name:hello", correlation: 2)).code == 200)
            #expect(try gateway.get("/readyz").status == 200)
            gateway.signal(SIGHUP)
            try await eventually("a second line") { gateway.lines(with: "by=SIGHUP").count == 2 }
        }
    }
}
