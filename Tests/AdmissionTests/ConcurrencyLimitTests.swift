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

    private static func isGranted(_ limit: ConcurrencyLimit, critical: Bool) -> Bool {
        limit.acquire(critical: critical) != nil
    }

    @Test func aLoweredLimitDrainsAndARaisedOneHoldsAtOnce() {
        let limit = ConcurrencyLimit(openMax: 4)
        var held = PermitStack()
        for _ in 1...4 { _ = held.push(from: limit) }
        limit.configure(openMax: 2, criticalReserve: 0)
        #expect(limit.openMax == 2)
        #expect(limit.openCount == 4, "nothing is cancelled")
        for left in [3, 2] {
            #expect(Self.isRefused(limit))
            held.dropOne()
            #expect(limit.openCount == left)
        }
        #expect(Self.isRefused(limit), "as many as are allowed are open")
        held.dropOne()
        #expect(!Self.isRefused(limit))
        limit.configure(openMax: ConcurrencyLimit.openMaxLargest, criticalReserve: 0)
        let raised = (held.push(from: limit), held.push(from: limit))
        #expect(raised == (true, true))
        #expect(limit.openCount == 3 && limit.openMax == ConcurrencyLimit.openMaxLargest)
    }

    @Test func theReserveIsForCriticalRequestsOnly() {
        let limit = ConcurrencyLimit(openMax: 3, criticalReserve: 1)
        var held = PermitStack()
        let ordinary = (held.push(from: limit), held.push(from: limit), held.push(from: limit))
        #expect(ordinary == (true, true, false))
        #expect(!limit.hasOrdinaryPermit)
        let critical = (held.push(from: limit, critical: true), held.push(from: limit, critical: true))
        #expect(critical == (true, false), "the reserve is within the limit")
        held.dropOne()
        #expect(!Self.isGranted(limit, critical: false), "the permit went back to the reserve")
        held.dropOne()
        #expect(limit.hasOrdinaryPermit)
        #expect(Self.isGranted(limit, critical: false))
        limit.configure(openMax: 3, criticalReserve: 9)
        #expect(limit.criticalReserve == 9)
        held.dropAll()
        #expect(!Self.isGranted(limit, critical: false), "a reserve of everything leaves ordinary requests nothing")
        #expect(Self.isGranted(limit, critical: true))
    }

    @Test func theAdaptiveLimitHoldsBackWhatIsNotCritical() {
        let limit = ConcurrencyLimit(openMax: 4, criticalReserve: 1)
        #expect(limit.adaptiveMax == nil)
        limit.adapt(to: 1)
        var held = PermitStack()
        let ordinary = (held.push(from: limit), held.push(from: limit))
        #expect(ordinary == (true, false))
        for _ in 2...4 {
            let critical = held.push(from: limit, critical: true)
            #expect(critical)
        }
        #expect(limit.openCount == 4)
        held.dropAll()
        limit.adapt(to: .max)
        #expect(limit.adaptiveMax == ConcurrencyLimit.openMaxLargest)
        for _ in 1...3 {
            let granted = held.push(from: limit)
            #expect(granted)
        }
        #expect(!Self.isGranted(limit, critical: false), "the reserve stays whatever the adaptive limit is")
        held.dropAll()
        limit.adapt(to: 2)
        limit.configure(openMax: 3, criticalReserve: 0)
        let after = (held.push(from: limit), held.push(from: limit), held.push(from: limit))
        #expect(after == (true, true, false), "configuring keeps the adaptive limit")
        limit.adapt(to: nil)
        let lifted = held.push(from: limit)
        #expect(lifted)
        #expect(limit.openMax == 3, "the configured limit is what it was")
    }

    @Test func thePeakIsExactAndBeginsAgainWhenTaken() {
        let limit = ConcurrencyLimit(openMax: 4)
        var held = PermitStack()
        for _ in 1...3 { _ = held.push(from: limit) }
        held.dropOne()
        held.dropOne()
        #expect(limit.openPeak == 3)
        let first = limit.takePeak()
        #expect(first == 3)
        #expect(limit.openPeak == 1, "what is open still")
        _ = held.push(from: limit)
        held.dropAll()
        let taken = [limit.takePeak(), limit.takePeak()]
        #expect(taken == [2, 0])
    }

    /// Two threads and ten million operations; `permit-proof` is the same a hundred times as long.
    @Test func twoThreadsReachTheLimitAndNeverExceedIt() async {
        let random = SeededGenerator.fromEnvironment()
        let proof = await PermitProof.run(operations: 10_000_000, seed: random.seed)
        #expect(proof.holds, "\(proof); \(random.replay)")
    }

    final class Violations: Sendable {
        let count = Atomic<Int>(0)
    }

    /// While one thread acquires and drops, the bounds move: what is granted never exceeds the bound that was set last
    /// before it, because whoever lowers it sees what is open at that very moment.
    @Test func movingBoundsLoseNoPermit() async {
        let limit = ConcurrencyLimit(openMax: 4)
        let violations = Violations()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                var random = SeededGenerator(seed: 7)
                var held = PermitStack()
                for _ in 0..<300_000 {
                    if held.count > 0 && random.oneIn(2) {
                        held.dropOne()
                    } else {
                        _ = held.push(from: limit, critical: random.oneIn(2))
                    }
                    // The only holder: the count is its own, whatever happens to the bounds.
                    if limit.openCount != held.count { violations.count.add(1, ordering: .relaxed) }
                }
                held.dropAll()
            }
            group.addTask {
                var random = SeededGenerator(seed: 8)
                for _ in 0..<100_000 {
                    let openMax = 1 + Int(random.next() % 4)
                    limit.configure(openMax: openMax, criticalReserve: Int(random.next() % 2))
                    limit.adapt(to: random.oneIn(2) ? nil : 1 + Int(random.next() % 4))
                    let before = limit.openCount
                    let after = limit.openCount
                    // Lowered below what is open, it can only fall; else it may rise as far as the limit.
                    if after > max(before, openMax) { violations.count.add(1, ordering: .relaxed) }
                }
            }
        }
        #expect(violations.count.load(ordering: .relaxed) == 0)
        #expect(limit.openCount == 0)
    }
}
