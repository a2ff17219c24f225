/// Rates that are enforced; nil is off.
public struct QuotaSettings: Sendable, Equatable {
    /// Requests of the process. Spent: 503 `ingress_exhausted`.
    public var global: Quota?

    /// Of each tenant without an entry of its own.
    public var tenant = TenantQuotaSettings()

    /// Frames of each connection, HELLO and PING included. Spent: 429 `quota_exhausted`.
    public var connection: Quota?

    public var source = SourceSettings()

    public init() {}
}

/// What a tenant may use. Spent: 429 `quota_exhausted`.
public struct TenantQuotaSettings: Sendable, Equatable {
    public var requests: Quota?
    public var bytes: ByteQuota?

    /// In a day of UTC: 1…100,000,000,000.
    public var requestsPerDay: Int?

    public init() {}

    public static let requestsPerDayRange = 1...100_000_000_000
}

/// A tenant that the operator knows by name.
public struct NamedTenantSettings: Sendable, Equatable {
    /// As frames carry it.
    public var id: UInt128

    /// What metrics and `ronctl` call it.
    public var name: String

    /// What the entry does not say is that of `[quota.tenant]`.
    public var quota: TenantQuotaSettings

    /// Takes from the reserve of permits, and is served first.
    public var isCritical: Bool

    public static let countMax = 4_096
}

/// What one address may do: an IPv4 address, or the /64 of an IPv6 one.
public struct SourceSettings: Sendable, Equatable {
    /// Connections open at once: 1…1,000,000. One more is closed at once.
    public var connectionsMax: Int?

    /// Connections made. One more is closed at once.
    public var handshakes: Quota?

    public init() {}
}

/// What a request costs in tokens of the global and the tenant's quota, by application.
public struct CostSettings: Sendable, Equatable {
    public var index = RequestCostSettings()
    public var other = RequestCostSettings()

    public init() {}
}

/// `base`, and `per_kib` for each KiB of the frame, rounded up to whole tokens.
public struct RequestCostSettings: Sendable, Equatable {
    public var base = 1
    public var perKibibyte = 0

    public init() {}

    static let baseRange = 1...10_000
    static let perKibibyteRange = 0...10_000

    /// Tokens for a frame of that many bytes.
    public func tokens(bytes: Int) -> Int {
        self.base + (self.perKibibyte * bytes + 1_023) / 1_024
    }
}

/// What happens when requests come faster than they can be served.
public struct OverloadSettings: Sendable, Equatable {
    /// Requests of each worker that may wait for a permit; 0 refuses at once.
    public var queueMax = 1_024

    /// A wait that is longer than this for a whole interval is overload.
    public var queueTargetMilliseconds = 5

    public var queueIntervalMilliseconds = 100

    /// Lets the gateway lower its concurrency below `oap_concurrency` while latency rises.
    public var isAdaptive = false

    /// Permits that only critical tenants get; control frames need none.
    public var criticalReserve = CriticalReserve.permits(0)

    public init() {}
}

/// A part of the permits.
public enum CriticalReserve: Sendable, Equatable, CustomStringConvertible {
    /// 0…1,000,000.
    case permits(Int)
    /// 0…90, of `oap_concurrency`.
    case percent(Int)

    static let permitsRange = 0...1_000_000
    static let percentRange = 0...90

    /// Permits, of so many; a percentage is rounded up, so that a reserve which was asked for is one.
    public func permits(of openMax: Int) -> Int {
        switch self {
        case .permits(let permits): permits
        case .percent(let percent): (openMax * percent + 99) / 100
        }
    }

    public var description: String {
        switch self {
        case .permits(let permits): "\(permits)"
        case .percent(let percent): "\(percent)%"
        }
    }

    /// Reads `0`, `64` or `20%`.
    init?(parsing text: String) {
        let isPercent = text.hasSuffix("%")
        guard let number = Array(text.utf8)[..<(text.utf8.count - (isPercent ? 1 : 0))].decimal else { return nil }
        guard (isPercent ? Self.percentRange : Self.permitsRange).contains(number) else { return nil }
        self = isPercent ? .percent(number) : .permits(number)
    }
}

/// A sustained rate and how much may come at once.
public struct Quota: Sendable, Equatable {
    /// 0.01…10,000,000.
    public var perSecond: Double

    /// 1…10,000,000.
    public var burst: Int

    public init(perSecond: Double, burst: Int) {
        precondition(Self.perSecondRange.contains(perSecond))
        precondition(Self.burstRange.contains(burst))
        self.perSecond = perSecond
        self.burst = burst
    }

    /// The lower bound keeps burst x interval (at most 10^7 x 100 s = 10^18 ns) inside a 64-bit nanosecond clock.
    public static let perSecondRange = 0.01...10_000_000.0
    public static let burstRange = 1...10_000_000

    /// The burst of a quota that names none: one second's worth, at least 1.
    static func defaultBurst(perSecond: Double) -> Int {
        max(1, Int(perSecond.rounded(.up)))
    }
}

/// The same in bytes of frames, headers included.
public struct ByteQuota: Sendable, Equatable {
    /// 1 KiB…8 GiB.
    public var perSecond: Int

    /// 4 KiB…512 MiB, and at least `limits.max_frame`.
    public var burst: Int

    public init(perSecond: Int, burst: Int) {
        precondition(Self.perSecondRange.contains(perSecond))
        precondition(Self.burstRange.contains(burst))
        self.perSecond = perSecond
        self.burst = burst
    }

    public static let perSecondRange = 1_024...(8 << 30)
    public static let burstRange = 4_096...(512 << 20)

    /// The burst of a quota that names none: one second's worth, but at least the longest frame.
    static func defaultBurst(perSecond: Int, frameBytesMax: Int) -> Int {
        min(max(perSecond, frameBytesMax), Self.burstRange.upperBound)
    }
}
