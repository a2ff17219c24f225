/// Whose turn it is: deficit round robin over the tenants that wait, with a quantum of one token, in closed form. Instead
/// of being visited once for each token that it owes, a tenant stands at the round in which it has paid; the least round
/// is next. So a request of a thousand tokens costs one step and not a thousand visits.
///
/// A tenant that comes (back) stands at the end of the round, as in any round robin: if it stood at the front, a flood of
/// invented tenants would keep everybody else from ever being next. What it owes is kept while nothing of it waits;
/// else it would be free to whoever sends one expensive request at a time.
struct WaitingTenants {
    /// By tenant slot. Twice as many as can wait, so that debts are kept.
    private var tenants: [Tenant]
    private var freeSlots: [Int32]
    private var table: SlotTable
    /// Those with requests waiting, by the round in which they are paid up.
    private var active: SlotHeap
    /// Those without, that still owe.
    private var indebted: SlotHeap
    /// The round of the request that was served last.
    private var round: UInt64 = 0
    private var visits: UInt64 = 0
    /// By request slot: the neighbours within its tenant, oldest first.
    private var requestLinks: SlotLinks
    /// By request slot.
    private var tenantOfRequest: [Int32]
    /// By number of waiting requests: the tenants that have so many.
    private var bySize: [SlotList]
    private var sizeLinks: SlotLinks
    /// The most that any tenant has waiting.
    private(set) var sizeMost = 0

    private struct Tenant {
        var key: UInt128 = 0
        var paidRound: UInt64 = 0
        var requests = SlotList()
    }

    static func bytes(capacity: Int) -> Int {
        let tenantBytes =
            MemoryLayout<Tenant>.stride + MemoryLayout<Int32>.stride + 2 * SlotHeap.slotBytes + SlotLinks.slotBytes
        let requestBytes = SlotLinks.slotBytes + MemoryLayout<Int32>.stride + MemoryLayout<SlotList>.stride
        return capacity * (2 * tenantBytes + requestBytes) + SlotTable.bytes(capacity: 2 * capacity)
    }

    init(capacity: Int, seed: UInt64) {
        self.tenants = Array(repeating: Tenant(), count: 2 * capacity)
        self.freeSlots = (0..<Int32(2 * capacity)).reversed()
        self.table = SlotTable(capacity: 2 * capacity, seed: seed)
        self.active = SlotHeap(capacity: 2 * capacity)
        self.indebted = SlotHeap(capacity: 2 * capacity)
        self.requestLinks = SlotLinks(capacity: capacity)
        self.tenantOfRequest = Array(repeating: -1, count: capacity)
        self.bySize = Array(repeating: SlotList(), count: capacity + 1)
        self.sizeLinks = SlotLinks(capacity: 2 * capacity)
    }

    mutating func grow(to capacity: Int) {
        let before = self.tenants.count
        self.tenants.append(contentsOf: repeatElement(Tenant(), count: 2 * capacity - before))
        self.freeSlots.append(contentsOf: (Int32(before)..<Int32(2 * capacity)).reversed())
        self.freeSlots.reserveCapacity(2 * capacity)
        self.table.grow(to: 2 * capacity)
        self.active.grow(to: 2 * capacity)
        self.indebted.grow(to: 2 * capacity)
        self.requestLinks.grow(to: capacity)
        self.tenantOfRequest.append(contentsOf: repeatElement(-1, count: capacity - self.tenantOfRequest.count))
        self.bySize.append(contentsOf: repeatElement(SlotList(), count: capacity + 1 - self.bySize.count))
        self.sizeLinks.grow(to: 2 * capacity)
    }

    /// The tenant that is next; nil when nobody waits.
    var next: Int? { self.active.first }

    /// A tenant that has `sizeMost` waiting, the one that has had so many for longest; nil when nobody waits.
    var largest: Int? { self.bySize[self.sizeMost].firstSlot }

    func oldest(of tenant: Int) -> Int? { self.tenants[tenant].requests.firstSlot }
    func newest(of tenant: Int) -> Int? { self.tenants[tenant].requests.lastSlot }

