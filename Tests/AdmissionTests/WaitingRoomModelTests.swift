import Admission
import GatewayTesting
import Testing

/// The waiting room written down as its rules, with nothing but one array: slow, and short enough to be seen to be right.
private struct WaitingRoomModel {
    struct Waiting {
        let request: WaitingRequest
        let since: UInt64
        var isDoomed = false
    }

    struct Turn {
        var paidRound: UInt64 = 0
        var visit: UInt64 = 0
    }

    struct Tenant: Hashable {
        let id: UInt128
        let isCritical: Bool
    }

    let limits: WaitingLimits
    /// In the order in which they came.
    var waiting: [Waiting] = []
    var doomed: [Waiting] = []
    var turns: [Tenant: Turn] = [:]
    /// By whether they are critical: the round of the last one served.
    var rounds: [Bool: UInt64] = [false: 0, true: 0]
    var visits: UInt64 = 0
    var aboveSince: UInt64?
    var lastAbove: UInt64 = 0
    var overloaded = false

    var count: Int { self.waiting.count + self.doomed.count }

    func of(_ tenant: Tenant) -> [Waiting] {
        self.waiting.filter { $0.request.tenant == tenant.id && $0.request.isCritical == tenant.isCritical }
    }

    func tenant(_ request: WaitingRequest) -> Tenant { Tenant(id: request.tenant, isCritical: request.isCritical) }

    mutating func look(_ now: UInt64) {
        if let oldest = self.waiting.first(where: { !$0.request.isCritical }),
            now >= oldest.since + self.limits.targetNanoseconds
        {
            self.aboveSince = self.aboveSince ?? oldest.since + self.limits.targetNanoseconds
            self.lastAbove = now
            let isLong = now >= (self.aboveSince ?? now) + self.limits.intervalNanoseconds
            if isLong || self.count >= self.limits.lengthMax { self.overloaded = true }
        } else {
            self.aboveSince = nil
            if now >= self.lastAbove + self.limits.intervalNanoseconds { self.overloaded = false }
        }
    }

    func isExpired(_ one: Waiting, _ now: UInt64) -> Bool {
        let isHurried = self.overloaded && !one.request.isCritical
        let patience = isHurried ? self.limits.targetNanoseconds : self.limits.intervalNanoseconds
        return one.request.deadlineNanoseconds <= now || now >= one.since + patience
    }

    mutating func drop(_ handle: UInt64) {
        self.waiting.removeAll { $0.request.handle == handle }
        self.doomed.removeAll { $0.request.handle == handle }
    }

    mutating func insert(_ request: WaitingRequest, _ now: UInt64) -> WaitingRequest? {
        self.look(now)
        var victim: WaitingRequest?
        if self.count >= self.limits.lengthMax {
            victim = self.chosenVictim
            if victim == request { return request }
            if let victim { self.drop(victim.handle) }
        }
        let tenant = self.tenant(request)
        if self.of(tenant).isEmpty {
            self.visits += 1
            let front = (self.rounds[request.isCritical] ?? 0) + 1
            self.turns[tenant] = Turn(
                paidRound: max(self.turns[tenant]?.paidRound ?? 0, front), visit: self.visits)
        }
        let previous = self.waiting.last { $0.request.isCritical == request.isCritical }?.since ?? 0
        self.waiting.append(Waiting(request: request, since: max(previous, request.arrivalNanoseconds)))
        self.look(now)
        return victim
    }

    /// Whose turn it is to give way: which of several equally large tenants is not a rule, so all of them.
    func victims(_ request: WaitingRequest) -> [WaitingRequest] {
        let ordinary = self.waiting.contains { !$0.request.isCritical }
        let isCritical = request.isCritical && !ordinary
        if !ordinary && !request.isCritical { return [request] }
        let oldestFirst = self.overloaded && !isCritical
        let tenants = Set(self.waiting.map { self.tenant($0.request) }).filter { $0.isCritical == isCritical }
        let most = tenants.map { self.of($0).count }.max() ?? 0
        let own = self.of(self.tenant(request))
        if request.isCritical == isCritical && own.count + 1 >= most {
            return [oldestFirst ? own.first?.request ?? request : request]
        }
        return tenants.filter { self.of($0).count == most }.compactMap {
            (oldestFirst ? self.of($0).first : self.of($0).last)?.request
        }
    }

    /// The one of `victims` that the room has chosen.
    var chosenVictim: WaitingRequest?

    mutating func popNext(_ now: UInt64) -> WaitingRequest? {
        self.look(now)
        while true {
            let isCritical = self.waiting.contains { $0.request.isCritical }
            let tenants = Set(self.waiting.map { self.tenant($0.request) }).filter { $0.isCritical == isCritical }
            let next = tenants.min { left, right in
                let (left, right) = (self.turns[left] ?? Turn(), self.turns[right] ?? Turn())
                return (left.paidRound, left.visit) < (right.paidRound, right.visit)
            }
            guard let next, let turn = self.turns[next] else { break }
            let own = self.of(next)
            let isLate = own.first.map { now >= $0.since + self.limits.targetNanoseconds / 2 } ?? false
            guard let one = isLate && self.overloaded && !isCritical ? own.last : own.first else { break }
            self.drop(one.request.handle)
            if self.isExpired(one, now) {
                self.doomed.append(one)
                continue
            }
            let round = max(self.rounds[isCritical] ?? 0, turn.paidRound)
            self.rounds[isCritical] = round
            self.visits += 1
            self.turns[next] = Turn(
                paidRound: turn.paidRound + UInt64(max(1, one.request.cost)), visit: self.visits)
            self.look(now)
            return one.request
        }
        self.look(now)
        return nil
    }

