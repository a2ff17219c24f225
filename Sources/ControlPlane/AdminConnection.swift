import FlyingFox
import FlyingSocks
import Foundation

/// Serves one connection, request after request. Every wait ends when the task is cancelled, which `AdminConnections`
/// does at the deadline of the phase.
struct AdminConnection: Sendable {
    let identifier: UInt64
    let socket: AsyncSocket
    let routes: any HTTPHandler
    let connections: AdminConnections
    let limits: AdminLimits

    func serve() async {
        // A client that goes away, is too slow or loses its place is no event worth a line: the connection just ends.
        try? await self.serveRequests()
        try? self.socket.close()
        self.connections.remove(self.identifier)
    }

    private func serveRequests() async throws {
        var buffer: [UInt8] = []
        var isFirst = true
        var keepsAlive = true
        while keepsAlive {
            guard let outcome = try await self.receiveHead(into: &buffer, isFirst: isFirst) else { return }
            guard self.enter(.answering, milliseconds: self.limits.answerTimeoutMilliseconds) else { return }
            switch outcome {
            case .incomplete: return
            case .refused(let refusal):
                keepsAlive = false
                try await self.send(AdminResponse.refusal(refusal), hasBody: true, keepsAlive: false)
            case .complete(let head, let headBytes):
                buffer.removeFirst(headBytes)
                keepsAlive = head.keepsAlive && !self.connections.isStopping
                try await self.discardBody(head.bodyBytes, from: &buffer)
                let response = try await self.routes.handleRequest(head.request)
                try await self.send(response, hasBody: head.request.method != .HEAD, keepsAlive: keepsAlive)
            }
            isFirst = false
            // A client that pipelines without end must let the others have a turn.
            await Task.yield()
        }
        try await self.linger()
    }

    /// Returns nil when the client has ended the connection or it is time to go.
    private func receiveHead(into buffer: inout [UInt8], isFirst: Bool) async throws -> AdminRequestHead.Outcome? {
        let isIdle = !isFirst && buffer.isEmpty
        let milliseconds = isIdle ? self.limits.idleTimeoutMilliseconds : self.limits.headTimeoutMilliseconds
        guard self.enter(.reading, milliseconds: milliseconds) else { return nil }
        if buffer.isEmpty {
            buffer = try await self.socket.read(atMost: 4096)
            guard !isIdle || self.enter(.reading, milliseconds: self.limits.headTimeoutMilliseconds) else { return nil }
        }
        var scanned = 0
        while true {
            // RFC 9112: an empty line before a request is skipped.
            while let byte = buffer.first, byte == 0x0D || byte == 0x0A {
                buffer.removeFirst()
                scanned = max(0, scanned - 1)
            }
            let outcome = AdminRequestHead.parse(buffer, scanned: &scanned, limits: self.limits)
            guard case .incomplete = outcome else { return outcome }
            buffer += try await self.socket.read(atMost: 4096)
        }
    }

    private func discardBody(_ bodyBytes: Int, from buffer: inout [UInt8]) async throws {
        var missing = bodyBytes
        while missing > 0 {
            if buffer.isEmpty { buffer = try await self.socket.read(atMost: 4096) }
            let taken = min(missing, buffer.count)
            buffer.removeFirst(taken)
            missing -= taken
        }
    }

    private func send(_ response: HTTPResponse, hasBody: Bool, keepsAlive: Bool) async throws {
        let body = try await response.bodyData
        try await self.socket.write(
            AdminResponse.encode(response, body: body, hasBody: hasBody, keepsAlive: keepsAlive))
    }

    /// Closing with unread bytes would reset the connection, and the reset may overtake the answer.
    private func linger() async throws {
        guard self.enter(.lingering, milliseconds: self.limits.lingerTimeoutMilliseconds) else { return }
        shutdown(self.socket.socket.file.rawValue, Int32(SHUT_WR))
        var discarded = 0
        while discarded < self.limits.lingerBytesMax {
            discarded += try await self.socket.read(atMost: 4096).count
        }
    }

    private func enter(_ phase: AdminConnections.Phase, milliseconds: Int) -> Bool {
        self.connections.enter(phase, self.identifier, deadline: .now + .milliseconds(milliseconds))
    }
}
