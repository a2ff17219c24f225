/// A worker's requests of one tenant in a row, which its activity is told of together: what comes down one connection is mostly
/// one tenant's, and a count in the worker's own memory costs a few instructions.
public struct TenantRun: Sendable {
    private var tenant: UInt128 = 0
    private var counts = TenantCounts()

    public init() {}

    /// One request of `tenant`; whatever there is of another is told to `activity`.
    @inline(__always)
    public mutating func count(_ tenant: UInt128, _ outcome: TenantOutcome, in activity: TenantActivity) {
        #if !ADMISSION_OFF
            if tenant != self.tenant { self.begin(tenant, activity) }
            self.counts.add(outcome)
        #endif
    }

    /// Tells `activity` what it does not know yet. Once a turn, so that a reader misses no more than one.
    @inline(__always)
    public mutating func end(in activity: TenantActivity) {
        guard self.counts.total > 0 else { return }
        activity.add(self.tenant, self.counts)
        self.counts = TenantCounts()
    }

    @inline(never)
    private mutating func begin(_ tenant: UInt128, _ activity: TenantActivity) {
        self.end(in: activity)
        self.tenant = tenant
    }
}
