@testable import Admission
import GatewayTesting
import Testing

@Suite struct SlabTests {
    /// Tells when it is dropped, so that leaks and double drops show.
    final class Drops {
        var count = 0
    }

    struct Element: ~Copyable {
        let value: UInt64
        let drops: Drops
        deinit { self.drops.count += 1 }
    }

    typealias Key = Slab<Element>.Key

    /// The value of the element that a key names, taken out.
    private static func removed(_ key: Key, from slab: inout Slab<Element>) -> UInt64? {
        switch slab.remove(key) {
        case .some(let element): element.value
        case .none: nil
        }
    }

    @Test func aStaleKeyFindsNobody() throws {
        let drops = Drops()
        var slab = Slab<Element>(capacity: 2)
        let inserted = slab.insert(Element(value: 1, drops: drops))
        let first = try #require(inserted)
        let removed = Self.removed(first, from: &slab)
        #expect(removed == 1)
        #expect(drops.count == 1)
        let reinserted = slab.insert(Element(value: 2, drops: drops))
        let second = try #require(reinserted)
        #expect(second.slot == first.slot && second.generation != first.generation)
        let stale = (slab.contains(first), Self.removed(first, from: &slab))
        #expect(stale == (false, nil))
        let current = (slab.key(ofSlot: Int(first.slot)), slab[slot: Int(second.slot)].value, slab.contains(second))
        #expect(current == (second, 2, true))
        let unknown = [slab.contains(Key(slot: 1, generation: 0)), slab.contains(Key(slot: 99, generation: 0))]
        #expect(unknown == [false, false], "a slot that was never used, and one that does not exist")
        let unused = [slab.key(ofSlot: 1), slab.key(ofSlot: -1), slab.key(ofSlot: 2)]
        #expect(unused == [nil, nil, nil])
    }

    @Test func aFullSlabTakesNoMore() throws {
        let drops = Drops()
        var slab = Slab<Element>(capacity: 2)
        let first = slab.insert(Element(value: 1, drops: drops))
        let second = slab.insert(Element(value: 2, drops: drops))
        #expect(first != nil)
        let isFull = slab.isFull
        #expect(isFull)
        let third = slab.insert(Element(value: 3, drops: drops))
        #expect(third == nil)
        #expect(drops.count == 1, "the one that did not fit")
        let removed = Self.removed(try #require(second), from: &slab)
        #expect(removed == 2)
        let state = (slab.isFull, slab.count)
        #expect(state == (false, 1))
    }

    /// 24 bits of generation, so that it fits a kernel's token; a slot that has worn them out starts again.
    @Test func generationsWrapAtTwentyFourBits() throws {
        let drops = Drops()
        var slab = Slab<Element>(capacity: 1)
        let inserted = slab.insert(Element(value: 0, drops: drops))
        let first = try #require(inserted)
        _ = slab.remove(first)
        unsafe slab.states[0].generation = 0xFF_FFFF
        let reinserted = slab.insert(Element(value: 1, drops: drops))
        let last = try #require(reinserted)
        #expect(last.generation == 0xFF_FFFF)
        _ = slab.remove(last)
        let wrapped = slab.insert(Element(value: 2, drops: drops))
        #expect(wrapped?.generation == 0)
        let isStale = !slab.contains(last)
        #expect(isStale)
    }

    /// Any sequence of inserts and removes is a dictionary's, and every element is dropped exactly once.
    @Test func aRandomHistoryIsADictionarys() {
        var random = SeededGenerator.fromEnvironment()
        let drops = Drops()
        var made = 0
        do {
            var slab = Slab<Element>(capacity: 50)
            var model: [Key: UInt64] = [:]
            var stale: [Key] = []
            for step in 0..<20_000 {
                if random.oneIn(2) {
                    made += 1
                    let key = slab.insert(Element(value: UInt64(step), drops: drops))
                    #expect((key == nil) == (model.count == 50), "\(random.replay)")
                    if let key {
                        #expect(model[key] == nil && !stale.contains(key), "\(random.replay)")
                        model[key] = UInt64(step)
                    }
                } else if let key = model.keys.min(by: { $0.hashValue < $1.hashValue }) {
                    let removed = Self.removed(key, from: &slab)
                    #expect(removed == model.removeValue(forKey: key), "\(random.replay)")
                    stale.append(key)
                    if stale.count > 100 { stale.removeFirst() }
                }
                var agrees = slab.count == model.count && drops.count == made - model.count
                for key in stale where slab.contains(key) { agrees = false }
                for (key, value) in model where !slab.contains(key) || slab[slot: Int(key.slot)].value != value {
                    agrees = false
                }
                guard agrees else {
                    Issue.record("keys and slab disagree after \(step) steps; \(random.replay)")
                    return
                }
            }
        }
        #expect(drops.count == made, "everything was dropped once, the rest with the slab; \(random.replay)")
    }
}
