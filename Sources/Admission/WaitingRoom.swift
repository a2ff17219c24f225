/// Where one worker's requests wait when permits are scarce. One thread; time is an argument; nothing is allocated after
/// `init` except by `configure` with a greater length.
///
/// Who is next: critical requests before all others, oldest first. Then tenants by deficit round robin, so that equal
/// tenants are served equally whatever they offer. Within a tenant the oldest; but while there is overload the newest, as
/// soon as the oldest has waited for half the target: that tenant asks for more than its share, so that some of its
/// requests are late, and it is better served by some in time than by all of them late.
///
/// Who leaves unserved: whoever's deadline has passed; whoever has waited for the interval; while there is overload,
/// whoever is not critical and has waited for the target. The caller asks for them with `popExpired` and answers them.
///
/// A turn: `popExpired` until it has nothing (or as often as a turn may), then `popNext` for each permit that is free,
/// then sleep until `nextDeadline`.
public struct WaitingRoom: ~Copyable {
    public private(set) var limits: WaitingLimits
    /// Slots there are: the greatest `lengthMax` so far.
    private var capacity: Int
    private var entries: [Entry]
    private var freeSlots: [Int32]
    private var slotsByHandle: SlotTable
    /// All that wait, by their deadlines.
    private var deadlines: SlotHeap
    /// Through each entry: the list of its class in order of arrival, or `doomed`.
    private var arrivalLinks: SlotLinks
    private var ordinary: WaitingClass
    private var critical: WaitingClass
    /// Found to have waited too long when it was their turn; `popExpired` hands them out.
    private var doomed = SlotList()
    private var watch = OverloadWatch()
    /// Of all that wait.
    private var lookups = 0

    private struct Entry {
        var request: WaitingRequest
        /// When it began to wait: its arrival, or that of the one before it if that is later, so that lists are in order.
        var sinceNanoseconds: UInt64
        var isDoomed = false
    }

    /// - Parameter seed: secret, so that nobody can choose tenants or handles that collide.
    public init(limits: WaitingLimits, seed: UInt64 = .random(in: .min ... .max)) {
        self.limits = limits
        let capacity = limits.lengthMax
        self.capacity = capacity
        self.entries = Array(repeating: Self.nobody, count: capacity)
        self.freeSlots = (0..<Int32(capacity)).reversed()
        self.slotsByHandle = SlotTable(capacity: capacity, seed: seed)
        self.deadlines = SlotHeap(capacity: capacity)
        self.arrivalLinks = SlotLinks(capacity: capacity)
        self.ordinary = WaitingClass(capacity: capacity, seed: seed)
        self.critical = WaitingClass(capacity: capacity, seed: seed)
    }

    private static var nobody: Entry {
        Entry(
            request: WaitingRequest(handle: 0, tenant: 0, arrivalNanoseconds: 0, deadlineNanoseconds: 0),
            sinceNanoseconds: 0)
    }

    /// Memory of a room that was made for so many.
    public static func bytes(lengthMax: Int) -> Int {
        let slotBytes =
            MemoryLayout<Entry>.stride + MemoryLayout<Int32>.stride + SlotHeap.slotBytes + SlotLinks.slotBytes
        return lengthMax * slotBytes + SlotTable.bytes(capacity: lengthMax)
            + 2 * WaitingTenants.bytes(capacity: lengthMax)
    }

    /// Takes new limits. Those who wait stay: a shorter room takes no more until enough have left.
    public mutating func configure(_ limits: WaitingLimits) {
        self.limits = limits
        guard limits.lengthMax > self.capacity else { return }
        let before = self.capacity
        self.capacity = limits.lengthMax
        self.entries.append(contentsOf: repeatElement(Self.nobody, count: self.capacity - before))
        self.freeSlots.append(contentsOf: (Int32(before)..<Int32(self.capacity)).reversed())
        self.freeSlots.reserveCapacity(self.capacity)
        self.slotsByHandle.grow(to: self.capacity)
        self.deadlines.grow(to: self.capacity)
        self.arrivalLinks.grow(to: self.capacity)
        self.ordinary.tenants.grow(to: self.capacity)
        self.critical.tenants.grow(to: self.capacity)
    }

    /// Requests that wait, with those that `popExpired` has yet to hand out.
    public var count: Int { self.slotsByHandle.count }

    private var isFull: Bool { self.count >= self.limits.lengthMax || self.hasLookupsMax }

    /// True when those that wait are as much work as the room may hold.
    public var hasLookupsMax: Bool { self.lookups >= self.limits.lookupsMax }

    /// True when the next one to be served is critical, and so may have a permit of the reserve.
    public var hasCritical: Bool { self.critical.tenants.next != nil }

    /// True from the beginning of an overload until its end: `OverloadWatch` says when that is.
    public func isOverloaded(nowNanoseconds: UInt64) -> Bool {
        self.watch.isOverloaded(self.limits, nowNanoseconds: nowNanoseconds)
    }

