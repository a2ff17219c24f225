internal import CIngress

/// A client's blocking TCP connection, for tools and tests. One thread at a time.
public struct BlockingSocket: ~Copyable {
    public let descriptor: Int32

    /// - Parameter source: an address of this machine to connect from, port 0 for one of the kernel's choice; nil leaves both
    ///   to the kernel.
    public init(
        connectingTo address: SocketAddress, from source: SocketAddress? = nil, timeoutMilliseconds: Int = 5000
    ) throws(SystemError) {
        var form = try address.kernelForm()
        let result: Int32
        if var own = try source?.kernelForm() {
            result = unsafe ingress_connect(&form, &own, Int32(timeoutMilliseconds))
        } else {
            result = unsafe ingress_connect(&form, nil, Int32(timeoutMilliseconds))
        }
        self.descriptor = try SystemError.check(result, "connect", address.description)
    }

    deinit { _ = ingress_close(self.descriptor) }

    public func setKernelBuffers(sendBytes: Int, receiveBytes: Int) {
        _ = ingress_set_buffers(self.descriptor, Int32(sendBytes), Int32(receiveBytes))
    }

    public func sendAll(_ bytes: [UInt8]) throws(SystemError) {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes.withUnsafeBufferPointer { buffer in
                unsafe ingress_send(self.descriptor, buffer.baseAddress! + sent, UInt32(buffer.count - sent))
            }
            sent += Int(try SystemError.check(count, "send"))
        }
    }

    /// Up to `bytesMax` bytes; empty at the peer's end. Throws ETIMEDOUT when nothing comes in time.
    public func receive(bytesMax: Int = 65_536, timeoutMilliseconds: Int = 5000) throws(SystemError) -> [UInt8] {
        let ready = try SystemError.check(ingress_poll(self.descriptor, false, Int32(timeoutMilliseconds)), "poll")
        guard ready > 0 else { throw SystemError(call: "recv", code: ErrnoCode.timedOut) }
        var failure: Int32 = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: bytesMax) { buffer, initialized in
            let count = unsafe ingress_receive(self.descriptor, buffer.baseAddress, UInt32(bytesMax))
            failure = min(count, 0)
            initialized = Int(max(count, 0))
        }
        _ = try SystemError.check(failure, "recv")
        return bytes
    }

    /// Ends this side's writing; reading goes on.
    public func shutdownWrite() { _ = ingress_shutdown_write(self.descriptor) }

    /// Closes with a reset instead of an orderly end.
    public consuming func reset() {
        _ = ingress_close_reset(self.descriptor)
        discard self
    }
}
