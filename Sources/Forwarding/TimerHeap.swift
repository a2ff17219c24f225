/// One time for each slot that has one, earliest first, in memory that is allocated once: a binary heap that knows
/// where each slot stands, so that any of them can leave.
struct TimerHeap {
    /// The heap; its first `count` are in use.
    private var order: [Int32]
    private(set) var count = 0
    /// By slot: its time, and its place in `order` (-1 exactly when it is not there).
    private var nodes: [Node]

    private struct Node {
        var nanoseconds: UInt64 = 0
        var place: Int32 = -1
    }

    static var slotBytes: Int { MemoryLayout<Int32>.stride + MemoryLayout<Node>.stride }

    init(capacity: Int) {
        self.order = Array(repeating: -1, count: capacity)
        self.nodes = Array(repeating: Node(), count: capacity)
    }

    /// The slot with the earliest time, and that time; nil when empty.
    var first: Int? { self.count > 0 ? Int(self.order[0]) : nil }
    var firstNanoseconds: UInt64? { self.first.map { self.nodes[$0].nanoseconds } }

    func contains(_ slot: Int) -> Bool { self.nodes[slot].place >= 0 }

    /// Gives the slot a time, whether it has one or not.
    mutating func set(_ slot: Int, nanoseconds: UInt64) {
        let before = self.nodes[slot]
        self.nodes[slot].nanoseconds = nanoseconds
        if before.place < 0 {
            self.count += 1
            self.rise(slot, from: self.count - 1)
        } else if nanoseconds < before.nanoseconds {
            self.rise(slot, from: Int(before.place))
        } else {
            self.sink(slot, from: Int(before.place))
        }
    }

    /// Nothing when the slot has no time.
    mutating func remove(_ slot: Int) {
        let place = Int(self.nodes[slot].place)
        guard place >= 0 else { return }
        self.nodes[slot].place = -1
        self.count -= 1
        guard place < self.count else { return }
        let last = Int(self.order[self.count])
        if place > 0 && self.isBefore(last, Int(self.order[(place - 1) / 2])) {
            self.rise(last, from: place)
        } else {
            self.sink(last, from: place)
        }
    }

    private func isBefore(_ left: Int, _ right: Int) -> Bool {
        self.nodes[left].nanoseconds < self.nodes[right].nanoseconds
    }

    /// Puts the slot at `place` or, where parents have later times, above them.
    private mutating func rise(_ slot: Int, from place: Int) {
        var place = place
        while place > 0 {
            let parent = Int(self.order[(place - 1) / 2])
            guard self.isBefore(slot, parent) else { break }
            self.put(parent, at: place)
            place = (place - 1) / 2
        }
        self.put(slot, at: place)
    }

    /// Puts the slot at `place` or, where children have earlier times, below them.
    private mutating func sink(_ slot: Int, from place: Int) {
        var place = place
        while 2 * place + 1 < self.count {
            var childPlace = 2 * place + 1
            if childPlace + 1 < self.count,
                self.isBefore(Int(self.order[childPlace + 1]), Int(self.order[childPlace]))
            {
                childPlace += 1
            }
            let child = Int(self.order[childPlace])
            guard self.isBefore(child, slot) else { break }
            self.put(child, at: place)
            place = childPlace
        }
        self.put(slot, at: place)
    }

    private mutating func put(_ slot: Int, at place: Int) {
        self.order[place] = Int32(slot)
        self.nodes[slot].place = Int32(place)
    }
}
