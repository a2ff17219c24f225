internal import CIngress

/// When the kernel gives up a connection whose peer has gone without a word: a host that lost its power or its route
/// sends neither an end nor a reset.
///
/// The two rules meet in Linux: once probes are out, a connection that has heard nothing for longer than
/// `unacknowledgedMilliseconds` is dropped whatever `probesMax` says. It is therefore the time of all probes together,
/// or one lost probe would cost a healthy, quiet client its connection.
public struct KeepAlive: Equatable, Sendable {
    /// Without any traffic, until the first probe.
    public var idleSeconds: Int
    public var probeIntervalSeconds: Int
    public var probesMax: Int

    public init(idleSeconds: Int = 60, probeIntervalSeconds: Int = 10, probesMax: Int = 3) {
        precondition(idleSeconds >= 1 && probeIntervalSeconds >= 1 && probesMax >= 1)
        precondition(idleSeconds <= 32_767 && probeIntervalSeconds <= 32_767 && probesMax <= 127)
        self.idleSeconds = idleSeconds
        self.probeIntervalSeconds = probeIntervalSeconds
        self.probesMax = probesMax
    }

    /// How long bytes that were sent may stay unacknowledged, or a peer may keep its window shut (TCP_USER_TIMEOUT).
    public var unacknowledgedMilliseconds: Int {
        (self.idleSeconds + self.probesMax * self.probeIntervalSeconds) * 1000
    }

    var kernelForm: ingress_keepalive {
        ingress_keepalive(
            idle_s: Int32(self.idleSeconds), interval_s: Int32(self.probeIntervalSeconds),
            probes: Int32(self.probesMax), unacknowledged_ms: Int32(self.unacknowledgedMilliseconds))
    }
}
