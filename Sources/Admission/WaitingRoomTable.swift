/// Finds slots by a key that clients choose, in memory that is allocated once: open addressing under a keyed hash, at
/// most half full, without tombstones.
struct SlotTable {
    private var places: [Place]
    private(set) var count = 0
    private let seed: UInt64

    private struct Place {
        var key: UInt128 = 0
        /// -1 exactly when the place is empty.
        var slot: Int32 = -1
    }

    static func bytes(capacity: Int) -> Int { Self.placesCount(for: capacity) * MemoryLayout<Place>.stride }

    /// - Parameter seed: secret, so that nobody can choose keys that collide.
    init(capacity: Int, seed: UInt64) {
        self.places = Array(repeating: Place(), count: Self.placesCount(for: capacity))
        self.seed = seed
    }

    private static func placesCount(for capacity: Int) -> Int {
        var count = 2
        while count < 2 * capacity { count *= 2 }
        return count
    }

    mutating func grow(to capacity: Int) {
        let old = self.places
        self.places = Array(repeating: Place(), count: Self.placesCount(for: capacity))
        self.count = 0
        for place in old where place.slot >= 0 { self.insert(place.key, Int(place.slot)) }
    }

    /// Nil when the key is not there.
    func slot(of key: UInt128) -> Int? {
        let place = self.places[self.find(key)]
        return place.slot >= 0 ? Int(place.slot) : nil
    }

    mutating func insert(_ key: UInt128, _ slot: Int) {
        let index = self.find(key)
        precondition(self.places[index].slot < 0, "a key that is there already")
        precondition(2 * (self.count + 1) <= self.places.count, "more keys than the table was made for")
        self.places[index] = Place(key: key, slot: Int32(slot))
        self.count += 1
    }

    /// The key is there. What was pushed along by it moves back, so that no search ends too early.
    mutating func remove(_ key: UInt128) {
        var hole = self.find(key)
        precondition(self.places[hole].slot >= 0)
        let mask = self.places.count - 1
        var index = hole
        while true {
            index = (index + 1) & mask
            guard self.places[index].slot >= 0 else { break }
            let distance = (index - self.home(of: self.places[index].key)) & mask
            if distance >= (index - hole) & mask {
                self.places[hole] = self.places[index]
                hole = index
            }
        }
        self.places[hole] = Place()
        self.count -= 1
    }

    /// Where the key is, or the empty place where it would be.
    private func find(_ key: UInt128) -> Int {
        let mask = self.places.count - 1
        var index = self.home(of: key)
        while self.places[index].slot >= 0 && self.places[index].key != key { index = (index + 1) & mask }
        return index
    }

    private func home(of key: UInt128) -> Int {
        let low = UInt64(truncatingIfNeeded: key) ^ self.seed
        let high = UInt64(truncatingIfNeeded: key >> 64) ^ (self.seed << 1)
        return Int(truncatingIfNeeded: Self.mix(Self.mix(low) &+ high)) & (self.places.count - 1)
    }

    /// The finaliser of splitmix64 (Steele, Lea, Flood 2014).
    private static func mix(_ value: UInt64) -> UInt64 {
        var word = value
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
