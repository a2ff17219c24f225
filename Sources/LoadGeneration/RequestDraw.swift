/// What the next request asks for and for whom: a sequence that its seed decides.
struct RequestDraw: Sendable {
    private let keys: NumberDraw
    private let tenants: NumberDraw?
    /// Of 2^53 draws so many ask for a key that is there.
    private let hitsBelow: UInt64
    private var random: RandomNumbers

    init(_ plan: LoadPlan, seed: UInt64) {
        self.keys = NumberDraw(plan.keyChoice, count: max(1, plan.keys.count))
        self.tenants = plan.tenantsCount > 0 ? NumberDraw(plan.tenantChoice, count: plan.tenantsCount) : nil
        self.hitsBelow = UInt64(plan.hitRatio * 0x1p53)
        self.random = RandomNumbers(seed: seed)
    }

    /// Any number, for what no answer can guess.
    @inline(__always)
    mutating func number() -> UInt64 { self.random.next() }

    /// Index of a key, or nil when one that is not there is to be asked for.
    @inline(__always)
    mutating func key() -> Int? {
        if self.hitsBelow < 1 << 53, self.random.next() >> 11 >= self.hitsBelow { return nil }
        return self.keys.next(&self.random)
    }

    /// 0 when requests are anonymous.
    @inline(__always)
    mutating func tenant() -> UInt32 {
        guard let tenants = self.tenants else { return 0 }
        return UInt32(truncatingIfNeeded: tenants.next(&self.random) + 1)
    }
}
