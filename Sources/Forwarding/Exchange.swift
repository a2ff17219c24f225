internal import OAP

/// One request from its coming to its outcome.
struct Exchange {
    /// Which one of the lists and times an exchange is in follows from it.
    enum Phase: UInt8 {
        /// In no list and without a time.
        case free
        /// In the list of those that wait for a connection; its time is when its patience or its deadline ends.
        case waiting
        /// In no list; its time is when it may be sent again.
        case backingOff
        /// In its connection's list; its time is the deadline.
        case open
        /// In the list of failures that nobody was told of yet; without a time.
        case failed
    }

    var phase = Phase.free
    /// How often this slot was sent; 0 exactly when it never was. Outlives the exchange, since an answer may.
    var generation: UInt64 = 0
    /// Of the exchange's key; 0 exactly when the slot is free.
    var serial: UInt64 = 0
    var request = ForwardRequest(
        tag: 0, header: FrameHeader(flags: [], code: 0, application: 0, correlation: 0), deadlineNanoseconds: 0,
        isIdempotent: false)
    /// Where its body is kept; nil when it is the caller's, or there is none.
    var body: KeptBody?
    /// The connection it was last sent on; meaningful exactly while `phase == .open`.
    var connection: Int32 = -1
    /// How often it was sent.
    var tries: UInt8 = 0
    /// The caller wants no outcome any more.
    var isCancelled = false
    /// Frames of its answer were passed on, so that it cannot be sent again.
    var hasAnswerBegun = false
    /// Its outcome tells whether an endpoint that was ejected is well again.
    var isProbe = false
    /// Meaningful exactly while `phase == .failed`.
    var failure = ForwardFailure.unavailable
    /// Neighbours in the list that it is in; -1 at the ends. `next` links free slots too.
    var next: Int32 = -1
    var previous: Int32 = -1

    var hasEmptyBody: Bool { Int(self.request.header.frameBytes) == FrameHeader.byteCount }

    /// True when its bytes can be had again without the caller.
    var isSelfContained: Bool { self.body != nil || self.hasEmptyBody }
}

/// The ends of a list of exchanges.
struct ExchangeList {
    fileprivate(set) var first: Int32 = -1
    fileprivate(set) var last: Int32 = -1
    fileprivate(set) var count = 0

    /// Nil when the list is empty.
    var firstSlot: Int? { self.first >= 0 ? Int(self.first) : nil }
    var isEmpty: Bool { self.count == 0 }
}

/// All exchanges, in slots that are allocated once and reused under new generations.
///
/// A correlation is `generation << 16 | slot`. The generation counts how often the slot was sent, so each one up to
/// the slot's own has really been given out, and each one above it has not: a late answer and an invented one are
/// told apart without a history. Its 48 bits last nine years at a million requests a second through one slot; the 24
/// of a kernel's token would be through in 17 seconds, and an answer later than that would find another's request.
struct ExchangeTable {
    /// The slot of correlations that are no exchange's but a connection's own.
    static let controlSlot: UInt64 = 0xFFFF
    private static let slotBits: UInt64 = 16

    /// Whose answer it is.
    enum Lookup: Equatable {
        /// This open exchange's.
        case open(Int)
        /// One's that has had its outcome, or was lost.
        case past
        /// Nobody's, ever, on this connection.
        case neverAsked
    }

    private(set) var slots: [Exchange]
    private var freeHead: Int32
    private var serials: UInt64 = 0
    private(set) var count = 0

    static var slotBytes: Int { MemoryLayout<Exchange>.stride }

    init(capacity: Int) {
        precondition(capacity >= 1 && capacity <= ForwardingSettings.exchangesMaxLargest)
        self.slots = Array(repeating: Exchange(), count: capacity)
        self.freeHead = 0
        for slot in 0..<(capacity - 1) { self.slots[slot].next = Int32(slot + 1) }
    }

    subscript(_ slot: Int) -> Exchange {
        @inline(__always) _read { yield self.slots[slot] }
        @inline(__always) _modify { yield &self.slots[slot] }
    }

    /// Takes a free slot, whose phase the caller sets next; nil when there is none.
    mutating func insert(_ request: ForwardRequest) -> Int? {
        guard self.freeHead >= 0 else { return nil }
        let slot = Int(self.freeHead)
        self.freeHead = self.slots[slot].next
        self.serials += 1
        self.count += 1
        let generation = self.slots[slot].generation
        self.slots[slot] = Exchange()
        self.slots[slot].generation = generation
        self.slots[slot].serial = self.serials
        self.slots[slot].request = request
        return slot
    }

    /// The exchange is in no list.
    mutating func free(_ slot: Int) {
        precondition(self.slots[slot].serial != 0)
        self.slots[slot].phase = .free
        self.slots[slot].serial = 0
        self.slots[slot].body = nil
        self.slots[slot].next = self.freeHead
        self.freeHead = Int32(slot)
        self.count -= 1
    }

    func key(of slot: Int) -> ExchangeKey { ExchangeKey(slot: UInt32(slot), serial: self.slots[slot].serial) }

    /// Nil when the key is stale.
    func slot(of key: ExchangeKey) -> Int? {
        let slot = Int(key.slot)
        guard slot < self.slots.count, key.serial != 0, self.slots[slot].serial == key.serial else { return nil }
        return slot
    }

    /// Counts a sending, and gives the header to send: the request's own with the correlation of this sending.
    mutating func header(sending slot: Int) -> FrameHeader {
        self.slots[slot].generation += 1
        var header = self.slots[slot].request.header
        header.correlation = self.slots[slot].generation << Self.slotBits | UInt64(slot)
        return header
    }

    func lookup(_ correlation: UInt64, on connection: Int) -> Lookup {
        let slot = Int(correlation & Self.controlSlot)
        let generation = correlation >> Self.slotBits
        guard slot < self.slots.count, generation > 0, generation <= self.slots[slot].generation else {
            return .neverAsked
        }
        guard generation == self.slots[slot].generation, self.slots[slot].phase == .open else { return .past }
        return Int(self.slots[slot].connection) == connection ? .open(slot) : .neverAsked
    }

    static func controlCorrelation(_ count: UInt64) -> UInt64 { count << Self.slotBits | Self.controlSlot }

    static func isControl(_ correlation: UInt64) -> Bool { correlation & Self.controlSlot == Self.controlSlot }
}

// MARK: - Lists

extension ExchangeTable {
    /// The exchange is in no list.
    mutating func append(_ slot: Int, to list: inout ExchangeList) {
        self.slots[slot].previous = list.last
        self.slots[slot].next = -1
        if list.last >= 0 { self.slots[Int(list.last)].next = Int32(slot) } else { list.first = Int32(slot) }
        list.last = Int32(slot)
        list.count += 1
    }

    /// The exchange is in this list.
    mutating func remove(_ slot: Int, from list: inout ExchangeList) {
        let (previous, next) = (self.slots[slot].previous, self.slots[slot].next)
        if previous >= 0 { self.slots[Int(previous)].next = next } else { list.first = next }
        if next >= 0 { self.slots[Int(next)].previous = previous } else { list.last = previous }
        list.count -= 1
    }
}
