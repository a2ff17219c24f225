import Reactor
import Testing

/// The backends under test: epoll, io_uring with everything, and io_uring with each optional feature taken away in
/// turn.
enum Candidate: Hashable, Sendable, CustomTestStringConvertible {
    case epoll
    case uring(without: UringFeature?)

    enum UringFeature: String, CaseIterable, Sendable {
        case singleIssuer = "single_issuer"
        case deferTaskrun = "defer_taskrun"
        case cooperativeTaskrun = "coop_taskrun"
        case multishotAccept = "multishot_accept"
        case multishotReceive = "multishot_receive"
        case registeredRing = "registered_ring"

        var option: UringKernel.Features {
            switch self {
            case .singleIssuer: .singleIssuer
            case .deferTaskrun: .deferTaskrun
            case .cooperativeTaskrun: .cooperativeTaskrun
            case .multishotAccept: .multishotAccept
            case .multishotReceive: .multishotReceive
            case .registeredRing: .registeredRing
            }
        }
    }

    static let urings: [Candidate] = [.uring(without: nil)] + UringFeature.allCases.map { .uring(without: $0) }

    /// Why io_uring cannot be tested here; nil when it can.
    static let uringProblem: String? = {
        do throws(SystemError) {
            _ = try UringKernel.probe()
            return nil
        } catch {
            return error.description
        }
    }()

    /// What this machine has.
    static let all: [Candidate] = [.epoll] + (Self.uringProblem == nil ? Self.urings : [])

    var testDescription: String {
        switch self {
        case .epoll: "epoll"
        case .uring(nil): "io_uring"
        case .uring(let missing?): "io_uring without \(missing.rawValue)"
        }
    }
}

/// One backend behind one type, so that one suite drives them all. Exactly one of the two is there.
struct AnyKernel: Kernel, ~Copyable {
    private var epoll: EpollKernel? = nil
    private var uring: UringKernel? = nil

    static var name: String { "any" }
    static var wantsNonBlocking: Bool { true }

    init(_ candidate: Candidate, _ limits: KernelLimits) throws(SystemError) {
        switch candidate {
        case .epoll: self.init(try EpollKernel(limits: limits))
        case .uring(nil): self.init(try UringKernel(limits: limits))
        case .uring(let missing?):
            self.init(try UringKernel(limits: limits, wanted: .all.subtracting(missing.option)))
        }
    }

    private init(_ epoll: consuming EpollKernel) { self.epoll = consume epoll }
    private init(_ uring: consuming UringKernel) { self.uring = consume uring }

    /// Completions that did not fit io_uring's queue.
    var completionsOverflowed: UInt32 {
        switch self.uring {
        case .some(let uring): uring.completionsOverflowed
        case .none: 0
        }
    }

    mutating func attach(_ waker: Waker, token: Token) throws(SystemError) {
        try self.epoll?.attach(waker, token: token)
        self.uring?.attach(waker, token: token)
    }

    mutating func startAccepting(_ listener: Int32, token: Token) throws(SystemError) {
        try self.epoll?.startAccepting(listener, token: token)
        self.uring?.startAccepting(listener, token: token)
    }

    mutating func stopAccepting(_ listener: Int32, token: Token) {
        self.epoll?.stopAccepting(listener, token: token)
        self.uring?.stopAccepting(listener, token: token)
    }

    mutating func startReceiving(_ descriptor: Int32, token: Token) throws(SystemError) {
        try self.epoll?.startReceiving(descriptor, token: token)
        self.uring?.startReceiving(descriptor, token: token)
    }

    mutating func stopReceiving(_ descriptor: Int32, token: Token) {
        self.epoll?.stopReceiving(descriptor, token: token)
        self.uring?.stopReceiving(descriptor, token: token)
    }

    mutating func send(_ descriptor: Int32, token: Token, _ block: borrowing Block, from offset: Int) -> SendOutcome {
        if let outcome = self.epoll?.send(descriptor, token: token, block, from: offset) { return outcome }
        if let outcome = self.uring?.send(descriptor, token: token, block, from: offset) { return outcome }
        preconditionFailure("no backend")
    }

    mutating func shutdownWrite(_ descriptor: Int32) {
        self.epoll?.shutdownWrite(descriptor)
        self.uring?.shutdownWrite(descriptor)
    }

    mutating func abort(_ descriptor: Int32) {
        self.epoll?.abort(descriptor)
        self.uring?.abort(descriptor)
    }

    mutating func close(_ descriptor: Int32, reset: Bool) {
        self.epoll?.close(descriptor, reset: reset)
        self.uring?.close(descriptor, reset: reset)
    }

    mutating func peerAddress(_ descriptor: Int32) -> UInt128? {
        self.epoll != nil ? self.epoll?.peerAddress(descriptor) : self.uring?.peerAddress(descriptor)
    }

    mutating func wait(timeoutNanoseconds: UInt64?, into batch: inout CompletionBatch) throws(SystemError) {
        try self.epoll?.wait(timeoutNanoseconds: timeoutNanoseconds, into: &batch)
        try self.uring?.wait(timeoutNanoseconds: timeoutNanoseconds, into: &batch)
    }

    mutating func take(_ completion: Completion) -> LentBuffer {
        if let buffer = self.epoll?.take(completion) { return buffer }
        if let buffer = self.uring?.take(completion) { return buffer }
        preconditionFailure("no backend")
    }

    mutating func give(_ buffer: consuming LentBuffer) {
        switch self.epoll != nil {
        case true: self.epoll?.give(buffer)
        case false: self.uring?.give(buffer)
        }
    }

    var buffersHome: Int { self.fact({ $0.buffersHome }, { $0.buffersHome }) }
    var buffersTotal: Int { self.fact({ $0.buffersTotal }, { $0.buffersTotal }) }
    var systemCallsTotal: UInt64 { self.fact({ $0.systemCallsTotal }, { $0.systemCallsTotal }) }
    var featuresInUse: [String] { self.fact({ $0.featuresInUse }, { $0.featuresInUse }) }

    private func fact<Value>(
        _ ofEpoll: (borrowing EpollKernel) -> Value, _ ofUring: (borrowing UringKernel) -> Value
    ) -> Value {
        switch self.epoll {
        case .some(let epoll): return ofEpoll(epoll)
        case .none: break
        }
        switch self.uring {
        case .some(let uring): return ofUring(uring)
        case .none: preconditionFailure("no backend")
        }
    }
}
