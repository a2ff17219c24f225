import Foundation
import Gateway
import GatewayRuntime
import GatewayTesting
import OAP
import Reactor
import Testing

/// The ends of a gateway: drains that lose nothing, and stops that leave nothing.
@Suite struct DrainTests {
    static let backends = TestEnvironment.backends
    static let millisecond: UInt64 = 1_000_000

    private static func expectGoAway(_ client: inout RawClient, deadlineMillisecondsMax: Int) throws {
        let frame = try client.frame()
        #expect(frame.flags == WireFrame.Flag.event && frame.code == 1 && frame.application == 0)
        let parsed = try JSONSerialization.jsonObject(with: Data(frame.payload))
        let body = try #require(parsed as? [String: Any])
        #expect(Set(body.keys) == ["reason", "deadline_ms"])
        #expect(body["reason"] as? String == "drain")
        let left = try #require(body["deadline_ms"] as? Int)
        #expect((0...deadlineMillisecondsMax).contains(left))
    }

    @Test(arguments: backends) func aDrainFinishesWhatIsOpen(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind, configure: { $0.live.limits.drainQuietNanoseconds = 100 * Self.millisecond }) {
            gateway in
            var busy = try gateway.connect()
            try busy.send(WireFrame.resolve("name:late-400-x", correlation: 1))
            var quiet = try gateway.connect()
            try quiet.expectAlive()
            try gateway.wait(for: "the request to be open") { gateway.server.openCount == 1 }

            gateway.server.drain()
            try Self.expectGoAway(&quiet, deadlineMillisecondsMax: 10_000)
            try Self.expectGoAway(&busy, deadlineMillisecondsMax: 10_000)
            // New requests are refused, the others' answers still come, PING and HELLO too.
            let request = WireFrame.resolve("name:site", correlation: 2)
            let refused = try busy.ask(request)
            try ExpectedError(503, "draining", retryable: true).check(refused, to: request.bytes, "while draining")
            try busy.expectAlive("while draining")
            let late = try busy.frame()
            #expect(late.code == 200 && late.correlation == 1)
            try busy.expectEnd()
            try quiet.expectEnd()
            gateway.server.join()
            #expect(gateway.server.openCount == 0)
            #expect(
                SocketTable.ownSocketsBound(toPort: gateway.address.port) == 0, "listeners and connections are closed")
            #expect(throws: SystemError.self) { try Self.connects(gateway.address) }
        }
    }

    private static func connects(_ address: SocketAddress) throws(SystemError) { _ = try RawClient(address) }

    @Test(arguments: backends) func theListenerClosesAtOnce(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind) { gateway in
            var busy = try gateway.connect()
            try busy.send(WireFrame.resolve("name:late-500-x", correlation: 1))
            try gateway.wait(for: "the request to be open") { gateway.server.openCount == 1 }
            gateway.server.drain()
            try gateway.wait(for: "connects to be refused") {
                do throws(SystemError) {
                    try Self.connects(gateway.address)
                    return false
                } catch {
                    return error.name == "ECONNREFUSED"
                }
            }
            try Self.expectGoAway(&busy, deadlineMillisecondsMax: 10_000)
            #expect(try busy.frame().code == 200, "it is still open and is answered")
            gateway.server.join()
        }
    }

    /// What never answers does not hold a drain beyond its deadline.
    @Test(arguments: backends) func theDrainDeadlineIsKept(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind, configure: { $0.live.limits.drainDeadlineNanoseconds = 200 * Self.millisecond }) {
            gateway in
            var stuck = try gateway.connect()
            try stuck.send(WireFrame.resolve("name:never-x", correlation: 1))
            try gateway.wait(for: "the request to be open") { gateway.server.openCount == 1 }
            gateway.server.drain()
            gateway.server.join()
            #expect(gateway.server.connectionsOpen == 0 && gateway.server.openCount == 0)
            try Self.expectGoAway(&stuck, deadlineMillisecondsMax: 200)
        }
    }

    /// A client that half-closed, whose answer is late, is answered by a draining gateway too.
    @Test(arguments: backends) func aHalfClosedClientIsAnsweredWhileDraining(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind) { gateway in
            var client = try gateway.connect()
            try client.send(WireFrame.resolve("name:late-300-x", correlation: 8))
            client.shutdownWrite()
            try gateway.wait(for: "the request to be open") { gateway.server.openCount == 1 }
            gateway.server.drain()
            var answer = try client.frame()
            // Whether the half-close or the drain came first decides whether there is a GOAWAY.
            if answer.flags == WireFrame.Flag.event { answer = try client.frame() }
            #expect(answer.code == 200 && answer.correlation == 8)
            try client.expectEnd()
            gateway.server.join()
        }
    }

    @Test(arguments: backends) func aStopEndsEverythingAtOnce(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind) { gateway in
            var clients = ClientList()
            for number in 0..<50 as Range<UInt64> {
                let client = try gateway.connect()
                try client.send(
                    WireFrame.resolve("name:never-\(number)", correlation: number).bytes
                        + WireFrame.resolve("name:large").bytes.prefix(Int(number)))
                clients.add(client)
            }
            try gateway.wait(for: "all to be open") { gateway.server.openCount == 50 }
            gateway.server.stop()
            gateway.server.join()
            #expect(gateway.server.openCount == 0)
            try clients.forEach { _ = try $0.isOrderlyAtEnd() }
        }
    }

    @Test(arguments: backends) func drainingTwiceOrAfterTheEndIsHarmless(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind) { gateway in
            gateway.server.drain()
            gateway.server.drain()
            gateway.server.join()
            gateway.server.join()
            gateway.server.drain()
            gateway.server.stop()
            gateway.server.serve()
        }
    }
}
