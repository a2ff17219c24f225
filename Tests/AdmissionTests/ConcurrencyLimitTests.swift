import Admission
import GatewayTesting
import Synchronization
import Testing

@Suite struct ConcurrencyLimitTests {
    @Test func theLimitIsExact() {
        let limit = ConcurrencyLimit(openMax: 3)
        var held = PermitStack()
        for count in 1...3 {
            let taken = held.push(from: limit)
            #expect(taken)
            #expect(limit.openCount == count)
        }
        let fourth = held.push(from: limit)
        #expect(!fourth)
        #expect(limit.openCount == 3, "a refusal takes nothing")
        held.dropOne()
        #expect(limit.openCount == 2)
        let again = held.push(from: limit)
        #expect(again)
        held.dropAll()
        #expect(limit.openCount == 0)
    }

    private static func isRefused(_ limit: ConcurrencyLimit) -> Bool {
        switch limit.acquire() {
        case .some: false
        case .none: true
        }
    }

    /// Dropping is the only release: there is no call to make twice, and a permit that is moved is still one.
    @Test func aPermitReturnsExactlyOnce() {
        let limit = ConcurrencyLimit(openMax: 1)
        do {
            guard let first = limit.acquire() else {
                Issue.record("an empty limit refused")
                return
            }
            let moved = consume first
            #expect(limit.openCount == 1)
            #expect(Self.isRefused(limit))
            _ = consume moved
        }
        #expect(limit.openCount == 0)
        #expect(!Self.isRefused(limit))
        #expect(limit.openCount == 0, "a permit that nobody keeps is back at once")
    }

    /// What the threads count by themselves.
    final class Tally: Sendable {
        let holders = Atomic<Int>(0)
        let peak = Atomic<Int>(0)
        let refusals = Atomic<Int>(0)
    }

    /// Two threads, a million operations: holders are counted by themselves, outside the limit, and never exceed it.
    @Test func twoThreadsNeverExceedTheLimit() async {
        let limit = ConcurrencyLimit(openMax: 3)
        let tally = Tally()
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<2 {
                group.addTask {
                    var random = SeededGenerator(seed: UInt64(worker))
                    var held = PermitStack()
                    for _ in 0..<500_000 {
                        if held.count > 0 && random.oneIn(2) {
                            tally.holders.subtract(1, ordering: .sequentiallyConsistent)
                            held.dropOne()
                        } else if held.push(from: limit) {
                            let (_, now) = tally.holders.add(1, ordering: .sequentiallyConsistent)
                            _ = tally.peak.max(now, ordering: .relaxed)
                        } else {
                            tally.refusals.add(1, ordering: .relaxed)
                        }
                    }
                    tally.holders.subtract(held.count, ordering: .sequentiallyConsistent)
                    held.dropAll()
                }
            }
        }
        #expect(tally.peak.load(ordering: .relaxed) == 3)
        #expect(tally.refusals.load(ordering: .relaxed) > 0, "the limit was reached")
        #expect(limit.openCount == 0)
    }
}

/// Up to four permits; they are noncopyable, so no array holds them.
struct PermitStack: ~Copyable {
    private var permits = InlineArray<4, Permit?>(first: nil) { _ in nil }
    private(set) var count = 0

    /// False when the limit refused.
    mutating func push(from limit: ConcurrencyLimit) -> Bool {
        guard self.count < 4, let permit = limit.acquire() else { return false }
        self.permits[self.count] = consume permit
        self.count += 1
        return true
    }

    mutating func dropOne() {
        self.count -= 1
        self.permits[self.count] = nil
    }

    mutating func dropAll() { while self.count > 0 { self.dropOne() } }
}
