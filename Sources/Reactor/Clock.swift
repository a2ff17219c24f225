internal import CIngress

/// The one clock of the data path. Everything below takes its value as an argument.
public enum MonotonicClock {
    /// Nanoseconds of CLOCK_MONOTONIC; about 20 ns through the vDSO.
    @inline(__always)
    public static func nowNanoseconds() -> UInt64 { ingress_monotonic_ns() }
}

/// The clock of the wall, which may be set: for days, never for durations.
public enum WallClock {
    /// Nanoseconds since 1970.
    public static func nowUnixNanoseconds() -> UInt64 { ingress_realtime_ns() }
}

/// Facts of this process that size the gateway.
public enum ProcessFacts {
    /// Processors that this process may run on.
    public static var processorsUsable: Int { max(1, Int(ingress_online_cpus())) }
    /// Raises the soft limit of open descriptors to the hard one; returns it.
    public static func raiseDescriptorLimit() -> Int { Int(ingress_raise_descriptor_limit()) }
    /// Descriptors open now; negative when /proc is not there.
    public static var descriptorsOpen: Int { Int(ingress_open_descriptors()) }
}
