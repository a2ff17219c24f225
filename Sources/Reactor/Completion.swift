/// What a completion is about.
public enum CompletionKind: UInt8, Sendable {
    /// `result` is a connected descriptor or -errno.
    case accepted = 1
    /// `result` > 0: so many bytes are lent, to be taken with `Kernel.take`; 0: the peer has ended; < 0: -errno.
    case received = 2
    /// `result` >= 0: so many bytes left (0: none, try again); < 0: -errno.
    case sent = 3
    /// Another thread has called `Waker.wake()`.
    case woken = 4
    /// A cancellation's own answer. Kernels keep these to themselves.
    case cancelled = 5
}

/// One finished step of an operation, the same for every backend.
public struct Completion: Sendable {
    public let token: Token
    public let result: Int32
    /// Index of the lent buffer; meaningful exactly when `kind == .received && result > 0`.
    let buffer: UInt16
    public let kind: CompletionKind
    /// True exactly when no further completion of this operation will come: it must be armed again to go on.
    public let isFinal: Bool

    @inline(__always)
    init(token: Token, kind: CompletionKind, result: Int32, isFinal: Bool, buffer: UInt16 = 0) {
        self.token = token
        self.result = result
        self.buffer = buffer
        self.kind = kind
        self.isFinal = isFinal
    }
}

/// What one turn reaps: bounded, so that a turn is.
///
/// Its slots are memory of their own: reading an element of a fixed-size array in a struct may copy all of it first.
@safe public struct CompletionBatch: ~Copyable {
    public static let capacity = 256

    public private(set) var count = 0
    /// Most that the next `wait` reaps, 1 to `capacity`; the kernel keeps the others until the one after.
    public var countMax = CompletionBatch.capacity
    /// `capacity` slots, owned; initialised below the highest `count` so far. Completions are trivial values.
    private let slots: UnsafeMutablePointer<Completion>

    public init() { unsafe self.slots = .allocate(capacity: Self.capacity) }

    deinit { unsafe self.slots.deallocate() }

    public var isFull: Bool { self.count >= self.countMax }

    public subscript(index: Int) -> Completion {
        @inline(__always) get {
            precondition(index >= 0 && index < self.count)
            return unsafe self.slots[index]
        }
    }

    @inline(__always)
    mutating func append(_ completion: Completion) {
        precondition(self.count < Self.capacity)
        unsafe (self.slots + self.count).initialize(to: completion)
        self.count += 1
    }

    mutating func removeAll() { self.count = 0 }
}
