import Admission
import Gateway
import GatewayRuntime
import GatewayTesting
import OAP
import Reactor
import Testing

/// What presses a running gateway, what it then refuses, and that it comes back. Each input alone, by thresholds of the test's
/// own; the others are out of reach.
@Suite struct PressureMonitorTests {
    static let backends = TestEnvironment.backends

    /// Connections are shed from the first rung on, and it is left soon.
    private static func shedding(at level: Double, refuse: Double = .infinity) -> PressureThresholds.Levels {
        PressureThresholds.Levels(
            degraded: level, shedLowPriority: level, shedConnections: level, refuse: refuse)
    }

    private static func thresholds(
        _ input: WritableKeyPath<PressureThresholds, PressureThresholds.Levels>, _ levels: PressureThresholds.Levels
    ) -> PressureThresholds {
        var thresholds = PressureThresholds.unreachable
        thresholds[keyPath: input] = levels
        thresholds.calmNanoseconds = 100_000_000
        return thresholds
    }

    /// Sends pings, which keep the loops turning, until the rung is there.
    private static func ping(
        _ gateway: TestGateway, _ client: inout RawClient, until rung: PressureLadder.Rung
    ) throws {
        for correlation in 1...2000 as ClosedRange<UInt64> where gateway.server.pressure.rung != rung {
            #expect(try client.ask(.ping(correlation: correlation)).code == 200)
            _ = client.hasNews(withinMilliseconds: 5)
        }
        #expect(gateway.server.pressure.rung == rung)
    }

    private static func steps(_ gateway: TestGateway) -> [PressureLadder.Step] {
        gateway.events.compactMap { if case .pressure(let step) = $0 { step } else { nil } }
    }

    @Test(arguments: backends) func descriptorsShedConnectionsAndComeBack(_ kind: Backend.Kind) throws {
        try TestGateway.run(
            kind,
            configure: {
                $0.connectionDescriptorsMax = 10
                $0.pressure = Self.thresholds(\.descriptors, Self.shedding(at: 0.95))
            }
        ) { gateway in
            var first = try gateway.connect()
            var others = ClientList()
            for _ in 0..<9 {
                var client = try gateway.connect()
                try client.expectAlive()
                others.add(client)
            }
            try Self.ping(gateway, &first, until: .shedConnections)
            #expect(gateway.server.pressure.reason == .descriptors)
            #expect(gateway.server.pressureRung(of: .descriptors) == .shedConnections)
            #expect(gateway.server.pressureRung(of: .memory) == .normal)
            #expect(try RawClient.isReset(gateway.address))
            try gateway.wait(for: "the refusal to be counted") {
                gateway.metric("connections_closed_total{reason=\"pressure\"}") == 1
            }
            #expect(try first.ask(.ping(correlation: 9000)).code == 200, "who is connected is served")
            others = ClientList()
            // Nobody says a word: the worker itself looks whether it is over.
            try gateway.wait(for: "the pressure to be over") { gateway.server.pressure.rung == .normal }
            #expect(gateway.server.pressure.reason == nil)
            var late = try gateway.connect()
            try late.expectAlive()
            let steps = Self.steps(gateway)
            #expect(steps.first == .init(from: .normal, to: .shedConnections, reason: .descriptors))
            #expect(steps.dropFirst().map(\.to) == [.shedLowPriority, .degraded, .normal])
        }
    }

