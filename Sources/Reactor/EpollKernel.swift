internal import CIngress

/// epoll: edge-triggered, registered once per descriptor, one bounded read per ready socket and turn, sends at once.
///
/// A descriptor whose read filled the buffer goes to the end of the ready queue, so that no peer can keep a turn to
/// itself.
@safe public struct EpollKernel: Kernel, ~Copyable {
    public static var name: String { "epoll" }
    public static var wantsNonBlocking: Bool { true }

    /// Connections taken from one listener before others get their turn.
    private static let acceptsPerTurnMax = 32

    private struct Entry {
        var token = Token(slot: 0, generation: 0)
        var role = Role.none
        /// True exactly when the last read did not empty the socket, or an edge came since.
        var readable = false
        /// True exactly when the peer has ended: a short read then does not mean that the socket is empty.
        var ended = false
        /// True exactly when a receive (or accept) is armed and no final completion was delivered.
        var armed = false
        /// True exactly when the descriptor stands in `ready`.
        var queued = false
        /// True exactly when a send was `.submitted` and its `.sent` was not delivered.
        var sendBlocked = false
    }

    private enum Role: UInt8 { case none, listener, connection, waker }

    private let epoll: Int32
    /// By descriptor.
    private var entries: [Entry] = []
    private var ready: DescriptorQueue
    /// Completions that need no system call: cancellations.
    private var posted: [Completion] = []
    private let events: UnsafeMutablePointer<ingress_event>
    private let memory: UnsafeMutablePointer<UInt8>
    private let bufferBytes: Int
    /// Indices of buffers at home, used as a stack so that the warmest one is lent first.
    private var freeBuffers: [UInt16]
    private var waker: Waker? = nil
    public let buffersTotal: Int
    public var buffersHome: Int { self.freeBuffers.count }
    public private(set) var systemCallsTotal: UInt64 = 0
    public var featuresInUse: [String] { ["edge_triggered"] }

    public init(limits: KernelLimits = KernelLimits()) throws(SystemError) {
        let bytes = limits.bufferBytes * limits.buffersCount
        guard let memory = unsafe ingress_map(UInt64(bytes)) else { throw SystemError(call: "mmap", code: ENOMEM) }
        let epoll = ingress_epoll_open()
        guard epoll >= 0 else {
            unsafe ingress_unmap(memory, UInt64(bytes))
            throw SystemError(call: "epoll_create1", code: -epoll)
        }
        unsafe self.init(epoll: epoll, memory: memory, limits: limits)
    }

    private init(epoll: Int32, memory: UnsafeMutableRawPointer, limits: KernelLimits) {
        self.epoll = epoll
        unsafe self.memory = memory.assumingMemoryBound(to: UInt8.self)
        unsafe self.events = .allocate(capacity: CompletionBatch.capacity)
        self.bufferBytes = limits.bufferBytes
        self.buffersTotal = limits.buffersCount
        self.freeBuffers = (0..<UInt16(limits.buffersCount)).reversed()
        self.ready = DescriptorQueue()
    }

    deinit {
        _ = ingress_close(self.epoll)
        unsafe ingress_unmap(self.memory, UInt64(self.bufferBytes * self.buffersTotal))
        unsafe self.events.deallocate()
    }

    // MARK: Operations

    public mutating func attach(_ waker: Waker, token: Token) throws(SystemError) {
        self.waker = waker
        try self.register(waker.descriptor, token: token, role: .waker)
    }

    public mutating func startAccepting(_ listener: Int32, token: Token) throws(SystemError) {
        try self.arm(listener, token: token, role: .listener)
    }

    public mutating func stopAccepting(_ listener: Int32, token: Token) { self.disarm(listener, kind: .accepted) }

    public mutating func startReceiving(_ descriptor: Int32, token: Token) throws(SystemError) {
        try self.arm(descriptor, token: token, role: .connection)
    }

    public mutating func stopReceiving(_ descriptor: Int32, token: Token) { self.disarm(descriptor, kind: .received) }

    public mutating func send(
        _ descriptor: Int32, token: Token, _ block: borrowing Block, from offset: Int
    ) -> SendOutcome {
        assert(!self.entries[Int(descriptor)].sendBlocked, "two sends in flight")
        let result = unsafe ingress_send(descriptor, block.address(at: offset), UInt32(block.count - offset))
        self.systemCallsTotal &+= 1
        guard result == -EAGAIN else { return .finished(result) }
        self.entries[Int(descriptor)].sendBlocked = true
        return .submitted
    }

