@testable import Admission
import GatewayTesting
import Testing

/// Milliseconds as the room counts time.
func milliseconds(_ count: UInt64) -> UInt64 { count * 1_000_000 }

@Suite struct WaitingRoomTests {
    /// Handles count up; arrival is `now`, and deadlines are far away unless told.
    static func request(
        _ handle: UInt64, tenant: UInt128 = 1, at now: UInt64 = 0, deadline: UInt64 = 60_000_000_000, cost: UInt32 = 1,
        critical: Bool = false
    ) -> WaitingRequest {
        WaitingRequest(
            handle: handle, tenant: tenant, arrivalNanoseconds: now, deadlineNanoseconds: deadline, cost: cost,
            isCritical: critical)
    }

    static func room(lengthMax: Int = 1024) -> WaitingRoom { WaitingRoom(limits: WaitingLimits(lengthMax: lengthMax)) }

    /// Handles in the order in which they are served.
    static func served(_ room: inout WaitingRoom, now: UInt64 = 0, max: Int = .max) -> [UInt64] {
        var handles: [UInt64] = []
        while handles.count < max, let next = room.popNext(nowNanoseconds: now) { handles.append(next.handle) }
        return handles
    }

    static func expired(_ room: inout WaitingRoom, now: UInt64) -> [WaitingRefusal] {
        var refusals: [WaitingRefusal] = []
        while let next = room.popExpired(nowNanoseconds: now) { refusals.append(next) }
        return refusals
    }

    /// A room in overload at 105 ms, in which requests 0 to 3 of tenant 1 wait, which arrived at 101 ms and 1 µs apart.
    static func overloadedRoom(lengthMax: Int = 1024) -> WaitingRoom {
        var room = Self.room(lengthMax: lengthMax)
        // Nobody may wait for longer than the interval, so that two take turns at being the oldest.
        for (handle, arrival) in [(1000, 0), (1001, 90)] as [(UInt64, UInt64)] {
            _ = room.insert(Self.request(handle, at: milliseconds(arrival)), nowNanoseconds: milliseconds(arrival))
        }
        _ = Self.expired(&room, now: milliseconds(100))
        for handle in 0..<4 as Range<UInt64> {
            let arrival = milliseconds(101) + handle * 1_000
            _ = room.insert(Self.request(handle, at: arrival), nowNanoseconds: arrival)
        }
        _ = Self.expired(&room, now: milliseconds(105))
        return room
    }

    @Test func criticalGoesFirstAndTheOldestOfATenant() {
        var room = Self.room()
        for (handle, critical) in [(1, false), (2, true), (3, false), (4, true)] as [(UInt64, Bool)] {
            let insertion = room.insert(Self.request(handle, critical: critical), nowNanoseconds: 0)
            #expect(insertion == .waiting)
        }
        let served = Self.served(&room)
        #expect(served == [2, 4, 1, 3])
        #expect(room.count == 0)
    }

    @Test func tenantsTakeTurnsHoweverManyTheySend() {
        var room = Self.room()
        for handle in 10..<15 as Range<UInt64> { _ = room.insert(Self.request(handle, tenant: 1), nowNanoseconds: 0) }
        for handle in 20..<22 as Range<UInt64> { _ = room.insert(Self.request(handle, tenant: 2), nowNanoseconds: 0) }
        _ = room.insert(Self.request(30, tenant: 3), nowNanoseconds: 0)
        let served = Self.served(&room)
        #expect(served == [10, 20, 30, 11, 21, 12, 13, 14])
    }

    /// A request of three tokens is worth three rounds, and owing them is not forgotten while nothing of the tenant waits.
    @Test func whatATenantOwesIsKeptWhileItIsAway() {
        var room = Self.room()
        _ = room.insert(Self.request(10, tenant: 1, cost: 3), nowNanoseconds: 0)
        for handle in 20..<25 as Range<UInt64> { _ = room.insert(Self.request(handle, tenant: 2), nowNanoseconds: 0) }
        let first = Self.served(&room, max: 1)
        #expect(first == [10])
        _ = room.insert(Self.request(11, tenant: 1, cost: 3), nowNanoseconds: 0)
        let rest = Self.served(&room)
        #expect(rest == [20, 21, 22, 11, 23, 24], "three of the other's for one of three tokens")
        _ = room.insert(Self.request(12, tenant: 1, cost: .max), nowNanoseconds: 0)
        _ = room.insert(Self.request(13, tenant: 1), nowNanoseconds: 0)
        let alone = Self.served(&room)
        #expect(alone == [12, 13], "without others nobody waits for its debt")
    }

