/// Slots in the order of their keys, least first, in memory that is allocated once: a binary heap that knows where each
/// slot stands, so that any of them can leave.
struct SlotHeap {
    /// The heap; its first `count` are in use.
    private var order: [Int32]
    private(set) var count = 0
    /// By slot: its key, and its place in `order` (-1 exactly when it is not there).
    private var nodes: [Node]

    struct Key: Comparable {
        var value: UInt64
        /// Decides between equal values.
        var tie: UInt64 = 0

        static func < (left: Key, right: Key) -> Bool {
            left.value == right.value ? left.tie < right.tie : left.value < right.value
        }
    }

    private struct Node {
        var key = Key(value: 0)
        var place: Int32 = -1
    }

    static var slotBytes: Int { MemoryLayout<Int32>.stride + MemoryLayout<Node>.stride }

    init(capacity: Int) {
        self.order = Array(repeating: -1, count: capacity)
        self.nodes = Array(repeating: Node(), count: capacity)
    }

    mutating func grow(to capacity: Int) {
        self.order.append(contentsOf: repeatElement(-1, count: capacity - self.order.count))
        self.nodes.append(contentsOf: repeatElement(Node(), count: capacity - self.nodes.count))
    }

    /// The slot with the least key; nil when empty.
    var first: Int? { self.count > 0 ? Int(self.order[0]) : nil }

    /// The least key; nil when empty.
    var firstKey: Key? { self.count > 0 ? self.nodes[Int(self.order[0])].key : nil }

    func contains(_ slot: Int) -> Bool { self.nodes[slot].place >= 0 }

    /// The slot is not in the heap.
    mutating func insert(_ slot: Int, _ key: Key) {
        assert(!self.contains(slot))
        self.nodes[slot].key = key
        self.count += 1
        self.rise(slot, from: self.count - 1)
    }

    /// The slot is in the heap.
    mutating func remove(_ slot: Int) {
        let place = Int(self.nodes[slot].place)
        precondition(place >= 0)
        self.nodes[slot].place = -1
        self.count -= 1
        guard place < self.count else { return }
        let last = Int(self.order[self.count])
        if place > 0 && self.nodes[last].key < self.nodes[Int(self.order[(place - 1) / 2])].key {
            self.rise(last, from: place)
        } else {
            self.sink(last, from: place)
        }
    }

    /// Puts the slot at `place` or, where parents have greater keys, above them.
    private mutating func rise(_ slot: Int, from place: Int) {
        let key = self.nodes[slot].key
        var place = place
        while place > 0 {
            let parent = Int(self.order[(place - 1) / 2])
            guard key < self.nodes[parent].key else { break }
            self.put(parent, at: place)
            place = (place - 1) / 2
        }
        self.put(slot, at: place)
    }

    /// Puts the slot at `place` or, where children have lesser keys, below them.
    private mutating func sink(_ slot: Int, from place: Int) {
        let key = self.nodes[slot].key
        var place = place
        while 2 * place + 1 < self.count {
            var childPlace = 2 * place + 1
            if childPlace + 1 < self.count,
                self.nodes[Int(self.order[childPlace + 1])].key < self.nodes[Int(self.order[childPlace])].key
            {
                childPlace += 1
            }
            let child = Int(self.order[childPlace])
            guard self.nodes[child].key < key else { break }
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
