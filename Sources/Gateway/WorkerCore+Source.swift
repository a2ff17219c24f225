public import Admission

/// What one source address may have: asked before anything is spent on a connection.
extension WorkerCore {
    /// Whether `seat` is to be asked: without limits nobody's address need be looked up.
    public var limitsSources: Bool { self.policy.limitsSources }

    /// A seat for a new connection, which goes to `connected` or back with `giveBack`; or why it gets none. What came before
    /// there were limits has no seat and is not counted.
    ///
    /// - Parameter address: as in `AdmissionSnapshot.connect`.
    public func seat(for address: UInt128, nowNanoseconds: UInt64) -> SourceDecision {
        self.policy.connect(from: address, nowNanoseconds: nowNanoseconds)
    }

    /// Nobody sits there any more; once for each seat, under whatever policy holds by then.
    public func giveBack(_ seat: SourceSeat) { self.policy.disconnected(seat) }
}
