import Admission
import GatewayTesting
import Testing

/// What the room is for, by simulation: 8 servers that take 2 ms, so 4,000 requests a second.
@Suite struct WaitingRoomSimulationTests {
    private static let second: UInt64 = 1_000_000_000

    /// Overload of any size costs no goodput, and whoever is served has waited for no longer than the target.
    @Test(arguments: [(1.4, 0.98), (2, 0.98), (10, 0.95)] as [(Double, Double)], [false, true])
    func goodputStaysFlat(_ load: (offered: Double, goodputMin: Double), exponential: Bool) {
        let seed = SeededGenerator.fromEnvironment(usual: 1).seed
        var simulation = BackendSimulation(seed: seed)
        simulation.isExponential = exponential
        simulation.run(for: 1_500_000_000, load: load.offered)
        // The first interval is what it takes to tell overload from a burst.
        let report = SimulationReport(simulation, from: Self.second / 2, to: 3 * Self.second / 2)
        #expect(report.goodputShare >= load.goodputMin, "OAP_TEST_SEED=\(seed)")
        #expect(report.waits.last ?? .max < 5_000_000, "OAP_TEST_SEED=\(seed)")
        #expect(report.refused > 0)
    }

    /// Bursts are not overload: at 90 % nobody is refused by a backend that takes equally long for all. Where service times
    /// are exponential, bursts of eight servers last for longer than an interval now and then, and a few are.
    @Test(arguments: [false, true]) func atNinetyPercentNobodyIsRefused(exponential: Bool) {
        let seed = SeededGenerator.fromEnvironment(usual: 1).seed
        var simulation = BackendSimulation(seed: seed)
        simulation.isExponential = exponential
        simulation.run(for: 3 * Self.second, load: 0.9)
        let report = SimulationReport(simulation, from: 0, to: 3 * Self.second)
        #expect(Double(report.refused) <= (exponential ? 0.05 : 0) * 12_000, "OAP_TEST_SEED=\(seed)")
        #expect(report.goodputShare > 0.8 && report.goodputShare < 0.95, "OAP_TEST_SEED=\(seed)")
    }

    /// A step to ten times the capacity is over, for those who are served, one interval and one target later; and after it
    /// everything is as before.
    @Test func aStepIsOverAfterAnInterval() {
        let seed = SeededGenerator.fromEnvironment(usual: 1).seed
        var simulation = BackendSimulation(seed: seed)
        simulation.run(for: Self.second / 2, load: 0.7)
        simulation.run(for: Self.second / 2, load: 10)
        simulation.run(for: Self.second, load: 0.7)
        let during = SimulationReport(simulation, from: 610_000_000, to: Self.second)
        #expect(during.waits.last ?? .max < 5_000_000, "OAP_TEST_SEED=\(seed)")
        let after = SimulationReport(simulation, from: Self.second + 20_000_000, to: 2 * Self.second)
        #expect(after.refused == 0, "OAP_TEST_SEED=\(seed)")
        let worst = SimulationReport(simulation, from: Self.second / 2, to: 610_000_000)
        #expect(worst.goodputShare >= 0.95, "nor does the step itself cost goodput; OAP_TEST_SEED=\(seed)")
    }

    /// Eight tenants that offer 1 to 100 times as much as each other, together ten times the capacity: those that ask for
    /// more than their share get equally much.
    @Test func equalTenantsAreServedEqually() {
        let seed = SeededGenerator.fromEnvironment(usual: 1).seed
        var simulation = BackendSimulation(seed: seed)
        let offers: [UInt64] = [1, 2, 5, 10, 20, 40, 80, 100].map { 4 + $0 }
        let offered = offers.reduce(0, +)
        simulation.run(for: 2 * Self.second, load: 40) { random in
            var draw = random.next() % offered
            for (tenant, offer) in offers.enumerated() {
                if draw < offer { return (UInt128(tenant), false) }
                draw -= offer
            }
            return (0, false)
        }
        var served = Array(repeating: 0.0, count: offers.count)
        for outcome in simulation.outcomes where outcome.answered > Self.second { served[Int(outcome.tenant)] += 1 }
        let sum = served.reduce(0, +)
        let jain = sum * sum / (Double(served.count) * served.map { $0 * $0 }.reduce(0, +))
        #expect(jain >= 0.98, "\(served); OAP_TEST_SEED=\(seed)")
    }

    /// One tenant that floods does not make another wait, which asks for less than its share: at most for a server to
    /// become free and for those before it in the round.
    @Test func aFloodMovesNobodyElsesWait() {
        func waits(flood: Double, seed: UInt64) -> (p99: UInt64, refused: Int) {
            var simulation = BackendSimulation(seed: seed)
            // A tenth of the capacity is the quiet tenant's, whatever the other adds.
            let quietOneIn = UInt64((flood + 0.1) / 0.1)
            simulation.run(for: 2 * Self.second, load: flood + 0.1) { random in
                (random.oneIn(quietOneIn) ? 1 : 2, false)
            }
            let quiet = simulation.outcomes.filter { $0.tenant == 1 && $0.arrival > Self.second }
            let sorted = quiet.filter { $0.answered > 0 }.map(\.wait).sorted()
            return (SimulationReport.quantile(sorted, 0.99), quiet.filter(\.isRefused).count)
        }
        let seed = SeededGenerator.fromEnvironment(usual: 1).seed
        let flooded = waits(flood: 20, seed: seed)
        #expect(flooded.refused == 0, "OAP_TEST_SEED=\(seed)")
        // A service of 2 ms, as servers may become free all at once, and a few turns of the other's.
        #expect(flooded.p99 <= 3_000_000, "\(flooded.p99) ns; OAP_TEST_SEED=\(seed)")
    }

    /// A reserve of a fifth carries all critical traffic through ten times the load.
    @Test func criticalTrafficSucceedsAlways() {
        let seed = SeededGenerator.fromEnvironment(usual: 1).seed
        var simulation = BackendSimulation(seed: seed)
        simulation.criticalReserve = 2
        // One in 70 of ten times the capacity: a seventh of it.
        simulation.run(for: 2 * Self.second, load: 10) { random in (1, random.oneIn(70)) }
        let critical = simulation.outcomes.filter(\.isCritical)
        let refused = critical.filter(\.isRefused).count
        #expect(critical.count > 1_000 && refused == 0, "OAP_TEST_SEED=\(seed)")
        let waits = critical.filter { $0.answered > 0 }.map(\.wait).sorted()
        #expect(SimulationReport.quantile(waits, 0.99) < 2_000_000, "OAP_TEST_SEED=\(seed)")
    }
}
