import GatewayRuntime
import GatewayTesting
import LoadReport
import Reactor
import Testing

@testable import LoadGeneration

/// A gateway that stands still for a tenth of each second keeps one user in ten waiting. A load generator that waits
/// with them, and asks nothing meanwhile, sees one slow request a second and calls the gateway fast.
@Suite(.serialized) struct CoordinatedOmissionTests {
    private static let rate = 1000.0
    private static let seconds = 3.0
    /// Runs until one was not disturbed: what else the machine does to the gateway stands in no stall's record.
    private static let attemptsMax = 10

    @Test(arguments: LoadFixture.backends) func theOpenLoopTellsTheTruth(backend: Backend.Kind) throws {
        var measured: [(p99: Double, truth: Double)] = []
        repeat {
            measured.append(try Self.openLoop(backend))
        } while !Self.agrees(measured.last!) && measured.count < Self.attemptsMax
        #expect(Self.agrees(measured.last!), "p99 and truth in microseconds: \(measured)")
    }

    @Test(arguments: LoadFixture.backends) func theClosedLoopIsWrongByFar(backend: Backend.Kind) throws {
        let log = try StallLog()
        try Self.withStallingGateway(backend, log) { gateway in
            var plan = Self.plan(gateway, backend, .closed)
            plan.connectionsCount = 2
            plan.depth = 1
            let report = try LoadFixture.run(plan)
            let stalls = log.all
            let truth = Self.truth(stalls)
            #expect(!stalls.isEmpty && truth > 50_000)
            let p99 = try Self.p99(report)
            #expect(p99 * 10 <= truth, "\(p99) us measured, \(truth) us true")
            // It has seen the stalls, each of them once for each connection.
            #expect(report.latency.max > 90_000)
        }
    }

    private static func agrees(_ run: (p99: Double, truth: Double)) -> Bool {
        abs(run.p99 - run.truth) <= 0.02 * run.truth
    }

    private static func openLoop(_ backend: Backend.Kind) throws -> (p99: Double, truth: Double) {
        let log = try StallLog()
        var result = (p99: 0.0, truth: 0.0)
        try Self.withStallingGateway(backend, log) { gateway in
            // Sixteen requests in flight at most: most of those that a stall keeps waiting wait in the schedule.
            let report = try LoadFixture.run(Self.plan(gateway, backend, .open(ArrivalPlan(rate: Self.rate))))
            #expect(report.outcome.errors == 0 && report.outcome.answers == UInt64(Self.rate * Self.seconds))
            #expect(report.outcome.inFlightMax == 16)
            // What left late, left late because of the stalls.
            #expect(report.serviceTime.max <= report.latency.max)
            #expect(log.all.count >= 2)
            result = (p99: try Self.p99(report), truth: Self.truth(log.all))
        }
        return result
    }

    private static func withStallingGateway(
        _ backend: Backend.Kind, _ log: StallLog, _ body: (TestGateway) throws -> Void
    ) throws {
        try TestGateway.run(
            backend, configure: { $0.workersCount = 1 },
            index: { _ in StallingIndex(periodMilliseconds: 1000, stallMilliseconds: 100, log: log) }, body)
    }

    private static func plan(_ gateway: TestGateway, _ backend: Backend.Kind, _ mode: LoadMode) -> LoadPlan {
        var plan = LoadFixture.plan(gateway.address, backend, mode)
        plan.workload = .resolve
        plan.keys = (try? LoadFixture.keys("a", "b")) ?? KeySet()
        plan.connectionsCount = 4
        plan.depth = 4
        plan.durationNanoseconds = UInt64(Self.seconds * 1e9)
        return plan
    }

    private static func p99(_ report: LoadReport) throws -> Double {
        try #require(report.latency.percentiles.first { $0.percentile == 99 }).microseconds
    }

    /// The 99th percentile, in microseconds, of what the users of a constant schedule wait: a stall begins with the
    /// lookup of a request that was just due, the next ones are due at equal distances, and all of them wait for its
    /// end. What everybody else waits is next to nothing.
    private static func truth(_ stalls: [StallLog.Stall]) -> Double {
        var waits: [Double] = []
        for stall in stalls {
            var wait = Double(stall.nanoseconds) / 1000
            while wait > 0 {
                waits.append(wait)
                wait -= 1e6 / Self.rate
            }
        }
        waits.sort(by: >)
        // So many of all requests lie above it.
        let above = Int(Self.rate * Self.seconds / 100)
        return above < waits.count ? waits[above] : 0
    }
}