    @Test func deadlinesAreKeptInTheirOwnOrder() {
        var room = Self.room()
        let none = room.nextDeadlineNanoseconds
        #expect(none == nil)
        for (handle, deadline) in [(1, 30), (2, 10), (3, 20)] as [(UInt64, UInt64)] {
            let request = Self.request(handle, deadline: milliseconds(deadline), critical: handle == 3)
            _ = room.insert(request, nowNanoseconds: 0)
        }
        let next = room.nextDeadlineNanoseconds
        #expect(next == milliseconds(10))
        let early = Self.expired(&room, now: milliseconds(10) - 1)
        #expect(early.isEmpty)
        let late = Self.expired(&room, now: milliseconds(20))
        #expect(late.map(\.request.handle) == [2, 3])
        #expect(late.allSatisfy { $0.reason == .deadline })
        let served = Self.served(&room, now: milliseconds(30))
        #expect(served == [], "nobody is served after its deadline")
        let counted = room.count
        #expect(counted == 1, "it waits to be refused")
        let doomed = (room.nextDeadlineNanoseconds, Self.expired(&room, now: milliseconds(30)), room.count)
        #expect(doomed.0 == 0 && doomed.2 == 0)
        #expect(doomed.1 == [WaitingRefusal(request: Self.request(1, deadline: milliseconds(30)), reason: .deadline)])
    }

    @Test func withoutOverloadNobodyWaitsForLongerThanTheInterval() {
        var room = Self.room()
        _ = room.insert(Self.request(1), nowNanoseconds: 0)
        _ = room.insert(Self.request(2, critical: true), nowNanoseconds: 0)
        let next = room.nextDeadlineNanoseconds
        #expect(next == milliseconds(100))
        let early = Self.expired(&room, now: milliseconds(100) - 1)
        #expect(early.isEmpty)
        let late = Self.expired(&room, now: milliseconds(100))
        #expect(late.map(\.request.handle) == [1, 2])
        #expect(late.allSatisfy { $0.reason == .overloaded })
        let overloaded = room.isOverloaded(nowNanoseconds: milliseconds(100))
        #expect(!overloaded, "the oldest wait was above the target for 95 ms")
    }

    @Test func overloadServesTheNewestAndRefusesWhatHasWaitedForTheTarget() {
        var room = Self.overloadedRoom()
        let now = milliseconds(105)
        _ = room.insert(Self.request(7, at: now, critical: true), nowNanoseconds: now)
        _ = room.insert(Self.request(8, at: now, critical: true), nowNanoseconds: now)
        let overloaded = room.isOverloaded(nowNanoseconds: now)
        #expect(overloaded)
        let next = room.nextDeadlineNanoseconds
        #expect(next == milliseconds(106), "5 ms after the oldest came")
        let punctual = room.insert(Self.request(9, tenant: 2, at: now), nowNanoseconds: now)
        _ = room.insert(Self.request(10, tenant: 2, at: now), nowNanoseconds: now)
        #expect(punctual == .waiting)
        let served = Self.served(&room, now: now, max: 6)
        #expect(served == [7, 8, 3, 9, 2, 10], "critical ones and a tenant that is in time oldest first")
        let refused = Self.expired(&room, now: milliseconds(106))
        #expect(refused.map(\.request.handle) == [0])
        let last = Self.served(&room, now: milliseconds(107))
        #expect(last == [], "the last has waited for longer than the target")
        let doomed = Self.expired(&room, now: milliseconds(107))
        #expect(doomed.map(\.request.handle) == [1])
    }

    @Test func overloadEndsAfterAnIntervalBelowTheTarget() {
        var room = Self.overloadedRoom()
        var now = milliseconds(105)
        _ = Self.served(&room, now: now)
        let states = [milliseconds(106), milliseconds(204), milliseconds(205)].map {
            room.isOverloaded(nowNanoseconds: $0)
        }
        #expect(states == [true, true, false], "running empty is not its end")
        now = milliseconds(205)
        for handle in 1...3 as ClosedRange<UInt64> {
            _ = room.insert(Self.request(handle, at: now), nowNanoseconds: now)
        }
        let served = Self.served(&room, now: now + milliseconds(50))
        #expect(served == [1, 2, 3], "oldest first again, although they have waited for longer than the target")
    }

    /// A full room whose oldest has waited for the target is overload at once: somebody is refused either way.
    @Test func aFullRoomIsOverloadAtTheTarget() {
        var room = Self.room(lengthMax: 2)
        _ = room.insert(Self.request(1), nowNanoseconds: 0)
        _ = room.insert(Self.request(2, at: 1), nowNanoseconds: 1)
        let third = room.insert(Self.request(3, at: 2), nowNanoseconds: 2)
        #expect(third == .refused, "below the target the newest gives way")
        let expired = Self.expired(&room, now: milliseconds(5))
        #expect(expired == [WaitingRefusal(request: Self.request(1), reason: .overloaded)])
    }
}

