public import OAP

/// Where the bytes behind a request's header are.
public enum ForwardBody: Equatable, Sendable {
    case none
    /// With whoever handed the request over; now they can be let go.
    case callers
    /// Here: `Forwarder.withKept` lends them.
    case kept(KeptBody)
}

/// What the runtime is to do. Orders are carried out in the order in which they are popped.
public enum ForwardOrder: Equatable, Sendable {
    /// Open a connection to this endpoint; then tell `connected` or `disconnected`.
    case open(ConnectionKey, endpoint: Int)
    /// Send a HELLO or a PING: a header without payload.
    case sendControl(ConnectionKey, FrameHeader)
    /// Send a request that waited, or is sent again.
    case send(ConnectionKey, FrameHeader, tag: UInt64, body: ForwardBody)
    /// End a connection and read nothing more of it. Its key is stale already, and nothing needs to be told.
    case close(ConnectionKey, DropReason)
    /// This is the request's outcome.
    case fail(tag: UInt64, ForwardFailure)
}

/// What a frame from a backend amounts to.
public enum Reception: Equatable, Sendable {
    /// Pass it on, with this header and the payload as it came, to whom the tag belongs. It is the outcome exactly
    /// when `isLast`.
    case answer(tag: UInt64, FrameHeader, isLast: Bool)
    /// Nobody waits for it.
    case ignored
    /// The backend has broken the protocol. The close follows as an order; what else the connection has sent is to be
    /// thrown away.
    case dropped(DropReason)
}
