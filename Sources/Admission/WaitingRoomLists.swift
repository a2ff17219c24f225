/// Lists through slots, in memory that is allocated once. A slot is in at most one of the lists that share the links.
struct SlotLinks {
    private var links: [Link]

    /// -1 where there is no neighbour.
    private struct Link {
        var previous: Int32 = -1
        var next: Int32 = -1
    }

    static var slotBytes: Int { MemoryLayout<Link>.stride }

    init(capacity: Int) { self.links = Array(repeating: Link(), count: capacity) }

    mutating func grow(to capacity: Int) {
        self.links.append(contentsOf: repeatElement(Link(), count: capacity - self.links.count))
    }

    mutating func append(_ slot: Int, to list: inout SlotList) {
        self.links[slot] = Link(previous: list.last, next: -1)
        if list.last >= 0 { self.links[Int(list.last)].next = Int32(slot) } else { list.first = Int32(slot) }
        list.last = Int32(slot)
        list.count += 1
    }

    mutating func remove(_ slot: Int, from list: inout SlotList) {
        let link = self.links[slot]
        if link.previous >= 0 { self.links[Int(link.previous)].next = link.next } else { list.first = link.next }
        if link.next >= 0 { self.links[Int(link.next)].previous = link.previous } else { list.last = link.previous }
        list.count -= 1
    }
}

/// The ends of one list.
struct SlotList {
    fileprivate(set) var first: Int32 = -1
    fileprivate(set) var last: Int32 = -1
    fileprivate(set) var count = 0

    /// Nil when the list is empty.
    var firstSlot: Int? { self.first >= 0 ? Int(self.first) : nil }
    var lastSlot: Int? { self.last >= 0 ? Int(self.last) : nil }
}
