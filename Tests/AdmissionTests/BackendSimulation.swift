import Admission
import GatewayTesting

/// A gateway in front of a backend as a discrete-event simulation: Poisson arrivals, permits, a waiting room, and `servers`
/// that take a constant (M/D/c) or exponentially distributed (M/M/c) time, with a queue of their own for what is in flight
/// beyond them.
struct BackendSimulation: ~Copyable {
    var servers = 8
    var serviceNanoseconds = 2_000_000.0
    var isExponential = false
    /// In flight at the backend at most.
    var permits = 8
    /// Part of them that only critical requests get.
    var criticalReserve = 0
    /// Whether `permits` follow an adaptive limit below them.
    var adaptive: AdaptiveLimit?
    var timeoutNanoseconds: UInt64 = 5_000_000_000
    var room: WaitingRoom
    var random: SeededGenerator

    private(set) var now: UInt64 = 0
    private(set) var outcomes: [Outcome] = []
    private(set) var limits: [(at: UInt64, limit: Int)] = []
    private var arrivalNext: UInt64 = 0
    private var windowNext: UInt64 = 10_000_000
    private var window = AdaptiveLimit.Window(count: 0, latencySumNanoseconds: 0, inflightMost: 0, nowNanoseconds: 0)
    private var busy: [(end: UInt64, outcome: Int)] = []
    /// In flight, and not yet with a server.
    private var backlog: [Int] = []
    private var backlogHead = 0
    private var inflight = 0

    init(room limits: WaitingLimits = WaitingLimits(), seed: UInt64) {
        self.room = WaitingRoom(limits: limits, seed: seed)
        self.random = SeededGenerator(seed: seed)
    }

    struct Outcome {
        let tenant: UInt128
        let isCritical: Bool
        let arrival: UInt64
        var givenToBackend: UInt64 = 0
        /// 0 until it is answered.
        var answered: UInt64 = 0
        /// What the server took for it.
        var service: UInt64 = 0
        var isRefused = false

        /// What it waited for a permit.
        var wait: UInt64 { self.givenToBackend - self.arrival }
        var latency: UInt64 { self.answered - self.arrival }
    }

    /// Answers per nanosecond that the servers can give.
    var capacity: Double { Double(self.servers) / self.serviceNanoseconds }

    /// Runs for so long at `load` times the capacity.
    ///
    /// - Parameter sender: draws a request's tenant and whether it is critical.
    mutating func run(
        for duration: UInt64, load: Double,
        sender: (inout SeededGenerator) -> (tenant: UInt128, isCritical: Bool) = { _ in (1, false) }
    ) {
        let end = self.now + duration
        self.arrivalNext = self.now + self.exponential(1 / (self.capacity * load))
        while true {
            let (completionTime, completion) = self.nextCompletion()
            let expiry = max(self.now, self.room.nextDeadlineNanoseconds ?? .max)
            let next = min(self.arrivalNext, completionTime, expiry, self.windowNext)
            guard next < end else { break }
            self.now = next
            if next == completionTime {
                self.complete(completion)
            } else if next == self.windowNext {
                self.closeWindow()
            } else if next == self.arrivalNext {
                self.arrive(sender(&self.random))
                self.arrivalNext = self.now + self.exponential(1 / (self.capacity * load))
            }
            self.turn()
        }
        self.now = end
    }

    private func nextCompletion() -> (time: UInt64, index: Int) {
        var first: (time: UInt64, index: Int) = (.max, -1)
        var index = 0
        while index < self.busy.count {
            if self.busy[index].end < first.time { first = (self.busy[index].end, index) }
            index += 1
        }
        return first
    }

    private mutating func exponential(_ mean: Double) -> UInt64 {
        let uniform = Double(self.random.next() >> 11) / 9_007_199_254_740_992
        return UInt64(max(1, mean * negativeLogarithm(1 - uniform)))
    }

    private mutating func arrive(_ sender: (tenant: UInt128, isCritical: Bool)) {
        let handle = UInt64(self.outcomes.count)
        self.outcomes.append(Outcome(tenant: sender.tenant, isCritical: sender.isCritical, arrival: self.now))
        if self.room.count == 0 && self.hasPermit(critical: sender.isCritical) {
            self.give(Int(handle))
            return
        }
        let request = WaitingRequest(
            handle: handle, tenant: sender.tenant, arrivalNanoseconds: self.now,
            deadlineNanoseconds: self.now + self.timeoutNanoseconds, isCritical: sender.isCritical)
        switch self.room.insert(request, nowNanoseconds: self.now) {
        case .waiting: break
        case .replaced(let other): self.outcomes[Int(other.handle)].isRefused = true
        case .refused: self.outcomes[Int(handle)].isRefused = true
        }
    }

