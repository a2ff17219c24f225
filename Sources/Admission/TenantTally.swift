/// A worker's requests of this turn by tenant, of which its activity is told when the turn is over: a turn brings many requests of
/// few tenants, and a count in the worker's own memory costs a few instructions.
///
/// A tenant has one cell, by a plain hash: two that share one cost an `add` each time that they take turns, and nothing else.
/// One thread.
@safe public struct TenantTally: ~Copyable {
    private static let cellsCount = 128

    @usableFromInline
    struct Cell {
        @usableFromInline var tenant: UInt128 = 0
        @usableFromInline var counts = TenantCounts()
    }

    /// `cellsCount` of them, owned.
    @usableFromInline let cells: UnsafeMutablePointer<Cell>
    /// Indices of those that have counted, owned: `usedCount` of `cellsCount`.
    private let used: UnsafeMutablePointer<UInt8>
    private var usedCount = 0

    public init() {
        unsafe self.cells = .allocate(capacity: Self.cellsCount)
        unsafe self.cells.initialize(repeating: Cell(), count: Self.cellsCount)
        unsafe self.used = .allocate(capacity: Self.cellsCount)
        unsafe self.used.initialize(repeating: 0, count: Self.cellsCount)
    }

    deinit {
        unsafe self.cells.deallocate()
        unsafe self.used.deallocate()
    }

    /// One request of `tenant`; what a cell has of another is told to `activity`.
    @inlinable @inline(__always)
    public mutating func count(_ tenant: UInt128, _ outcome: TenantOutcome, in activity: TenantActivity) {
        #if !ADMISSION_OFF
            let index = Self.index(of: tenant)
            if unsafe self.cells[index].tenant != tenant || self.cells[index].counts.total == 0 {
                self.begin(tenant, index, activity)
            }
            unsafe self.cells[index].counts.add(outcome)
        #endif
    }

    /// Tells `activity` what it does not know yet. Once a turn, so that a reader misses no more than one.
    @inline(__always)
    public mutating func end(in activity: TenantActivity) {
        while self.usedCount > 0 {
            self.usedCount -= 1
            self.tell(unsafe Int(self.used[self.usedCount]), activity)
        }
    }

    @inline(never) @usableFromInline
    mutating func begin(_ tenant: UInt128, _ index: Int, _ activity: TenantActivity) {
        if unsafe self.cells[index].counts.total > 0 {
            self.tell(index, activity)
        } else {
            unsafe self.used[self.usedCount] = UInt8(index)
            self.usedCount += 1
        }
        unsafe self.cells[index].tenant = tenant
    }

    private mutating func tell(_ index: Int, _ activity: TenantActivity) {
        unsafe activity.add(self.cells[index].tenant, self.cells[index].counts)
        unsafe self.cells[index].counts = TenantCounts()
    }

    /// The seven high bits of a product with the golden ratio: tenants that are numbered lie apart.
    @inlinable @inline(__always)
    static func index(of tenant: UInt128) -> Int {
        let word = UInt64(truncatingIfNeeded: tenant) ^ UInt64(truncatingIfNeeded: tenant >> 64)
        return Int((word &* 0x9E37_79B9_7F4A_7C15) >> 57)
    }
}