@Suite struct FullWaitingRoomTests {
    typealias Room = WaitingRoomTests

    /// Tenant 1 has three waiting, tenant 2 one; the room has four places.
    private static func fullRoom() -> WaitingRoom {
        var room = Room.room(lengthMax: 4)
        for handle in 10..<13 as Range<UInt64> { _ = room.insert(Room.request(handle, tenant: 1), nowNanoseconds: 0) }
        _ = room.insert(Room.request(20, tenant: 2), nowNanoseconds: 0)
        return room
    }

    @Test func theLargestTenantGivesWay() {
        var room = Self.fullRoom()
        let own = room.insert(Room.request(13, tenant: 1), nowNanoseconds: 0)
        #expect(own == .refused, "its newest is the newcomer")
        let other = room.insert(Room.request(30, tenant: 3), nowNanoseconds: 0)
        #expect(other == .replaced(Room.request(12, tenant: 1)))
        let again = room.insert(Room.request(31, tenant: 3), nowNanoseconds: 0)
        #expect(again == .refused, "the newcomer's tenant would have as many as the largest")
        let served = Room.served(&room)
        #expect(served == [10, 20, 30, 11])
    }

    @Test func inOverloadItsOldestGivesWay() {
        var room = Room.overloadedRoom(lengthMax: 4)
        let now = milliseconds(105)
        let own = room.insert(Room.request(4, at: now), nowNanoseconds: now)
        #expect(own == .replaced(Room.request(0, at: milliseconds(101))))
        let other = room.insert(Room.request(30, tenant: 3, at: now), nowNanoseconds: now)
        #expect(other == .replaced(Room.request(1, at: milliseconds(101) + 1_000)))
        let served = Room.served(&room, now: now)
        #expect(served == [4, 30, 3, 2], "newest first")
    }

    @Test func whatIsNotCriticalGivesWayToWhatIs() {
        var room = Self.fullRoom()
        let victims = (0..<5).map { index -> WaitingInsertion in
            room.insert(Room.request(100 + UInt64(index), tenant: 9, critical: true), nowNanoseconds: 0)
        }
        // Of two tenants with equally many, the one that has had so many for longest.
        let handles: [UInt64] = [12, 20, 11, 10].map { $0 }
        let expected = handles.map { WaitingInsertion.replaced(Room.request($0, tenant: $0 == 20 ? 2 : 1)) }
        #expect(Set(victims.prefix(4).map { "\($0)" }) == Set(expected.map { "\($0)" }))
        #expect(victims[4] == .refused, "among critical ones the rule is the same")
        let ordinary = room.insert(Room.request(40, tenant: 4), nowNanoseconds: 0)
        #expect(ordinary == .refused)
        let fair = room.insert(Room.request(200, tenant: 8, critical: true), nowNanoseconds: 0)
        #expect(fair == .replaced(Room.request(103, tenant: 9, critical: true)))
    }

    @Test func whoHasGoneLeavesWithoutWork() {
        var room = Self.fullRoom()
        let removed = [11, 20, 11, 99].map { room.remove(handle: $0, nowNanoseconds: 0) }
        #expect(removed == [true, true, false, false])
        let insertion = room.insert(Room.request(21, tenant: 2), nowNanoseconds: 0)
        #expect(insertion == .waiting, "its place is free")
        let served = Room.served(&room)
        #expect(served == [10, 21, 12])
        _ = room.insert(Room.request(1, deadline: 5), nowNanoseconds: 0)
        let late = room.popNext(nowNanoseconds: 5)
        #expect(late == nil)
        let doomed = room.remove(handle: 1, nowNanoseconds: 5)
        #expect(doomed, "one that waits to be refused may leave as well")
        let refusal = room.popExpired(nowNanoseconds: 5)
        #expect(refusal == nil)
    }

    @Test func aRoomGrowsAtOnceAndShrinksAsItEmpties() {
        var room = Self.fullRoom()
        room.configure(WaitingLimits(lengthMax: 6))
        let grown = (0..<3).map { room.insert(Room.request(30 + $0, tenant: 3), nowNanoseconds: 0) }
        #expect(grown[0...1] == [.waiting, .waiting] && grown[2] != .waiting)
        room.configure(WaitingLimits(lengthMax: 2))
        let shrunk = room.insert(Room.request(50, tenant: 5, critical: true), nowNanoseconds: 0)
        #expect(shrunk == .refused)
        let counted = room.count
        #expect(counted == 6, "nobody is thrown out")
        let first = Room.served(&room, max: 5)
        #expect(first.count == 5)
        let room1 = room.insert(Room.request(51, tenant: 5), nowNanoseconds: 0)
        #expect(room1 == .waiting)
        room.configure(WaitingLimits(lengthMax: 0))
        let off = room.insert(Room.request(52, tenant: 5), nowNanoseconds: 0)
        #expect(off == .refused)
        let rest = Room.served(&room)
        #expect(rest.count == 2, "those who wait are served")
    }

