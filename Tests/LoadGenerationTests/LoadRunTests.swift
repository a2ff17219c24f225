import Admission
import GatewayRuntime
import GatewayTesting
import LoadReport
import OAP
import Reactor
import Testing

@testable import LoadGeneration

/// The engine against real gateways, on every backend that there is.
@Suite(.serialized) struct LoadRunTests {
    private static let open = LoadMode.open(ArrivalPlan(rate: 2000))

    @Test(arguments: LoadFixture.backends, Workload.allCases)
    func everyWorkloadIsAnswered(backend: Backend.Kind, workload: Workload) throws {
        try TestGateway.run(backend, index: { _ in LoadFixture.index(["a", "b", "c"]) }) { gateway in
            for mode in [Self.open, .closed] {
                var plan = LoadFixture.plan(gateway.address, backend, mode)
                plan.workload = workload
                plan.keys = try LoadFixture.keys("a", "b", "c")
                plan.keysPerRequest = 5
                plan.payloadBytes = 61
                let report = try LoadFixture.run(plan)
                #expect(report.outcome.errors == 0 && report.outcome.invalidAnswers == 0, "\(report.outcome)")
                #expect(report.statuses.map(\.status) == [200])
                #expect(report.latency.count == report.outcome.answers)
                #expect(report.outcome.inFlightMax <= 32 && report.outcome.inFlightMax > 0)
                switch mode {
                case .open:
                    #expect(report.outcome.requestsDue == 600)
                    #expect(report.scheduleLag.count == 600)
                    #expect(report.serviceTime.max <= report.latency.max)
                case .closed: #expect(report.outcome.requestsDue > 32)
                }
            }
        }
    }

    /// Every key is asked for by the share that is its due, and what is made up is a 404 that counts as success.
    @Test(arguments: LoadFixture.backends, [Workload.resolve, .resolveMany])
    func absentKeysAreExpectedToBeAbsent(backend: Backend.Kind, workload: Workload) throws {
        try TestGateway.run(backend, index: { _ in LoadFixture.index(["a", "b"]) }) { gateway in
            var plan = LoadFixture.plan(gateway.address, backend, Self.open)
            plan.workload = workload
            plan.keys = try LoadFixture.keys("a", "b")
            plan.hitRatio = 0.5
            let report = try LoadFixture.run(plan)
            #expect(report.outcome.errors == 0, "\(report.statuses)")
            #expect(report.latency.count == 600)
            guard workload == .resolve else { return }
            #expect(report.statuses.map(\.status) == [200, 404])
            // Six standard deviations.
            #expect(abs(Int(report.statuses[1].count) - 300) < 74)
            #expect(report.statuses[1].code == "not_found" && report.statuses[1].isExpected)
        }
    }

    /// A key that should be there and is not is an error, and so is a list with a null in its place.
    @Test(arguments: LoadFixture.backends, [Workload.resolve, .resolveMany])
    func missingKeysAreErrors(backend: Backend.Kind, workload: Workload) throws {
        try TestGateway.run(backend, index: { _ in LoadFixture.index(["a"]) }) { gateway in
            var plan = LoadFixture.plan(gateway.address, backend, Self.open)
            plan.workload = workload
            plan.keys = try LoadFixture.keys("a", "gone")
            plan.keysPerRequest = 1
            plan.hitRatio = 0.8
            let report = try LoadFixture.run(plan)
            #expect(report.verdict != .passed)
            // Four tenths of all, within six standard deviations.
            #expect(abs(Int(report.outcome.errors) - 240) < 72, "\(report.outcome)")
            switch workload {
            case .resolve:
                #expect(report.statuses.map(\.isExpected) == [true, false, true])
                #expect(report.statuses[1].status == 404 && report.statuses[1].count == report.outcome.errors)
                #expect(report.outcome.invalidAnswers == 0)
            case .resolveMany, .ping, .hello: #expect(report.outcome.invalidAnswers == report.outcome.errors)
            }
            #expect(report.latency.count == report.outcome.successes)
        }
    }

    /// Answers repeat their request's tenant, which is checked for each one.
    @Test(arguments: LoadFixture.backends) func tenantsHaveBucketsOfTheirOwn(backend: Backend.Kind) throws {
        // Ten at once for each tenant and one every hundred seconds from then on: with four tenants forty in all.
        let limited: (inout RuntimeConfiguration) -> Void = {
            $0.live.policy.tenantDefault.requests = .init(tokensPerSecond: 0.01, burst: 10)
        }
        try TestGateway.run(backend, configure: limited, index: { _ in LoadFixture.index(["a"]) }) { gateway in
            var plan = LoadFixture.plan(gateway.address, backend, Self.open)
            plan.workload = .resolve
            plan.keys = try LoadFixture.keys("a")
            plan.tenantsCount = 4
            let report = try LoadFixture.run(plan)
            #expect(report.statuses.map(\.status) == [200, 429])
            #expect(report.outcome.successes == 40 && report.outcome.invalidAnswers == 0)
            #expect(report.latency.count == 40)
            #expect(report.statuses[1].code == "quota_exhausted" && !report.statuses[1].isExpected)
        }
    }