    /// The request that gives way to a newcomer of `key`, nil when that is the newcomer itself: one of the tenant that
    /// would have most waiting, which is the newcomer's own where several would.
    func victim(for key: UInt128, oldestFirst: Bool) -> Int? {
        let own = self.table.slot(of: key)
        let ownSize = own.map { self.tenants[$0].requests.count } ?? 0
        if ownSize + 1 >= self.sizeMost { return oldestFirst ? own.flatMap { self.oldest(of: $0) } : nil }
        return self.largest.flatMap { oldestFirst ? self.oldest(of: $0) : self.newest(of: $0) }
    }

    /// A request waits as the newest of its tenant.
    mutating func append(_ request: Int, tenant key: UInt128) {
        let slot = self.table.slot(of: key) ?? self.make(key)
        self.tenantOfRequest[request] = Int32(slot)
        if self.tenants[slot].requests.count == 0 {
            if self.indebted.contains(slot) { self.indebted.remove(slot) }
            self.tenants[slot].paidRound = max(self.tenants[slot].paidRound, self.round + 1)
            self.activate(slot)
        } else {
            self.leaveSize(slot)
        }
        self.requestLinks.append(request, to: &self.tenants[slot].requests)
        self.joinSize(slot)
    }

    private mutating func make(_ key: UInt128) -> Int {
        if self.freeSlots.isEmpty, let least = self.indebted.first { self.forget(least) }
        // Fewer than half of the slots can have requests waiting.
        guard let slot = self.freeSlots.popLast() else { preconditionFailure("more tenants than requests") }
        self.tenants[Int(slot)] = Tenant(key: key)
        self.table.insert(key, Int(slot))
        return Int(slot)
    }

    private mutating func forget(_ slot: Int) {
        self.indebted.remove(slot)
        self.table.remove(self.tenants[slot].key)
        self.freeSlots.append(Int32(slot))
    }

    private mutating func activate(_ slot: Int) {
        self.visits += 1
        self.active.insert(slot, SlotHeap.Key(value: self.tenants[slot].paidRound, tie: self.visits))
    }

    /// A request stops waiting without being served: its tenant owes nothing for it.
    mutating func remove(_ request: Int) {
        let slot = self.detach(request)
        guard self.tenants[slot].requests.count == 0 else { return }
        self.active.remove(slot)
        self.indebted.insert(slot, SlotHeap.Key(value: self.tenants[slot].paidRound))
    }

    /// A request is served: its tenant is next again when it has paid `cost` rounds.
    mutating func serve(_ request: Int, cost: UInt32) {
        let slot = self.detach(request)
        self.active.remove(slot)
        self.round = max(self.round, self.tenants[slot].paidRound)
        self.tenants[slot].paidRound += UInt64(max(1, cost))
        if self.tenants[slot].requests.count > 0 {
            self.activate(slot)
        } else {
            self.indebted.insert(slot, SlotHeap.Key(value: self.tenants[slot].paidRound))
        }
        while let key = self.indebted.firstKey, key.value <= self.round + 1, let paid = self.indebted.first {
            self.forget(paid)
        }
    }

    private mutating func detach(_ request: Int) -> Int {
        let slot = Int(self.tenantOfRequest[request])
        self.leaveSize(slot)
        self.requestLinks.remove(request, from: &self.tenants[slot].requests)
        self.tenantOfRequest[request] = -1
        if self.tenants[slot].requests.count > 0 { self.joinSize(slot) }
        while self.sizeMost > 0 && self.bySize[self.sizeMost].count == 0 { self.sizeMost -= 1 }
        return slot
    }

    private mutating func leaveSize(_ slot: Int) {
        self.sizeLinks.remove(slot, from: &self.bySize[self.tenants[slot].requests.count])
    }

    private mutating func joinSize(_ slot: Int) {
        let size = self.tenants[slot].requests.count
        self.sizeLinks.append(slot, to: &self.bySize[size])
        self.sizeMost = max(self.sizeMost, size)
    }
}