    public mutating func shutdownWrite(_ descriptor: Int32) { _ = ingress_shutdown_write(descriptor) }

    public mutating func abort(_ descriptor: Int32) {
        _ = ingress_shutdown_both(descriptor)
        let index = Int(descriptor)
        self.disarm(descriptor, kind: .received)
        guard index < self.entries.count, self.entries[index].sendBlocked else { return }
        self.entries[index].sendBlocked = false
        self.posted.append(
            Completion(token: self.entries[index].token, kind: .sent, result: -EPIPE, isFinal: true))
    }

    public mutating func close(_ descriptor: Int32, reset: Bool) {
        if Int(descriptor) < self.entries.count {
            assert(!self.entries[Int(descriptor)].armed && !self.entries[Int(descriptor)].sendBlocked)
            // Closing removes it from the epoll set. It may still stand in `ready`: `queued` outlives the tenant.
            let queued = self.entries[Int(descriptor)].queued
            self.entries[Int(descriptor)] = Entry()
            self.entries[Int(descriptor)].queued = queued
        }
        _ = reset ? ingress_close_reset(descriptor) : ingress_close(descriptor)
    }

    public mutating func peerAddress(_ descriptor: Int32) -> UInt128? {
        self.systemCallsTotal &+= 1
        return UInt128(peerOf: descriptor)
    }

    private mutating func register(_ descriptor: Int32, token: Token, role: Role) throws(SystemError) {
        let index = Int(descriptor)
        while self.entries.count <= index { self.entries.append(Entry()) }
        let queued = self.entries[index].queued
        self.entries[index] = Entry()
        self.entries[index].queued = queued
        self.entries[index].token = token
        self.entries[index].role = role
        let result = ingress_epoll_add(
            self.epoll, descriptor, UInt64(UInt32(bitPattern: descriptor)), role == .connection)
        _ = try SystemError.check(result, "epoll_ctl")
    }

    private mutating func arm(_ descriptor: Int32, token: Token, role: Role) throws(SystemError) {
        let index = Int(descriptor)
        if index >= self.entries.count || self.entries[index].role == .none {
            try self.register(descriptor, token: token, role: role)
        }
        assert(!self.entries[index].armed, "armed twice")
        self.entries[index].armed = true
        if self.entries[index].readable { self.enqueue(index) }
    }

    private mutating func disarm(_ descriptor: Int32, kind: CompletionKind) {
        let index = Int(descriptor)
        guard index < self.entries.count, self.entries[index].armed else { return }
        self.entries[index].armed = false
        self.posted.append(
            Completion(token: self.entries[index].token, kind: kind, result: -ECANCELED, isFinal: true))
    }

    private mutating func enqueue(_ index: Int) {
        guard !self.entries[index].queued else { return }
        self.entries[index].queued = true
        self.ready.push(Int32(index))
    }

    // MARK: The turn

    public mutating func wait(timeoutNanoseconds: UInt64?, into batch: inout CompletionBatch) throws(SystemError) {
        batch.removeAll()
        self.deliverPosted(into: &batch)
        var timeout = timeoutNanoseconds.map { Int64(clamping: $0) } ?? -1
        if batch.count > 0 || !self.ready.isEmpty { timeout = 0 }
        let count = unsafe ingress_epoll_wait(
            self.epoll, self.events, UInt32(CompletionBatch.capacity - batch.count), timeout)
        self.systemCallsTotal &+= 1
        guard count >= 0 else { throw SystemError(call: "epoll_wait", code: -count) }
        for index in 0..<Int(count) { unsafe self.note(self.events[index], into: &batch) }
        // Those ready now get one read each; what they enqueue again waits for the next turn.
        var left = self.ready.count
        while left > 0, !batch.isFull, !self.freeBuffers.isEmpty {
            left -= 1
            self.serve(Int(self.ready.pop()), into: &batch)
        }
    }

    private mutating func deliverPosted(into batch: inout CompletionBatch) {
        guard !self.posted.isEmpty else { return }
        let count = min(self.posted.count, max(1, batch.countMax / 2))
        for index in 0..<count { batch.append(self.posted[index]) }
        self.posted.removeFirst(count)
    }

