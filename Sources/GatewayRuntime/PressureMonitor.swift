public import Admission
internal import Gateway
internal import Reactor
internal import Synchronization

/// How hard the process is pressed, as other threads see it.
public struct PressureStatus: Equatable, Sendable {
    public var rung: PressureLadder.Rung
    /// Nil exactly when the rung is normal.
    public var reason: PressureLadder.Input?

    public init(rung: PressureLadder.Rung, reason: PressureLadder.Input?) {
        self.rung = rung
        self.reason = reason
    }
}

/// Feeds the pressure ladder and the adaptive limit with what all workers see, and publishes what they say. Any thread.
///
/// There is no thread for it: each worker calls `tick` a hundred times a second while it is at work, the first that finds a
/// window over closes it, and a worker wakes for it while the rung is above normal or requests of its are open. A gateway that has
/// nothing to do is not pressed.
final class PressureMonitor: Sendable {
    /// A window of the adaptive limit; the ladder takes every tenth.
    private static let windowNanoseconds: UInt64 = 10_000_000
    static let sampleNanoseconds: UInt64 = 100_000_000

    private let reports: [WorkerReport]
    private let concurrency: ConcurrencyLimit
    private let connections: ConnectionCount
    private let bufferBytesMax: Int
    private let connectionDescriptorsMax: Int
    private let state: Mutex<State>
    /// Read by every worker in every turn. The rung, and from the fifth bit on the reason and 1.
    private let published = Atomic<Int>(0)
    private let adaptiveMax = Atomic<Int>(0)

    init(
        _ configuration: RuntimeConfiguration, reports: [WorkerReport], concurrency: ConcurrencyLimit,
        connections: ConnectionCount
    ) {
        self.reports = reports
        self.concurrency = concurrency
        self.connections = connections
        self.bufferBytesMax = configuration.bufferBytesMax
        self.connectionDescriptorsMax = configuration.connectionDescriptorsMax
        self.state = Mutex(State(thresholds: configuration.pressure, workers: reports.count))
        self.configure(configuration.live)
    }

    /// Takes the bounds of another configuration. What the adaptive limit has learned stays.
    func configure(_ live: LiveConfiguration) {
        self.state.withLock { state in
            state.ordinaryMax = live.policy.openMax - live.policy.criticalReserve
            state.deadlineNanoseconds = live.limits.requestTimeoutNanoseconds
            if live.policy.isAdaptive {
                var adaptive = state.adaptive ?? AdaptiveLimit(limitMax: state.ordinaryMax)
                adaptive.configure(limitMax: state.ordinaryMax)
                state.adaptive = adaptive
            } else {
                state.adaptive = nil
            }
            self.adapt(to: state.adaptive?.limit)
        }
    }

    var rung: PressureLadder.Rung { self.status.rung }

    var status: PressureStatus {
        let bits = self.published.load(ordering: .relaxed)
        return PressureStatus(
            rung: PressureLadder.Rung(rawValue: bits & 15) ?? .normal,
            reason: PressureLadder.Input(rawValue: (bits >> 4) - 1))
    }

    /// Most ordinary requests open at once by the adaptive limit; nil while it is off.
    var adaptiveLimit: Int? {
        let limit = self.adaptiveMax.load(ordering: .relaxed)
        return limit > 0 ? limit : nil
    }

    /// The rung that each input asks for by itself.
    func rung(for input: PressureLadder.Input) -> PressureLadder.Rung {
        self.state.withLock { $0.ladder.rung(for: input) }
    }

