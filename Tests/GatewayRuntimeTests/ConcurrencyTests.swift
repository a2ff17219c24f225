import Admission
import Gateway
import GatewayRuntime
import GatewayTesting
import OAP
import Testing

/// The limit of open requests, deadlines, and what a vanished client leaves behind.
@Suite struct ConcurrencyTests {
    static let backends = TestEnvironment.backends
    static let millisecond: UInt64 = 1_000_000

    /// `--oap-concurrency 1`, several workers, many connections and an index that answers late: never two lookups at
    /// once, and whoever is not the one gets `overloaded`.
    @Test(arguments: backends) func neverTwoOpenAtConcurrencyOne(_ kind: Backend.Kind) throws {
        let gauge = LateIndexGauge()
        try TestGateway.run(
            kind,
            configure: {
                $0.live.policy.openMax = 1
                $0.workersCount = 3
            }, index: { _ in LateIndex(delayMilliseconds: 2, gauge: gauge) }
        ) { gateway in
            var clients = ClientList()
            for _ in 0..<24 { clients.add(try gateway.connect()) }
            var counts: [UInt16: Int] = [:]
            let perRound = 4
            for round in 0..<12 {
                for index in 0..<clients.count {
                    try clients.with(index) { client in
                        var bytes: [UInt8] = []
                        for number in 0..<perRound {
                            bytes += WireFrame.resolve("name:k", correlation: UInt64(round * perRound + number)).bytes
                        }
                        try client.send(bytes)
                    }
                }
                #expect(gateway.server.openCount <= 1)
                for index in 0..<clients.count {
                    try clients.with(index) { client in
                        for _ in 0..<perRound {
                            let answer = try client.frame()
                            counts[answer.code, default: 0] += 1
                            guard answer.code != 200 else { continue }
                            let body = try ErrorAnswer(answer)
                            #expect(answer.code == 503 && body.code == "overloaded" && body.retryable)
                            #expect((1...1000).contains(body.retryAfterMilliseconds ?? 0))
                        }
                    }
                }
            }
            #expect(gauge.peak == 1)
            #expect(counts[200] == gauge.lookupsTotal, "each lookup that began was answered")
            #expect((counts[200] ?? 0) >= 12 && (counts[503] ?? 0) > 0 && counts.count == 2)
            #expect(counts.values.reduce(0, +) == 24 * 12 * perRound)
            try gateway.waitUntilQuiet(connections: 24)
        }
        #expect(gauge.pending == 0)
    }

    /// The limit is the process's, not a worker's, and it is used to its full width.
    @Test(arguments: backends) func theLimitIsUsedInFull(_ kind: Backend.Kind) throws {
        let gauge = LateIndexGauge()
        try TestGateway.run(
            kind,
            configure: {
                $0.live.policy.openMax = 10
                $0.workersCount = 2
            }, index: { _ in LateIndex(delayMilliseconds: 300, gauge: gauge) }
        ) { gateway in
            var clients = ClientList()
            for _ in 0..<20 {
                let client = try gateway.connect()
                try client.send(WireFrame.resolve("name:k", correlation: 1))
                clients.add(client)
            }
            var counts: [UInt16: Int] = [:]
            try clients.forEach { counts[try $0.frame().code, default: 0] += 1 }
            #expect(gauge.peak <= 10)
            #expect((counts[200] ?? 0) >= 10 && counts.values.reduce(0, +) == 20)
        }
    }

    @Test(arguments: backends) func aDeadlineAnswersAndReturnsThePermit(_ kind: Backend.Kind) throws {
        let gauge = LateIndexGauge()
        try TestGateway.run(
            kind,
            configure: {
                $0.live.policy.openMax = 1
                $0.live.limits.requestTimeoutNanoseconds = 150 * Self.millisecond
            }, index: { _ in LateIndex(delayMilliseconds: nil, gauge: gauge) }
        ) { gateway in
            var client = try gateway.connect()
            for round in 0..<3 as Range<UInt64> {
                let request = WireFrame.resolve("name:k", correlation: round, tenant: 9)
                let answer = try client.ask(request)
                try ExpectedError(408, "deadline_exceeded", retryable: true).check(
                    answer, to: request.bytes, "\(round)")
                #expect(gateway.server.openCount == 0, "the answer is given when the permit has returned")
            }
            try client.expectAlive()
            #expect(gauge.lookupsTotal == 3)
        }
    }

    /// An answer that comes after its deadline finds nobody, and the next request under the same corr_id is not
    /// mistaken.
    @Test(arguments: backends) func anAnswerAfterItsDeadlineIsDropped(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind, configure: { $0.live.limits.requestTimeoutNanoseconds = 100 * Self.millisecond }) {
            gateway in
            var client = try gateway.connect()
            #expect(try client.ask(.resolve("name:late-180-old", correlation: 5)).code == 408)
            let answer = try client.ask(.resolve("name:late-90-new", correlation: 5))
            if answer.code == 200 { #expect(answer.payload == ScriptedRecords.record(forKey: "name:late-90-new")) }
            try client.expectAlive("no stray answer comes")
        }
    }

    /// A request whose client has gone keeps its permit until the index has answered.
    @Test(arguments: backends) func aVanishedClientKeepsItsPermitUntilTheAnswer(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind, configure: { $0.live.policy.openMax = 1 }) { gateway in
            let gone = try gateway.connect()
            try gone.send(WireFrame.resolve("name:late-400-x", correlation: 1))
            try gateway.wait(for: "the request to be open") { gateway.server.openCount == 1 }
            gone.reset()
            try gateway.wait(for: "the connection to be gone") { gateway.server.connectionsOpen == 0 }
            #expect(gateway.server.openCount == 1)
            var other = try gateway.connect()
            try other.expectRefusal(.resolve("name:site"), ExpectedError(503, "overloaded", retryable: true))
            try gateway.wait(for: "the permit to return") { gateway.server.openCount == 0 }
            try other.expectResolved()
        }
    }

    /// …or until its deadline, when the index never answers.
    @Test(arguments: backends) func aVanishedClientKeepsItsPermitUntilTheDeadline(_ kind: Backend.Kind) throws {
        try TestGateway.run(
            kind,
            configure: {
                $0.live.policy.openMax = 1
                $0.live.limits.requestTimeoutNanoseconds = 400 * Self.millisecond
            }
        ) { gateway in
            let gone = try gateway.connect()
            try gone.send(WireFrame.resolve("name:never-x", correlation: 1))
            try gateway.wait(for: "the request to be open") { gateway.server.openCount == 1 }
            gone.reset()
            try gateway.wait(for: "the connection to be gone") { gateway.server.connectionsOpen == 0 }
            #expect(gateway.server.openCount == 1)
            try gateway.wait(for: "the permit to return") { gateway.server.openCount == 0 }
            var other = try gateway.connect()
            try other.expectResolved()
        }
    }
}
