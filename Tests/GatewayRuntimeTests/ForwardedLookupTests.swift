import Admission
import Forwarding
import Foundation
import Gateway
import GatewayRuntime
import GatewayTesting
import OAP
import Reactor
import Synchronization
import Testing

/// Lookups that another process answers: a second gateway in this one, over real sockets.
@Suite struct ForwardedLookupTests {
    static let backends = TestEnvironment.backends
    /// For a backend that is not there.
    private static let short: UInt64 = 50_000_000

    /// A socket of this test's own, in a directory that is short enough for one.
    private static func socketPath() -> String { "/tmp/oap-\(UInt64.random(in: .min ... .max)).sock" }

    /// A gateway behind a gateway.
    private static func run(
        _ kind: Backend.Kind, isUnix: Bool = false,
        backend configureBackend: (inout RuntimeConfiguration) -> Void = { _ in },
        configure: (inout RuntimeConfiguration) -> Void = { _ in }, _ body: (TestGateway, TestGateway) throws -> Void
    ) throws {
        let path = isUnix ? Self.socketPath() : nil
        try TestGateway.run(
            kind,
            configure: {
                $0.unixPath = path
                configureBackend(&$0)
            }
        ) { backend in
            let endpoint = path.map { EndpointAddress.unix(path: $0) } ?? .tcp(backend.address)
            try TestGateway.run(kind, forwardingTo: [endpoint], configure: configure) { gateway in
                try Self.waitUntilReady(gateway)
                try body(gateway, backend)
            }
        }
    }

    private static func waitUntilReady(_ gateway: TestGateway) throws {
        try gateway.wait(for: "the backend to be ready on every worker") {
            let told = Mutex((heard: 0, ready: 0))
            gateway.server.probe { failure in
                told.withLock {
                    $0.heard += 1
                    $0.ready += failure == nil ? 1 : 0
                }
            }
            let count = gateway.server.reports.count
            guard (try? gateway.wait(for: "the probe") { told.withLock { $0.heard } == count }) != nil else {
                return false
            }
            return told.withLock { $0.ready } == count
        }
    }

