internal import Admission
public import OAP

/// One request that was read and not yet answered: it holds a permit, or waits for one.
public struct OpenRequest: ~Copyable {
    /// Nil for a request from the admin port, and once the client has gone.
    public internal(set) var session: SessionKey?
    /// As received.
    public let request: FrameHeader
    public let arrivalNanoseconds: UInt64
    /// When it got its permit; of no meaning before.
    var admittedNanoseconds: UInt64
    /// Nil exactly while it waits for one, or has given way to another and is yet to be told.
    var permit: Permit?
    /// What it was charged, to be given back if it comes to nothing for want of a permit.
    let charge: QuotaCharge
    /// Where its payload is kept while it waits in the room.
    var place: PayloadShelf.Place?
    /// Neighbours among the session's open requests, as slots; -1 at the ends.
    var nextInSession: Int32 = -1
    var previousInSession: Int32 = -1
    /// Neighbours by arrival; the timeout is one constant, so this is the order of deadlines too.
    var younger: Int32 = -1
    var older: Int32 = -1

    init(
        session: SessionKey?, request: FrameHeader, arrivalNanoseconds: UInt64, charge: QuotaCharge,
        permit: consuming Permit?
    ) {
        self.session = session
        self.request = request
        self.arrivalNanoseconds = arrivalNanoseconds
        self.admittedNanoseconds = arrivalNanoseconds
        self.charge = charge
        self.permit = permit
    }

    var isWaiting: Bool { self.permit == nil }
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
