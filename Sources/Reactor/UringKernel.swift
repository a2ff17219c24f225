internal import CIngress

/// io_uring: multishot accept and receive into a ring of provided buffers, sends batched with the wait.
///
/// One `io_uring_enter` per turn submits everything prepared and sleeps. The ring is `SINGLE_ISSUER`, so a kernel is
/// made on the thread that uses it.
@safe public struct UringKernel: Kernel, ~Copyable {
    public static var name: String { "io_uring" }
    public static var wantsNonBlocking: Bool { false }

    /// Optional features; tests clear some to prove that each one degrades alone.
    public struct Features: OptionSet, Sendable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static let singleIssuer = Features(rawValue: 1 << 0)
        public static let deferTaskrun = Features(rawValue: 1 << 1)
        public static let cooperativeTaskrun = Features(rawValue: 1 << 2)
        public static let multishotAccept = Features(rawValue: 1 << 3)
        public static let multishotReceive = Features(rawValue: 1 << 4)
        public static let registeredRing = Features(rawValue: 1 << 5)
        public static let all = Features(rawValue: (1 << 6) - 1)
    }

    private let ring: UnsafeMutablePointer<ingress_ring>
    private let reaped: UnsafeMutablePointer<ingress_completion>
    public let features: Features
    private var waker: Waker? = nil
    private var wakerToken = Token(slot: 0, generation: 0)
    /// True exactly when the last batch was full: there may be more, so the next wait does not sleep.
    private var batchWasFull = false
    public private(set) var buffersHome: Int
    public let buffersTotal: Int
    public private(set) var systemCallsTotal: UInt64 = 0

    public init(limits: KernelLimits = KernelLimits(), wanted: Features = .all) throws(SystemError) {
        let ring = UnsafeMutablePointer<ingress_ring>.allocate(capacity: 1)
        unsafe ring.initialize(to: ingress_ring())
        var step: UnsafePointer<CChar>? = nil
        let result = unsafe ingress_ring_open(
            ring, UInt32(limits.submissionEntries), UInt32(limits.completionEntries), UInt32(limits.buffersCount),
            UInt32(limits.bufferBytes), wanted.rawValue, &step)
        guard result >= 0 else {
            let call = unsafe step.map { unsafe String(cString: $0) } ?? "io_uring_setup"
            unsafe ring.deallocate()
            throw SystemError(call: call, code: -result)
        }
        unsafe self.init(opened: ring, buffersCount: limits.buffersCount)
    }

    private init(opened ring: UnsafeMutablePointer<ingress_ring>, buffersCount: Int) {
        unsafe self.ring = unsafe ring
        unsafe self.reaped = .allocate(capacity: CompletionBatch.capacity)
        self.features = unsafe Features(rawValue: ring.pointee.features)
        self.buffersTotal = buffersCount
        self.buffersHome = buffersCount
    }

    /// Opens a small ring and closes it again, as a program does that has a choice.
    ///
    /// - Returns: which of the wanted features this kernel has, by name.
    /// - Throws: what the kernel refuses, when it is all of it.
    public static func probe(_ wanted: Features = .all) throws(SystemError) -> [String] {
        let limits = KernelLimits(bufferBytes: 4096, buffersCount: 8, submissionEntries: 8)
        let kernel = try UringKernel(limits: limits, wanted: wanted)
        return kernel.featuresInUse
    }

    deinit {
        unsafe ingress_ring_close(self.ring)
        unsafe self.ring.deallocate()
        unsafe self.reaped.deallocate()
    }

    public var featuresInUse: [String] {
        let names: [(Features, String)] = [
            (.singleIssuer, "single_issuer"), (.deferTaskrun, "defer_taskrun"), (.cooperativeTaskrun, "coop_taskrun"),
            (.multishotAccept, "multishot_accept"), (.multishotReceive, "multishot_receive"),
            (.registeredRing, "registered_ring"),
        ]
        return names.compactMap { self.features.contains($0.0) ? $0.1 : nil }
    }

    /// Completions that did not fit the completion queue; each one is a mistake in our sizes.
    public var completionsOverflowed: UInt32 { unsafe ingress_ring_overflow(self.ring) }

    // MARK: Operations

    public mutating func attach(_ waker: Waker, token: Token) {
        self.waker = waker
        self.wakerToken = token
        unsafe ingress_prepare_readable(self.ring, waker.descriptor, token.word(.woken))
    }

    public mutating func startAccepting(_ listener: Int32, token: Token) {
        unsafe ingress_prepare_accept(self.ring, listener, token.word(.accepted))
    }

    public mutating func stopAccepting(_ listener: Int32, token: Token) {
        unsafe ingress_prepare_cancel(self.ring, token.word(.accepted), token.word(.cancelled))
    }

    @inline(__always)
    public mutating func startReceiving(_ descriptor: Int32, token: Token) {
        unsafe ingress_prepare_receive(self.ring, descriptor, token.word(.received))
    }

    public mutating func stopReceiving(_ descriptor: Int32, token: Token) {
        unsafe ingress_prepare_cancel(self.ring, token.word(.received), token.word(.cancelled))
    }

    public mutating func send(
        _ descriptor: Int32, token: Token, _ block: borrowing Block, from offset: Int
    ) -> SendOutcome {
        let count = UInt32(block.count - offset)
        unsafe ingress_prepare_send(self.ring, descriptor, block.address(at: offset), count, token.word(.sent))
        return .submitted
    }

    public mutating func shutdownWrite(_ descriptor: Int32) { _ = ingress_shutdown_write(descriptor) }

    public mutating func abort(_ descriptor: Int32) { _ = ingress_shutdown_both(descriptor) }

    public mutating func close(_ descriptor: Int32, reset: Bool) {
        _ = reset ? ingress_close_reset(descriptor) : ingress_close(descriptor)
    }

    public mutating func peerAddress(_ descriptor: Int32) -> UInt128? {
        self.systemCallsTotal &+= 1
        return UInt128(peerOf: descriptor)
    }

    // MARK: The turn

    public mutating func wait(timeoutNanoseconds: UInt64?, into batch: inout CompletionBatch) throws(SystemError) {
        batch.removeAll()
        var timeout = timeoutNanoseconds.map { Int64(clamping: $0) } ?? -1
        if self.batchWasFull { timeout = 0 }
        let result = unsafe ingress_ring_wait(self.ring, timeout)
        self.systemCallsTotal &+= 1
        // EBUSY and EAGAIN: the kernel is short of memory or completions; what is there is reaped and the rest tried
        // again.
        guard result >= 0 || result == -EBUSY || result == -EAGAIN else {
            throw SystemError(call: "io_uring_enter", code: -result)
        }
        let count = unsafe Int(ingress_ring_reap(self.ring, self.reaped, UInt32(batch.countMax)))
        self.batchWasFull = count == batch.countMax
        for index in 0..<count {
            unsafe self.deliver(self.reaped[index], into: &batch)
        }
    }

    @inline(__always)
    private mutating func deliver(_ entry: ingress_completion, into batch: inout CompletionBatch) {
        guard let kind = CompletionKind(rawValue: UInt8(truncatingIfNeeded: entry.token >> 56)) else {
            preconditionFailure("a completion of no known kind")
        }
        let token = Token(word: entry.token)
        switch kind {
        case .received:
            let hasBuffer = entry.flags & UInt32(INGRESS_FLAG_BUFFER) != 0
            let buffer = UInt16(truncatingIfNeeded: entry.flags >> UInt32(INGRESS_BUFFER_SHIFT))
            if hasBuffer {
                if entry.result > 0 {
                    self.buffersHome -= 1
                } else {
                    unsafe ingress_ring_give(self.ring, UInt32(buffer))
                }
            }
            batch.append(
                Completion(
                    token: token, kind: kind, result: entry.result, isFinal: self.isFinal(entry), buffer: buffer))
        case .accepted, .sent:
            batch.append(Completion(token: token, kind: kind, result: entry.result, isFinal: self.isFinal(entry)))
        case .woken:
            self.waker?.drain()
            if let waker = self.waker {
                unsafe ingress_prepare_readable(self.ring, waker.descriptor, self.wakerToken.word(.woken))
            }
            batch.append(Completion(token: token, kind: kind, result: 0, isFinal: false))
        case .cancelled:
            break
        }
    }

    @inline(__always)
    private func isFinal(_ entry: ingress_completion) -> Bool {
        entry.flags & UInt32(INGRESS_FLAG_MORE) == 0
    }

    @inline(__always)
    public mutating func take(_ completion: Completion) -> LentBuffer {
        precondition(completion.kind == .received && completion.result > 0)
        let start = unsafe ingress_ring_buffer(self.ring, UInt32(completion.buffer))!
        return unsafe LentBuffer(start: start, count: Int(completion.result), index: completion.buffer)
    }

    @inline(__always)
    public mutating func give(_ buffer: consuming LentBuffer) {
        unsafe ingress_ring_give(self.ring, UInt32(buffer.index))
        self.buffersHome += 1
        assert(self.buffersHome <= self.buffersTotal)
    }
}
