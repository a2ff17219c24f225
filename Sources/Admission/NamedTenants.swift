/// The tenants that have a quota of their own, with their quotas and where their words are. Immutable: part of a snapshot.
@safe struct NamedTenants: Sendable {
    /// Open addressing with linear probing, at most half full, so that a tenant without a name ends at a free place soon:
    /// indices into the other arrays, or -1.
    private let places: [Int32]
    private let hash: KeyedHash
    private let tenants: [UInt128]
    /// Keeps alive what `borrowedRules` names without counting references.
    private let rules: [QuotaRules]
    private let borrowedRules: [Unmanaged<QuotaRules>]
    /// Of each tenant, its first word.
    let cells: [Int]

    init(_ tenants: [NamedTenant], cells: [Int], seed: UInt64, _ edition: QuotaEdition) {
        self.tenants = tenants.map(\.tenant)
        let rules = tenants.map { QuotaRules($0.quota, edition) }
        self.rules = rules
        unsafe self.borrowedRules = rules.map { unsafe .passUnretained($0) }
        self.cells = cells
        self.hash = KeyedHash(seed: seed)
        var count = 2
        while count < 2 * tenants.count { count *= 2 }
        var places = [Int32](repeating: -1, count: count)
        for (index, tenant) in self.tenants.enumerated() {
            var place = Int(truncatingIfNeeded: self.hash(tenant, reserved: 0)) & (count - 1)
            while places[place] >= 0 {
                precondition(self.tenants[Int(places[place])] != tenant, "a tenant is named twice")
                place = (place + 1) & (count - 1)
            }
            places[place] = Int32(index)
        }
        self.places = places
    }

    var countsDays: Bool { self.rules.contains { $0.requestsPerDay != nil } }

    @inline(__always)
    func isCritical(_ index: Int) -> Bool {
        unsafe self.borrowedRules[index]._withUnsafeGuaranteedRef { $0.isCritical }
    }

    @inline(__always)
    func take(_ index: Int, _ words: NamedTenantWords, _ request: QuotaRequest) -> AdmissionRefusal? {
        unsafe self.borrowedRules[index]._withUnsafeGuaranteedRef { words.words.take(self.cells[index], $0, request) }
    }

    func takeAhead(_ index: Int, _ words: NamedTenantWords, tokens: Int, nowNanoseconds: UInt64) -> Bool {
        words.words.takeAhead(
            self.cells[index], self.rules[index], tokens: tokens, nowNanoseconds: nowNanoseconds)
    }

    func refund(_ index: Int, _ words: NamedTenantWords, _ request: QuotaRequest, clock: () -> UInt64) {
        words.words.refund(self.cells[index], self.rules[index], request, clock: clock)
    }

    var isEmpty: Bool { self.tenants.isEmpty }

    /// -1 when the tenant has no name.
    @inline(__always)
    func index(of tenant: UInt128) -> Int {
        var place = Int(truncatingIfNeeded: self.hash(tenant, reserved: 0)) & (self.places.count - 1)
        while true {
            let index = Int(self.places[place])
            guard index >= 0, self.tenants[index] != tenant else { return index }
            place = (place + 1) & (self.places.count - 1)
        }
    }
}

/// The words of the named tenants: a line each, so that no flood of others reaches them, and the same one over changes of the
/// policy. Twice as many as names, since those of the old policy are released last.
final class NamedTenantWords: Sendable {
    let words = AtomicWords(count: 2 * AdmissionPolicy.namedTenantsMax * AtomicWords.wordsPerLine)
}

/// Which tenant has which line.
struct NamedTenantCells {
    private var cells: [UInt128: Int] = [:]
    private var free = (0..<2 * AdmissionPolicy.namedTenantsMax).map { $0 * AtomicWords.wordsPerLine }

    /// The cell of `tenant`, a new one when it has none.
    mutating func cell(of tenant: UInt128) -> Int {
        if let cell = self.cells[tenant] { return cell }
        guard let cell = self.free.popLast() else { preconditionFailure("more named tenants than lines") }
        self.cells[tenant] = cell
        return cell
    }

    mutating func release(_ tenant: UInt128) {
        if let cell = self.cells.removeValue(forKey: tenant) { self.free.append(cell) }
    }
}
