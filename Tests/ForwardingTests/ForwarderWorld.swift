@testable import Forwarding
import GatewayTesting
import OAP

/// A forwarder among clients and backends that do anything, and a simple model of what it may do about it.
///
/// The model knows of each request what was sent for it, and of each connection what the backend has been sent and
/// has not answered. Every order and every reception is judged by that alone; the first that is wrong is kept in
/// `problem`.
final class ForwarderWorld {
    static let millisecond: UInt64 = 1_000_000

    struct Request {
        let key: ExchangeKey?
        let header: FrameHeader
        let body: [UInt8]
        let deadline: UInt64
        let isIdempotent: Bool
        let isStreaming: Bool
        /// Whether the forwarder asked for the caller's body.
        let needsBody: Bool
        var tries = 0
        /// The connection it was sent on last.
        var connection: ConnectionKey?
        var correlation: UInt64 = 0
        var answerBegan = false
        var isCancelled = false
        var outcomes = 0

        /// The caller still waits for an outcome.
        var isAwaited: Bool { self.outcomes == 0 && !self.isCancelled }
    }

    struct Connection {
        let key: ConnectionKey
        let endpoint: Int
        var isOpen = false
        var isReady = false
        var isGoingAway = false
        var control: FrameHeader?
        /// What the backend was sent and has not answered, by correlation, oldest first.
        var pending: [(correlation: UInt64, tag: UInt64)] = []
        /// Requests that were given up and not answered.
        var owed = 0
    }

    static let settings: ForwardingSettings = {
        var settings = ForwardingSettings()
        settings.exchangesMax = 24
        settings.connectionsPerEndpoint = 2
        settings.inflightPerConnectionMax = 5
        settings.patienceNanoseconds = 120 * ForwarderWorld.millisecond
        settings.connectTimeoutNanoseconds = 100 * ForwarderWorld.millisecond
        settings.retryBaseNanoseconds = 10 * ForwarderWorld.millisecond
        settings.retryMaxNanoseconds = 100 * ForwarderWorld.millisecond
        settings.retriesSavedMax = 20
        settings.keptBodiesMax = 6
        settings.keptBodyBytesMax = 8
        settings.pingBusyNanoseconds = 60 * ForwarderWorld.millisecond
        settings.pingIdleNanoseconds = 150 * ForwarderWorld.millisecond
        settings.pongTimeoutNanoseconds = 40 * ForwarderWorld.millisecond
        settings.failuresMax = 3
        settings.ejectionBaseNanoseconds = 50 * ForwarderWorld.millisecond
        settings.ejectionMaxNanoseconds = 400 * ForwarderWorld.millisecond
        return settings
    }()

    var random: SeededGenerator
    var forwarder: Forwarder
    var now: UInt64 = 1_000 * ForwarderWorld.millisecond
    /// By tag.
    var requests: [Request] = []
    /// Tags of those that may hold a slot, oldest first.
    var recent: [Int] = []
    var connections: [Connection] = []
    /// Every correlation that was ever sent.
    var correlations: Set<UInt64> = []
    var keys: Set<ConnectionKey> = []
    /// Failures for which the last connection has to be gone when all orders are carried out.
    var lostTags: [UInt64] = []
    var accepted: UInt64 = 0
    var resent: UInt64 = 0
    var answers = 0
    private(set) var problem: String?

    init(_ random: inout SeededGenerator) {
        self.random = SeededGenerator(seed: random.next())
        self.forwarder = Forwarder(settings: Self.settings, endpoints: 3, seed: random.next())
    }

    func expect(_ condition: Bool, _ text: @autoclosure () -> String) {
        if !condition && self.problem == nil { self.problem = text() }
    }

    func index(of key: ConnectionKey) -> Int? { self.connections.firstIndex { $0.key == key } }

    // MARK: Orders

    /// Carries out what is to be done now.
    func settle() {
        var count = 0
        while let order = self.forwarder.popOrder(nowNanoseconds: self.now) {
            count += 1
            guard count < 1_000 else { return self.expect(false, "orders without end") }
            switch order {
            case .open(let key, let endpoint): self.open(key, endpoint)
            case .sendControl(let key, let header): self.control(key, header)
            case .send(let key, let header, let tag, let body): self.sent(tag, key, header, body)
            case .close(let key, let reason): self.closed(key, reason)
            case .fail(let tag, let reason): self.failed(tag, reason)
            }
        }
        for tag in self.lostTags {
            let gone = self.requests[Int(tag)].connection.map { self.index(of: $0) == nil } ?? false
            self.expect(gone, "request \(tag) was lost with a connection that is there")
        }
        self.lostTags.removeAll()
        self.checkAfterOrders()
    }

    private func checkAfterOrders() {
        self.recent.removeAll { !self.holdsSlot($0) }
        for tag in self.recent where self.requests[tag].isAwaited {
            self.expect(self.requests[tag].deadline > self.now, "request \(tag) has no outcome after its deadline")
        }
        let held = self.recent.count
        let count = self.forwarder.exchangeCount
        self.expect(count == held, "\(count) slots are in use for \(held) requests")
        self.expect(self.forwarder.timers.count == held, "a request without a time, or a time without a request")
        self.expect(self.forwarder.bodies.count <= min(held, Self.settings.keptBodiesMax), "bodies leak")
        self.expect(self.resent <= self.forwarder.counts.retries, "sent again without the budget's leave")
        self.expect(self.forwarder.counts.retries * 10 <= self.accepted, "more retries than a tenth of all requests")
        let next = self.forwarder.nextDeadlineNanoseconds
        self.expect(next.map { $0 > self.now } ?? true, "all is done, and yet there is something to do")
    }