    /// Expected or not: how fast a refusal comes says nothing about the time of an answer.
    @Test func refusalsAreNoTimes() throws {
        let limited: (inout RuntimeConfiguration) -> Void = {
            $0.live.policy.global = .init(tokensPerSecond: 0.01, burst: 30)
        }
        try TestGateway.run(.epoll, configure: limited, index: { _ in LoadFixture.index(["a"]) }) { gateway in
            var plan = LoadFixture.plan(gateway.address, .epoll, Self.open)
            plan.workload = .resolve
            plan.keys = try LoadFixture.keys("a")
            plan.expected = try #require(ExpectedStatuses(parsing: "200,503"))
            let report = try LoadFixture.run(plan)
            #expect(report.outcome.errors == 0, "\(report.statuses)")
            #expect(report.latency.count == 30)
        }
    }

    @Test(arguments: LoadFixture.backends) func threadsShareTheSchedule(backend: Backend.Kind) throws {
        try TestGateway.run(backend) { gateway in
            for pattern in [ArrivalPlan.Pattern.constant, .poisson, .burst(50)] {
                var plan = LoadFixture.plan(gateway.address, backend, .open(ArrivalPlan(rate: 1000, pattern: pattern)))
                plan.threadsCount = 3
                plan.durationNanoseconds = 400_000_000
                let report = try LoadFixture.run(plan)
                #expect(report.outcome.errors == 0, "\(report.outcome)")
                let due = Int(report.outcome.requestsDue)
                #expect(pattern == .poisson ? abs(due - 400) < 120 : due == 400)
            }
        }
    }

    /// What is due before the measured time is answered and not counted; its intervals lie before zero.
    @Test(arguments: LoadFixture.backends) func warmupIsNotInTheReport(backend: Backend.Kind) throws {
        try TestGateway.run(backend) { gateway in
            var plan = LoadFixture.plan(gateway.address, backend, .open(ArrivalPlan(rate: 1000)))
            plan.warmupNanoseconds = 1_200_000_000
            var told: [LoadReport.Interval] = []
            let report = try LoadFixture.run(plan) { told.append($0) }
            #expect(report.outcome.requestsDue == 300 && report.outcome.answers == 300)
            #expect(report.latency.count == 300 && report.scheduleLag.count == 300)
            #expect(told.map { ($0.offsetSeconds * 10).rounded() / 10 } == [-1.2, -1, 0])
            #expect(told.prefix(2).map(\.due) == [200, 1000])
            #expect(told == report.series)
        }
    }

    /// What a warm-up beyond the gateway's means leaves behind does not keep the measured requests waiting.
    @Test func warmupLeavesNoQueue() throws {
        let gauge = LateIndexGauge()
        try TestGateway.run(.epoll, index: { _ in LateIndex(delayMilliseconds: 20, gauge: gauge) }) { gateway in
            var arrivals = ArrivalPlan(rate: 10)
            arrivals.rampFromRate = 20_000
            arrivals.rampNanoseconds = 500_000_000
            var plan = LoadFixture.plan(gateway.address, .epoll, .open(arrivals))
            plan.workload = .resolve
            plan.keys = try LoadFixture.keys("a")
            plan.warmupNanoseconds = 500_000_000
            plan.durationNanoseconds = 1_000_000_000
            let report = try LoadFixture.run(plan)
            // 5,000 were due in the warm-up and 800 of them can have been answered.
            #expect(report.series.first.map { $0.due > 4000 && $0.sent < 2000 } == true, "\(report.series)")
            #expect(report.outcome.requestsDue == 10 && report.outcome.errors == 0)
            // The three seconds that the rest would have taken.
            #expect(report.scheduleLag.max < 2_000_000)
        }
    }

    /// Each connection takes ten requests; the next one is opened for the eleventh.
    @Test(arguments: LoadFixture.backends) func connectionsAreReplaced(backend: Backend.Kind) throws {
        try TestGateway.run(backend, index: { _ in LoadFixture.index(["a"]) }) { gateway in
            for mode in [Self.open, .closed] {
                var plan = LoadFixture.plan(gateway.address, backend, mode)
                plan.workload = .resolve
                plan.keys = try LoadFixture.keys("a")
                plan.requestsPerConnection = 10
                plan.durationNanoseconds = 200_000_000
                let report = try LoadFixture.run(plan)
                #expect(report.outcome.errors == 0 && report.losses.isEmpty, "\(report.outcome) \(report.losses)")
                let needed = (Int(report.outcome.answers) + 9) / 10
                #expect(abs(Int(report.outcome.connects) + 4 - needed) <= 4, "\(report.outcome)")
                #expect(report.connectTime?.count == report.outcome.connects)
            }
        }
    }

