/// The requests that may be in flight: `depth` slots a connection, in flat arrays.
///
/// A correlation is a count above 16 bits of slot, so that an answer finds its request without a search and a late or
/// repeated answer finds none.
struct SlotTable: ~Copyable {
    private let depth: Int
    /// 0 exactly when the slot is free.
    private var correlations: [UInt64]
    private var sentNanoseconds: [UInt64]
    /// What the answer has to show: the fingerprint of the key, or the number in the PING.
    private var tags: [UInt64]
    /// For each connection a stack of its free slots.
    private var free: [UInt16]
    private var freeCounts: [Int]
    private var sequence: UInt64 = 0
    /// Requests in flight on all connections.
    private(set) var used = 0

    struct Request {
        let sentNanoseconds: UInt64
        let tag: UInt64
    }

    init(connections: Int, depth: Int) {
        precondition(depth > 0 && depth <= 65_536)
        self.depth = depth
        let count = connections * depth
        self.correlations = Array(repeating: 0, count: count)
        self.sentNanoseconds = Array(repeating: 0, count: count)
        self.tags = Array(repeating: 0, count: count)
        self.free = (0..<count).map { UInt16($0 % depth) }
        self.freeCounts = Array(repeating: depth, count: connections)
    }

    @inline(__always)
    func freeCount(_ connection: Int) -> Int { self.freeCounts[connection] }

    /// Occupies a free slot of the connection, which must have one, and returns the correlation.
    @inline(__always)
    mutating func take(_ connection: Int, tag: UInt64, sentNanoseconds: UInt64) -> UInt64 {
        let base = connection * self.depth
        self.freeCounts[connection] -= 1
        let slot = self.free[base + self.freeCounts[connection]]
        self.sequence &+= 1
        let correlation = self.sequence << 16 | UInt64(slot)
        let index = base + Int(slot)
        self.correlations[index] = correlation
        self.sentNanoseconds[index] = sentNanoseconds
        self.tags[index] = tag
        self.used += 1
        return correlation
    }

    /// Frees the slot that `correlation` occupies; nil when none does.
    @inline(__always)
    mutating func give(_ connection: Int, correlation: UInt64) -> Request? {
        let slot = Int(correlation & 0xFFFF)
        guard slot < self.depth, correlation != 0 else { return nil }
        let index = connection * self.depth + slot
        guard self.correlations[index] == correlation else { return nil }
        self.correlations[index] = 0
        self.free[connection * self.depth + self.freeCounts[connection]] = UInt16(slot)
        self.freeCounts[connection] += 1
        self.used -= 1
        return Request(sentNanoseconds: self.sentNanoseconds[index], tag: self.tags[index])
    }

    /// Gives up what is in flight on a connection; returns how many requests that were.
    mutating func abandon(_ connection: Int) -> Int {
        let count = self.depth - self.freeCounts[connection]
        for index in (connection * self.depth)..<((connection + 1) * self.depth) { self.correlations[index] = 0 }
        self.used -= count
        return count
    }
}
