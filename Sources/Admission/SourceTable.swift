internal import Synchronization

/// Why a connection was not taken from its source address.
public enum SourceRefusal: Equatable, Sendable {
    /// The address has as many connections open as it may.
    case tooManyConnections
    /// Its new connections are spent.
    case handshakeQuota(retryAfterNanoseconds: UInt64)
}

/// Where a connection is counted, from when it is taken until it ends. To be handed to `disconnected` once.
public struct SourceSeat: Equatable, Sendable {
    /// The cell's first word; -1 where nothing is counted.
    let cell: Int32

    public static let none = SourceSeat(cell: -1)
}

/// The answer to one new connection.
public enum SourceDecision: Equatable, Sendable {
    case accepted(SourceSeat)
    case refused(SourceRefusal)
}

/// How many connections each source address has open, and its bucket of new ones, in fixed memory. Any thread.
///
/// ```
///  one set, 256 bytes   | hash 0 … hash 7 | open, handshakes of way 0 … 7 | shared handshakes | busy | unused |
/// ```
/// As in `TenantTable`, addresses are found by a keyed hash in sets of eight, and a cell is handed on only when it says the
/// same as a new one: no connection open and no debt. So the count of an address that has a cell is exact.
///
/// When all eight are in use, the set's other addresses share one bucket of handshakes, so that inventing addresses grants
/// nothing; their connections are not counted, since one address must not be refused for what others have open. With 65,536 cells
/// and 10,000 addresses at once that is one set in 10^5; the limit of all connections still holds.
final class SourceTable: Sendable {
    static let addressesMaxDefault = 65_536
    private static let ways = 8
    private static let open = 0
    private static let handshakes = 1
    private static let wordsPerCell = 2
    private static let cells = SourceTable.ways
    private static let shared = SourceTable.cells + SourceTable.ways * SourceTable.wordsPerCell
    private static let busy = SourceTable.shared + 1
    private static let wordsPerSet = 32
    static let bytesPerAddress = SourceTable.wordsPerSet * MemoryLayout<UInt64>.size / SourceTable.ways
    /// Hash words: 0 marks an unused cell, 1 one that is being handed on.
    private static let handedOn: UInt64 = 1

    private let setsCount: Int
    private let hash: KeyedHash
    private let words: AtomicWords

    /// - Parameters:
    ///   - addressesMax: cells in the table, rounded up to a power of two; 32 bytes each.
    ///   - seed: secret, so that nobody can choose addresses that collide.
    init(addressesMax: Int = SourceTable.addressesMaxDefault, seed: UInt64) {
        precondition(addressesMax >= Self.ways && addressesMax <= 1 << 24)
        var sets = 1
        while sets * Self.ways < addressesMax { sets *= 2 }
        self.setsCount = sets
        self.hash = KeyedHash(seed: seed)
        self.words = AtomicWords(count: sets * Self.wordsPerSet)
    }

    /// What is counted together: an IPv4 address by itself, mapped into IPv6 as the sockets do; of an IPv6 address its first 64
    /// bits, since whoever has one has the others of that network.
    ///
    /// - Parameter address: 16 bytes in network order as a number.
    static func source(of address: UInt128) -> UInt128 {
        address >> 32 == 0xFFFF ? address : (address >> 64) << 64
    }

    /// A new connection from `address`: counted and its handshake taken, or neither.
    func connect(
        _ address: UInt128, _ limits: SourceLimits, _ edition: QuotaEdition = QuotaEdition(), nowNanoseconds: UInt64
    ) -> SourceDecision {
        let hash = self.hash(Self.source(of: address), reserved: Self.handedOn + 1)
        let base = (Int(truncatingIfNeeded: hash >> 32) & (self.setsCount - 1)) * Self.wordsPerSet
        while true {
            let way = self.way(of: hash, base)
            guard let way = way >= 0 ? way : self.settle(hash, base, nowNanoseconds) else {
                let retry = self.takeHandshake(base + Self.shared, limits, edition, nowNanoseconds)
                guard self.way(of: hash, base) < 0 else { continue }
                return retry.map { .refused(.handshakeQuota(retryAfterNanoseconds: $0)) } ?? .accepted(.none)
            }
            let cell = self.cell(way, base)
            // Counted first: from then on nobody hands the cell on.
            let isCounted = self.count(cell, limits)
            guard self.words[base + way].load(ordering: .sequentiallyConsistent) == hash else {
                if isCounted { self.disconnected(SourceSeat(cell: Int32(cell))) }
                continue
            }
            guard isCounted else { return .refused(.tooManyConnections) }
            let seat = SourceSeat(cell: Int32(cell))
            guard let retry = self.takeHandshake(cell + Self.handshakes, limits, edition, nowNanoseconds) else {
                return .accepted(seat)
            }
            self.disconnected(seat)
            return .refused(.handshakeQuota(retryAfterNanoseconds: retry))
        }
    }

    /// A connection that was accepted has ended.
    func disconnected(_ seat: SourceSeat) {
        guard seat.cell >= 0 else { return }
        let (before, _) = self.words[Int(seat.cell) + Self.open].subtract(1, ordering: .sequentiallyConsistent)
        precondition(before > 0, "a connection has ended twice")
    }

