/// One timer per slot, in buckets of 64 ms over 65 s: scheduling and cancelling are a few stores, and a timer fires
/// at most one bucket late. A deadline beyond the horizon fires at the horizon, and its owner schedules the rest.
struct TimerWheel {
    static let bucketNanoseconds: UInt64 = 1 << 26
    private static let bucketsCount = 1024
    private static let mask = UInt64(TimerWheel.bucketsCount - 1)

    private struct Entry {
        var next: Int32 = -1
        var previous: Int32 = -1
        /// The tick it fires at; 0 exactly when it is not scheduled.
        var tick: UInt64 = 0
    }

    private var heads = [Int32](repeating: -1, count: TimerWheel.bucketsCount)
    private var occupied = [UInt64](repeating: 0, count: TimerWheel.bucketsCount / 64)
    private var entries: [Entry] = []
    /// Every bucket below this tick is empty.
    private var tick: UInt64 = 1

    /// Makes room for `slot`.
    mutating func touch(_ slot: Int) {
        while self.entries.count <= slot { self.entries.append(Entry()) }
    }

    /// Fires at `deadlineNanoseconds` or, when the slot has an earlier timer, at that one: its owner then looks
    /// again.
    @inline(__always)
    mutating func schedule(_ slot: Int, deadlineNanoseconds: UInt64, nowNanoseconds: UInt64) {
        let wanted = deadlineNanoseconds / Self.bucketNanoseconds + 1
        let current = self.entries[slot].tick
        guard current == 0 || wanted < current else { return }
        self.insert(slot, tick: wanted, nowNanoseconds: nowNanoseconds)
    }

    private mutating func insert(_ slot: Int, tick wanted: UInt64, nowNanoseconds: UInt64) {
        self.cancel(slot)
        let now = nowNanoseconds / Self.bucketNanoseconds
        if self.occupied.allSatisfy({ $0 == 0 }) { self.tick = max(self.tick, now) }
        let tick = min(max(wanted, self.tick), self.tick + Self.mask)
        let bucket = Int(tick & Self.mask)
        self.entries[slot] = Entry(next: self.heads[bucket], previous: -1, tick: tick)
        if self.heads[bucket] >= 0 { self.entries[Int(self.heads[bucket])].previous = Int32(slot) }
        self.heads[bucket] = Int32(slot)
        self.occupied[bucket / 64] |= 1 << UInt64(bucket % 64)
    }

    func isScheduled(_ slot: Int) -> Bool { self.entries[slot].tick != 0 }

    mutating func cancel(_ slot: Int) {
        let entry = self.entries[slot]
        guard entry.tick != 0 else { return }
        let bucket = Int(entry.tick & Self.mask)
        if entry.previous >= 0 {
            self.entries[Int(entry.previous)].next = entry.next
        } else {
            self.heads[bucket] = entry.next
        }
        if entry.next >= 0 { self.entries[Int(entry.next)].previous = entry.previous }
        if self.heads[bucket] < 0 { self.occupied[bucket / 64] &= ~(1 << UInt64(bucket % 64)) }
        self.entries[slot] = Entry()
    }

    /// The next slot whose time has come, taken off the wheel.
    mutating func popDue(nowNanoseconds: UInt64) -> Int? {
        let now = nowNanoseconds / Self.bucketNanoseconds
        if let next = self.nextTick(), next <= now {
            self.tick = next
            let slot = Int(self.heads[Int(next & Self.mask)])
            self.cancel(slot)
            return slot
        }
        self.tick = max(self.tick, now)
        return nil
    }

    /// When the earliest timer fires; nil without timers.
    func nextDeadlineNanoseconds() -> UInt64? { self.nextTick().map { $0 * Self.bucketNanoseconds } }

    private func nextTick() -> UInt64? {
        let words = self.occupied.count
        let start = Int(self.tick & Self.mask)
        for step in 0...words {
            let index = (start / 64 + step) % words
            var word = self.occupied[index]
            if step == 0 { word &= ~0 << UInt64(start % 64) }
            if step == words { word &= ~(~0 << UInt64(start % 64)) }
            guard word != 0 else { continue }
            let bucket = UInt64(index * 64 + word.trailingZeroBitCount)
            return self.tick + ((bucket &- self.tick) & Self.mask)
        }
        return nil
    }
}
