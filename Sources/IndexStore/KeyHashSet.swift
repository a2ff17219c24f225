/// Which keys an import has seen: their 64-bit hashes, in one open table of 8 bytes a slot.
///
/// It grows with the import, to between 11 and 22 bytes a record. Two keys with the same hash would be taken for one,
/// which costs one wrong count among the statistics at odds of one to a million for five million records, and
/// never a record.
struct KeyHashSet {
    /// Zero marks a free slot; a hash that is zero is kept as one.
    private var slots: [UInt64]
    private var count = 0

    init() {
        self.slots = [UInt64](repeating: 0, count: 1024)
    }

    /// False when the key is there already.
    mutating func insert(_ key: String) -> Bool {
        // At most three quarters full, probes stay short.
        if (self.count + 1) * 4 > self.slots.count * 3 { self.grow() }
        var hasher = Hasher()
        var key = key
        key.withUTF8 { unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        let hash = UInt64(truncatingIfNeeded: hasher.finalize())
        return self.insert(hash == 0 ? 1 : hash)
    }

    private mutating func insert(_ hash: UInt64) -> Bool {
        let mask = self.slots.count - 1
        var index = Int(truncatingIfNeeded: hash) & mask
        while self.slots[index] != 0 {
            if self.slots[index] == hash { return false }
            index = (index + 1) & mask
        }
        self.slots[index] = hash
        self.count += 1
        return true
    }

    private mutating func grow() {
        let old = self.slots
        self.slots = [UInt64](repeating: 0, count: old.count * 2)
        self.count = 0
        for hash in old where hash != 0 { _ = self.insert(hash) }
    }
}
