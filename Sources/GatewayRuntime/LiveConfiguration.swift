public import Admission
public import Gateway
internal import Reactor

/// What may change while the gateway serves: one immutable value, which every worker takes whole between two turns.
public struct LiveConfiguration: Sendable {
    public var policy = AdmissionPolicy()
    public var limits = GatewayLimits()
    /// Whether each refused request becomes an event (for debug logs); costs a call per refusal.
    public var tellsRefusals = false

    public init() {}
}

/// A live configuration on its way to the workers.
struct LiveSnapshot: Sendable {
    /// 1 for the start's, one more with each that was adopted.
    let epoch: Int
    let admission: AdmissionSnapshot
    let limits: GatewayLimits
    let tellsRefusals: Bool
}

extension UTCDay {
    static func now() -> UTCDay {
        UTCDay(unixNanoseconds: WallClock.nowUnixNanoseconds(), nowNanoseconds: MonotonicClock.nowNanoseconds())
    }
}
