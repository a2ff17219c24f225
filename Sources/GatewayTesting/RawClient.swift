public import Reactor

/// A client without manners: it sends what bytes it likes, in what pieces it likes, and reads frames with timeouts.
/// One thread at a time.
public struct RawClient: ~Copyable {
    private let connection: SharedConnection
    /// Bytes that were received behind the last whole frame.
    private var buffer: [UInt8] = []
    private var bufferStart = 0

    /// Why a frame, or the end, was not what a test waited for.
    public enum Failure: Error, Equatable, CustomStringConvertible {
        case timedOut(pending: Int)
        case endedInFrame(pending: Int)
        case ended
        case unexpectedBytes(Int)

        public var description: String {
            switch self {
            case .timedOut(let pending): "nothing came in time (\(pending) bytes of a frame are there)"
            case .endedInFrame(let pending): "the connection ended \(pending) bytes into a frame"
            case .ended: "the connection ended where a frame was expected"
            case .unexpectedBytes(let count): "\(count) bytes came where the end was expected"
            }
        }
    }

    /// With it the connection stays open until the end of the scope, not only until its last use.
    deinit {}

    /// - Parameter source: an address of this machine to connect from; nil leaves it to the kernel.
    public init(_ address: SocketAddress, from source: String? = nil) throws(SystemError) {
        let own = source.map { SocketAddress(host: $0, port: 0) }
        let connection = SharedConnection(try BlockingSocket(connectingTo: address, from: own))
        self.init(connection)
    }

    private init(_ connection: SharedConnection) { self.connection = connection }

    /// Shrinks the kernel's buffers, so that backlogs form after kilobytes instead of megabytes.
    public func shrinkKernelBuffers(bytes: Int = 4096) {
        self.connection.setKernelBuffers(sendBytes: bytes, receiveBytes: bytes)
    }

    public func send(_ bytes: [UInt8]) throws(SystemError) {
        if !bytes.isEmpty { try self.connection.sendAll(bytes) }
    }

    public func send(_ frame: WireFrame) throws(SystemError) { try self.connection.sendAll(frame.bytes) }

    /// Sends one piece per element, each with a system call of its own.
    public func send(_ bytes: [UInt8], inPiecesOf piece: Int) throws(SystemError) {
        var offset = 0
        while offset < bytes.count {
            let end = min(offset + piece, bytes.count)
            try self.connection.sendAll(Array(bytes[offset..<end]))
            offset = end
        }
    }

    /// The next frame; nil when the peer has ended in order, between frames.
    public mutating func frameOrEnd(timeoutMilliseconds: Int = 10_000) throws -> WireFrame? {
        while true {
            if let frame = self.bufferedFrame() { return frame }
            let bytes = try self.arrived(timeoutMilliseconds)
            if bytes.isEmpty {
                guard self.buffer.count == self.bufferStart else {
                    throw Failure.endedInFrame(pending: self.buffer.count - self.bufferStart)
                }
                return nil
            }
            if self.bufferStart > 0 {
                self.buffer.removeFirst(self.bufferStart)
                self.bufferStart = 0
            }
            self.buffer += bytes
        }
    }

    /// What `receive` gives, with a silence told apart from a broken connection.
    private func arrived(_ timeoutMilliseconds: Int) throws -> [UInt8] {
        do throws(SystemError) {
            return try self.connection.receive(timeoutMilliseconds: timeoutMilliseconds)
        } catch {
            guard error.code == ErrnoCode.timedOut else { throw error }
            throw Failure.timedOut(pending: self.buffer.count - self.bufferStart)
        }
    }

    private mutating func bufferedFrame() -> WireFrame? {
        let left = self.buffer.count - self.bufferStart
        guard left >= 4 else { return nil }
        let length = Int(UInt32(bigEndian: self.buffer, at: self.bufferStart))
        guard left >= length, let frame = WireFrame(Array(self.buffer[self.bufferStart..<(self.bufferStart + length)]))
        else { return nil }
        self.bufferStart += length
        return frame
    }

    /// The next frame; throws when the connection ends instead.
    public mutating func frame(timeoutMilliseconds: Int = 10_000) throws -> WireFrame {
        guard let frame = try self.frameOrEnd(timeoutMilliseconds: timeoutMilliseconds) else { throw Failure.ended }
        return frame
    }

    /// Sends a request and returns the next frame.
    public mutating func ask(_ request: WireFrame) throws -> WireFrame {
        try self.send(request)
        return try self.frame()
    }

    /// Waits for the peer's orderly end; throws on a reset, on further bytes, and when it does not come.
    public mutating func expectEnd(timeoutMilliseconds: Int = 10_000) throws {
        if let frame = try self.frameOrEnd(timeoutMilliseconds: timeoutMilliseconds) {
            throw Failure.unexpectedBytes(frame.byteCount)
        }
    }

    /// Reads until the connection is over, whatever bytes come before. True when it ended in order, false when by a
    /// reset.
    public mutating func isOrderlyAtEnd(timeoutMilliseconds: Int = 10_000) throws -> Bool {
        do {
            while try !self.arrived(timeoutMilliseconds).isEmpty {}
            return true
        } catch is SystemError {
            return false
        }
    }

    /// True when bytes, the end or a reset arrive within the time.
    public func hasNews(withinMilliseconds timeout: Int) -> Bool {
        do throws(SystemError) {
            _ = try self.connection.receive(bytesMax: 1, timeoutMilliseconds: timeout)
            return true
        } catch {
            return error.code != ErrnoCode.timedOut
        }
    }

    /// Ends this side's writing; reading goes on.
    public func shutdownWrite() { self.connection.shutdownWrite() }

    /// Closes with a reset instead of an orderly end.
    public consuming func reset() {
        self.connection.reset()
    }

    /// Sends `frames` from a thread of its own, while this one reads the answers: neither side then waits for the
    /// other for ever. Join it before the client goes.
    public func sendBeside(_ frames: [WireFrame]) throws(SystemError) -> ClientSender {
        try ClientSender(self.connection, frames)
    }
}
