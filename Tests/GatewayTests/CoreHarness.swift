import Admission
import Gateway
import GatewayTesting
import OAP
import Telemetry
import Testing

/// What an order is, without what it carries.
enum Seen: Equatable {
    case echo
    case hello
    case refused(ErrorCode)
    case refusedAndClosed(ErrorCode)
    case lookUp
    case resolve
    case resolveMany(Int)
    case wait
}

/// A worker's core with a clock of its own.
struct CoreHarness: ~Copyable {
    static let millisecond: UInt64 = 1_000_000

    var core: WorkerCore
    let admission: IngressAdmission
    let metrics: GatewayMetrics
    let telemetry: TelemetryBank
    var now: UInt64 = 1_000_000 * CoreHarness.millisecond
    /// Of the last order that opened a request.
    private(set) var lastTicket: Ticket?
    /// Of the last order to look up at once.
    private(set) var lastRequest: FrameHeader?
    private(set) var lastRefusal: Refusal?

    init(
        limits: GatewayLimits = GatewayLimits(), openMax: Int = 1024, inflightMax: Int = 64,
        connectionRate: TokenRate? = nil, tenantRate: TokenRate? = nil, globalRate: TokenRate? = nil,
        answersAtOnce: Bool = false, serving: Bool = true, waitingMax: Int = 0, criticalReserve: Int = 0,
        tenants: [NamedTenant] = []
    ) {
        var policy = AdmissionPolicy()
        policy.openMax = openMax
        policy.inflightPerConnectionMax = inflightMax
        policy.connection = connectionRate
        policy.tenantDefault.requests = tenantRate
        policy.global = globalRate
        policy.waiting.lengthMax = waitingMax
        policy.tenants = tenants
        policy.criticalReserve = criticalReserve
        self.admission = IngressAdmission(policy)
        self.metrics = GatewayMetrics()
        self.telemetry = TelemetryBank(schema: self.metrics.schema)
        self.core = WorkerCore(
            limits: limits, admission: self.admission, metrics: self.metrics, telemetry: self.telemetry,
            answersAtOnce: answersAtOnce)
        if serving { self.core.serve() }
    }

    mutating func connect(_ slot: Int, generation: UInt32 = 0) {
        self.core.connected(SessionKey(slot: UInt32(slot), generation: generation), nowNanoseconds: self.now)
    }

    mutating func advance(milliseconds: UInt64) { self.now += milliseconds * Self.millisecond }

    /// Gives the core a frame as the runtime would.
    mutating func order(_ frame: WireFrame, on slot: Int = 0) -> Seen {
        let bytes = frame.bytes
        switch self.core.decoder.step(bytes.span) {
        case .needMore: preconditionFailure("a test's frame is whole")
        case .refused(let code, let header): return self.seen(self.core.headerRefused(slot, code, header))
        case .frame(let header):
            return self.seen(
                self.core.frame(
                    slot, header, payload: bytes.span.extracting(header.payloadRange), nowNanoseconds: self.now))
        }
    }

    private mutating func seen(_ order: Order) -> Seen {
        switch order {
        case .answer(.echo): return .echo
        case .answer(.hello): return .hello
        case .answer(.refusal(let refusal)):
            self.lastRefusal = refusal
            return .refused(refusal.code)
        case .answerAndClose(.refusal(let refusal)):
            self.lastRefusal = refusal
            return .refusedAndClosed(refusal.code)
        case .answerAndClose: preconditionFailure("only a refusal closes")
        case .lookUp(let request):
            self.lastRequest = request
            return .lookUp
        case .wait: return .wait
        case .resolve(let ticket):
            self.lastTicket = ticket
            return .resolve
        case .resolveMany(let ticket, let keys):
            self.lastTicket = ticket
            return .resolveMany(keys.count)
        }
    }

    /// Opens a resolve and returns its ticket.
    mutating func open(_ correlation: UInt64, on slot: Int = 0) -> Ticket {
        guard self.order(.resolve("name:site", correlation: correlation), on: slot) == .resolve,
            let ticket = self.lastTicket
        else { preconditionFailure("the resolve was not admitted") }
        return ticket
    }

    /// The next request that waited and is admitted now, as the runtime asks for it.
    mutating func admitted() -> (ticket: Ticket, seen: Seen, session: SessionKey, payload: [UInt8])? {
        var scratch: [UInt8] = []
        guard let next = self.core.popAdmitted(nowNanoseconds: self.now, into: &scratch) else { return nil }
        let seen = self.seen(next.order)
        guard let ticket = self.lastTicket else { return nil }
        return (ticket, seen, next.session, scratch)
    }

    /// Requests that gave way to others and were not told yet.
    mutating func outcasts() -> Int {
        var count = 0
        while self.core.popOverstayed(nowNanoseconds: self.now) != nil { count += 1 }
        return count
    }

    mutating func finish(_ ticket: Ticket, status: UInt16 = 200) {
        self.core.finish(ticket, status: status, nowNanoseconds: self.now)
    }

    /// The turn's requests, which came now, are served after so many nanoseconds.
    mutating func endTurn(after nanoseconds: UInt64 = 0) {
        let now = self.now
        self.core.endTurn(arrivalNanoseconds: now) { now + nanoseconds }
    }

    /// The sessions whose time is up now.
    mutating func expired() -> [(slot: Int, expiry: SessionExpiry)] {
        var all: [(slot: Int, expiry: SessionExpiry)] = []
        while let next = self.core.popExpired(nowNanoseconds: self.now) { all.append(next) }
        return all
    }

    /// Moves the clock from one deadline of the core's own to the next, as the runtime's sleeps do, until a session's
    /// time is up. Nil when none is up after `limit` milliseconds.
    mutating func nextExpiry(withinMilliseconds limit: UInt64) -> (afterMilliseconds: UInt64, SessionExpiry)? {
        let start = self.now
        // Every look at the clock moves it or takes a timer off; a core that does neither would spin.
        for _ in 0..<10_000 {
            guard let deadline = self.core.nextDeadlineNanoseconds(), deadline <= start + limit * Self.millisecond
            else {
                return nil
            }
            self.now = max(self.now, deadline)
            if let first = self.expired().first { return ((self.now - start) / Self.millisecond, first.expiry) }
        }
        Issue.record("the core's deadlines do not get on")
        return nil
    }

    /// A sample of the page that Prometheus would get, by the text of its series.
    func metric(_ series: String) -> String? {
        let page = PrometheusText.render(
            schema: self.metrics.schema, snapshot: .merging([self.telemetry]), process: [], commonLabels: [])
        let line = page.split(separator: "\n").first { $0.hasPrefix(series + " ") }
        return line.map { String($0.dropFirst(series.utf8.count + 1)) }
    }
}