    /// A worker's turn is over, 10 ms or more after the last that it told of.
    ///
    /// - Parameters:
    ///   - times: its late requests since then.
    ///   - sleptNanoseconds: how long it slept before that turn.
    /// - Returns: the step that the ladder has made, for the caller to tell.
    func tick(
        _ times: ServiceTimes, sleptNanoseconds: UInt64, nowNanoseconds now: UInt64
    ) -> PressureLadder.Step? {
        self.state.withLock { state in
            state.window.add(times)
            guard now >= state.windowBeganNanoseconds &+ Self.windowNanoseconds else { return nil }
            let peak = self.concurrency.takePeak()
            if sleptNanoseconds > 2 * Self.sampleNanoseconds, state.isStale(nowNanoseconds: now) {
                // What was before a silence says nothing of now.
                state.restart(self.reports, nowNanoseconds: now)
                return nil
            }
            if let limit = state.closeWindow(inflightMost: peak, nowNanoseconds: now) { self.adapt(to: limit) }
            guard now >= state.sampleBeganNanoseconds &+ Self.sampleNanoseconds else { return nil }
            let step = state.closeSample(self.sample(&state, now), nowNanoseconds: now)
            if step != nil { self.publish(state.ladder) }
            return step
        }
    }

    private func adapt(to limit: Int?) {
        self.concurrency.adapt(to: limit)
        self.adaptiveMax.store(limit ?? 0, ordering: .relaxed)
    }

    private func publish(_ ladder: borrowing PressureLadder) {
        let reason = ladder.reason.map { $0.rawValue + 1 } ?? 0
        self.published.store(ladder.rung.rawValue | reason << 4, ordering: .relaxed)
    }

    private func sample(_ state: inout State, _ now: UInt64) -> PressureSample {
        var sample = PressureSample()
        sample.loopBusyShare = state.busyShare(self.reports, nowNanoseconds: now)
        sample.loopLagNanoseconds = state.steadyLag(self.reports)
        sample.memoryUsedBytes = UInt64(self.reports.reduce(0) { $0 + $1.blockBytes })
        // Beyond that large blocks are refused: `MemoryBudget` keeps the rest for small ones.
        sample.memoryCeilingBytes = UInt64(self.bufferBytesMax - self.bufferBytesMax / 8)
        sample.openPeak = state.openPeak
        sample.openMax = min(state.ordinaryMax, state.adaptive?.limit ?? .max)
        sample.descriptorsUsed = self.connections.value
        sample.descriptorsMax = self.connectionDescriptorsMax
        sample.backendLatencyNanoseconds = state.latency.settle(nowNanoseconds: now)
        sample.deadlineNanoseconds = state.deadlineNanoseconds
        return sample
    }
}

extension PressureMonitor {
    private struct State {
        var ladder: PressureLadder
        var adaptive: AdaptiveLimit?
        /// Most ordinary requests open at once, without the adaptive limit.
        var ordinaryMax = 1
        var deadlineNanoseconds: UInt64 = 0
        /// Late requests since the last window.
        var window = ServiceTimes()
        var windowBeganNanoseconds: UInt64 = 0
        var sampleBeganNanoseconds: UInt64 = 0
        /// Most open at once since the last sample.
        var openPeak = 0
        var latency = MeanLatency()
        /// By worker, as at the last sample.
        private var busyNanoseconds: [UInt64]
        private var lags: [Lag]

        /// A worker's.
        private struct Lag {
            var lastNanoseconds: UInt64 = 0
            var steadyNanoseconds: UInt64 = 0
            /// Samples since a turn of its ended.
            var age = 0
        }

        init(thresholds: PressureThresholds, workers: Int) {
            self.ladder = PressureLadder(thresholds: thresholds)
            self.busyNanoseconds = [UInt64](repeating: 0, count: workers)
            self.lags = [Lag](repeating: Lag(), count: workers)
        }

        /// Returns the adaptive limit; nil while it is off.
        mutating func closeWindow(inflightMost: Int, nowNanoseconds now: UInt64) -> Int? {
            self.openPeak = max(self.openPeak, inflightMost)
            self.latency.add(self.window)
            defer {
                self.window = ServiceTimes()
                self.windowBeganNanoseconds = now
            }
            return self.adaptive?.take(
                AdaptiveLimit.Window(
                    count: self.window.count, latencySumNanoseconds: self.window.sumNanoseconds,
                    inflightMost: inflightMost, nowNanoseconds: now))
        }

