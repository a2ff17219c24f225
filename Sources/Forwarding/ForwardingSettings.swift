internal import OAP

/// How one worker's forwarder deals with its backend. Times in nanoseconds.
public struct ForwardingSettings: Equatable, Sendable {
    /// Requests that are open or wait at once: 1 to `exchangesMaxLargest`.
    public var exchangesMax = 1024
    /// A correlation has 16 bits of slot, and the last of them is the connection's own, for HELLO and PING.
    public static let exchangesMaxLargest = 65_535
    /// Connections that are kept to each endpoint: 1 to 16.
    public var connectionsPerEndpoint = 1
    /// Requests that one connection holds at once: the protocol's default. A backend that announces less gets less.
    public var inflightPerConnectionMax = 64
    /// The largest frame that is forwarded, in bytes. A backend that announces less is of no use.
    public var frameBytesMax = FrameHeader.frameBytesMax

    /// A request for which no connection has room waits for so long, and never beyond its deadline.
    public var patienceNanoseconds: UInt64 = 1_000_000_000

    /// From the order to open a connection to the answer to HELLO.
    public var connectTimeoutNanoseconds: UInt64 = 2_000_000_000
    /// Before the first attempt after a loss; each further one waits twice as long, less up to half of it at random.
    public var reconnectBaseNanoseconds: UInt64 = 50_000_000
    /// The longest such wait while requests wait for a connection, and while none does.
    public var reconnectBusyMaxNanoseconds: UInt64 = 1_000_000_000
    public var reconnectIdleMaxNanoseconds: UInt64 = 5_000_000_000

    /// How often an idempotent request is sent at most, the first time included: 1 switches retries off.
    public var triesMax = 3
    /// A retry waits for a random time up to this, twice this for the second one, and so on up to the maximum.
    public var retryBaseNanoseconds: UInt64 = 50_000_000
    public var retryMaxNanoseconds: UInt64 = 5_000_000_000
    /// Retries that may be saved up: each request is good for a tenth of one.
    public var retriesSavedMax = 100
    /// Bodies (capability and payload) that are kept for another try, and the longest one that is. What neither holds
    /// is sent once. Their product, 4 MiB, bounds the memory.
    public var keptBodiesMax = 256
    public var keptBodyBytesMax = 16_384

    /// A connection on which requests are open, and one on which none is, is asked for a sign of life after such a
    /// silence.
    public var pingBusyNanoseconds: UInt64 = 1_000_000_000
    public var pingIdleNanoseconds: UInt64 = 15_000_000_000
    /// Without any frame for so long after a PING the connection is lost.
    public var pongTimeoutNanoseconds: UInt64 = 1_000_000_000

    /// Failures of an endpoint in a row that eject it.
    public var failuresMax = 5
    /// The first ejection; each further one is twice as long, up to the maximum. An endpoint that has been back for the
    /// maximum starts again.
    public var ejectionBaseNanoseconds: UInt64 = 1_000_000_000
    public var ejectionMaxNanoseconds: UInt64 = 30_000_000_000

    public init() {}

    /// Traps unless every value is in its range: whoever reads a configuration has refused others before.
    func check() {
        precondition(self.exchangesMax >= 1 && self.exchangesMax <= Self.exchangesMaxLargest)
        precondition(self.connectionsPerEndpoint >= 1 && self.connectionsPerEndpoint <= 16)
        precondition(self.inflightPerConnectionMax >= 1)
        precondition(self.frameBytesMax >= FrameHeader.byteCount && self.frameBytesMax <= FrameHeader.frameBytesMax)
        precondition(self.triesMax >= 1 && self.triesMax <= 100)
        precondition(self.retriesSavedMax >= 0 && self.retriesSavedMax <= 1_000_000)
        precondition(self.keptBodiesMax >= 0 && self.keptBodyBytesMax >= 0)
        precondition(self.failuresMax >= 1)
        precondition(self.patienceNanoseconds > 0)
        precondition(self.reconnectBaseNanoseconds > 0 && self.retryBaseNanoseconds > 0)
        precondition(self.ejectionBaseNanoseconds > 0)
        // Far from overflow, whatever is added to a clock.
        for time in [
            self.patienceNanoseconds, self.connectTimeoutNanoseconds, self.reconnectBaseNanoseconds,
            self.reconnectBusyMaxNanoseconds, self.reconnectIdleMaxNanoseconds, self.retryBaseNanoseconds,
            self.retryMaxNanoseconds, self.pingBusyNanoseconds, self.pingIdleNanoseconds,
            self.pongTimeoutNanoseconds, self.ejectionBaseNanoseconds, self.ejectionMaxNanoseconds,
        ] {
            precondition(time <= 24 * 3_600_000_000_000)
        }
    }
}
