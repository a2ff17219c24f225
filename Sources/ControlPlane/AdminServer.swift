import FlyingFox
import FlyingSocks
import Foundation
public import Logging
import Synchronization

/// A small HTTP/1.1 server: the admin port, read-only, for people, Prometheus and load balancers, and the control socket.
///
/// Routes and messages are FlyingFox's, and so are sockets and their event queue. Its own `HTTPServer` is not used:
/// it reads request lines of any length into memory, has neither a timeout for a silent client nor a maximum of
/// connections, and ends altogether when accepting fails once, which running out of descriptors brings about. Here
/// all of that is bounded by `AdminLimits`.
///
/// Life: `bind`, then `run`, which returns after `stop`. Any thread.
public final class AdminServer: Sendable {
    private struct State {
        /// Not nil between `bind` and whichever comes first of `run` and `stop`, which then owns it.
        var listener: Socket?
        var isBound = false
        /// Not nil from a successful `bind` to a port on.
        var boundPort: UInt16?
        /// Not nil exactly while `run` accepts.
        var accepting: Task<Void, any Error>?
        var isStopped = false
    }

    private let endpoint: AdminEndpoint
    private let routes: any HTTPHandler
    private let limits: AdminLimits
    private let logger: Logger
    private let connections: AdminConnections
    private let state = Mutex(State())

    /// - Parameters:
    ///   - host: an IPv4 or IPv6 address; IPv6 with or without brackets.
    ///   - port: 0 lets the system choose one, which `boundPort` tells after `bind`.
    public convenience init(
        host: String, port: UInt16, source: any AdminSource, logger: Logger, limits: AdminLimits = AdminLimits()
    ) {
        let bare = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
        self.init(.tcp(host: bare, port: port), routes: AdminRoutes(source: source), logger: logger, limits: limits)
    }

    init(_ endpoint: AdminEndpoint, routes: any HTTPHandler, logger: Logger, limits: AdminLimits) {
        limits.check()
        self.endpoint = endpoint
        self.routes = routes
        self.limits = limits
        self.logger = logger
        self.connections = AdminConnections(connectionsMax: limits.connectionsMax)
    }

    /// Nil before `bind`, and for a control socket.
    public var boundPort: UInt16? { self.state.withLock { $0.boundPort } }

    /// `127.0.0.1:9909` or `[::1]:9909`, with the bound port once there is one; the path of a control socket.
    public var address: String { self.endpoint.address(boundPort: self.boundPort) }

    /// Connections open now.
    public var connectionsUsed: Int { self.connections.count }

    /// Binds and listens: from now on connections queue up, and are served once `run` runs. A port that another
    /// process listens on is refused, because SO_REUSEPORT is not set.
    public func bind() throws(AdminServerError) {
        guard !self.state.withLock({ $0.isBound }) else { throw .notBound }
        let listener = try self.endpoint.listen()
        let port = AdminListener.port(of: listener)
        self.state.withLock { state in
            state.listener = listener
            state.isBound = true
            state.boundPort = port
        }
    }

    /// Serves until `stop` or until the task is cancelled, and returns when the last answer has left.
    ///
    /// - Throws: `notBound`, or `system` when the event queue or accepting fails for good.
    public func run() async throws(AdminServerError) {
        let (listener, isStopped) = self.state.withLock { state in
            defer { state.listener = nil }
            return (state.listener, state.isStopped)
        }
        guard let listener else {
            if isStopped { return }
            throw .notBound
        }
        // Never closed before the accept has ended: its number could be another descriptor's by then.
        defer { try? listener.close() }
        let pool: SocketPool<ePoll> = .ePoll(logger: AdminSocketLog(logger: self.logger))
        do {
            try await pool.prepare()
        } catch {
            throw self.failure(error, call: "epoll_create")
        }
        let polling = Task { try await pool.run() }
        let expiring = Task { try await self.expireConnections() }
        defer {
            expiring.cancel()
            polling.cancel()
        }
        let accepting = Task { try await self.acceptConnections(on: listener, pool: pool) }
        self.started(accepting)
        let result = await withTaskCancellationHandler {
            await accepting.result
        } onCancel: {
            self.stop()
        }
        let endedByItself = self.state.withLock { !$0.isStopped }
        self.stop()
        await self.connections.emptied()
        guard endedByItself, case .failure(let error) = result else { return }
        // When the event queue ends, all who wait for it are cancelled: the cause is its error.
        if error is CancellationError, case .failure(let cause) = await polling.result {
            throw self.failure(cause, call: "epoll_wait")
        }
        throw self.failure(error, call: "accept")
    }

    /// Stops listening; answers under way are finished, waiting connections closed. Returns at once. May be called
    /// again, and before `run`, which then returns at once.
    public func stop() {
        self.connections.stop()
        let (listener, accepting) = self.state.withLock { state in
            defer {
                state.listener = nil
                state.accepting = nil
                state.isStopped = true
            }
            return (state.listener, state.accepting)
        }
        try? listener?.close()
        accepting?.cancel()
    }

    private func started(_ accepting: Task<Void, any Error>) {
        let isStopped = self.state.withLock { state in
            if !state.isStopped { state.accepting = accepting }
            return state.isStopped
        }
        if isStopped { accepting.cancel() }
    }

    private func acceptConnections(on socket: Socket, pool: SocketPool<ePoll>) async throws {
        let listener = try AsyncSocket(socket: socket, pool: pool)
        var isExhausted = false
        while true {
            try Task.checkCancellation()
            do {
                let accepted = try await listener.accept()
                await self.waitForCrowd()
                self.serve(accepted)
                isExhausted = false
            } catch SocketError.failed(_, let errno, let message) {
                switch AdminListener.meaning(ofAcceptErrno: errno) {
                case .peerGone: continue
                case .exhausted:
                    if !isExhausted {
                        self.logger.warning(
                            "admin connections wait: the process or the machine is out of descriptors or memory",
                            metadata: ["call": "accept", "errno": "\(errno)", "reason": "\(message)"])
                    }
                    isExhausted = true
                    try await Task.sleep(for: .milliseconds(100))
                case .fatal: throw SocketError.failed(type: "Accept", errno: errno, message: message)
                }
            }
        }
    }

    /// Cancelled connections need the time to run their last lines. Not more: if they are stuck, refusing is better
    /// than silence.
    private func waitForCrowd() async {
        for _ in 0..<100 where self.connections.isCrowded { try? await Task.sleep(for: .milliseconds(1)) }
    }

    private func serve(_ socket: AsyncSocket) {
        AdminListener.closeOnExec(socket.socket)
        let deadline = ContinuousClock.now + .milliseconds(self.limits.headTimeoutMilliseconds)
        switch self.connections.admit(deadline: deadline) {
        case .full:
            AdminListener.refuse(socket.socket)
        case .admitted(let identifier):
            let connection = AdminConnection(
                identifier: identifier, socket: socket, routes: self.routes, connections: self.connections,
                limits: self.limits)
            self.connections.attach(Task { await connection.serve() }, to: identifier)
        }
    }

    private func expireConnections() async throws {
        while true {
            try await Task.sleep(for: .milliseconds(100))
            self.connections.expire(now: .now)
        }
    }

    private func failure(_ error: any Error, call: String) -> AdminServerError {
        guard case SocketError.failed(_, let errno, let message) = error else {
            return .system(address: self.address, call: call, errno: 0, message: "\(error)")
        }
        return .system(address: self.address, call: call, errno: errno, message: message)
    }
}
