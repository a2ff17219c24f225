import Reactor
import Testing

/// A completion with its bytes, kept for the test to look at.
struct Event: Equatable, Sendable {
    let kind: CompletionKind
    let token: Token
    let result: Int32
    let isFinal: Bool
}

/// A kernel, its listener, and what has completed so far: the smallest caller that keeps the contract.
struct Harness: ~Copyable {
    var kernel: AnyKernel
    let listener: Listener
    var batch = CompletionBatch()
    private(set) var events: [Event] = []
    /// By slot of the token.
    private(set) var received: [UInt32: [UInt8]] = [:]
    private(set) var accepted: [Int32] = []
    /// Whether receives that ended for want of buffers, and accepts that ended, are armed again by themselves.
    var rearms = true
    private var descriptors: [UInt32: Int32] = [:]

    static let listenerToken = Token(slot: .max, generation: 1)

    init(
        _ candidate: Candidate, _ limits: KernelLimits = KernelLimits(), keepAlive: KeepAlive = KeepAlive()
    ) throws(SystemError) {
        let kernel = try AnyKernel(candidate, limits)
        let listener = try Listener(
            SocketAddress(host: "127.0.0.1", port: 0), shared: false, backlog: 1024, keepAlive: keepAlive)
        self.init(kernel, listener)
    }

    private init(_ kernel: consuming AnyKernel, _ listener: consuming Listener) {
        self.kernel = consume kernel
        self.listener = consume listener
    }

    func connect() throws(SystemError) -> BlockingSocket { try BlockingSocket(connectingTo: self.listener.address) }

    // MARK: Operations

    mutating func startAccepting() throws(SystemError) {
        try self.kernel.startAccepting(self.listener.descriptor, token: Self.listenerToken)
    }

    mutating func startReceiving(_ descriptor: Int32, slot: UInt32) throws(SystemError) {
        self.descriptors[slot] = descriptor
        try self.kernel.startReceiving(descriptor, token: Self.token(slot))
    }

    static func token(_ slot: UInt32) -> Token { Token(slot: slot, generation: slot &* 7 &+ 1) }

    /// Accepts one more connection than before and returns its descriptor.
    mutating func acceptOne() throws -> Int32 {
        let before = self.accepted.count
        try self.run("a connection to be accepted") { $0.accepted.count > before }
        return self.accepted[before]
    }

    /// Connects a client, accepts it and arms its receive under `slot`.
    mutating func pair(slot: UInt32) throws -> BlockingSocket {
        let client = try self.connect()
        try self.startReceiving(try self.acceptOne(), slot: slot)
        return client
    }

    // MARK: Turns

    /// One wait and what it brought. Every buffer is given back before it returns.
    @discardableResult
    mutating func turn(timeoutNanoseconds: UInt64?) throws(SystemError) -> [Event] {
        try self.kernel.wait(timeoutNanoseconds: timeoutNanoseconds, into: &self.batch)
        var news: [Event] = []
        var rearm: [Event] = []
        for index in 0..<self.batch.count {
            let completion = self.batch[index]
            let event = Event(
                kind: completion.kind, token: completion.token, result: completion.result, isFinal: completion.isFinal)
            news.append(event)
            if event.kind == .received && event.result > 0 { self.keep(self.kernel.take(completion), event.token) }
            if event.kind == .accepted && event.result >= 0 { self.accepted.append(event.result) }
            let goesOn =
                event.kind == .accepted ? event.result >= 0 : event.result > 0 || event.result == -ErrnoCode.noBuffers
            if event.isFinal && event.kind != .sent && goesOn { rearm.append(event) }
        }
        self.events += news
        guard self.rearms else { return news }
        for event in rearm {
            if event.kind == .accepted {
                try self.startAccepting()
            } else if let descriptor = self.descriptors[event.token.slot] {
                try self.kernel.startReceiving(descriptor, token: event.token)
            }
        }
        return news
    }

    private mutating func keep(_ buffer: consuming LentBuffer, _ token: Token) {
        self.keep(buffer.bytes, token)
        self.kernel.give(buffer)
    }

    private mutating func keep(_ bytes: Span<UInt8>, _ token: Token) {
        for index in bytes.indices { self.received[token.slot, default: []].append(bytes[index]) }
    }

    struct Vain: Error { let waitedFor: String }

    /// Turns until `condition` holds; throws after ten seconds.
    mutating func run(_ what: String, until condition: (borrowing Harness) -> Bool) throws {
        let start = MonotonicClock.nowNanoseconds()
        while !condition(self) {
            guard MonotonicClock.nowNanoseconds() - start < 10_000_000_000 else { throw Vain(waitedFor: what) }
            try self.turn(timeoutNanoseconds: 100_000_000)
        }
    }

    /// The final completions of a slot's receive.
    func finals(_ slot: UInt32) -> [Int32] {
        self.events.filter {
            $0.kind == .received && $0.token == Self.token(slot) && $0.isFinal && $0.result <= 0
                && $0.result != -ErrnoCode.noBuffers
        }.map(\.result)
    }

    /// How many receives ended with this result.
    func finalsCount(result: Int32) -> Int {
        self.events.count { $0.kind == .received && $0.isFinal && $0.result == result }
    }

    func sent(_ slot: UInt32) -> [Int32] {
        self.events.filter { $0.kind == .sent && $0.token == Self.token(slot) }.map(\.result)
    }

    /// Ends accepting, closes the listener, and checks that nothing is lent and nothing was lost.
    consuming func finish() throws {
        self.rearms = false
        if self.events.last(where: { $0.kind == .accepted })?.isFinal != true || self.accepted.isEmpty {
            self.kernel.stopAccepting(self.listener.descriptor, token: Self.listenerToken)
        }
        try self.turn(timeoutNanoseconds: 10_000_000)
        try self.turn(timeoutNanoseconds: 0)
        let home = (self.kernel.buffersHome, self.kernel.buffersTotal)
        #expect(home.0 == home.1, "every buffer is home")
        let overflowed = self.kernel.completionsOverflowed
        #expect(overflowed == 0, "the completion queue is large enough")
        self.kernel.close(self.listener.descriptor, reset: false)
    }
}
