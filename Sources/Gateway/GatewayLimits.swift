public import Admission

/// What one worker holds its sessions to. Times in nanoseconds; the table of limits in the protocol page is the
/// default.
public struct GatewayLimits: Sendable {
    public var frameBytesMax = 1_048_576
    /// Sessions per process, and so at most per worker.
    public var connectionsMax = 16_384
    /// Connections that the process takes in; those beyond it are reset. Nil is no limit.
    public var acceptRate: TokenRate? = TokenRate(tokensPerSecond: 4096, burst: 16_384)
    /// Frames and bytes that one connection is served in a turn of its worker before all others have been. Bytes count
    /// where frames are large: so many hold 6,500 keys of resolve-many at the most, which is some milliseconds' work.
    public var turnFramesMax = 256
    public var turnBytesMax = 65_536
    /// A frame that has begun must gain `readProgressBytesMin` bytes, or end, within this time.
    public var readTimeoutNanoseconds: UInt64 = 5_000_000_000
    public var readProgressBytesMin = 4096
    /// A session with nothing open and nothing arriving ends after this.
    public var idleTimeoutNanoseconds: UInt64 = 60_000_000_000
    public var requestTimeoutNanoseconds: UInt64 = 5_000_000_000
    /// Unsent output above which a session is not read from any more.
    public var outputBacklogBytesMax = 2_097_152
    /// Above that backlog, `outputProgressBytesMin` bytes must leave within this time.
    public var outputStallTimeoutNanoseconds: UInt64 = 5_000_000_000
    public var outputProgressBytesMin = 65_536
    public var drainDeadlineNanoseconds: UInt64 = 10_000_000_000
    /// While draining, a session with nothing open ends once it has been quiet for so long: a request that crossed
    /// the GOAWAY on its way still gets its answer.
    public var drainQuietNanoseconds: UInt64 = 200_000_000
    /// After the last answer, a refused peer is read from for so long and so many bytes, or the kernel would reset
    /// the connection and the answer would be lost.
    public var lingerTimeoutNanoseconds: UInt64 = 1_000_000_000
    public var lingerBytesMax = 262_144

    /// Lookups of resolve-many that one turn begins: one or two milliseconds' worth, and then the others are served.
    public var turnLookupsMax = 2048

    public init() {}
}
