internal import Synchronization

/// A day of UTC as the daily quotas see it: its number, and when it ends on the monotonic clock. A worker makes one when the
/// last is over, and each minute in between, since the clock of the wall may be set.
public struct UTCDay: Equatable, Sendable {
    static let nanoseconds: UInt64 = 86_400_000_000_000

    /// Days since 1970.
    public let number: UInt32
    public let endNanoseconds: UInt64
    /// When it is to be made anew, on the monotonic clock.
    public let staleNanoseconds: UInt64

    private static let ageNanosecondsMax: UInt64 = 60_000_000_000

    /// A day that is to be made anew at once.
    public static let unknown = UTCDay()

    private init() {
        self.number = 0
        self.endNanoseconds = 0
        self.staleNanoseconds = 0
    }

    /// - Parameters:
    ///   - unixNanoseconds: the time of day, since 1970.
    ///   - nowNanoseconds: the same instant of the monotonic clock.
    public init(unixNanoseconds: UInt64, nowNanoseconds: UInt64) {
        let (days, rest) = unixNanoseconds.quotientAndRemainder(dividingBy: Self.nanoseconds)
        self.number = UInt32(days)
        self.endNanoseconds = nowNanoseconds + (Self.nanoseconds - rest)
        self.staleNanoseconds = min(self.endNanoseconds, nowNanoseconds + Self.ageNanosecondsMax)
    }

    /// Until midnight.
    func remaining(nowNanoseconds: UInt64) -> UInt64 {
        self.endNanoseconds > nowNanoseconds ? self.endNanoseconds - nowNanoseconds : 1
    }
}

/// The requests of one day in one word: the day's number above 40 bits of count. A new day starts at none; when the clock
/// is set back over midnight the later day goes on, since a second count of the same day would grant its requests twice.
enum DayCount {
    static let requestsMax = 1 << 40 - 1

    @inline(__always)
    static func count(_ word: UInt64, on day: UTCDay) -> UInt64 {
        word >> 40 >= UInt64(day.number) ? word & (1 << 40 - 1) : 0
    }

    /// The word with `count` requests more.
    @inline(__always)
    static func adding(_ count: UInt64, to word: UInt64, on day: UTCDay) -> UInt64 {
        let number = max(word >> 40, UInt64(day.number))
        return number << 40 | min(Self.count(word, on: day) + count, UInt64(Self.requestsMax))
    }
}

extension Atomic where Value == UInt64 {
    /// False when the day's requests are spent.
    @inline(__always)
    func takeOfDay(_ day: UTCDay, requestsMax: Int) -> Bool {
        var seen = self.load(ordering: .relaxed)
        while DayCount.count(seen, on: day) < UInt64(requestsMax) {
            let (exchanged, current) = self.weakCompareExchange(
                expected: seen, desired: DayCount.adding(1, to: seen, on: day), ordering: .sequentiallyConsistent)
            if exchanged { return true }
            seen = current
        }
        return false
    }

    /// Gives one back, unless its day is over.
    func refundOfDay(_ day: UTCDay) {
        var seen = self.load(ordering: .relaxed)
        while DayCount.count(seen, on: day) > 0 {
            let (exchanged, current) = self.weakCompareExchange(
                expected: seen, desired: seen - 1, ordering: .sequentiallyConsistent)
            if exchanged { return }
            seen = current
        }
    }

    func chargeToDay(_ day: UTCDay, requests: UInt64) {
        guard requests > 0 else { return }
        var seen = self.load(ordering: .relaxed)
        while true {
            let (exchanged, current) = self.weakCompareExchange(
                expected: seen, desired: DayCount.adding(requests, to: seen, on: day), ordering: .sequentiallyConsistent
            )
            if exchanged { return }
            seen = current
        }
    }
}
