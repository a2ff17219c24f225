import Admission
import GatewayTesting
import Testing

@Suite struct AdaptiveLimitTests {
    private static let second: UInt64 = 1_000_000_000

    /// A gateway whose configured limit is far too high for the backend: 8 servers that take 2 ms.
    private static func simulation(seed: UInt64, exponential: Bool = false) -> BackendSimulation {
        var simulation = BackendSimulation(seed: seed)
        simulation.isExponential = exponential
        simulation.permits = 1024
        simulation.adaptive = AdaptiveLimit(limitMax: 1024)
        return simulation
    }

    private static func limits(_ simulation: borrowing BackendSimulation, from: UInt64, to: UInt64) -> [Int] {
        simulation.limits.filter { $0.at >= from && $0.at < to }.map(\.limit)
    }

    /// Where it binds for a moment, the room holds what the backend's own queue would: as in the room's own test, nobody is
    /// refused by a backend that takes equally long for all.
    @Test(arguments: [false, true]) func atNinetyPercentNobodyIsRefused(exponential: Bool) {
        let seed = SeededGenerator.fromEnvironment(usual: 1).seed
        var simulation = Self.simulation(seed: seed, exponential: exponential)
        // Bursts of the arrivals are as long as the servers are few: with eight, one in twenty runs has a burst that outlasts
        // the room's interval.
        simulation.servers = 16
        simulation.run(for: 5 * Self.second, load: 0.9)
        let report = SimulationReport(simulation, from: 0, to: 5 * Self.second)
        #expect(Double(report.refused) <= (exponential ? 0.05 : 0) * 40_000, "OAP_TEST_SEED=\(seed)")
    }

    /// A step is settled after 100 ms, far below the configured 1024 and without idle servers, and is forgotten as fast.
    @Test(arguments: [1.4, 10], [false, true]) func aStepSettlesAndRecovers(load: Double, exponential: Bool) {
        let seed = SeededGenerator.fromEnvironment(usual: 1).seed
        var simulation = Self.simulation(seed: seed, exponential: exponential)
        simulation.run(for: Self.second, load: 0.5)
        simulation.run(for: 3 * Self.second, load: load)
        simulation.run(for: 2 * Self.second, load: 0.5)
        let during = SimulationReport(simulation, from: Self.second + 100_000_000, to: 4 * Self.second)
        let settled = Self.limits(simulation, from: Self.second + 100_000_000, to: 4 * Self.second)
        let after = SimulationReport(simulation, from: 4 * Self.second + 50_000_000, to: 6 * Self.second)
        // A baseline of a few dozen exponential service times is uncertain by a seventh, and the limit with it.
        #expect(during.goodputShare >= (exponential ? 0.9 : 0.95), "OAP_TEST_SEED=\(seed)")
        #expect(settled.allSatisfy { $0 <= 48 }, "\(settled); OAP_TEST_SEED=\(seed)")
        // Where service times are exponential a burst may end the room's patience while it is still in overload.
        #expect(after.refused <= (exponential ? 40 : 0), "OAP_TEST_SEED=\(seed)")
    }

    /// Three times slower for good: full work again 2 s later, and again when it has recovered.
    @Test func aBackendThatBecameSlowerIsFollowed() {
        let seed = SeededGenerator.fromEnvironment(usual: 1).seed
        var simulation = Self.simulation(seed: seed)
        simulation.run(for: Self.second, load: 0.9)
        simulation.serviceNanoseconds = 6_000_000
        simulation.run(for: 4 * Self.second, load: 1.2)
        let report = SimulationReport(simulation, from: 3 * Self.second, to: 5 * Self.second)
        #expect(report.goodputShare >= 0.95, "OAP_TEST_SEED=\(seed)")
        simulation.serviceNanoseconds = 2_000_000
        simulation.run(for: 3 * Self.second, load: 0.9)
        let recovered = SimulationReport(simulation, from: 6 * Self.second, to: 8 * Self.second)
        #expect(recovered.refused == 0, "OAP_TEST_SEED=\(seed)")
    }

    /// Overload that lasts does not teach it that queueing is normal.
    @Test func lastingOverloadIsNotForgotten() {
        let seed = SeededGenerator.fromEnvironment(usual: 1).seed
        var simulation = Self.simulation(seed: seed)
        simulation.run(for: Self.second, load: 0.5)
        simulation.run(for: 12 * Self.second, load: 1.4)
        let limits = Self.limits(simulation, from: 12 * Self.second, to: 13 * Self.second)
        #expect((limits.max() ?? .max) <= 48, "OAP_TEST_SEED=\(seed)")
    }

    /// A process that starts under load has never seen the backend at rest.
    @Test func aStartUnderLoadFindsTheBaseline() {
        let seed = SeededGenerator.fromEnvironment(usual: 1).seed
        var simulation = Self.simulation(seed: seed)
        simulation.run(for: 5 * Self.second, load: 4)
        let limits = Self.limits(simulation, from: 4 * Self.second, to: 5 * Self.second)
        #expect((limits.max() ?? .max) <= 48, "OAP_TEST_SEED=\(seed)")
    }

    /// Nonsense included.
    @Test func boundsHoldWhateverTheWindows() {
        var random = SeededGenerator.fromEnvironment(usual: 1)
        var limit = AdaptiveLimit(limitMin: 3, limitMax: 200)
        var now: UInt64 = 0
        for step in 0..<50_000 {
            if step == 25_000 { limit.configure(limitMin: 5, limitMax: 50) }
            now += random.next() % 50_000_000
            let count = Int(random.next() % 100)
            let window = AdaptiveLimit.Window(
                count: count, latencySumNanoseconds: UInt64(count) * (random.next() % 100_000_000),
                inflightMost: Int(random.next() % 300), nowNanoseconds: now)
            let taken = limit.take(window)
            guard taken == limit.limit, step < 25_000 ? (3...200) ~= taken : (5...50) ~= taken else {
                Issue.record("\(taken) at step \(step); \(random.replay)")
                return
            }
        }
    }
}