    @Test(arguments: LoadFixture.backends) func idleConnectionsAreHeld(backend: Backend.Kind) throws {
        try TestGateway.run(backend) { gateway in
            var plan = LoadFixture.plan(gateway.address, backend, .open(ArrivalPlan(rate: 500)))
            plan.idleConnectionsCount = 30
            plan.threadsCount = 2
            plan.durationNanoseconds = 1_200_000_000
            var open: [Int] = []
            let report = try LoadFixture.run(plan) { _ in open.append(gateway.server.connectionsOpen) }
            #expect(open.first == 34)
            #expect(report.outcome.errors == 0 && report.losses.isEmpty)
            try gateway.waitUntilQuiet()
        }
    }

    /// A lookup that never ends: what is in flight stays unanswered, and what was due behind it was never sent.
    @Test(arguments: LoadFixture.backends) func silenceIsCounted(backend: Backend.Kind) throws {
        let gauge = LateIndexGauge()
        try TestGateway.run(
            backend, index: { _ in LateIndex(delayMilliseconds: 60_000, gauge: gauge) }
        ) { gateway in
            var plan = LoadFixture.plan(gateway.address, backend, .open(ArrivalPlan(rate: 1000)))
            plan.workload = .resolve
            plan.keys = try LoadFixture.keys("a")
            plan.timeoutNanoseconds = 200_000_000
            let report = try LoadFixture.run(plan)
            #expect(report.outcome.requestsDue == 300 && report.outcome.requestsSent == 32)
            #expect(report.outcome.unanswered == 32 && report.outcome.unsent == 268)
            #expect(report.outcome.inFlightMax == 32 && report.outcome.inFlightMean > 25)
            #expect(report.verdict != .passed)
            #expect(report.latency.count == 0)
        }
    }

    /// Any load ends soon after it was told to, with what it has measured.
    @Test(arguments: LoadFixture.backends) func aStopIsNotWaitedFor(backend: Backend.Kind) throws {
        try TestGateway.run(backend) { gateway in
            for reason in [LoadControl.StopReason.interrupted, .aborted] {
                var plan = LoadFixture.plan(gateway.address, backend, .open(ArrivalPlan(rate: 1000)))
                plan.durationNanoseconds = 600_000_000_000
                let control = try LoadControl()
                let report = try LoadFixture.run(plan, control: control) { _ in control.stop(reason) }
                #expect(report.outcome.requestsDue >= 900 && report.outcome.requestsDue < 100_000)
                #expect(report.outcome.errors == 0)
                #expect(report.outcome.wasInterrupted == (reason == .interrupted))
                #expect(report.outcome.wasAborted == (reason == .aborted))
            }
        }
    }

    /// A gateway that goes away in mid-run ends the load, with every connection accounted for.
    @Test(arguments: LoadFixture.backends) func aGatewayThatGoesAwayEndsTheLoad(backend: Backend.Kind) throws {
        try TestGateway.run(backend) { gateway in
            var plan = LoadFixture.plan(gateway.address, backend, .open(ArrivalPlan(rate: 1000)))
            plan.durationNanoseconds = 600_000_000_000
            let report = try LoadFixture.run(plan) { _ in gateway.server.stop() }
            #expect(report.outcome.goAways + report.outcome.connectionsLost >= 4)
            #expect(report.outcome.answers >= 900)
        }
    }

    /// A rate that no thread can offer is found out although the gateway is slow too.
    @Test func aRateBeyondItsMeansIsUnusable() throws {
        try TestGateway.run(.epoll) { gateway in
            var plan = LoadFixture.plan(gateway.address, .epoll, .open(ArrivalPlan(rate: 5_000_000)))
            plan.timeoutNanoseconds = 100_000_000
            let report = try LoadFixture.run(plan)
            #expect(report.verdict == .unusable)
            #expect(!report.generator.bottlenecks.isEmpty)
            #expect(report.outcome.unsent > 0)
        }
    }

    @Test func nobodyListeningIsSaid() throws {
        var address = SocketAddress(host: "127.0.0.1", port: 1)
        try TestGateway.run(.epoll) { address = $0.address }
        let plan = LoadFixture.plan(address, .epoll, Self.open)
        let failure = #expect(throws: LoadFailure.self) { try LoadFixture.run(plan) }
        #expect(failure?.description.contains("connect ECONNREFUSED") == true)
    }

    @Test func senselessPlansAreRefused() throws {
        let plan = LoadPlan(server: SocketAddress(host: "127.0.0.1", port: 1))
        #expect(throws: Never.self) { try plan.check() }
        let changes: [(inout LoadPlan) -> Void] = [
            { $0.connectionsCount = 0 }, { $0.depth = 0 }, { $0.threadsCount = 51 }, { $0.payloadBytes = 65 },
            { $0.durationNanoseconds = 0 }, { $0.hitRatio = 1.5 }, { $0.hitRatio = .nan }, { $0.workload = .resolve },
            { $0.keysPerRequest = 257 }, { $0.requestsPerConnection = 0 }, { $0.idleConnectionsCount = -1 },
            { $0.keyChoice = .zipf(exponent: -1) }, { $0.mode = .open(ArrivalPlan(rate: 0)) },
        ]
        for change in changes {
            var changed = plan
            change(&changed)
            #expect(throws: LoadFailure.self) { try changed.check() }
        }
    }
}