    /// When `popExpired` will have something to hand out that it has not now, if nothing else happens; nil when nobody
    /// waits. It may be early by what overload changes, never late.
    public var nextDeadlineNanoseconds: UInt64? {
        if self.doomed.count > 0 { return 0 }
        guard var next = self.deadlines.firstKey?.value else { return nil }
        if let oldest = self.critical.arrivals.firstSlot {
            next = min(next, self.entries[oldest].sinceNanoseconds + self.limits.intervalNanoseconds)
        }
        if let oldest = self.ordinary.arrivals.firstSlot {
            let since = self.entries[oldest].sinceNanoseconds
            next = min(next, since + self.patienceNanoseconds(isCritical: false, since))
            // In a full room overload begins with the target.
            if self.isFull { next = min(next, since + self.limits.targetNanoseconds) }
            if let above = self.watch.aboveSinceNanoseconds {
                next = min(next, above + self.limits.intervalNanoseconds)
            }
        }
        return next
    }

    /// How long a request may wait, as things stand at `now`.
    private func patienceNanoseconds(isCritical: Bool, _ now: UInt64) -> UInt64 {
        !isCritical && self.isOverloaded(nowNanoseconds: now)
            ? self.limits.targetNanoseconds : self.limits.intervalNanoseconds
    }

    private mutating func observe(_ now: UInt64) {
        let oldest = self.ordinary.arrivals.firstSlot
        self.watch.observe(
            oldestSince: oldest.map { self.entries[$0].sinceNanoseconds },
            isFull: self.isFull, self.limits, nowNanoseconds: now)
    }
}

/// Those that wait and are critical, or those that are not.
private struct WaitingClass {
    /// Oldest first.
    var arrivals = SlotList()
    var tenants: WaitingTenants

    init(capacity: Int, seed: UInt64) { self.tenants = WaitingTenants(capacity: capacity, seed: seed) }
}

// MARK: - Coming

extension WaitingRoom {
    /// Lets a request wait. In a full room one of the tenant that has most waiting gives way, so that nobody can fill the
    /// room against the others; and one that is not critical before one that is. Of that tenant it is the oldest while
    /// there is overload, which is the next to be refused anyway, else the newest.
    ///
    /// - Precondition: no request with its handle waits.
    public mutating func insert(_ request: WaitingRequest, nowNanoseconds: UInt64) -> WaitingInsertion {
        self.observe(nowNanoseconds)
        guard self.isFull else {
            self.enter(request, nowNanoseconds)
            return .waiting
        }
        guard let victim = self.victim(for: request.tenant, isCritical: request.isCritical, nowNanoseconds) else {
            return .refused
        }
        let victimRequest = self.leave(victim)
        self.enter(request, nowNanoseconds)
        return .replaced(victimRequest)
    }

    /// Whether `insert` would refuse such a request: for callers to whom it is dear to make one.
    public func refuses(tenant: UInt128, isCritical: Bool, nowNanoseconds: UInt64) -> Bool {
        self.isFull && self.victim(for: tenant, isCritical: isCritical, nowNanoseconds) == nil
    }

    /// Nil when the newcomer itself has to give way.
    private func victim(for tenant: UInt128, isCritical: Bool, _ now: UInt64) -> Int? {
        // A room that was made shorter takes nobody, whoever gives way.
        guard self.count <= self.limits.lengthMax else { return nil }
        // A room that is full of work is short: to exchange its oldest for its newest would only be more work.
        let isOverloaded = !self.hasLookupsMax && self.isOverloaded(nowNanoseconds: now)
        if isCritical {
            if let largest = self.ordinary.tenants.largest {
                return isOverloaded
                    ? self.ordinary.tenants.oldest(of: largest) : self.ordinary.tenants.newest(of: largest)
            }
            return self.critical.tenants.victim(for: tenant, oldestFirst: false)
        }
        return self.ordinary.tenants.victim(for: tenant, oldestFirst: isOverloaded)
    }

    private mutating func enter(_ request: WaitingRequest, _ now: UInt64) {
        guard let slot = self.freeSlots.popLast().map(Int.init) else { preconditionFailure("a full room has no slot") }
        self.slotsByHandle.insert(UInt128(request.handle), slot)
        self.lookups += Int(request.lookups)
        self.deadlines.insert(slot, SlotHeap.Key(value: request.deadlineNanoseconds))
        let previous =
            request.isCritical ? self.critical.arrivals.lastSlot : self.ordinary.arrivals.lastSlot
        let since = max(request.arrivalNanoseconds, previous.map { self.entries[$0].sinceNanoseconds } ?? 0)
        self.entries[slot] = Entry(request: request, sinceNanoseconds: since)
        if request.isCritical {
            self.arrivalLinks.append(slot, to: &self.critical.arrivals)
            self.critical.tenants.append(slot, tenant: request.tenant)
        } else {
            self.arrivalLinks.append(slot, to: &self.ordinary.arrivals)
            self.ordinary.tenants.append(slot, tenant: request.tenant)
        }
        self.observe(now)
    }
}