    /// Everything that a client can tell is what an embedded index would have answered.
    @Test(arguments: backends, [false, true]) func answersAreThoseOfTheBackend(_ kind: Backend.Kind, isUnix: Bool)
        throws
    {
        try Self.run(kind, isUnix: isUnix) { gateway, _ in
            var client = try gateway.connect()
            for correlation in 1...20 as ClosedRange<UInt64> { try client.expectResolved(correlation: correlation) }
            try client.expectRefusal(.resolve("name:nobody", correlation: 21), ExpectedError(404, "not_found"))
            try client.expectRefusal(.resolve("no key", correlation: 22), ExpectedError(400, "bad_request"))
            try client.expectRefusal(
                .resolve("name:fail-index_unavailable", correlation: 23),
                ExpectedError(500, "index_unavailable", retryable: true))
            try client.expectRefusal(
                .resolve("name:fail-overloaded", correlation: 26), ExpectedError(503, "overloaded", retryable: true))
            let many = try client.ask(.resolveMany(json: #"["name:site","name:nobody"]"#, correlation: 24))
            let record = String(decoding: ScriptedRecords.record(forKey: "name:site"), as: UTF8.self)
            #expect(many.code == 200 && many.text == "[\(record),null]")
            let large = try client.ask(.resolve("name:large", correlation: 25))
            #expect(large.code == 200 && large.payload.count == IndexRecord.jsonBytesMax)
            try client.expectAlive()
        }
    }

    /// Many clients with the same correlations, deep in a pipeline: everybody gets all of the own answers once, by the own tenant.
    @Test(arguments: backends) func nobodyGetsAnothersAnswer(_ kind: Backend.Kind) throws {
        let keys = (0..<64).map { "name:of-client-\($0)" }
        let records = Dictionary(uniqueKeysWithValues: keys.map { ($0, ScriptedRecords.record(forKey: $0)) })
        try TestGateway.run(
            kind, configure: { $0.live.policy.inflightPerConnectionMax = 256 },
            index: { _ in ScriptedIndex(records: records) }
        ) { backend in
            try TestGateway.run(kind, forwardingTo: [.tcp(backend.address)]) { gateway in
                try Self.waitUntilReady(gateway)
                var clients = ClientList()
                for _ in keys { clients.add(try gateway.connect()) }
                for round in 0..<10 {
                    for (number, key) in keys.enumerated() {
                        try clients.with(number) { client in
                            let frames = (0..<16).map { deep in
                                WireFrame.resolve(
                                    key, correlation: UInt64(round * 16 + deep), tenant: UInt128(number + 1))
                            }
                            try client.send(frames.flatMap(\.bytes))
                        }
                    }
                    for (number, key) in keys.enumerated() {
                        try clients.with(number) { client in
                            var seen: Set<UInt64> = []
                            for _ in 0..<16 {
                                let answer = try client.frame()
                                #expect(answer.code == 200 && answer.tenant == UInt128(number + 1))
                                #expect(answer.payload == records[key])
                                seen.insert(answer.correlation)
                            }
                            #expect(seen == Set((0..<16).map { UInt64(round * 16 + $0) }))
                        }
                    }
                }
                #expect(gateway.server.openCount == 0)
            }
        }
    }

    /// No backend at the start: the gateway runs and says why it answers nothing, by the errno's name. When the backend comes it
    /// serves, without a restart; when it goes and comes again, too.
    @Test(arguments: backends) func aBackendMayComeAndGo(_ kind: Backend.Kind) throws {
        let path = Self.socketPath()
        try TestGateway.run(kind, forwardingTo: [.unix(path: path)], patienceNanoseconds: Self.short) { gateway in
            var client = try gateway.connect()
            try client.expectRefusal(
                .resolve("name:site", correlation: 1), ExpectedError(500, "index_unavailable", retryable: true))
            #expect(
                Self.troubles(gateway).contains { $0 == "connect ENOENT (unix:\(path))" }, "\(Self.troubles(gateway))")
            for _ in 0..<3 {
                try TestGateway.run(kind, configure: { $0.unixPath = path }) { _ in
                    try Self.waitUntilReady(gateway)
                    for correlation in 2...9 as ClosedRange<UInt64> {
                        try client.expectResolved(correlation: correlation)
                    }
                }
                try client.expectRefusal(
                    .resolve("name:site", correlation: 10), ExpectedError(500, "index_unavailable", retryable: true))
            }
        }
    }

    private static func troubles(_ gateway: TestGateway) -> [String] {
        gateway.events.compactMap { if case .backendFailed(let detail) = $0 { detail } else { nil } }
    }

    /// What a dead TCP listener is called in the log.
    @Test(arguments: backends) func aDeadListenerIsNamed(_ kind: Backend.Kind) throws {
        let address = try Self.unusedAddress()
        try TestGateway.run(kind, forwardingTo: [.tcp(address)], patienceNanoseconds: Self.short) { gateway in
            var client = try gateway.connect()
            try client.expectRefusal(
                .resolve("name:site", correlation: 1), ExpectedError(500, "index_unavailable", retryable: true))
            #expect(
                Self.troubles(gateway).contains("connect ECONNREFUSED (tcp:\(address))"), "\(Self.troubles(gateway))")
        }
    }

    private static func unusedAddress() throws -> SocketAddress {
        let listener = try Listener(SocketAddress(host: "127.0.0.1", port: 0), shared: false, backlog: 1)
        let address = listener.address
        listener.close()
        return address
    }

    /// A backend with less room than the gateway is sent: whoever waits too long for it is told that there is too much, and not
    /// that the index is broken.
    @Test(arguments: backends) func aFullBackendIsOverload(_ kind: Backend.Kind) throws {
        let gauge = LateIndexGauge()
        try TestGateway.run(
            kind,
            configure: {
                $0.workersCount = 1
                $0.live.policy.inflightPerConnectionMax = 2
            }, index: { _ in LateIndex(delayMilliseconds: 300, gauge: gauge) }
        ) { backend in
            try TestGateway.run(
                kind, forwardingTo: [.tcp(backend.address)], patienceNanoseconds: Self.short,
                configure: { $0.workersCount = 1 }
            ) { gateway in
                try Self.waitUntilReady(gateway)
                var client = try gateway.connect()
                try client.send((1...4).flatMap { WireFrame.resolve("name:k", correlation: UInt64($0)).bytes })
                var codes: [UInt64: UInt16] = [:]
                for _ in 1...4 {
                    let answer = try client.frame()
                    codes[answer.correlation] = answer.code
                }
                #expect(codes == [1: 200, 2: 200, 3: 503, 4: 503])
                #expect(gauge.peak == 2)
            }
        }
    }

