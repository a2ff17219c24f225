@testable import Admission
import GatewayTesting
import Testing

@Suite struct PressureLadderTests {
    typealias Rung = PressureLadder.Rung
    typealias Input = PressureLadder.Input

    /// A sample in which one input stands at `level` of its own scale and the others are at rest.
    static func sample(_ input: Input, _ level: Double) -> PressureSample {
        var sample = PressureSample()
        switch input {
        case .loopBusy: sample.loopBusyShare = level
        case .loopLag: sample.loopLagNanoseconds = UInt64(level)
        case .memory: (sample.memoryUsedBytes, sample.memoryCeilingBytes) = (UInt64(level * 1e9), 1_000_000_000)
        case .openRequests: (sample.openPeak, sample.openMax) = (Int(level * 1e6), 1_000_000)
        case .descriptors: (sample.descriptorsUsed, sample.descriptorsMax) = (Int(level * 1e6), 1_000_000)
        case .backendLatency:
            (sample.backendLatencyNanoseconds, sample.deadlineNanoseconds) = (UInt64(level * 1e9), 1_000_000_000)
        }
        return sample
    }

    /// Where each input enters its rungs.
    static func levels(of input: Input, _ thresholds: PressureThresholds) -> PressureThresholds.Levels {
        switch input {
        case .loopBusy: thresholds.loopBusy
        case .loopLag: thresholds.loopLag
        case .memory: thresholds.memory
        case .openRequests: thresholds.openRequests
        case .descriptors: thresholds.descriptors
        case .backendLatency: thresholds.backendLatency
        }
    }

    @Test(arguments: Input.allCases) func eachInputRaisesItAlone(input: Input) {
        let levels = Self.levels(of: input, PressureThresholds())
        let steps: [(Rung, Double)] = [
            (.degraded, levels.degraded), (.shedLowPriority, levels.shedLowPriority),
            (.shedConnections, levels.shedConnections), (.refuse, levels.refuse),
        ]
        for (rung, level) in steps where level.isFinite {
            // Of rungs that begin at one level the highest counts.
            let highest = steps.last { $0.1 == level }?.0 ?? rung
            var ladder = PressureLadder()
            let below = ladder.take(Self.sample(input, level * 0.97), nowNanoseconds: 0)
            #expect((below?.to ?? .normal) < highest)
            let step = ladder.take(Self.sample(input, level * 1.001), nowNanoseconds: 1)
            #expect(step?.to == highest, "up at once, from wherever it was")
            #expect(ladder.rung == highest && ladder.reason == input)
            #expect(ladder.rung(for: input) == highest)
        }
    }

    @Test func itComesDownOneRungForEachCalmSecond() {
        var ladder = PressureLadder()
        let up = ladder.take(Self.sample(.memory, 0.98), nowNanoseconds: 0)
        #expect(up == PressureLadder.Step(from: .normal, to: .refuse, reason: .memory))
        var steps: [UInt64: PressureLadder.Step] = [:]
        for tick in 1...60 as ClosedRange<UInt64> {
            if let step = ladder.take(PressureSample(), nowNanoseconds: tick * 100_000_000) { steps[tick] = step }
        }
        // Calm is seen first at 100 ms.
        #expect(steps.keys.sorted() == [11, 21, 31, 41])
        #expect([11, 21, 31, 41].map { steps[$0]?.to } == [.shedConnections, .shedLowPriority, .degraded, .normal])
        #expect(steps[31]?.reason == .memory, "the reason stays what it was")
        #expect(steps[41]?.reason == nil && ladder.reason == nil)
    }

    @Test func pressureThatReturnsStartsTheCalmAgain() {
        var ladder = PressureLadder()
        _ = ladder.take(Self.sample(.loopLag, 60e6), nowNanoseconds: 0)
        var now: UInt64 = 0
        for _ in 0..<10 {
            for _ in 0..<9 {
                now += 100_000_000
                let step = ladder.take(PressureSample(), nowNanoseconds: now)
                #expect(step == nil)
            }
            now += 100_000_000
            let step = ladder.take(Self.sample(.loopLag, 60e6), nowNanoseconds: now)
            #expect(step == nil)
        }
        #expect(ladder.rung == .shedLowPriority)
    }

    /// It comes down as far as the pressure that is left, and says whose that is.
    @Test func whatIsLeftHoldsItWhereItAsks() {
        var ladder = PressureLadder()
        var both = Self.sample(.memory, 0.94)
        both.loopBusyShare = 0.9
        _ = ladder.take(both, nowNanoseconds: 0)
        #expect(ladder.rung == .shedConnections && ladder.reason == .memory)
        for tick in 1...50 as ClosedRange<UInt64> {
            _ = ladder.take(Self.sample(.loopBusy, 0.9), nowNanoseconds: tick * 100_000_000)
        }
        #expect(ladder.rung == .degraded && ladder.reason == .loopBusy)
    }

    /// Within the hysteresis noise around a threshold is one step up and none down.
    @Test(arguments: Input.allCases) func noiseAroundAThresholdDoesNotFlap(input: Input) {
        var random = SeededGenerator.fromEnvironment()
        let level = Self.levels(of: input, PressureThresholds()).degraded
        var ladder = PressureLadder()
        var steps = 0
        for tick in 0..<10_000 as Range<UInt64> {
            let noise = Double(random.next() % 1_000) / 1_000 * 0.08 - 0.04
            if ladder.take(Self.sample(input, level * (1 + noise)), nowNanoseconds: tick * 100_000_000) != nil {
                steps += 1
            }
        }
        #expect(steps == 1 && ladder.rung == .degraded, "\(random.replay)")
    }

    /// Whatever the samples: never below what an input asks for, up in one step, down by one rung and not sooner than a
    /// second after the last step.
    @Test func anyHistoryKeepsTheRules() {
        var random = SeededGenerator.fromEnvironment()
        var ladder = PressureLadder()
        var lastStep: UInt64 = 0
        for tick in 1...20_000 as ClosedRange<UInt64> {
            let input = Input.allCases[Int(random.next() % 6)]
            let levels = Self.levels(of: input, ladder.thresholds)
            let pressed = random.oneIn(30)
            let level = pressed ? levels.degraded * (1 + Double(random.next() % 200) / 500) : 0
            let step = ladder.take(Self.sample(input, level), nowNanoseconds: tick * 100_000_000)
            let asked = Input.allCases.map { ladder.rung(for: $0) }.max() ?? .normal
            var keeps = ladder.rung >= asked && (ladder.rung == .normal) == (ladder.reason == nil)
            if let step {
                keeps = keeps && step.to == ladder.rung
                if step.to < step.from {
                    keeps = keeps && step.to.rawValue == step.from.rawValue - 1 && tick - lastStep >= 10
                } else {
                    keeps = keeps && step.to == asked
                }
                lastStep = tick
            }
            guard keeps else {
                Issue.record("a rule is broken at sample \(tick): \(String(describing: step)); \(random.replay)")
                return
            }
        }
        #expect(lastStep > 0)
    }

    @Test func whatIsNotKnownDoesNotPress() {
        var ladder = PressureLadder()
        var sample = PressureSample()
        sample.memoryUsedBytes = .max
        sample.descriptorsUsed = .max
        sample.backendLatencyNanoseconds = .max
        let step = ladder.take(sample, nowNanoseconds: 0)
        #expect(step == nil && ladder.rung == .normal)
    }
}
