/// Indices of lanes in the order in which they get their next request; each stands in it at most once, so that it never
/// grows.
struct LaneQueue {
    private var slots: [Int32]
    private var head = 0
    private var count = 0

    init(lanes: Int) {
        var capacity = 1
        while capacity < lanes { capacity *= 2 }
        self.slots = Array(repeating: 0, count: capacity)
    }

    @inline(__always)
    mutating func push(_ lane: Int) {
        precondition(self.count < self.slots.count)
        self.slots[(self.head + self.count) & (self.slots.count - 1)] = Int32(truncatingIfNeeded: lane)
        self.count += 1
    }

    @inline(__always)
    mutating func pop() -> Int? {
        guard self.count > 0 else { return nil }
        let lane = self.slots[self.head]
        self.head = (self.head + 1) & (self.slots.count - 1)
        self.count -= 1
        return Int(lane)
    }
}