    /// Requests of a mebibyte wait for a backend that is not there, more than there is memory for: those are refused, the others
    /// answered when it comes, on the one connection that they share, and everybody has exactly one answer.
    @Test(arguments: backends) func largeRequestsWaitWithinBounds(_ kind: Backend.Kind) throws {
        let path = Self.socketPath()
        try TestGateway.run(
            kind, forwardingTo: [.unix(path: path)], patienceNanoseconds: 20_000_000_000,
            configure: {
                $0.workersCount = 1
                $0.live.limits.requestTimeoutNanoseconds = 20_000_000_000
                // Waiting for it is what this is about.
                $0.backend?.settings.failuresMax = 1_000_000
            }
        ) { gateway in
            var client = try gateway.connect()
            let key = #"["name:site"]"#
            let padding = String(repeating: " ", count: (1 << 20) - WireFrame.headerBytes - key.utf8.count)
            var codes: [UInt64: UInt16] = [:]
            for correlation in 1...7 as ClosedRange<UInt64> {
                try client.send(.resolveMany(json: key + padding, correlation: correlation))
            }
            // Four are kept; what is refused is refused now.
            for _ in 1...3 {
                let answer = try client.frame()
                codes[answer.correlation] = answer.code
            }
            #expect(codes.count == 3 && codes.values.allSatisfy { $0 == 503 }, "\(codes)")
            try TestGateway.run(kind, configure: { $0.unixPath = path }) { _ in
                for _ in 1...4 {
                    let answer = try client.frame()
                    codes[answer.correlation] = answer.code
                    #expect(answer.code == 200)
                }
                try client.expectAlive()
                #expect(gateway.metric(#"backend_connections_lost_total{reason="ended"}"#) == 0)
            }
            #expect(codes.count == 7, "\(codes)")
        }
    }

    /// A backend that answers every lookup with an error of its own is left out, and that is said as what it is.
    @Test(arguments: backends) func aBackendThatFailsIsLeftOut(_ kind: Backend.Kind) throws {
        try Self.run(kind, configure: { $0.workersCount = 1 }) { gateway, _ in
            var client = try gateway.connect()
            for correlation in 1...20 as ClosedRange<UInt64> {
                try client.expectRefusal(
                    .resolve("name:fail-index_unavailable", correlation: correlation),
                    ExpectedError(500, "index_unavailable", retryable: true))
            }
            #expect(try #require(gateway.metric("backend_ejections_total")) > 0)
        }
    }

    /// A backend that never answers: the client hears of it at its deadline, and late answers reach nobody.
    @Test(arguments: backends) func aSilentBackendIsADeadline(_ kind: Backend.Kind) throws {
        let gauge = LateIndexGauge()
        try TestGateway.run(kind, index: { _ in LateIndex(delayMilliseconds: 400, gauge: gauge) }) { backend in
            try TestGateway.run(
                kind, forwardingTo: [.tcp(backend.address)],
                configure: { $0.live.limits.requestTimeoutNanoseconds = 100_000_000 }
            ) { gateway in
                try Self.waitUntilReady(gateway)
                var client = try gateway.connect()
                for correlation in 1...3 as ClosedRange<UInt64> {
                    try client.expectRefusal(
                        .resolve("name:k", correlation: correlation),
                        ExpectedError(408, "deadline_exceeded", retryable: true))
                }
                try backend.wait(for: "the late answers") { gauge.pending == 0 }
                try client.expectAlive()
                let hasNews = client.hasNews(withinMilliseconds: 50)
                #expect(!hasNews)
            }
        }
    }

