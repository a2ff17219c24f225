/// The requests that may be in flight: `depth` slots a connection, in one flat array.
///
/// A correlation is a count above 16 bits of slot, so that an answer finds its request without a search and a late or
/// repeated answer finds none.
struct SlotTable: ~Copyable {
    /// What an answer is checked against, and measured from.
    struct Request {
        /// When it should have left.
        var dueNanoseconds: UInt64 = 0
        /// When it left.
        var sentNanoseconds: UInt64 = 0
        /// What the answer has to show: the fingerprint of the key or keys, or the number in the PING.
        var tag: UInt64 = 0
        /// Of the key in a resolve.
        var keyBytes: UInt16 = 0
        /// 0 when anonymous.
        var tenant: UInt32 = 0
        /// True exactly when the key was made up, so that 404 is the right answer.
        var expectsAbsence = false
    }

    private struct Slot {
        /// 0 exactly when the slot is free.
        var correlation: UInt64 = 0
        var request = Request()
    }

    private let depth: Int
    private var slots: [Slot]
    /// For each connection a stack of its free slots.
    private var free: [UInt16]
    private var freeCounts: [Int]
    private var sequence: UInt64 = 0
    /// Requests in flight on all connections.
    private(set) var used = 0

    init(connections: Int, depth: Int) {
        precondition(depth > 0 && depth <= 65_536)
        self.depth = depth
        let count = connections * depth
        self.slots = Array(repeating: Slot(), count: count)
        self.free = (0..<count).map { UInt16($0 % depth) }
        self.freeCounts = Array(repeating: depth, count: connections)
    }

    @inline(__always)
    func freeCount(_ connection: Int) -> Int { self.freeCounts[connection] }

    /// Whether nothing of the connection is in flight.
    @inline(__always)
    func isIdle(_ connection: Int) -> Bool { self.freeCounts[connection] == self.depth }

    /// Occupies a free slot of the connection, which must have one, and returns the correlation.
    @inline(__always)
    mutating func take(_ connection: Int, _ request: Request) -> UInt64 {
        let base = connection * self.depth
        self.freeCounts[connection] -= 1
        let slot = self.free[base + self.freeCounts[connection]]
        self.sequence &+= 1
        let correlation = self.sequence << 16 | UInt64(slot)
        self.slots[base + Int(slot)] = Slot(correlation: correlation, request: request)
        self.used += 1
        return correlation
    }

    /// Frees the slot that `correlation` occupies; nil when none does.
    @inline(__always)
    mutating func give(_ connection: Int, correlation: UInt64) -> Request? {
        let slot = Int(correlation & 0xFFFF)
        guard slot < self.depth, correlation != 0 else { return nil }
        let base = connection * self.depth
        guard self.slots[base + slot].correlation == correlation else { return nil }
        self.slots[base + slot].correlation = 0
        self.free[base + self.freeCounts[connection]] = UInt16(slot)
        self.freeCounts[connection] += 1
        self.used -= 1
        return self.slots[base + slot].request
    }

    /// Gives up what is in flight on a connection, so that all its slots are free.
    ///
    /// - Returns: how many requests that were, and how many of them were due at `dueNanoseconds` or later.
    mutating func abandon(_ connection: Int, dueFrom dueNanoseconds: UInt64) -> (count: UInt64, measured: UInt64) {
        let base = connection * self.depth
        var count: UInt64 = 0
        var measured: UInt64 = 0
        for slot in 0..<self.depth where self.slots[base + slot].correlation != 0 {
            count += 1
            if self.slots[base + slot].request.dueNanoseconds >= dueNanoseconds { measured += 1 }
            self.slots[base + slot].correlation = 0
            self.free[base + self.freeCounts[connection]] = UInt16(slot)
            self.freeCounts[connection] += 1
            self.used -= 1
        }
        return (count, measured)
    }
}