    /// Those of which `popExpired` hands one out.
    mutating func expired(_ now: UInt64) -> [WaitingRequest] {
        self.look(now)
        return (self.doomed + self.waiting.filter { self.isExpired($0, now) }).map(\.request)
    }
}

@Suite struct WaitingRoomModelTests {
    /// Any history is the model's: the same ones are served in the same order, the same ones refused, none lost, none
    /// twice. Deadlines announced are never late.
    @Test func aRandomHistoryIsTheModels() {
        var random = SeededGenerator.fromEnvironment()
        for _ in 0..<12 where Self.history(&random, steps: 4_000) == false { return }
    }

    /// Histories that found something once.
    @Test(arguments: [712_723]) func aHistoryOfBeforeIsTheModels(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<12 where Self.history(&random, steps: 4_000) == false { return }
    }

    /// False when it has recorded an issue.
    private static func history(_ random: inout SeededGenerator, steps: Int) -> Bool {
        let limits = WaitingLimits(
            lengthMax: 8 + Int(random.next() % 9), targetNanoseconds: 50, intervalNanoseconds: 400)
        var room = WaitingRoom(limits: limits, seed: random.next())
        var model = WaitingRoomModel(limits: limits)
        var now: UInt64 = 1_000
        var fate: [UInt64: Int] = [:]
        // Light and heavy stretches, so that rooms run empty and full.
        var servesOneIn: UInt64 = 2
        for handle in 0..<UInt64(steps) {
            if random.oneIn(100) { servesOneIn = 1 + random.next() % 6 }
            now += random.next() % 30
            let request = WaitingRequest(
                handle: handle, tenant: UInt128(random.next() % 6), arrivalNanoseconds: now - random.next() % 20,
                deadlineNanoseconds: now + random.next() % 2_000, cost: UInt32(random.next() % 4),
                isCritical: random.oneIn(6))
            var agrees = Self.insert(request, into: &room, &model, now, &fate)
            if random.oneIn(10) {
                let gone = handle - min(handle, random.next() % 10)
                let waited =
                    model.waiting.contains { $0.request.handle == gone }
                    || model.doomed.contains { $0.request.handle == gone }
                model.look(now)
                model.drop(gone)
                model.look(now)
                let removed = room.remove(handle: gone, nowNanoseconds: now)
                agrees = agrees && removed == waited
                if waited { fate[gone, default: 0] += 1 }
            }
            if random.oneIn(2) { agrees = Self.refuse(&room, &model, now, &fate) && agrees }
            if random.oneIn(servesOneIn) {
                let (served, expected) = (room.popNext(nowNanoseconds: now), model.popNext(now))
                agrees = agrees && served == expected
                if let served { fate[served.handle, default: 0] += 1 }
            }
            let state = (room.count, room.isOverloaded(nowNanoseconds: now))
            model.look(now)
            guard agrees, state == (model.count, model.overloaded) else {
                Issue.record("room and model disagree at step \(handle); \(random.replay)")
                return false
            }
        }
        let settled = fate.values.allSatisfy { $0 == 1 } && fate.count + room.count == steps
        #expect(settled, "each one left once or waits still; \(random.replay)")
        return settled
    }

    private static func insert(
        _ request: WaitingRequest, into room: inout WaitingRoom, _ model: inout WaitingRoomModel, _ now: UInt64,
        _ fate: inout [UInt64: Int]
    ) -> Bool {
        let insertion = room.insert(request, nowNanoseconds: now)
        model.look(now)
        let isFull = model.count >= model.limits.lengthMax
        let victims = model.victims(request)
        let victim: WaitingRequest? =
            switch insertion {
            case .waiting: nil
            case .replaced(let other): other
            case .refused: request
            }
        if let victim { fate[victim.handle, default: 0] += 1 }
        guard isFull == (victim != nil), victim.map(victims.contains) ?? true else { return false }
        model.chosenVictim = victim
        return model.insert(request, now) == victim
    }

    private static func refuse(
        _ room: inout WaitingRoom, _ model: inout WaitingRoomModel, _ now: UInt64, _ fate: inout [UInt64: Int]
    ) -> Bool {
        while true {
            let expected = model.expired(now)
            guard let refusal = room.popExpired(nowNanoseconds: now) else {
                let next = room.nextDeadlineNanoseconds
                guard expected.isEmpty, (next == nil) == (model.count == 0) else { return false }
                // At the announced time, and not before it, somebody may have to go.
                guard let next else { return true }
                var later = model
                return next > now && later.expired(next - 1).isEmpty
            }
            guard expected.contains(refusal.request) else { return false }
            let isLate = refusal.request.deadlineNanoseconds <= now
            guard refusal.reason == (isLate ? .deadline : .overloaded) else { return false }
            model.drop(refusal.request.handle)
            model.look(now)
            fate[refusal.request.handle, default: 0] += 1
        }
    }
}