    /// A backend that speaks something else is dropped, and nobody hangs.
    @Test(arguments: backends) func garbageIsDropped(_ kind: Backend.Kind) throws {
        let peer = try GarbagePeer()
        try TestGateway.run(kind, forwardingTo: [.tcp(peer.address)], patienceNanoseconds: Self.short) { gateway in
            var client = try gateway.connect()
            for correlation in 1...4 as ClosedRange<UInt64> {
                try client.expectRefusal(
                    .resolve("name:site", correlation: correlation),
                    ExpectedError(500, "index_unavailable", retryable: true))
            }
            #expect(Self.troubles(gateway).contains { $0.contains("malformed") }, "\(Self.troubles(gateway))")
        }
        peer.stop()
    }

    /// The admin port asks the same backend.
    @Test(arguments: backends) func theAdminPortIsForwardedToo(_ kind: Backend.Kind) throws {
        try Self.run(kind) { gateway, _ in
            for (key, isFound) in [("name:site", true), ("name:nobody", false)] {
                let answer = Mutex<AdminAnswer?>(nil)
                gateway.server.resolve(key: Array(key.utf8)) { given in answer.withLock { $0 = given } }
                try gateway.wait(for: "the answer") { answer.withLock { $0 } != nil }
                switch answer.withLock({ $0 }) {
                case .record(let record): #expect(isFound && record == ScriptedRecords.record(forKey: key))
                case .refused(let status, _, _, _, _): #expect(!isFound && status == 404)
                default: Issue.record("\(key)")
                }
            }
        }
    }

    /// Somebody else's socket, and something that is none, are left alone; what a dead process has left is replaced.
    @Test(arguments: backends) func aSocketIsNotTakenFromAnybody(_ kind: Backend.Kind) throws {
        let path = Self.socketPath()
        try TestGateway.run(kind, configure: { $0.unixPath = path }) { _ in
            #expect(throws: StartFailure.self) { try TestGateway.run(kind, configure: { $0.unixPath = path }) { _ in } }
        }
        let stale = try UnixListener(path: path, backlog: 1, count: 1)
        for descriptor in stale.descriptors { Connector.close(descriptor) }
        try TestGateway.run(kind, configure: { $0.unixPath = path }) { gateway in
            // Whoever ends late leaves the file of its successor.
            stale.removeFile()
            let link = try Connector.begin(to: .unix(path: path), nonBlocking: false)
            Connector.close(link)
            try gateway.wait(for: "the connection to be seen") { gateway.metric("connections_accepted_total") == 1 }
        }
        #expect(throws: SystemError.self) { try Connector.begin(to: .unix(path: path), nonBlocking: false) }
        #expect(throws: StartFailure.self) {
            try TestGateway.run(kind, configure: { $0.unixPath = "/etc/hostname" }) { _ in }
        }
        #expect(throws: StartFailure.self) {
            try TestGateway.run(kind, configure: { $0.unixPath = "/tmp/" + String(repeating: "x", count: 104) }) { _ in
            }
        }
    }
}

/// Accepts connections and sends what is no frame.
private final class GarbagePeer: Sendable {
    let address: SocketAddress
    private let stopped = Atomic<Bool>(false)
    private let thread = Mutex<LoopThread?>(nil)

    init() throws {
        let listener = try Listener(SocketAddress(host: "127.0.0.1", port: 0), shared: false, backlog: 16)
        self.address = listener.address
        let descriptor = listener.intoDescriptor()
        let address = self.address
        let stopped: @Sendable () -> Bool = { [weak self] in self?.stopped.load(ordering: .acquiring) ?? true }
        let pause = try Waker()
        let thread = try LoopThread(name: "garbage") {
            var open: [Int32] = []
            while !stopped() {
                if let accepted = Listener.acceptPending(descriptor, nonBlocking: false) {
                    let text = Array("HTTP/1.1 200 OK\r\n\r\nthis is another protocol".utf8)
                    _ = unsafe text.withUnsafeBufferPointer { unsafe write(accepted, $0.baseAddress, $0.count) }
                    open.append(accepted)
                } else {
                    pause.waitForWake(timeoutMilliseconds: 1)
                }
            }
            for accepted in open { Connector.close(accepted) }
            Listener(adopting: descriptor, address: address).close()
        }
        self.thread.withLock { $0 = thread }
    }

    func stop() {
        self.stopped.store(true, ordering: .releasing)
        self.thread.withLock { $0 }?.join()
    }
}
