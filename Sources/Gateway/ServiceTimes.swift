/// How long late requests held their permits: what the adaptive limit and honest retry times are computed from.
public struct ServiceTimes: Sendable {
    /// Since the last `take`.
    public private(set) var count = 0
    public private(set) var sumNanoseconds: UInt64 = 0
    /// A mean that forgets: each new one counts an eighth.
    private(set) var recentNanoseconds: UInt64 = 0

    public init() {}

    mutating func add(nanoseconds: UInt64) {
        self.count += 1
        self.sumNanoseconds &+= nanoseconds
        self.recentNanoseconds =
            self.recentNanoseconds == 0
            ? nanoseconds : self.recentNanoseconds - self.recentNanoseconds / 8 + nanoseconds / 8
    }

    /// Adds another worker's.
    public mutating func add(_ other: ServiceTimes) {
        self.count += other.count
        self.sumNanoseconds &+= other.sumNanoseconds
    }

    /// Returns what was counted and begins anew.
    mutating func take() -> ServiceTimes {
        defer {
            self.count = 0
            self.sumNanoseconds = 0
        }
        return self
    }
}
