@testable import Forwarding
import OAP

/// A forwarder with a clock of its own, and a runtime that connects at once.
final class ForwarderHarness {
    static let millisecond: UInt64 = 1_000_000

    var forwarder: Forwarder
    var now: UInt64 = 1_000_000 * ForwarderHarness.millisecond

    init(_ settings: ForwardingSettings = ForwardingSettings(), endpoints: Int = 1, seed: UInt64 = 1) {
        self.forwarder = Forwarder(settings: settings, endpoints: endpoints, seed: seed)
    }

    func advance(milliseconds: UInt64) { self.now += milliseconds * Self.millisecond }

    /// All that is to be done now.
    func orders() -> [ForwardOrder] {
        var all: [ForwardOrder] = []
        while all.count < 10_000, let order = self.forwarder.popOrder(nowNanoseconds: self.now) { all.append(order) }
        return all
    }

    /// The keys of the connections that are to be opened now; there may be no other order.
    func opened() -> [ConnectionKey] {
        self.orders().map { order in
            guard case .open(let key, _) = order else { preconditionFailure("\(order) is no order to open") }
            return key
        }
    }

    /// Opens all connections that are wanted now, to the end of HELLO.
    func connect(inflightMax: Int = 64) -> [ConnectionKey] {
        let keys = self.opened()
        for key in keys { self.greet(key, inflightMax: inflightMax) }
        return keys
    }

    /// One connection, ready.
    static func connected(_ settings: ForwardingSettings = ForwardingSettings()) -> (ForwarderHarness, ConnectionKey) {
        let harness = ForwarderHarness(settings)
        let key = harness.connect()[0]
        return (harness, key)
    }

    /// The connection is open, and HELLO is answered.
    func greet(_ key: ConnectionKey, inflightMax: Int = 64) {
        self.forwarder.connected(key, nowNanoseconds: self.now)
        guard case .sendControl(key, let hello)? = self.forwarder.popOrder(nowNanoseconds: self.now) else {
            preconditionFailure("an open connection begins with HELLO")
        }
        let reception = self.answer(
            hello, on: key, flags: .response,
            payload: #"{"max_frame":1048576,"max_inflight":\#(inflightMax),"versions":[1]}"#)
        precondition(reception == .ignored)
    }

    // MARK: Requests

    static func header(
        correlation: UInt64 = 7, tenant: UInt128 = 5, flags: FrameFlags = .request, payloadBytes: Int = 1
    ) -> FrameHeader {
        FrameHeader(
            flags: flags, code: 3, application: 0x0200, tenant: tenant, correlation: correlation,
            payloadBytes: payloadBytes)
    }

    func submit(
        _ tag: UInt64, body: [UInt8] = [1], idempotent: Bool = false, streaming: Bool = false,
        milliseconds: UInt64 = 5_000
    ) -> Submission {
        self.forwarder.submit(
            ForwardRequest(
                tag: tag, header: Self.header(payloadBytes: body.count),
                deadlineNanoseconds: self.now + milliseconds * Self.millisecond, isIdempotent: idempotent,
                isStreaming: streaming),
            body: body.span, nowNanoseconds: self.now)
    }

    /// Submits a request that is to be sent at once, and gives the header that was sent.
    func send(
        _ tag: UInt64, body: [UInt8] = [1], idempotent: Bool = false, streaming: Bool = false,
        milliseconds: UInt64 = 5_000
    ) -> (sent: FrameHeader, on: ConnectionKey, key: ExchangeKey) {
        let submission = self.submit(
            tag, body: body, idempotent: idempotent, streaming: streaming, milliseconds: milliseconds)
        guard case .send(let key, let connection, let header) = submission else {
            preconditionFailure("no room: \(submission)")
        }
        return (header, connection, key)
    }

    /// Gives the forwarder retries to spend: sends so many requests, and answers them.
    func earn(retries: Int) {
        for tag in 0..<UInt64(retries * RetryBudget.requestsPerRetry) {
            let request = self.send(1_000_000 + tag)
            let reception = self.answer(request.sent, on: request.on)
            precondition(reception != .ignored)
        }
    }

    // MARK: The backend

    /// A frame that answers `request`, right unless told otherwise.
    func answer(
        _ request: FrameHeader, on connection: ConnectionKey, flags: FrameFlags = [.response, .end],
        status: UInt16 = 200,
        correlation: UInt64? = nil, tenant: UInt128? = nil, application: UInt16? = nil, payload: String = ""
    ) -> Reception {
        let bytes = Array(payload.utf8)
        let header = FrameHeader(
            flags: flags, code: status, application: application ?? request.application,
            tenant: tenant ?? request.tenant, correlation: correlation ?? request.correlation,
            payloadBytes: bytes.count)
        return self.forwarder.receive(connection, header, payload: bytes.span, nowNanoseconds: self.now)
    }

    func goAway(_ connection: ConnectionKey) -> Reception {
        self.forwarder.receive(
            connection,
            FrameHeader(
                flags: .event, code: ControlEvent.goAway, application: Application.control, correlation: 0),
            payload: [UInt8]().span, nowNanoseconds: self.now)
    }

    func disconnect(_ connection: ConnectionKey) {
        self.forwarder.disconnected(connection, nowNanoseconds: self.now)
    }

    /// Moves the clock to the forwarder's own next deadline, and asks for what is to be done then.
    func sleep() -> [ForwardOrder] {
        if let next = self.forwarder.nextDeadlineNanoseconds { self.now = max(self.now, next) }
        return self.orders()
    }

    /// True when nothing is left of any request.
    var isEmpty: Bool {
        self.forwarder.exchangeCount == 0 && self.forwarder.timers.count == 0 && self.forwarder.bodies.count == 0
            && self.forwarder.waiting.isEmpty && self.forwarder.failed.isEmpty
            && self.forwarder.connections.allSatisfy { $0.open.isEmpty }
    }
}
