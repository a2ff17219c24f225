import Admission
import Gateway
import GatewayRuntime
import GatewayTesting
import OAP
import Reactor
import Synchronization
import Testing

/// Time and memory have maxima. The timeouts here are short so that they happen; how long they take is not asserted.
@Suite struct LimitTests {
    static let backends = TestEnvironment.backends
    static let millisecond: UInt64 = 1_000_000

    /// True once the gateway has told that it ended a connection for this reason.
    private static func waitForEnd(_ reason: String, _ gateway: TestGateway) throws {
        try gateway.wait(for: "a connection to be ended for \(reason)") {
            gateway.events.contains { event in
                guard case .connectionEnded(_, reason) = event else { return false }
                return true
            }
        }
    }

    /// A day's quota ends at midnight UTC, however long the machine has been up.
    @Test(arguments: backends) func aDayEndsAtMidnight(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind, configure: { $0.live.policy.tenantDefault.requestsPerDay = 2 }) { gateway in
            var client = try gateway.connect()
            let day: UInt64 = 86_400_000
            let before = WallClock.nowUnixNanoseconds() / 1_000_000
            var refused: ErrorAnswer?
            for correlation in 1...5 as ClosedRange<UInt64> where refused == nil {
                let answer = try client.ask(.resolve("name:site", correlation: correlation, tenant: 3))
                if answer.code != 200 { refused = try ErrorAnswer(answer) }
            }
            let after = WallClock.nowUnixNanoseconds() / 1_000_000
            let retry = try #require(refused?.retryAfterMilliseconds)
            #expect(refused?.code == "quota_exhausted")
            // Midnight and up to a minute of jitter; the test may stand on both sides of one.
            let isTrue = [before, after].contains { now in
                let left = day - now % day
                return retry + 2 + (after - before) >= left && retry <= left + 60_001
            }
            #expect(isTrue, "\(retry) ms")
        }
    }

    @Test(arguments: backends) func aTricklerIsClosed(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind, configure: { $0.live.limits.readTimeoutNanoseconds = 100 * Self.millisecond }) {
            gateway in
            var client = try gateway.connect()
            let frame = WireFrame.resolve("name:site").bytes
            try client.expectAlive("before it trickles")
            var sent = 0
            // A byte now and then: less than the minimum of progress. It never sends the last byte.
            while sent < frame.count - 1, !client.hasNews(withinMilliseconds: 10) {
                try client.send([frame[sent]])
                sent += 1
            }
            let isOrderly = try client.isOrderlyAtEnd()
            #expect(isOrderly)
            try Self.waitForEnd("read_timeout", gateway)
            try gateway.waitUntilQuiet()
        }
    }

    @Test(arguments: backends) func aFrameThatStopsIsClosedAndACompleteOneIsNot(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind, configure: { $0.live.limits.readTimeoutNanoseconds = 100 * Self.millisecond }) {
            gateway in
            var stopped = try gateway.connect()
            try stopped.send(Array(WireFrame.resolve("name:site").bytes.prefix(40)))
            var patient = try gateway.connect()
            try patient.expectResolved()
            try stopped.expectEnd()
            try patient.expectResolved()
        }
    }

    @Test(arguments: backends) func anIdleConnectionIsClosed(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind, configure: { $0.live.limits.idleTimeoutNanoseconds = 100 * Self.millisecond }) {
            gateway in
            var silent = try gateway.connect()
            var polite = try gateway.connect()
            try polite.expectResolved()
            try silent.expectEnd()
            try polite.expectEnd()
            try Self.waitForEnd("idle_timeout", gateway)
            try gateway.waitUntilQuiet()
        }
    }

    /// Nothing is idle while a request is open, however long it takes.
    @Test(arguments: backends) func anOpenRequestIsNotIdle(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind, configure: { $0.live.limits.idleTimeoutNanoseconds = 100 * Self.millisecond }) {
            gateway in
            var client = try gateway.connect()
            let answer = try client.ask(.resolve("name:late-500-x", correlation: 4))
            #expect(answer.code == 200 && answer.correlation == 4)
        }
    }

    /// A peer that asks and does not read: it is closed after a bounded backlog, and the others are served.
    @Test(arguments: backends) func aSlowReaderIsClosedAfterABoundedBacklog(_ kind: Backend.Kind) throws {
        let backlogMax = 131_072
        try TestGateway.run(
            kind,
            configure: {
                $0.live.limits.outputBacklogBytesMax = backlogMax
                $0.live.limits.outputStallTimeoutNanoseconds = 300 * Self.millisecond
            }
        ) { gateway in
            let bytesPeak = Peak()
            let slow = try gateway.connect()
            slow.shrinkKernelBuffers()
            let request = WireFrame.resolve("name:large", correlation: 1).bytes
            let burst = Array(repeatElement(request, count: 64).joined())
            let isOver = Flag()
            let watcher = try LoopThread(name: "watcher") { [server = gateway.server] in
                do {
                    var client = try RawClient(server.address)
                    while !isOver.isSet {
                        try client.expectResolved()
                        bytesPeak.note(server.bufferBytesUsed)
                    }
                } catch {
                    Issue.record("the other connection: \(error)")
                }
            }
            // Blocks while the gateway does not read, and fails once it has closed.
            var bursts = 0
            while bursts < 100_000, (try? slow.send(burst)) != nil { bursts += 1 }
            isOver.set()
            watcher.join()
            #expect(bursts < 100_000)
            try Self.waitForEnd("slow_reader", gateway)
            try gateway.waitUntilQuiet()
            // The backlog, one answer on top, its double while it grows, and the small change of the other connection.
            #expect(bytesPeak.value < 2_000_000)
        }
    }

    final class Peak: Sendable {
        private let peak = Atomic<Int>(0)
        var value: Int { self.peak.load(ordering: .acquiring) }
        func note(_ value: Int) { _ = self.peak.max(value, ordering: .acquiringAndReleasing) }
    }

    final class Flag: Sendable {
        private let value = Atomic<Bool>(false)
        var isSet: Bool { self.value.load(ordering: .acquiring) }
        func set() { self.value.store(true, ordering: .releasing) }
    }

    @Test(arguments: backends) func connectionsHaveAMaximum(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind, configure: { $0.live.limits.connectionsMax = 5 }) { gateway in
            var clients = ClientList()
            for _ in 0..<5 {
                var client = try gateway.connect()
                try client.expectAlive()
                clients.add(client)
            }
            for _ in 0..<10 {
                #expect(try RawClient.isReset(gateway.address))
            }
            #expect(gateway.server.connectionsOpen == 5)
            try clients.forEach { try $0.expectAlive("those who were first stay") }
            clients.close(at: 2)
            try gateway.waitUntilQuiet(connections: 4)
            var next = try gateway.connect()
            try next.expectAlive("a place is free again")
            #expect(gateway.events.contains { if case .connectionRefused(5) = $0 { true } else { false } })
        }
    }

    /// Buffers have one budget: when it is spent the peer that wants more is ended, and the others go on.
    @Test(arguments: backends) func theBufferBudgetIsAHardLimit(_ kind: Backend.Kind) throws {
        try TestGateway.run(kind, configure: { $0.bufferBytesMax = 400_000 }) { gateway in
            var good = try gateway.connect()
            try good.expectResolved()
            var announced = WireFrame.resolve("name:site", correlation: 6)
            announced.announcedLength = 1_000_000
            let greedy = try gateway.connect()
            try greedy.send(announced.bytes)
            // More than the budget holds: what arrives behind the refusal is discarded.
            try? greedy.send([UInt8](repeating: 0x20, count: 700_000))
            let isOver = greedy.hasNews(withinMilliseconds: 10_000)
            #expect(isOver)
            #expect(gateway.server.bufferBytesUsed <= 400_000)
            try good.expectResolved()
        }
    }
}
