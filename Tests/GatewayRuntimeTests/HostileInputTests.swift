import Gateway
import GatewayRuntime
import GatewayTesting
import OAP
import Reactor
import Synchronization
import Testing

/// Whatever arrives, nothing crashes, leaks or disturbs the other connections.
@Suite struct HostileInputTests {
    static let backends = TestEnvironment.backends

    /// A well-behaved client on a thread of its own, which resolves until it is told to end.
    private final class Bystander: Sendable {
        private let isEnding = Atomic<Bool>(false)
        private let resolved = Atomic<Int>(0)
        private let failure = Mutex<String?>(nil)
        private let thread = Mutex<LoopThread?>(nil)

        init(_ address: SocketAddress) throws {
            let thread = try LoopThread(name: "bystander") { [self] in
                do {
                    var client = try RawClient(address)
                    var number: UInt64 = 0
                    while !self.isEnding.load(ordering: .acquiring) {
                        number += 1
                        let answer = try client.ask(.resolve("name:site", correlation: number))
                        guard answer.code == 200, answer.correlation == number else {
                            self.failure.withLock { $0 = "request \(number) got \(answer)" }
                            return
                        }
                        self.resolved.add(1, ordering: .relaxed)
                    }
                } catch {
                    self.failure.withLock { $0 = "\(error)" }
                }
            }
            self.thread.withLock { $0 = thread }
        }

        /// How many resolves succeeded so far; throws what went wrong.
        func resolvedCount() throws -> Int {
            if let failure = self.failure.withLock({ $0 }) { throw Disturbed(description: failure) }
            return self.resolved.load(ordering: .relaxed)
        }

        func end() throws {
            self.isEnding.store(true, ordering: .releasing)
            self.thread.withLock { $0?.join() }
            _ = try self.resolvedCount()
        }
    }

    struct Disturbed: Error, CustomStringConvertible { let description: String }

    /// Runs `attack` beside one bystander per worker, and checks that they were served and that everything came back.
    private static func besideBystanders(_ kind: Backend.Kind, _ attack: (TestGateway) throws -> Void) throws {
        try TestGateway.run(kind, configure: { $0.live.limits.lingerTimeoutNanoseconds = 100_000_000 }) { gateway in
            let bystanders = try (0..<3).map { _ in try Bystander(gateway.address) }
            try attack(gateway)
            // Served throughout without an error, and still served now.
            for bystander in bystanders {
                let before = try bystander.resolvedCount()
                try gateway.wait(for: "a bystander to be served") { (try? bystander.resolvedCount()) != before }
                try bystander.end()
            }
            try gateway.waitUntilQuiet()
        }
    }

    @Test(arguments: backends) func randomBytes(_ kind: Backend.Kind) throws {
        var random = SeededGenerator.fromEnvironment()
        try Self.besideBystanders(kind) { gateway in
            for round in 0..<150 {
                let client = try gateway.connect()
                // Peers that were refused and reset may refuse the rest: that is their right.
                try? client.send(random.bytes(Int(random.next() % (round % 10 == 0 ? 300_000 : 300))))
                if random.oneIn(3) { client.shutdownWrite() }
                if random.oneIn(3) { client.reset() }
            }
        }
    }

    /// Every vector, with whatever end it has, ended in three ways by its sender.
    @Test(arguments: backends) func everyVectorAndEveryEnd(_ kind: Backend.Kind) throws {
        try Self.besideBystanders(kind) { gateway in
            for vector in ProtocolVector.all {
                for ending in 0..<3 {
                    var client = try gateway.connect()
                    try client.send(vector.bytes)
                    switch ending {
                    case 0:
                        client.shutdownWrite()
                        let isOrderly = try client.isOrderlyAtEnd()
                        #expect(isOrderly, "\(vector.name)")
                    case 1:
                        client.reset()
                    default:
                        break
                    }
                }
            }
        }
    }

    @Test(arguments: backends) func halfFramesThenTheEnd(_ kind: Backend.Kind) throws {
        try Self.besideBystanders(kind) { gateway in
            let frame = WireFrame.resolve("name:site").bytes
            for count in 1..<frame.count {
                var client = try gateway.connect()
                try client.send(Array(frame.prefix(count)))
                client.shutdownWrite()
                try client.expectEnd()
            }
        }
    }

    @Test(arguments: backends) func immediateResetsAndCloses(_ kind: Backend.Kind) throws {
        try Self.besideBystanders(kind) { gateway in
            for number in 0..<1000 {
                let client = try gateway.connect()
                if number % 2 == 0 { client.reset() }
            }
            for _ in 0..<100 {
                let client = try gateway.connect()
                try client.send(WireFrame.resolve("name:late-5-x").bytes + WireFrame.resolve("name:site").bytes)
                client.reset()
            }
        }
    }

    /// More than 256 KiB behind a refused header is not read to its end.
    @Test(arguments: backends) func anEndlessSenderBehindARefusedHeader(_ kind: Backend.Kind) throws {
        try Self.besideBystanders(kind) { gateway in
            var bad = WireFrame.ping()
            bad.flags |= 0x8000
            let client = try gateway.connect()
            try client.send(bad)
            let filler = [UInt8](repeating: 0x41, count: 65_536)
            var sent = 0
            while (try? client.send(filler)) != nil { sent += filler.count }
            #expect(sent < 64 * 1_048_576, "the gateway ended it")
        }
    }
}