// MARK: - Leaving

extension WaitingRoom {
    /// The next request to serve, for which the caller has a permit; nil when nobody waits. Never one that has waited
    /// too long.
    public mutating func popNext(nowNanoseconds: UInt64) -> WaitingRequest? {
        self.observe(nowNanoseconds)
        while let slot = self.next(nowNanoseconds) {
            let request = self.entries[slot].request
            guard !self.isExpired(slot, nowNanoseconds) else {
                self.doom(slot)
                continue
            }
            if request.isCritical {
                self.critical.tenants.serve(slot, cost: request.cost)
            } else {
                self.ordinary.tenants.serve(slot, cost: request.cost)
            }
            self.removeArrival(slot)
            self.free(slot)
            self.observe(nowNanoseconds)
            return request
        }
        self.observe(nowNanoseconds)
        return nil
    }

    private func next(_ now: UInt64) -> Int? {
        if let tenant = self.critical.tenants.next { return self.critical.tenants.oldest(of: tenant) }
        guard let tenant = self.ordinary.tenants.next, let oldest = self.ordinary.tenants.oldest(of: tenant) else {
            return nil
        }
        let waited = now - min(self.entries[oldest].sinceNanoseconds, now)
        guard waited >= self.limits.targetNanoseconds / 2, self.isOverloaded(nowNanoseconds: now) else { return oldest }
        return self.ordinary.tenants.newest(of: tenant)
    }

    private func isExpired(_ slot: Int, _ now: UInt64) -> Bool {
        let entry = self.entries[slot]
        if entry.request.deadlineNanoseconds <= now { return true }
        let waited = now - min(entry.sinceNanoseconds, now)
        return waited >= self.patienceNanoseconds(isCritical: entry.request.isCritical, now)
    }

    private mutating func doom(_ slot: Int) {
        self.removeTenant(slot)
        self.removeArrival(slot)
        self.entries[slot].isDoomed = true
        self.arrivalLinks.append(slot, to: &self.doomed)
    }

    /// A request that has waited too long, to be refused; nil when there is none.
    public mutating func popExpired(nowNanoseconds: UInt64) -> WaitingRefusal? {
        self.observe(nowNanoseconds)
        guard let slot = self.expired(nowNanoseconds) else { return nil }
        let request = self.leave(slot)
        self.observe(nowNanoseconds)
        return WaitingRefusal(
            request: request, reason: request.deadlineNanoseconds <= nowNanoseconds ? .deadline : .overloaded)
    }

    private func expired(_ now: UInt64) -> Int? {
        if let slot = self.doomed.firstSlot { return slot }
        if let key = self.deadlines.firstKey, key.value <= now { return self.deadlines.first }
        if let oldest = self.ordinary.arrivals.firstSlot, self.isExpired(oldest, now) { return oldest }
        if let oldest = self.critical.arrivals.firstSlot, self.isExpired(oldest, now) { return oldest }
        return nil
    }

    /// Drops a request whose client has gone, without work.
    ///
    /// - Returns: false when it does not wait.
    public mutating func remove(handle: UInt64, nowNanoseconds: UInt64) -> Bool {
        guard let slot = self.slotsByHandle.slot(of: UInt128(handle)) else { return false }
        self.observe(nowNanoseconds)
        _ = self.leave(slot)
        self.observe(nowNanoseconds)
        return true
    }

    /// Takes a request out that is not served.
    private mutating func leave(_ slot: Int) -> WaitingRequest {
        let request = self.entries[slot].request
        if self.entries[slot].isDoomed {
            self.arrivalLinks.remove(slot, from: &self.doomed)
        } else {
            self.removeTenant(slot)
            self.removeArrival(slot)
        }
        self.free(slot)
        return request
    }

    private mutating func removeTenant(_ slot: Int) {
        if self.entries[slot].request.isCritical {
            self.critical.tenants.remove(slot)
        } else {
            self.ordinary.tenants.remove(slot)
        }
    }

    private mutating func removeArrival(_ slot: Int) {
        if self.entries[slot].request.isCritical {
            self.arrivalLinks.remove(slot, from: &self.critical.arrivals)
        } else {
            self.arrivalLinks.remove(slot, from: &self.ordinary.arrivals)
        }
    }

    private mutating func free(_ slot: Int) {
        self.slotsByHandle.remove(UInt128(self.entries[slot].request.handle))
        self.lookups -= Int(self.entries[slot].request.lookups)
        self.deadlines.remove(slot)
        self.freeSlots.append(Int32(slot))
    }
}