        mutating func closeSample(_ sample: PressureSample, nowNanoseconds now: UInt64) -> PressureLadder.Step? {
            self.openPeak = 0
            self.sampleBeganNanoseconds = now
            return self.ladder.take(sample, nowNanoseconds: now)
        }

        /// Of the busiest worker since the last sample. One that sleeps tells nothing, and was not busy.
        mutating func busyShare(_ reports: [WorkerReport], nowNanoseconds now: UInt64) -> Double {
            let elapsed = now &- self.sampleBeganNanoseconds
            var most: UInt64 = 0
            for (number, report) in reports.enumerated() {
                let busy = report.busyNanoseconds
                most = max(most, busy &- self.busyNanoseconds[number])
                self.busyNanoseconds[number] = busy
            }
            // The first sample has no beginning.
            guard self.sampleBeganNanoseconds > 0, elapsed > 0 else { return 0 }
            return min(1, Double(most) / Double(elapsed))
        }

        /// What two samples in a row of a worker have reached, of those in which it ended a turn: a single long turn is a
        /// pause of the machine, and over before anything could be done about it.
        mutating func steadyLag(_ reports: [WorkerReport]) -> UInt64 {
            var most: UInt64 = 0
            for (number, report) in reports.enumerated() {
                let lag = report.takeTurnNanosecondsMax()
                if lag > 0 {
                    self.lags[number].steadyNanoseconds = min(lag, self.lags[number].lastNanoseconds)
                    self.lags[number].lastNanoseconds = lag
                    self.lags[number].age = 0
                } else {
                    // In the middle of a turn, or asleep.
                    self.lags[number].age += 1
                    if self.lags[number].age > Self.lagSamplesMax { self.lags[number] = Lag() }
                }
                most = max(most, self.lags[number].steadyNanoseconds)
            }
            return most
        }

        /// A second: a worker that ends no turn for longer fails its probe, and readiness with it.
        private static let lagSamplesMax = 10

        /// True when nobody has looked for so long that, if that was for want of work, there is no telling what happened when.
        func isStale(nowNanoseconds now: UInt64) -> Bool {
            now > self.sampleBeganNanoseconds &+ 3 * PressureMonitor.sampleNanoseconds && self.ladder.rung == .normal
        }

        /// Begins a window and a sample with nothing in them.
        mutating func restart(_ reports: [WorkerReport], nowNanoseconds now: UInt64) {
            self.window = ServiceTimes()
            self.openPeak = 0
            self.latency = MeanLatency()
            for (number, report) in reports.enumerated() {
                _ = report.takeTurnNanosecondsMax()
                self.lags[number] = Lag()
                self.busyNanoseconds[number] = report.busyNanoseconds
            }
            self.windowBeganNanoseconds = now
            self.sampleBeganNanoseconds = now
        }
    }

    /// The mean latency of late answers, from enough of them: one slow answer says nothing of a backend.
    private struct MeanLatency {
        private static let countMin = 8
        private static let ageNanosecondsMax: UInt64 = 1_000_000_000

        private var times = ServiceTimes()
        private var meanNanoseconds: UInt64 = 0
        private var settledNanoseconds: UInt64 = 0

        mutating func add(_ times: ServiceTimes) { self.times.add(times) }

        /// The mean since the last one; the last one while there are too few answers for another, and 0 when that has
        /// become old.
        mutating func settle(nowNanoseconds now: UInt64) -> UInt64 {
            if self.times.count >= Self.countMin {
                self.meanNanoseconds = self.times.sumNanoseconds / UInt64(self.times.count)
            } else if now &- self.settledNanoseconds >= Self.ageNanosecondsMax {
                self.meanNanoseconds = 0
            } else {
                return self.meanNanoseconds
            }
            (self.times, self.settledNanoseconds) = (ServiceTimes(), now)
            return self.meanNanoseconds
        }
    }
}