    @Test func aRoomThatIsSwitchedOffRefusesAndGrows() {
        var room = Room.room(lengthMax: 0)
        let off = room.insert(Room.request(1), nowNanoseconds: 0)
        #expect(off == .refused)
        room.configure(WaitingLimits(lengthMax: 40))
        for handle in 0..<40 as Range<UInt64> {
            let insertion = room.insert(Room.request(handle, tenant: UInt128(handle % 7)), nowNanoseconds: 0)
            #expect(insertion == .waiting)
        }
        let served = Room.served(&room)
        #expect(Set(served) == Set(0..<40) && served.prefix(7) == [0, 1, 2, 3, 4, 5, 6])
    }

    @Test func memoryIsKnownBeforehand() {
        #expect(WaitingRoom.bytes(lengthMax: 0) < 1_000)
        #expect(WaitingRoom.bytes(lengthMax: 1024) <= 1_200_000)
    }
}

/// A room is full with few requests, too, when they are a turn's work.
@Suite struct LookupsInRoomTests {
    private static func request(_ handle: UInt64, tenant: UInt128, lookups: UInt32, critical: Bool = false)
        -> WaitingRequest
    {
        WaitingRequest(
            handle: handle, tenant: tenant, arrivalNanoseconds: 0, deadlineNanoseconds: 60_000_000_000, cost: lookups,
            lookups: lookups, isCritical: critical)
    }

    private static func room() -> WaitingRoom {
        var limits = WaitingLimits(lengthMax: 64)
        limits.lookupsMax = 500
        return WaitingRoom(limits: limits)
    }

    @Test func workFillsTheRoom() {
        var room = Self.room()
        let insertions = (1...3 as ClosedRange<UInt64>).map {
            room.insert(Self.request($0, tenant: 1, lookups: 256), nowNanoseconds: 0)
        }
        #expect(insertions == [.waiting, .waiting, .refused])
        let isFull = room.hasLookupsMax
        #expect(isFull)
        _ = room.popNext(nowNanoseconds: 0)
        let isFullAfterOne = room.hasLookupsMax
        #expect(!isFullAfterOne)
        let next = room.insert(Self.request(4, tenant: 1, lookups: 256), nowNanoseconds: 0)
        #expect(next == .waiting)
    }

    /// A tenant that fills the room with work cannot keep the others out.
    @Test func theTenantWithMostGivesWay() {
        var room = Self.room()
        for handle in 1...3 as ClosedRange<UInt64> {
            _ = room.insert(Self.request(handle, tenant: 1, lookups: 200), nowNanoseconds: 0)
        }
        let own = room.refuses(tenant: 1, isCritical: false, nowNanoseconds: 0)
        let other = room.refuses(tenant: 2, isCritical: false, nowNanoseconds: 0)
        let critical = room.refuses(tenant: 1, isCritical: true, nowNanoseconds: 0)
        #expect(own && !other && !critical)
        let insertion = room.insert(Self.request(4, tenant: 2, lookups: 200), nowNanoseconds: 0)
        #expect(insertion == .replaced(Self.request(3, tenant: 1, lookups: 200)))
    }

    /// Over a long random history: what `refuses` says is what `insert` does, and the sum of lookups is that of those that wait.
    @Test func refusesSaysWhatInsertDoes() {
        var random = SeededGenerator.fromEnvironment(usual: 1)
        var room = Self.room()
        var waiting: [UInt64: Int] = [:]
        var now: UInt64 = 0
        for handle in 0..<50_000 as Range<UInt64> {
            now += UInt64.random(in: 0...2_000_000, using: &random)
            let request = WaitingRequest(
                handle: handle, tenant: UInt128.random(in: 1...4, using: &random), arrivalNanoseconds: now,
                deadlineNanoseconds: now + 50_000_000, lookups: UInt32.random(in: 1...256, using: &random),
                isCritical: Int.random(in: 0..<20, using: &random) == 0)
            let refuses = room.refuses(tenant: request.tenant, isCritical: request.isCritical, nowNanoseconds: now)
            let insertion = room.insert(request, nowNanoseconds: now)
            #expect((insertion == .refused) == refuses)
            if insertion != .refused { waiting[handle] = Int(request.lookups) }
            if case .replaced(let victim) = insertion { waiting[victim.handle] = nil }
            if Bool.random(using: &random), let next = room.popNext(nowNanoseconds: now) { waiting[next.handle] = nil }
            while let late = room.popExpired(nowNanoseconds: now) { waiting[late.request.handle] = nil }
            let isFull = room.hasLookupsMax
            #expect(isFull == (waiting.values.reduce(0, +) >= 500))
        }
    }
}
