/// Whether a send ended at once or goes on in the kernel.
public enum SendOutcome: Sendable {
    /// Bytes taken (may be fewer than asked), or -errno. No completion follows.
    case finished(Int32)
    /// The bytes belong to the kernel until a `.sent` completion comes.
    case submitted
}

/// The contract of a backend, which io_uring, epoll and a scripted kernel fulfil alike.
///
/// A kernel belongs to the thread that made it. Its caller keeps these rules, and its completions keep theirs:
/// - At most one receive and one send are in flight per descriptor. A receive, once armed, completes again and again
///   until a completion that `isFinal`: the peer's end, an error, `-ECANCELED` after `stopReceiving`, or `-ENOBUFS`,
///   which is flow control: arm again when this turn's buffers are home.
/// - Memory given to `send` stays where it is until `.finished` was returned or `.sent` has completed.
/// - `close` is called only when neither a receive nor a send is in flight. `abort` makes both end soon.
/// - A buffer taken from a completion is given back in the same turn.
public protocol Kernel: ~Copyable, SendableMetatype {
    /// As in `--io`, metrics and logs.
    static var name: String { get }
    /// Whether its connections' sockets are non-blocking: epoll's have to be; io_uring waits by itself, and older
    /// kernels would answer -EAGAIN.
    static var wantsNonBlocking: Bool { get }

    /// Lets `waker` end a sleep from any thread; its completions carry `token`. Once per kernel.
    mutating func attach(_ waker: Waker, token: Token) throws(SystemError)
    /// Accepts on `listener` until told otherwise; `isFinal` as for receives.
    mutating func startAccepting(_ listener: Int32, token: Token) throws(SystemError)
    /// Ends accepting: one final completion with `-ECANCELED` follows (unless a final one is already on its way).
    mutating func stopAccepting(_ listener: Int32, token: Token)
    mutating func startReceiving(_ descriptor: Int32, token: Token) throws(SystemError)
    /// As `stopAccepting`, for receives. Bytes that had arrived before it are still completed.
    mutating func stopReceiving(_ descriptor: Int32, token: Token)
    /// Sends `block[from...]`.
    mutating func send(_ descriptor: Int32, token: Token, _ block: borrowing Block, from offset: Int) -> SendOutcome
    /// Ends this side's writing; what was sent is delivered and reading goes on.
    mutating func shutdownWrite(_ descriptor: Int32)
    /// Shuts both directions down, so that whatever is in flight ends: final completions follow for each.
    mutating func abort(_ descriptor: Int32)
    /// `reset` throws unsent output away instead of letting the kernel deliver it.
    mutating func close(_ descriptor: Int32, reset: Bool)
    /// The address at the other end of a connection, as the 16 bytes of IPv6 in network order, an IPv4 address mapped into
    /// them; nil when the peer has gone. A system call.
    mutating func peerAddress(_ descriptor: Int32) -> UInt128?

    /// Submits what was prepared, sleeps at most `timeoutNanoseconds` (nil: no limit; 0: not at all) and reaps a
    /// bounded batch. Runs no caller's code.
    mutating func wait(timeoutNanoseconds: UInt64?, into batch: inout CompletionBatch) throws(SystemError)
    /// The bytes of a `.received` completion whose result is positive; once each.
    mutating func take(_ completion: Completion) -> LentBuffer
    mutating func give(_ buffer: consuming LentBuffer)

    /// Buffers that are neither lent to the caller nor in its completions: equals `buffersTotal` when all are home.
    var buffersHome: Int { get }
    var buffersTotal: Int { get }
    /// System calls made by `wait`, and by sends, receives and `peerAddress` outside it.
    var systemCallsTotal: UInt64 { get }
    /// Which of the backend's optional features are in use, for the banner.
    var featuresInUse: [String] { get }
}

/// Sizes of one kernel. Memory per worker is `bufferBytes * buffersCount`, touched as it is used.
public struct KernelLimits: Sendable {
    /// Bytes that one receive may bring, and so what one session may take in a turn before others are served.
    public var bufferBytes: Int
    /// A power of two. More than a batch has completions, since the kernel fills buffers ahead of the reaping.
    public var buffersCount: Int
    /// Operations prepared between two waits; more cost an extra system call, not an error.
    public var submissionEntries: Int
    /// Completions that may wait at once: a receive and a send of 16,384 sessions. More take the kernel's slow path.
    public var completionEntries: Int

    /// 4 KiB holds 64 pipelined requests of 58 bytes; 1,024 of them make 4 MiB per worker.
    public init(
        bufferBytes: Int = 4096, buffersCount: Int = 1024, submissionEntries: Int = 1024,
        completionEntries: Int = 32_768
    ) {
        precondition(buffersCount > 0 && buffersCount & (buffersCount - 1) == 0 && buffersCount <= 32768)
        precondition(bufferBytes >= 64)
        precondition(submissionEntries > 0 && completionEntries >= submissionEntries)
        self.bufferBytes = bufferBytes
        self.buffersCount = buffersCount
        self.submissionEntries = submissionEntries
        self.completionEntries = completionEntries
    }
}