    private mutating func note(_ event: ingress_event, into batch: inout CompletionBatch) {
        let index = Int(event.token)
        switch self.entries[index].role {
        case .none:
            break
        case .waker:
            self.waker?.drain()
            batch.append(Completion(token: self.entries[index].token, kind: .woken, result: 0, isFinal: false))
        case .listener, .connection:
            if event.ready & UInt32(INGRESS_READABLE) != 0 {
                self.entries[index].readable = true
                if self.entries[index].armed { self.enqueue(index) }
            }
            if event.ready & UInt32(INGRESS_ENDED) != 0 { self.entries[index].ended = true }
            if event.ready & UInt32(INGRESS_WRITABLE) != 0, self.entries[index].sendBlocked {
                self.entries[index].sendBlocked = false
                batch.append(Completion(token: self.entries[index].token, kind: .sent, result: 0, isFinal: true))
            }
        }
    }

    private mutating func serve(_ index: Int, into batch: inout CompletionBatch) {
        self.entries[index].queued = false
        guard self.entries[index].armed, self.entries[index].readable else { return }
        switch self.entries[index].role {
        case .connection: self.read(index, into: &batch)
        case .listener: self.acceptSome(index, into: &batch)
        case .none, .waker: break
        }
    }

    private mutating func read(_ index: Int, into batch: inout CompletionBatch) {
        let buffer = self.freeBuffers.removeLast()
        let start = unsafe self.memory + Int(buffer) * self.bufferBytes
        let result = unsafe ingress_receive(Int32(index), start, UInt32(self.bufferBytes))
        self.systemCallsTotal &+= 1
        let token = self.entries[index].token
        if result > 0 {
            if Int(result) < self.bufferBytes, !self.entries[index].ended {
                // A short read has emptied a stream socket (epoll(7)): the next edge will tell.
                self.entries[index].readable = false
            } else {
                self.enqueue(index)
            }
            batch.append(Completion(token: token, kind: .received, result: result, isFinal: false, buffer: buffer))
            return
        }
        self.freeBuffers.append(buffer)
        if result == -EAGAIN {
            self.entries[index].readable = false
            return
        }
        self.entries[index].armed = false
        batch.append(Completion(token: token, kind: .received, result: result, isFinal: true))
    }

    private mutating func acceptSome(_ index: Int, into batch: inout CompletionBatch) {
        for _ in 0..<Self.acceptsPerTurnMax {
            guard !batch.isFull else { break }
            let result = ingress_accept(Int32(index))
            self.systemCallsTotal &+= 1
            if result == -EAGAIN {
                self.entries[index].readable = false
                return
            }
            // ECONNABORTED and its kin are one connection's fate, not the listener's.
            let isFinal = result == -EMFILE || result == -ENFILE || result == -ENOBUFS || result == -ENOMEM
            if isFinal { self.entries[index].armed = false }
            batch.append(
                Completion(token: self.entries[index].token, kind: .accepted, result: result, isFinal: isFinal))
            if isFinal { return }
        }
        self.enqueue(index)
    }

    @inline(__always)
    public mutating func take(_ completion: Completion) -> LentBuffer {
        precondition(completion.kind == .received && completion.result > 0)
        let start = unsafe self.memory + Int(completion.buffer) * self.bufferBytes
        return unsafe LentBuffer(start: start, count: Int(completion.result), index: completion.buffer)
    }

    @inline(__always)
    public mutating func give(_ buffer: consuming LentBuffer) { self.freeBuffers.append(buffer.index) }
}

/// A queue of descriptors in a ring that grows by doubling and never shrinks.
struct DescriptorQueue {
    private var slots = [Int32](repeating: 0, count: 256)
    private var head = 0
    private(set) var count = 0

    var isEmpty: Bool { self.count == 0 }

    mutating func push(_ descriptor: Int32) {
        if self.count == self.slots.count { self.grow() }
        self.slots[(self.head + self.count) & (self.slots.count - 1)] = descriptor
        self.count += 1
    }

    mutating func pop() -> Int32 {
        precondition(self.count > 0)
        let descriptor = self.slots[self.head]
        self.head = (self.head + 1) & (self.slots.count - 1)
        self.count -= 1
        return descriptor
    }

    private mutating func grow() {
        var larger = [Int32](repeating: 0, count: self.slots.count * 2)
        for index in 0..<self.count { larger[index] = self.slots[(self.head + index) & (self.slots.count - 1)] }
        self.slots = larger
        self.head = 0
    }
}
