/// A request that waits for a permit: what the waiting room has to know of it.
public struct WaitingRequest: Equatable, Sendable {
    /// The caller's name for it; no two that wait share one.
    public let handle: UInt64
    public let tenant: UInt128
    /// When it was read, on the monotonic clock.
    public let arrivalNanoseconds: UInt64
    /// When its answer is no longer of use: arrival plus the timeout of its app or route.
    public let deadlineNanoseconds: UInt64
    /// Tokens that serving it charges its tenant; 0 counts as 1.
    public let cost: UInt32
    /// Lookups that serving it takes.
    public let lookups: UInt32
    /// Goes before all that are not.
    public let isCritical: Bool

    public init(
        handle: UInt64, tenant: UInt128, arrivalNanoseconds: UInt64, deadlineNanoseconds: UInt64, cost: UInt32 = 1,
        lookups: UInt32 = 1, isCritical: Bool = false
    ) {
        self.handle = handle
        self.tenant = tenant
        self.arrivalNanoseconds = arrivalNanoseconds
        self.deadlineNanoseconds = deadlineNanoseconds
        self.cost = cost
        self.lookups = lookups
        self.isCritical = isCritical
    }
}

/// What became of a request that was to wait.
public enum WaitingInsertion: Equatable, Sendable {
    case waiting
    /// It waits in the place of another, which has to be refused.
    case replaced(WaitingRequest)
    /// The room is full or switched off, and this one gives way.
    case refused
}

/// A request that has waited in vain, and is to be refused before any work is done for it.
public struct WaitingRefusal: Equatable, Sendable {
    public let request: WaitingRequest
    public let reason: Reason

    public enum Reason: Equatable, Sendable {
        /// It has waited longer than the room lets anyone wait (503 `overloaded`).
        case overloaded
        /// Its own deadline has passed (408 `deadline_exceeded`).
        case deadline
    }
}
