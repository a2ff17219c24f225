public import Reactor

/// A kernel that asks a test before each turn: it may hold the turn up, fail it, or let it sleep less.
public struct HookedKernel<Base: Kernel & ~Copyable>: Kernel, ~Copyable {
    /// Called on the worker's thread with the time that the turn may sleep; returns the time that it does.
    public typealias Hook = @Sendable (UInt64?) throws(SystemError) -> UInt64?
    /// Called with the address that the kernel says; returns the one that the worker is told.
    public typealias PeerAddressHook = @Sendable (UInt128?) -> UInt128?

    public static var name: String { Base.name }
    public static var wantsNonBlocking: Bool { Base.wantsNonBlocking }

    private var base: Base
    private let hook: Hook
    private let peerAddressHook: PeerAddressHook?

    /// - Parameter peerAddress: answers `peerAddress` in the kernel's place; nil leaves it to the kernel.
    public init(_ base: consuming Base, peerAddress: PeerAddressHook? = nil, _ hook: @escaping Hook) {
        self.base = base
        self.hook = hook
        self.peerAddressHook = peerAddress
    }

    public mutating func peerAddress(_ descriptor: Int32) -> UInt128? {
        guard let hook = self.peerAddressHook else { return self.base.peerAddress(descriptor) }
        return hook(self.base.peerAddress(descriptor))
    }

    public mutating func wait(timeoutNanoseconds: UInt64?, into batch: inout CompletionBatch) throws(SystemError) {
        let timeout = try self.hook(timeoutNanoseconds)
        try self.base.wait(timeoutNanoseconds: timeout, into: &batch)
    }

    // MARK: As the kernel inside

    public mutating func attach(_ waker: Waker, token: Token) throws(SystemError) {
        try self.base.attach(waker, token: token)
    }
    public mutating func startAccepting(_ listener: Int32, token: Token) throws(SystemError) {
        try self.base.startAccepting(listener, token: token)
    }
    public mutating func stopAccepting(_ listener: Int32, token: Token) {
        self.base.stopAccepting(listener, token: token)
    }
    public mutating func startReceiving(_ descriptor: Int32, token: Token) throws(SystemError) {
        try self.base.startReceiving(descriptor, token: token)
    }
    public mutating func stopReceiving(_ descriptor: Int32, token: Token) {
        self.base.stopReceiving(descriptor, token: token)
    }
    public mutating func send(
        _ descriptor: Int32, token: Token, _ block: borrowing Block, from offset: Int
    ) -> SendOutcome {
        self.base.send(descriptor, token: token, block, from: offset)
    }
    public mutating func shutdownWrite(_ descriptor: Int32) { self.base.shutdownWrite(descriptor) }
    public mutating func abort(_ descriptor: Int32) { self.base.abort(descriptor) }
    public mutating func close(_ descriptor: Int32, reset: Bool) { self.base.close(descriptor, reset: reset) }
    public mutating func take(_ completion: Completion) -> LentBuffer { self.base.take(completion) }
    public mutating func give(_ buffer: consuming LentBuffer) { self.base.give(buffer) }
    public var buffersHome: Int { self.base.buffersHome }
    public var buffersTotal: Int { self.base.buffersTotal }
    public var systemCallsTotal: UInt64 { self.base.systemCallsTotal }
    public var featuresInUse: [String] { self.base.featuresInUse }
}
