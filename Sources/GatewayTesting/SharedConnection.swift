public import Reactor
internal import Synchronization

/// A client's socket that two threads may use, one to send and one to receive: a socket's two directions are
/// independent of each other, and it is gone only when neither uses it.
final class SharedConnection: @unchecked Sendable {
    /// Nil once it was reset.
    private var socket: BlockingSocket?

    init(_ socket: consuming BlockingSocket) { self.socket = consume socket }

    private static let closed = SystemError(
        call: "send", code: ErrnoCode.invalidArgument, subject: "the client was reset")

    func sendAll(_ bytes: [UInt8]) throws(SystemError) {
        switch self.socket {
        case .some(let socket): try socket.sendAll(bytes)
        case .none: throw Self.closed
        }
    }

    func receive(bytesMax: Int = 65_536, timeoutMilliseconds: Int) throws(SystemError) -> [UInt8] {
        switch self.socket {
        case .some(let socket): try socket.receive(bytesMax: bytesMax, timeoutMilliseconds: timeoutMilliseconds)
        case .none: throw Self.closed
        }
    }

    func setKernelBuffers(sendBytes: Int, receiveBytes: Int) {
        switch self.socket {
        case .some(let socket): socket.setKernelBuffers(sendBytes: sendBytes, receiveBytes: receiveBytes)
        case .none: break
        }
    }

    func shutdownWrite() {
        switch self.socket {
        case .some(let socket): socket.shutdownWrite()
        case .none: break
        }
    }

    func reset() {
        switch self.socket.take() {
        case .some(let socket): socket.reset()
        case .none: break
        }
    }
}

/// Frames on their way from a thread of their own.
public final class ClientSender: Sendable {
    private let thread: LoopThread
    private let outcome = Outcome()

    private final class Outcome: Sendable {
        let failure = Mutex<SystemError?>(nil)
    }

    init(_ connection: SharedConnection, _ frames: [WireFrame]) throws(SystemError) {
        let outcome = self.outcome
        self.thread = try LoopThread(name: "sender") {
            for frame in frames {
                do throws(SystemError) {
                    try connection.sendAll(frame.bytes)
                } catch {
                    outcome.failure.withLock { $0 = error }
                    return
                }
            }
        }
    }

    /// Waits until everything is sent; throws when it could not be.
    public func join() throws(SystemError) {
        self.thread.join()
        if let failure = self.outcome.failure.withLock({ $0 }) { throw failure }
    }
}
