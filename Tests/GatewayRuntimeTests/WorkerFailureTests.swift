import Admission
import Gateway
import GatewayRuntime
import GatewayTesting
import OAP
import Reactor
import Synchronization
import Testing

/// A kernel that fails in mid-run costs its worker's sessions and nothing else.
@Suite struct WorkerFailureTests {
    private final class Events: Sendable {
        private let held = Mutex<[RuntimeEvent]>([])
        var failures: [(worker: Int, error: SystemError)] {
            self.held.withLock { $0 }.compactMap {
                if case .workerFailed(let worker, let error) = $0 { (worker, error) } else { nil }
            }
        }
        func append(_ event: RuntimeEvent) { self.held.withLock { $0.append(event) } }
    }

    private struct Vain: Error { let waitedFor: String }

    private static func wait(for what: String, _ condition: () -> Bool) throws {
        let pause = try Waker()
        for _ in 0..<5000 {
            if condition() { return }
            pause.waitForWake(timeoutMilliseconds: 2)
        }
        throw Vain(waitedFor: what)
    }

    /// Two workers on kernels of their own, of which the first one's fails when the test says so.
    private static func run(
        _ kind: Backend.Kind, _ body: (GatewayServer, KernelFault, Events) throws -> Void
    ) throws {
        let fault = KernelFault()
        let events = Events()
        let never = KernelFault()
        var configuration = RuntimeConfiguration(address: SocketAddress(host: "127.0.0.1", port: 0), workersCount: 2)
        configuration.live.policy.source.connectionsMax = 10_000
        let backend = try Backend.probe(.only(kind))
        let server: GatewayServer
        switch kind {
        case .uring:
            server = try GatewayServer.start(
                configuration, backend: backend,
                makeKernel: { (number) throws(SystemError) in
                    HookedKernel(try UringKernel(), number == 0 ? fault.hook : never.hook)
                },
                makeIndex: { _ in ScriptedIndex() }, tell: { events.append($0) })
        case .epoll:
            server = try GatewayServer.start(
                configuration, backend: backend,
                makeKernel: { (number) throws(SystemError) in
                    HookedKernel(try EpollKernel(), number == 0 ? fault.hook : never.hook)
                },
                makeIndex: { _ in ScriptedIndex() }, tell: { events.append($0) })
        }
        defer {
            server.stop()
            server.join()
        }
        server.serve()
        try body(server, fault, events)
    }

    @Test(arguments: TestEnvironment.backends) func theOthersGoOn(_ kind: Backend.Kind) throws {
        try Self.run(kind) { server, fault, events in
            var clients = ClientList()
            // The kernel spreads connections by their ports: soon both workers have some.
            while server.reports.contains(where: { $0.connections < 3 }) {
                guard clients.count < 200 else { throw Vain(waitedFor: "connections on both workers") }
                var client = try RawClient(server.address)
                try client.expectAlive()
                clients.add(client)
            }
            let lost = server.reports[0].connections
            let kept = server.reports[1].connections
            try clients.forEach { try $0.send(WireFrame.resolve("name:never-x", correlation: 7)) }
            try Self.wait(for: "all to be open") { server.openCount == clients.count }

            fault.fail()
            // A letter to each worker ends its sleep.
            server.probe { _ in }
            try Self.wait(for: "the failure to be told") { !events.failures.isEmpty }
            #expect(events.failures.map(\.worker) == [0])
            #expect(events.failures.first?.error == KernelFault.error)

            var ended = 0
            var served = 0
            try clients.forEach { client in
                do {
                    try client.expectAlive()
                    served += 1
                } catch is SystemError, is RawClient.Failure {
                    ended += 1
                }
            }
            #expect(ended == lost && served == kept, "each client of the failed worker has learnt of it at once")
            #expect(server.connectionsOpen == kept)
            #expect(server.sourceSeatsTaken == kept, "what their address had open is given back")
            #expect(server.openCount == kept, "the lost requests' permits are back")
            for _ in 0..<20 {
                var client = try RawClient(server.address)
                try client.expectResolved()
            }
            // Nobody waits for ever for a worker that is gone.
            let replies = Atomic<Int>(0)
            server.probe { _ in replies.add(1, ordering: .relaxed) }
            try Self.wait(for: "an answer in the name of each worker") { replies.load(ordering: .relaxed) == 2 }
            server.stop()
            server.join()
            #expect(SocketTable.ownSocketsBound(toPort: server.address.port) == 0, "its sockets are closed")
        }
    }
}
