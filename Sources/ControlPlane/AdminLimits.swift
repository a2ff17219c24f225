/// The maxima of the admin server. Worst case in memory: `connectionsMax` heads and bodies plus one answer each.
public struct AdminLimits: Sendable {
    /// Connections served at once. One more takes the place of the connection that waits longest for a request.
    public var connectionsMax = 256

    /// Bytes of request line and headers together; more is answered with 431. The longest key, all of it
    /// percent-encoded, needs 1,533.
    public var headBytesMax = 8192

    /// Bytes of a request's body, which is read and ignored; more is answered with 413.
    public var bodyBytesMax = 8192

    /// From the connection, or from the first byte of a later request, to the end of the head.
    public var headTimeoutMilliseconds = 5000

    /// Between an answer and the first byte of the next request.
    public var idleTimeoutMilliseconds = 30_000

    /// From the end of the head to the last byte of the answer: a client that does not read is closed.
    public var answerTimeoutMilliseconds = 10_000

    /// After our side was shut down, so that a reset does not overtake the answer.
    public var lingerTimeoutMilliseconds = 1000

    /// Bytes read and thrown away meanwhile.
    public var lingerBytesMax = 256 * 1024

    public init() {}

    /// Of the control socket: operators and their tools are few, and a reload waits for every worker.
    static let control: AdminLimits = {
        var limits = AdminLimits()
        limits.connectionsMax = 16
        return limits
    }()

    /// Traps on limits that cannot work: they are constants of ours.
    func check() {
        precondition(self.connectionsMax > 0)
        precondition(self.headBytesMax >= 64)
        precondition(self.bodyBytesMax >= 0)
        precondition(self.headTimeoutMilliseconds > 0)
        precondition(self.idleTimeoutMilliseconds > 0)
        precondition(self.answerTimeoutMilliseconds > 0)
    }
}
