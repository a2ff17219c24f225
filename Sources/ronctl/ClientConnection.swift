import Foundation
import OAP
import Reactor

/// One answer of a gateway.
struct ClientAnswer {
    let status: UInt16
    let payload: [UInt8]
    /// From the send of the request to its answer.
    let elapsed: Duration

    /// What the body of an error says; nil for a status below 400.
    var refusal: ClientRefusal? {
        self.status >= 400 ? ClientRefusal(status: self.status, payload: self.payload) : nil
    }
}

/// A blocking OAP/1 connection with one request at a time.
struct ClientConnection: ~Copyable {
    let address: Reactor.SocketAddress
    private let socket: BlockingSocket
    private let timeoutMilliseconds: Int
    private let decoder = FrameDecoder()
    /// Received and not decoded.
    private var pending: [UInt8] = []
    private var correlation: UInt64 = 0

    init(to address: Reactor.SocketAddress, timeoutMilliseconds: Int) throws(ClientFailure) {
        let socket = try Self.connect(to: address, timeoutMilliseconds)
        self.init(socket, address, timeoutMilliseconds)
    }

    private init(_ socket: consuming BlockingSocket, _ address: Reactor.SocketAddress, _ timeoutMilliseconds: Int) {
        self.socket = socket
        self.address = address
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    private static func connect(
        to address: Reactor.SocketAddress, _ timeoutMilliseconds: Int
    ) throws(ClientFailure) -> BlockingSocket {
        do throws(SystemError) {
            return try BlockingSocket(connectingTo: address, timeoutMilliseconds: timeoutMilliseconds)
        } catch {
            throw ClientFailure(connecting: error)
        }
    }

    /// Sends one unary request and waits for its answer.
    mutating func request(
        _ application: UInt16, _ method: OAP.Method, _ payload: [UInt8]
    ) throws(ClientFailure) -> ClientAnswer {
        self.correlation += 1
        let header = FrameHeader(
            flags: .request, code: method.code, application: application, correlation: self.correlation,
            payloadBytes: payload.count)
        var frame = [UInt8](repeating: 0, count: FrameHeader.byteCount)
        var span = frame.mutableSpan
        header.encode(into: &span)
        frame += payload
        let start = ContinuousClock.now
        do throws(SystemError) { try self.socket.sendAll(frame) } catch { throw self.broken(error) }
        let deadline = start + .milliseconds(self.timeoutMilliseconds)
        while true {
            let (answer, body) = try self.receiveFrame(until: deadline)
            // A gateway that is about to stop says so; what is open is still answered.
            if answer.flags.contains(.event) { continue }
            guard answer.flags.contains(.response), answer.correlation == self.correlation,
                answer.application == application
            else { throw self.foreign("an answer to something that was not asked") }
            return ClientAnswer(status: answer.code, payload: body, elapsed: ContinuousClock.now - start)
        }
    }

    private mutating func receiveFrame(
        until deadline: ContinuousClock.Instant
    ) throws(ClientFailure) -> (FrameHeader, [UInt8]) {
        while true {
            switch self.decoder.step(self.pending.span) {
            case .frame(let header):
                let body = Array(self.pending[header.payloadRange])
                self.pending.removeFirst(Int(header.frameBytes))
                return (header, body)
            case .refused(let code, _):
                throw self.foreign("a frame whose header breaks the rules (\(code.name))")
            case .needMore:
                try self.receiveMore(until: deadline)
            }
        }
    }

    private mutating func receiveMore(until deadline: ContinuousClock.Instant) throws(ClientFailure) {
        let left = (deadline - ContinuousClock.now) / .milliseconds(1)
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try self.socket.receive(timeoutMilliseconds: max(0, Int(left.rounded(.up))))
        } catch {
            throw self.broken(error)
        }
        guard !bytes.isEmpty else {
            throw ClientFailure(message: "\(self.address) closed the connection without an answer")
        }
        self.pending += bytes
    }

    private func broken(_ error: SystemError) -> ClientFailure {
        ClientFailure(error, with: self.address.description, timeoutMilliseconds: self.timeoutMilliseconds)
    }

    private func foreign(_ what: String) -> ClientFailure {
        ClientFailure(
            message: "\(self.address) sent \(what); is it an OAP/1 port? (the admin port speaks HTTP)")
    }

    /// An answer with a status that the method never has, or with a payload that is not what it promises.
    func malformed(_ answer: ClientAnswer, _ what: String) -> ClientFailure {
        ClientFailure(message: "\(self.address) answered \(answer.status) with \(what)")
    }
}