    /// The rate of handshakes changes: each debt stays what it is.
    func rescale(from old: TokenRate?, to new: TokenRate?, nowNanoseconds: UInt64) {
        for set in 0..<self.setsCount {
            let base = set * Self.wordsPerSet
            while self.words[base + Self.busy].exchange(1, ordering: .acquiring) != 0 {}
            defer { self.words[base + Self.busy].store(0, ordering: .releasing) }
            for way in 0..<Self.ways {
                self.words[self.cell(way, base) + Self.handshakes].rescale(
                    from: old, to: new, nowNanoseconds: nowNanoseconds)
            }
            self.words[base + Self.shared].rescale(from: old, to: new, nowNanoseconds: nowNanoseconds)
        }
    }

    /// Connections that are counted for `address`.
    func openCount(_ address: UInt128) -> Int {
        let hash = self.hash(Self.source(of: address), reserved: Self.handedOn + 1)
        let base = (Int(truncatingIfNeeded: hash >> 32) & (self.setsCount - 1)) * Self.wordsPerSet
        let way = self.way(of: hash, base)
        return way < 0 ? 0 : Int(self.words[self.cell(way, base) + Self.open].load(ordering: .relaxed))
    }

    /// Seats that are taken, of all addresses. Looks at every cell; exact while nobody comes or goes.
    var openTotal: Int {
        (0..<self.setsCount * Self.ways).reduce(0) { total, index in
            let cell = self.cell(index % Self.ways, index / Self.ways * Self.wordsPerSet)
            return total + Int(self.words[cell + Self.open].load(ordering: .relaxed))
        }
    }

    // MARK: Cells

    private func cell(_ way: Int, _ base: Int) -> Int { base + Self.cells + way * Self.wordsPerCell }

    private func way(of hash: UInt64, _ base: Int) -> Int {
        for way in 0..<Self.ways where self.words[base + way].load(ordering: .sequentiallyConsistent) == hash {
            return way
        }
        return -1
    }

    /// False at the limit.
    private func count(_ cell: Int, _ limits: SourceLimits) -> Bool {
        let openMax = limits.connectionsMax.map { UInt64($0) } ?? .max
        var seen = self.words[cell + Self.open].load(ordering: .relaxed)
        while seen < openMax {
            let (exchanged, current) = self.words[cell + Self.open].weakCompareExchange(
                expected: seen, desired: seen + 1, ordering: .sequentiallyConsistent)
            if exchanged { return true }
            seen = current
        }
        return false
    }

    /// When to come back; nil when it is taken.
    private func takeHandshake(
        _ word: Int, _ limits: SourceLimits, _ edition: QuotaEdition, _ nowNanoseconds: UInt64
    ) -> UInt64? {
        guard let rate = limits.handshakes,
            case .refused(let retry) = self.words[word].take(
                rate, of: edition, tokens: 1, nowNanoseconds: nowNanoseconds)
        else { return nil }
        return retry
    }

    /// Whether a new cell would say the same.
    private func isUnused(_ cell: Int, _ nowNanoseconds: UInt64) -> Bool {
        let open = self.words[cell + Self.open].load(ordering: .sequentiallyConsistent)
        let handshakes = self.words[cell + Self.handshakes].load(ordering: .sequentiallyConsistent)
        return open == 0 && GCRA.debt(handshakes, nowTicks: GCRA.ticks(nowNanoseconds)) == 0
    }

    /// Hands an unused cell to the address; nil when there is none. One thread at a time in a set. The order of steps is
    /// explained in `TenantTable`; unlike there, another that comes meanwhile waits for the few loads and stores, since what goes
    /// without a cell is not counted.
    private func settle(_ hash: UInt64, _ base: Int, _ nowNanoseconds: UInt64) -> Int? {
        while self.words[base + Self.busy].exchange(1, ordering: .acquiring) != 0 {}
        defer { self.words[base + Self.busy].store(0, ordering: .releasing) }
        let known = self.way(of: hash, base)
        guard known < 0 else { return known }
        let now = GCRA.ticks(nowNanoseconds)
        for way in 0..<Self.ways {
            let owner = self.words[base + way].load(ordering: .relaxed)
            let cell = self.cell(way, base)
            guard owner == 0 || self.isUnused(cell, nowNanoseconds) else { continue }
            let before = self.words[base + Self.shared].load(ordering: .sequentiallyConsistent)
            self.words[base + way].store(Self.handedOn, ordering: .sequentiallyConsistent)
            let isFree = owner == 0 || self.isUnused(cell, nowNanoseconds)
            if isFree { self.words[cell + Self.handshakes].store(before, ordering: .sequentiallyConsistent) }
            self.words[base + way].store(isFree ? hash : owner, ordering: .sequentiallyConsistent)
            let after = self.words[base + Self.shared].load(ordering: .sequentiallyConsistent)
            let debt = GCRA.debt(after, nowTicks: now)
            self.words[cell + Self.handshakes].charge(
                ticks: debt - min(debt, GCRA.debt(before, nowTicks: now)), nowNanoseconds: nowNanoseconds)
            if isFree { return way }
        }
        return nil
    }
}
