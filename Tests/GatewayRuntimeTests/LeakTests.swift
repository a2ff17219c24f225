import Gateway
import GatewayRuntime
import GatewayTesting
import Glibc
import OAP
import Reactor
import Testing

/// Descriptors of the whole process, counted in a process of their own where no other test opens any.
@Suite struct LeakTests {
    /// Starts, load of every kind, and ends of every kind; then every descriptor is closed.
    static func checkDescriptors(_ kind: Backend.Kind) throws {
        try self.load(kind, connections: 3)
        let baseline = ProcessFacts.descriptorsOpen
        for _ in 0..<3 { try self.load(kind, connections: 60) }
        try self.drained(kind)
        let failure = try? self.failedStart(kind)
        precondition(failure == nil, "the second gateway started")
        let left = ProcessFacts.descriptorsOpen
        precondition(baseline > 0 && left == baseline, "\(kind): \(left) descriptors are open, \(baseline) were before")
    }

    private static func load(_ kind: Backend.Kind, connections: Int) throws {
        try TestGateway.run(kind) { gateway in
            var clients = ClientList()
            for number in 0..<connections {
                let client = try gateway.connect()
                switch number % 4 {
                case 0: try client.send(WireFrame.resolve("name:never-x", correlation: 1))
                case 1: try client.send(Array(WireFrame.ping().bytes.prefix(20)))
                case 2: client.reset(); continue
                default: try client.send([UInt8](repeating: 0xFF, count: 100))
                }
                clients.add(client)
            }
            for index in 0..<(clients.count / 2) { clients.close(at: index) }
        }
    }

    private static func drained(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind) { gateway in
            var client = try gateway.connect()
            try client.expectResolved()
            gateway.server.drain()
            gateway.server.join()
        }
    }

    private static func failedStart(_ kind: Backend.Kind) throws -> Int {
        try TestGateway.run(kind) { gateway in
            let configuration = RuntimeConfiguration(address: gateway.address, workersCount: 2)
            let second = try GatewayServer.start(
                configuration, backend: gateway.server.backend, makeIndex: { _ in ScriptedIndex() }, tell: { _ in })
            second.stop()
            second.join()
        }
        return 1
    }

    /// Connections beyond the process's descriptors are reset instead of left waiting, cost nobody his connection, and are
    /// served again once there is room.
    ///
    /// Each connection takes a descriptor on either side, so that only at some limits a client gets the last one.
    /// io_uring notes the limit when it begins to accept: it is lowered before the gateway starts.
    static func checkExhaustion(_ kind: Backend.Kind) throws {
        var open = 0
        try TestGateway.run(kind, configure: { $0.workersCount = 1 }) { _ in open = ProcessFacts.descriptorsOpen }
        let ranOut = try (12..<18).contains { spare in
            Self.limitDescriptors(open + spare)
            return try Self.exhaust(kind)
        }
        precondition(ranOut, "descriptors never ran out")
    }

    private enum Attempt { case served, reset, ownDescriptorsSpent }

    private static func attempt(_ gateway: TestGateway, _ clients: inout ClientList) throws -> Attempt {
        do {
            var client = try gateway.connect()
            guard try client.ask(.ping("in")).text == "in" else { return .reset }
            clients.add(client)
            return .served
        } catch let error as SystemError {
            if error.name == "EMFILE" { return .ownDescriptorsSpent }
            precondition(["ECONNRESET", "EPIPE"].contains(error.name), "\(error)")
            return .reset
        } catch RawClient.Failure.ended {
            return .reset
        }
    }

    /// True when a connection was reset for want of a descriptor.
    private static func exhaust(_ kind: Backend.Kind) throws -> Bool {
        var resets: UInt64 = 0
        try TestGateway.run(kind, configure: { $0.workersCount = 1 }) { gateway in
            var clients = ClientList()
            attempts: while resets < 5 {
                switch try Self.attempt(gateway, &clients) {
                case .served: break
                case .reset: resets += 1
                case .ownDescriptorsSpent: break attempts
                }
            }
            precondition(clients.count > 4)
            try clients.forEach { try $0.expectResolved() }
            guard resets > 0 else { return }
            precondition(resets == 5, "the first was reset and a later one was not")
            precondition(gateway.metric("connections_closed_total{reason=\"descriptors\"}") == 5)
            let told = gateway.events.count {
                if case .acceptFailed(let error) = $0 { error.name == "EMFILE" } else { false }
            }
            precondition(told == 1, "told \(told) times")
            clients.close(at: 0)
            try gateway.wait(for: "a connection to be served again") {
                (try? Self.attempt(gateway, &clients)) == .served
            }
            try clients.forEach { try $0.expectResolved() }
        }
        return resets > 0
    }

    private static func limitDescriptors(_ count: Int) {
        var limits = rlimit()
        precondition(unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0)
        limits.rlim_cur = rlim_t(count)
        precondition(unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0)
    }

    /// Runs a check in a child and says there what went wrong.
    static func orExplain(_ check: () throws -> Void) {
        do {
            try check()
        } catch {
            fatalError("\(error)")
        }
    }

    @Test func epollSurvivesWantOfDescriptors() async {
        await #expect(processExitsWith: .success) {
            LeakTests.orExplain { try LeakTests.checkExhaustion(.epoll) }
        }
    }

    @Test(
        .enabled(if: TestEnvironment.uringProblem == nil, "io_uring is not here: \(TestEnvironment.uringProblem ?? "")")
    )
    func ioUringSurvivesWantOfDescriptors() async {
        await #expect(processExitsWith: .success) {
            LeakTests.orExplain { try LeakTests.checkExhaustion(.uring) }
        }
    }

    @Test func epollReturnsEveryDescriptor() async {
        await #expect(processExitsWith: .success) {
            LeakTests.orExplain { try LeakTests.checkDescriptors(.epoll) }
        }
    }

    @Test(
        .enabled(if: TestEnvironment.uringProblem == nil, "io_uring is not here: \(TestEnvironment.uringProblem ?? "")")
    )
    func ioUringReturnsEveryDescriptor() async {
        await #expect(processExitsWith: .success) {
            LeakTests.orExplain { try LeakTests.checkDescriptors(.uring) }
        }
    }
}