    /// What counts is what ordinary requests may have: the reserve is not theirs.
    @Test(arguments: backends) func aFullConcurrencyLimitDegrades(_ kind: Backend.Kind) throws {
        let gauge = LateIndexGauge()
        try TestGateway.run(
            kind,
            configure: {
                $0.live.policy.openMax = 12
                $0.live.policy.criticalReserve = 2
                $0.pressure = Self.thresholds(
                    \.openRequests, .init(degraded: 0.8, shedLowPriority: 0.95, shedConnections: .infinity))
            }, index: { _ in LateIndex(delayMilliseconds: 300, gauge: gauge) }
        ) { gateway in
            var client = try gateway.connect()
            try client.send((1...8).flatMap { WireFrame.resolve("name:k", correlation: $0).bytes })
            for _ in 1...8 { #expect(try client.frame().code == 200) }
            try Self.ping(gateway, &client, until: .degraded)
            #expect(gateway.server.pressure.reason == .openRequests)
            try gateway.wait(for: "the pressure to be over") { gateway.server.pressure.rung == .normal }
        }
    }

    @Test(arguments: backends) func buffersInUsePress(_ kind: Backend.Kind) throws {
        try TestGateway.run(
            kind,
            configure: {
                $0.bufferBytesMax = 16_777_216
                $0.pressure = Self.thresholds(\.memory, Self.shedding(at: 0.01))
            }
        ) { gateway in
            var client = try gateway.connect()
            var slow = try gateway.connect()
            try slow.expectAlive()
            // A frame of which half has come stands in a block of its own.
            let frame = WireFrame.resolve("name:" + String(repeating: "k", count: 500_000), correlation: 1).bytes
            try slow.send(Array(frame.prefix(250_000)))
            try gateway.wait(for: "the half frame to be kept") {
                gateway.server.reports.contains { $0.blockBytes > 167_772 }
            }
            try Self.ping(gateway, &client, until: .shedConnections)
            #expect(gateway.server.pressure.reason == .memory)
            try slow.send(Array(frame.dropFirst(250_000)))
            #expect(try slow.frame().code == 400)
            try gateway.wait(for: "the pressure to be over") { gateway.server.pressure.rung == .normal }
            #expect(gateway.server.reports.allSatisfy { $0.blockBytes == 0 })
        }
    }

    /// A backend that takes most of a deadline: all but critical requests are refused, and let in again later.
    @Test(arguments: backends) func aSlowBackendRefuses(_ kind: Backend.Kind) throws {
        let gauge = LateIndexGauge()
        try TestGateway.run(
            kind,
            configure: {
                $0.live.limits.requestTimeoutNanoseconds = 5_000_000_000
                $0.live.policy.tenants = [
                    NamedTenant(tenant: 7, name: "critical", quota: TenantQuota(isCritical: true))
                ]
                $0.pressure = Self.thresholds(\.backendLatency, Self.shedding(at: 0.002, refuse: 0.004))
            }, index: { _ in LateIndex(delayMilliseconds: 30, gauge: gauge) }
        ) { gateway in
            var client = try gateway.connect()
            func fill() throws {
                try client.send((1...16).flatMap { WireFrame.resolve("name:k", correlation: $0, tenant: 7).bytes })
                for _ in 1...16 { #expect(try client.frame().code == 200) }
            }
            for _ in 0..<200 where gateway.server.pressure.rung != .refuse { try fill() }
            #expect(gateway.server.pressure == PressureStatus(rung: .refuse, reason: .backendLatency))
            let answer = try client.ask(.resolve("name:k", correlation: 100, tenant: 8))
            #expect(try ErrorAnswer(answer).code == "overloaded")
            #expect(try client.ask(.resolve("name:k", correlation: 101, tenant: 7)).code == 200)
            try gateway.wait(for: "the pressure to be over") { gateway.server.pressure.rung == .normal }
            #expect(try client.ask(.resolve("name:k", correlation: 102, tenant: 8)).code == 200)
        }
    }

    /// A single long turn is the machine's pause and no pressure; long turns one after the other are.
    @Test(arguments: backends) func lateTurnsPress(_ kind: Backend.Kind) throws {
        let log = try StallLog()
        try TestGateway.run(
            kind,
            configure: {
                $0.workersCount = 1
                $0.pressure = Self.thresholds(\.loopLag, Self.shedding(at: 20_000_000))
            }, index: { _ in StallingIndex(periodMilliseconds: 50, stallMilliseconds: 30, log: log) }
        ) { gateway in
            var client = try gateway.connect()
            for correlation in 1...5000 as ClosedRange<UInt64> where gateway.server.pressure.rung == .normal {
                #expect(try client.ask(.resolve("name:k", correlation: correlation)).code == 200)
            }
            #expect(gateway.server.pressure == PressureStatus(rung: .shedConnections, reason: .loopLag))
            #expect(log.all.count > 1)
        }
    }

    @Test(arguments: backends) func theAdaptiveLimitFollowsTheBackend(_ kind: Backend.Kind) throws {
        let gauge = LateIndexGauge()
        try TestGateway.run(
            kind, configure: { $0.live.policy.isAdaptive = true },
            index: { _ in LateIndex(delayMilliseconds: 1, gauge: gauge) }
        ) { gateway in
            #expect(gateway.server.adaptiveLimit == 1024)
            var client = try gateway.connect()
            for _ in 0..<2000 where gateway.server.adaptiveLimit ?? 0 >= 256 {
                try client.send((1...8).flatMap { WireFrame.resolve("name:k", correlation: $0).bytes })
                for _ in 1...8 { #expect(try client.frame().code == 200) }
            }
            let limit = gateway.server.adaptiveLimit ?? 0
            #expect((64..<256).contains(limit), "twice what is used, and no place for a thousand to queue in")
            var live = gateway.server.live
            live.policy.isAdaptive = false
            gateway.server.adopt(live)
            #expect(gateway.server.adaptiveLimit == nil)
        }
    }
}
