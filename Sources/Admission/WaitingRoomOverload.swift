/// Tells overload from a burst, as CoDel does (RFC 8289): by how long the oldest has waited, and not by how many wait.
///
/// Overload begins when the oldest wait has been above the target for a whole interval, or is above it in a full room. It
/// ends when the oldest wait has stayed below the target for a whole interval, with an empty room counting as below. It
/// does not end the moment the room runs empty: a short room does that by chance at 1.4 times the capacity, again and
/// again, and each time the waits would climb to the interval before the overload was noticed anew.
struct OverloadWatch {
    /// Since when the oldest wait has been above the target; nil when it is not.
    private(set) var aboveSinceNanoseconds: UInt64?
    /// When the oldest wait was last seen above the target in this overload.
    private var lastAboveNanoseconds: UInt64 = 0
    private var isOver = false

    /// Takes note of the oldest request. Called before and after whatever changes it.
    ///
    /// - Parameter oldestSince: when the oldest began to wait; nil when nobody waits.
    mutating func observe(oldestSince: UInt64?, isFull: Bool, _ limits: WaitingLimits, nowNanoseconds now: UInt64) {
        if let since = oldestSince, now >= since, now - since >= limits.targetNanoseconds {
            let above = self.aboveSinceNanoseconds ?? since + limits.targetNanoseconds
            self.aboveSinceNanoseconds = above
            if isFull || now - min(above, now) >= limits.intervalNanoseconds { self.isOver = true }
            self.lastAboveNanoseconds = now
        } else {
            self.aboveSinceNanoseconds = nil
            self.isOver = self.isOverloaded(limits, nowNanoseconds: now)
        }
    }

    /// True from the beginning of an overload until its end.
    func isOverloaded(_ limits: WaitingLimits, nowNanoseconds now: UInt64) -> Bool {
        self.isOver && now - min(self.lastAboveNanoseconds, now) < limits.intervalNanoseconds
    }
}