    private func hasPermit(critical isCritical: Bool) -> Bool {
        if isCritical { return self.inflight < self.permits }
        return self.inflight < min(self.permits - self.criticalReserve, self.adaptive?.limit ?? .max)
    }

    /// As a worker does: first those that have waited too long, then whoever is next for each permit. The room is asked for
    /// a critical request with a permit that only such a one may have as long as one waits.
    private mutating func turn() {
        while let refusal = self.room.popExpired(nowNanoseconds: self.now) {
            self.outcomes[Int(refusal.request.handle)].isRefused = true
        }
        while self.room.count > 0, self.hasPermit(critical: self.room.hasCritical) {
            guard let request = self.room.popNext(nowNanoseconds: self.now) else { return }
            self.give(Int(request.handle))
        }
    }

    private mutating func give(_ outcome: Int) {
        self.outcomes[outcome].givenToBackend = self.now
        self.inflight += 1
        self.window.inflightMost = max(self.window.inflightMost, self.inflight)
        if self.busy.count < self.servers { self.serve(outcome) } else { self.backlog.append(outcome) }
    }

    private mutating func serve(_ outcome: Int) {
        let service =
            self.isExponential ? self.exponential(self.serviceNanoseconds) : UInt64(self.serviceNanoseconds)
        self.outcomes[outcome].service = service
        self.busy.append((self.now + service, outcome))
    }

    private mutating func complete(_ index: Int) {
        let outcome = self.busy[index].outcome
        self.busy.swapAt(index, self.busy.count - 1)
        self.busy.removeLast()
        self.inflight -= 1
        self.outcomes[outcome].answered = self.now
        self.window.count += 1
        self.window.latencySumNanoseconds += self.now - self.outcomes[outcome].givenToBackend
        if self.backlogHead < self.backlog.count {
            self.serve(self.backlog[self.backlogHead])
            self.backlogHead += 1
        }
    }

    private mutating func closeWindow() {
        self.windowNext += 10_000_000
        self.window.nowNanoseconds = self.now
        _ = self.adaptive?.take(self.window)
        if let adaptive = self.adaptive { self.limits.append((self.now, adaptive.limit)) }
        self.window = AdaptiveLimit.Window(
            count: 0, latencySumNanoseconds: 0, inflightMost: self.inflight, nowNanoseconds: self.now)
    }
}

/// -ln(value) for values above 0 and up to 1; Foundation stays out of the room's tests.
private func negativeLogarithm(_ value: Double) -> Double {
    // value = significand · 2^exponent; ln of the significand by the series of the inverse hyperbolic tangent.
    let ratio = (value.significand - 1) / (value.significand + 1)
    var (term, sum, square) = (ratio, 0.0, ratio * ratio)
    for odd in stride(from: 1.0, through: 31, by: 2) {
        sum += term / odd
        term *= square
    }
    return -(2 * sum + Double(value.exponent) * 0.693_147_180_559_945_3)
}

/// What a simulation showed between two times.
struct SimulationReport {
    /// The work of what was answered in it over what the servers could do in that time.
    var goodputShare: Double
    var refused: Int
    /// Sorted, of those that were given to the backend.
    var waits: [UInt64]
    /// Sorted, of those that were answered.
    var latencies: [UInt64]

    init(_ simulation: borrowing BackendSimulation, from: UInt64, to: UInt64) {
        let outcomes = simulation.outcomes
        let answered = outcomes.filter { $0.answered >= from && $0.answered < to && $0.answered > 0 }
        let work = answered.reduce(0) { $0 + Double($1.service) }
        self.goodputShare = work / (Double(simulation.servers) * Double(to - from))
        self.refused = outcomes.filter { $0.isRefused && $0.arrival >= from && $0.arrival < to }.count
        self.waits = answered.map(\.wait).sorted()
        self.latencies = answered.map(\.latency).sorted()
    }

    static func quantile(_ sorted: [UInt64], _ share: Double) -> UInt64 {
        sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))]
    }
}
