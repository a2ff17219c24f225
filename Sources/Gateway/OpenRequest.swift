internal import Admission
public import OAP

/// One admitted request, from admission to its answer or its loss. It owns the permit.
public struct OpenRequest: ~Copyable {
    /// Nil for a request from the admin port, and once the client has gone.
    public internal(set) var session: SessionKey?
    /// As received.
    public let request: FrameHeader
    public let arrivalNanoseconds: UInt64
    let permit: Permit
    /// Neighbours among the session's open requests, as slots; -1 at the ends.
    var nextInSession: Int32 = -1
    var previousInSession: Int32 = -1
    /// Neighbours by arrival; the timeout is one constant, so this is the order of deadlines too.
    var younger: Int32 = -1
    var older: Int32 = -1

    init(session: SessionKey?, request: FrameHeader, arrivalNanoseconds: UInt64, permit: consuming Permit) {
        self.session = session
        self.request = request
        self.arrivalNanoseconds = arrivalNanoseconds
        self.permit = permit
    }
}

extension FrameHeader {
    /// The header of the answer to this request: its app, tenant and correlation, `RESP|END`, `status` as the code.
    @inline(__always)
    public func answer(status: UInt16, payloadBytes: Int) -> FrameHeader {
        FrameHeader(
            flags: [.response, .end], code: status, application: self.application, tenant: self.tenant,
            correlation: self.correlation, payloadBytes: payloadBytes)
    }
}
