import Admission
import Gateway
import GatewayRuntime
import GatewayTesting
import OAP
import Reactor
import Synchronization
import Testing

/// Starts that fail say why and leave nothing behind; and what other threads may ask of a gateway that runs.
@Suite struct StartTests {
    static let backends = TestEnvironment.backends

    private static func startFailure(_ configuration: RuntimeConfiguration, _ kind: Backend.Kind) throws
        -> StartFailure?
    {
        let backend = try Backend.probe(.only(kind))
        do throws(StartFailure) {
            let server = try GatewayServer.start(
                configuration, backend: backend, makeIndex: { _ in ScriptedIndex() }, tell: { _ in })
            server.stop()
            server.join()
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: backends) func aSecondGatewayOnThePortIsRefused(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind) { gateway in
            let configuration = RuntimeConfiguration(address: gateway.address, workersCount: 2)
            let failure = try #require(try Self.startFailure(configuration, kind))
            guard case .addressInUse(let address) = failure else {
                Issue.record("it failed for another reason: \(failure)")
                return
            }
            #expect(address == gateway.address)
            #expect(failure.description.contains("\(address)") && failure.description.contains("--oap-addr"))
            var client = try gateway.connect()
            try client.expectResolved()
        }
        // The port is free again as soon as the first one has ended.
    }

    @Test(arguments: backends) func thePortIsFreeAfterTheEnd(_ kind: Backend.Kind) throws {
        var port: UInt16 = 0
        try TestGateway.run(kind) { gateway in
            port = gateway.address.port
            var client = try gateway.connect()
            try client.expectResolved()
        }
        // Other tests start processes, which hold a copy of every descriptor for the moment between fork and exec.
        for attempt in 1...20 {
            do {
                try TestGateway.run(kind, configure: { $0.address = SocketAddress(host: "127.0.0.1", port: port) }) {
                    gateway in
                    var client = try gateway.connect()
                    try client.expectResolved()
                }
                return
            } catch StartFailure.addressInUse where attempt < 20 {
                try Waker().waitForWake(timeoutMilliseconds: 20)
            }
        }
    }

    @Test(arguments: backends) func anAddressThatIsNotOursIsNamed(_ kind: Backend.Kind) throws {
        let elsewhere = RuntimeConfiguration(address: SocketAddress(host: "192.0.2.1", port: 9444), workersCount: 1)
        let failure = try #require(try Self.startFailure(elsewhere, kind))
        #expect(failure.description.contains("EADDRNOTAVAIL") && failure.description.contains("192.0.2.1:9444"))
    }

    /// Receive buffers beyond the address space: each worker fails, and its listener is closed with it.
    @Test(arguments: backends) func workersThatCannotStartLeaveNothing(_ kind: Backend.Kind) throws {
        let probe = try Listener(SocketAddress(host: "127.0.0.1", port: 0), shared: false, backlog: 0)
        let address = probe.address
        probe.close()
        var configuration = RuntimeConfiguration(address: address, workersCount: 2)
        configuration.kernelLimits = KernelLimits(bufferBytes: Int(UInt32.max), buffersCount: 32_768)
        let failure = try #require(try Self.startFailure(configuration, kind))
        #expect(failure.description.contains("ENOMEM"))
        #expect(SocketTable.ownSocketsBound(toPort: address.port) == 0, "its listeners are closed")
    }

    // MARK: Questions of other threads

    /// Asks and waits for the reply.
    private static func resolve(_ key: String, _ gateway: TestGateway) throws -> AdminAnswer {
        let reply = Reply<AdminAnswer>()
        gateway.server.resolve(key: Array(key.utf8)) { reply.set($0) }
        try gateway.wait(for: "a reply to \(key)") { reply.value != nil }
        return try #require(reply.value)
    }

    final class Reply<Value: Sendable>: Sendable {
        private let held = Mutex<[Value]>([])
        var value: Value? { self.held.withLock { $0.first } }
        var count: Int { self.held.withLock { $0.count } }
        func set(_ value: Value) { self.held.withLock { $0.append(value) } }
    }

    private static func status(_ answer: AdminAnswer) -> (UInt16, String, Bool) {
        switch answer {
        case .record: (200, "", false)
        case .refused(let status, let code, _, _, let retryAfter): (status, code, retryAfter != nil)
        }
    }

    @Test(arguments: backends) func adminLookupsAreAdmittedAsClientsAre(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind, configure: { $0.live.policy.openMax = 1 }) { gateway in
            guard case .record(let record) = try Self.resolve("name:site", gateway) else {
                Issue.record("name:site is not there")
                return
            }
            #expect(record == ScriptedRecords.record(forKey: "name:site"))
            #expect(Self.status(try Self.resolve("name:nobody", gateway)) == (404, "not_found", false))
            #expect(Self.status(try Self.resolve("site", gateway)) == (400, "bad_request", false))
            #expect(
                Self.status(try Self.resolve("name:fail-index_unavailable", gateway)) == (
                    500, "index_unavailable", false
                ))
            guard case .record = try Self.resolve("name:late-30-x", gateway) else {
                Issue.record("a late answer is not a record")
                return
            }
            let client = try gateway.connect()
            try client.send(WireFrame.resolve("name:late-400-x", correlation: 1))
            try gateway.wait(for: "the request to be open") { gateway.server.openCount == 1 }
            #expect(Self.status(try Self.resolve("name:site", gateway)) == (503, "overloaded", true))
        }
    }

    @Test(arguments: backends) func everyQuestionIsAnsweredOnceEvenAtTheEnd(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind) { gateway in
            let replies = Reply<AdminAnswer>()
            for _ in 0..<50 {
                gateway.server.resolve(key: Array("name:never-x".utf8)) { replies.set($0) }
                gateway.server.resolve(key: Array("name:site".utf8)) { replies.set($0) }
            }
            gateway.server.stop()
            for _ in 0..<50 { gateway.server.resolve(key: Array("name:site".utf8)) { replies.set($0) } }
            gateway.server.join()
            gateway.server.resolve(key: Array("name:site".utf8)) { replies.set($0) }
            let probes = Reply<IndexFailure?>()
            gateway.server.probe { probes.set($0) }
            #expect(replies.count == 151)
            #expect(probes.count == gateway.server.reports.count)
        }
    }

    @Test(arguments: backends) func probingAsksEveryWorker(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind, configure: { $0.workersCount = 3 }) { gateway in
            let probes = Reply<IndexFailure?>()
            gateway.server.probe { probes.set($0) }
            try gateway.wait(for: "three replies") { probes.count == 3 }
            #expect(probes.value == .some(nil))
        }
    }
}
