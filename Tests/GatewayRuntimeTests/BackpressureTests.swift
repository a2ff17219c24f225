import Gateway
import GatewayRuntime
import GatewayTesting
import OAP
import Reactor
import Testing

/// Sessions that are paused because their answers are not read: whatever else happens to them then is not lost.
@Suite struct BackpressureTests {
    static let backends = TestEnvironment.backends
    /// Sixteen megabytes of answers: more than the kernel's buffers on both sides take.
    private static let requestsCount = 4000

    /// Runs `body` with a client whose session is paused behind `requestsCount` requests and `tail`.
    private static func paused(
        _ kind: Backend.Kind, tail: [WireFrame], _ body: (inout RawClient, TestGateway) throws -> Void
    ) throws {
        try TestGateway.run(kind, configure: { $0.live.limits.outputBacklogBytesMax = 16_384 }) { gateway in
            var client = try gateway.connect()
            let requests = (0..<Self.requestsCount).map { WireFrame.resolve("name:large", correlation: UInt64($0)) }
            let sender = try client.sendBeside(requests + tail)
            try gateway.wait(for: "the backlog to reach its maximum") { gateway.server.bufferBytesUsed > 16_384 }
            try body(&client, gateway)
            try? sender.join()
        }
    }

    private static func expectAll(_ client: inout RawClient) throws {
        for number in 0..<Self.requestsCount {
            let answer = try client.frame()
            guard answer.correlation == UInt64(number), answer.payload == ScriptedIndex.largeRecord else {
                Issue.record("answer \(number) has corr_id \(answer.correlation) and status \(answer.code)")
                return
            }
        }
    }

    @Test(arguments: backends) func whoReadsInTheEndLosesNothing(_ kind: Backend.Kind) throws {
        try Self.paused(kind, tail: []) { client, gateway in
            try Self.expectAll(&client)
            try client.expectAlive()
            try gateway.waitUntilQuiet(connections: 1)
        }
    }

    /// The peer's end arrives while nothing is read from it.
    @Test(arguments: backends) func aHalfCloseBehindTheBacklog(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind, configure: { $0.live.limits.outputBacklogBytesMax = 16_384 }) { gateway in
            var client = try gateway.connect()
            let requests = (0..<Self.requestsCount).map { WireFrame.resolve("name:large", correlation: UInt64($0)) }
            let sender = try client.sendBeside(requests)
            // All requests fit the kernel's buffers long before their answers do.
            try sender.join()
            client.shutdownWrite()
            try gateway.wait(for: "the backlog to reach its maximum") { gateway.server.bufferBytesUsed > 16_384 }
            try Self.expectAll(&client)
            try client.expectEnd()
            try gateway.waitUntilQuiet()
        }
    }

    /// A header that is refused stands behind thousands of requests: all are answered, then it is, then the end.
    @Test(arguments: backends) func aRefusedHeaderBehindTheBacklog(_ kind: Backend.Kind) throws {
        var bad = WireFrame.ping("bad", correlation: 666)
        bad.version = 9
        try Self.paused(kind, tail: [bad]) { client, gateway in
            try Self.expectAll(&client)
            try ExpectedError(400, "bad_version").check(try client.frame(), to: bad.bytes, "behind the backlog")
            try client.expectEnd()
            try gateway.waitUntilQuiet()
        }
    }

    /// A late answer is given although its session is paused.
    @Test(arguments: backends) func aLateAnswerToAPausedSession(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind, configure: { $0.live.limits.outputBacklogBytesMax = 16_384 }) { gateway in
            var client = try gateway.connect()
            let late = WireFrame.resolve("name:late-50-x", correlation: 1 << 40)
            let requests = (0..<Self.requestsCount).map { WireFrame.resolve("name:large", correlation: UInt64($0)) }
            let sender = try client.sendBeside([late] + requests)
            try gateway.wait(for: "the late answer") {
                gateway.server.bufferBytesUsed > 16_384 && gateway.server.openCount == 0
            }
            var seen = 0
            var lateSeen = 0
            while seen + lateSeen < Self.requestsCount + 1 {
                let answer = try client.frame()
                if answer.correlation == 1 << 40 { lateSeen += 1 } else { seen += 1 }
                #expect(answer.code == 200)
            }
            #expect(lateSeen == 1)
            try sender.join()
            try client.expectAlive()
        }
    }

    /// The client of a paused session vanishes: everything that it borrowed comes home.
    @Test(arguments: backends) func aResetWhilePaused(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind, configure: { $0.live.limits.outputBacklogBytesMax = 16_384 }) { gateway in
            let client = try gateway.connect()
            let requests = (0..<Self.requestsCount).map { WireFrame.resolve("name:large", correlation: UInt64($0)) }
            try client.sendBeside(requests).join()
            try gateway.wait(for: "the backlog to reach its maximum") { gateway.server.bufferBytesUsed > 16_384 }
            client.reset()
            try gateway.waitUntilQuiet()
        }
    }

    /// A stop, and a drain whose deadline passes, end paused sessions too.
    @Test(arguments: backends) func endsWhilePaused(_ kind: Backend.Kind) throws {
        for isDrain in [false, true] {
            try TestGateway.run(
                kind,
                configure: {
                    $0.live.limits.outputBacklogBytesMax = 16_384
                    $0.live.limits.drainDeadlineNanoseconds = 150_000_000
                }
            ) { gateway in
                let client = try gateway.connect()
                let requests = (0..<Self.requestsCount).map { WireFrame.resolve("name:large", correlation: UInt64($0)) }
                try client.sendBeside(requests).join()
                try gateway.wait(for: "the backlog to reach its maximum") { gateway.server.bufferBytesUsed > 16_384 }
                if isDrain { gateway.server.drain() } else { gateway.server.stop() }
                gateway.server.join()
                #expect(gateway.server.connectionsOpen == 0)
                withExtendedLifetime(gateway) {}
            }
        }
    }
}
