/// How many requests may wait in one worker, and how long.
public struct WaitingLimits: Equatable, Sendable {
    /// Requests that wait at once; 0 switches waiting off, so that a request without a permit is refused at once.
    public var lengthMax: Int
    /// The wait that is normal. While there is overload nobody waits longer.
    public var targetNanoseconds: UInt64
    /// For how long the oldest wait has to be above the target until that is overload and not a burst; without overload
    /// nobody waits longer than this.
    public var intervalNanoseconds: UInt64

    /// Lookups of all that wait at once; with so many the room is full, however few requests they are. No setting: as many as the
    /// caller does in a turn, since more could not be served before they have waited for too long.
    public var lookupsMax = Int.max

    /// The largest `lengthMax`; `WaitingRoom.bytes` says what it takes.
    public static let lengthMaxLargest = 16_384

    /// 5 ms and 100 ms are CoDel's own (RFC 8289): a twentieth of what a person notices, and long enough for the burst of
    /// a client far away to pass.
    ///
    /// - Parameters:
    ///   - lengthMax: 0 to `lengthMaxLargest`.
    ///   - targetNanoseconds: 1 to `intervalNanoseconds`.
    ///   - intervalNanoseconds: up to an hour.
    public init(
        lengthMax: Int = 1024, targetNanoseconds: UInt64 = 5_000_000, intervalNanoseconds: UInt64 = 100_000_000
    ) {
        precondition(lengthMax >= 0 && lengthMax <= Self.lengthMaxLargest)
        precondition(targetNanoseconds > 0 && targetNanoseconds <= intervalNanoseconds)
        precondition(intervalNanoseconds <= 3_600_000_000_000)
        self.lengthMax = lengthMax
        self.targetNanoseconds = targetNanoseconds
        self.intervalNanoseconds = intervalNanoseconds
    }
}