    /// Whoever waits for an outcome does, and a cancelled request that the backend works on in time.
    private func holdsSlot(_ tag: Int) -> Bool {
        let request = self.requests[tag]
        guard !request.isAwaited else { return true }
        guard request.isCancelled, request.deadline > self.now, let key = request.connection,
            let index = self.index(of: key)
        else { return false }
        return self.connections[index].pending.contains { $0.correlation == request.correlation }
    }

    private func open(_ key: ConnectionKey, _ endpoint: Int) {
        self.expect(self.keys.insert(key).inserted, "a key was given twice")
        self.expect(Int(key.index) < self.forwarder.connectionsMax, "a connection beyond the maximum")
        let promising = self.connections.count { $0.endpoint == endpoint && !$0.isGoingAway }
        self.expect(promising < Self.settings.connectionsPerEndpoint, "too many connections to endpoint \(endpoint)")
        self.connections.append(Connection(key: key, endpoint: endpoint))
    }

    private func control(_ key: ConnectionKey, _ header: FrameHeader) {
        guard let index = self.index(of: key) else { return self.expect(false, "a control frame to nowhere") }
        let isHello = header.code == Method.hello.code
        self.expect(self.connections[index].isOpen && self.connections[index].control == nil, "a second control frame")
        self.expect(
            isHello == !(self.connections[index].isReady || self.connections[index].isGoingAway),
            "HELLO comes first, then PING")
        self.connections[index].control = header
    }

    private func closed(_ key: ConnectionKey, _ reason: DropReason) {
        // One that was dropped for what it sent has left the model already.
        guard let index = self.index(of: key) else { return self.expect(reason.isViolation, "closed twice") }
        let connection = self.connections[index]
        let isPlausible: Bool =
            switch reason {
            case .connectTimedOut: !connection.isReady
            case .silent: connection.control != nil
            case .unanswered: connection.owed * 2 > Self.settings.inflightPerConnectionMax
            case .drained: connection.isGoingAway && connection.pending.count == connection.owed
            case .connectFailed, .ended, .direction, .unasked, .mismatched, .sequence, .malformed, .incompatible: false
            }
        self.expect(isPlausible, "closed for \(reason.name)")
        self.connections.remove(at: index)
    }

    func sent(_ tag: UInt64, _ key: ConnectionKey, _ header: FrameHeader, _ body: ForwardBody?) {
        let request = self.requests[Int(tag)]
        guard let index = self.index(of: key) else { return self.expect(false, "sent to nowhere") }
        let connection = self.connections[index]
        self.expect(request.isAwaited, "request \(tag) is sent although nobody waits")
        self.expect(request.deadline > self.now, "request \(tag) is sent after its deadline")
        self.expect(connection.isReady && !connection.isGoingAway, "sent where nothing may be sent")
        self.expect(connection.pending.count < Self.settings.inflightPerConnectionMax, "the backend's limit is broken")
        self.expect(self.correlations.insert(header.correlation).inserted, "a correlation was given twice")
        var same = header
        same.correlation = request.header.correlation
        self.expect(same == request.header, "the header is another's")
        if request.tries > 0 {
            self.resent += 1
            self.expect(request.isIdempotent && !request.answerBegan, "request \(tag) may not be sent twice")
            self.expect(request.tries < Self.settings.triesMax, "request \(tag) is sent too often")
            let gone = request.connection.map { self.index(of: $0) == nil } ?? true
            self.expect(gone, "request \(tag) is sent twice at once")
        }
        switch body {
        case nil: break
        case .none?: self.expect(request.body.isEmpty, "a body was lost")
        case .callers?: self.expect(request.needsBody && request.tries == 0, "the caller has the body no more")
        case .kept(let place)?:
            let bytes = self.forwarder.withKept(place) { span in span.indices.map { span[$0] } }
            self.expect(bytes == request.body, "the body is another's")
        }
        self.requests[Int(tag)].tries += 1
        self.requests[Int(tag)].connection = key
        self.requests[Int(tag)].correlation = header.correlation
        self.connections[index].pending.append((header.correlation, tag))
    }

    private func failed(_ tag: UInt64, _ reason: ForwardFailure) {
        let request = self.requests[Int(tag)]
        self.expect(request.isAwaited, "request \(tag) has a second outcome, or one after it was cancelled")
        self.requests[Int(tag)].outcomes += 1
        switch reason {
        case .deadlineExceeded: self.expect(request.deadline <= self.now, "request \(tag) failed before its deadline")
        case .connectionLost: self.lostTags.append(tag)
        case .unavailable:
            let isOpen = request.connection.map { self.index(of: $0) != nil } ?? false
            self.expect(!isOpen, "request \(tag) waits for a connection on one")
        case .tooManyOpen, .frameTooLarge: self.expect(false, "that is said at once or never")
        }
        self.noteDebt(tag)
    }

    /// What is given up while the backend has it is owed.
    private func noteDebt(_ tag: UInt64) {
        let request = self.requests[Int(tag)]
        guard request.deadline <= self.now, let key = request.connection, let index = self.index(of: key),
            self.connections[index].pending.contains(where: { $0.correlation == request.correlation })
        else { return }
        self.connections[index].owed += 1
    }

    /// Cancelled requests whose deadline passes are given up without a word.
    func noteDebtsOfCancelled(since before: UInt64) {
        for tag in self.recent {
            let request = self.requests[tag]
            guard request.isCancelled, request.deadline > before, request.deadline <= self.now else { continue }
            self.noteDebt(UInt64(tag))
        }
    }

    // MARK: What the world does

    /// Moves the clock, to the forwarder's own deadline or beyond it.
    func pass(_ nanoseconds: UInt64) {
        let before = self.now
        self.now += nanoseconds
        self.noteDebtsOfCancelled(since: before)
        self.settle()
    }
}
