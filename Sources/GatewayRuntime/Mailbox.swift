internal import OAP
internal import Reactor
internal import Synchronization

/// What an admin lookup came to.
public enum AdminAnswer: Sendable {
    case record([UInt8])
    case refused(status: UInt16, code: String, message: String, retryable: Bool, retryAfterMilliseconds: UInt64?)

    /// What a worker says that takes no requests any more.
    static var draining: AdminAnswer {
        let code = ErrorCode.draining
        return .refused(
            status: code.status, code: code.name, message: code.sentence, retryable: code.isRetryable,
            retryAfterMilliseconds: 1000)
    }
}

/// What other threads ask of a worker.
enum WorkerMessage: Sendable {
    case serve
    /// Work by this configuration from the next turn on.
    case adopt(LiveSnapshot)
    case drain
    /// End now, whatever is open.
    case stop
    case resolve(key: [UInt8], reply: @Sendable (AdminAnswer) -> Void)
    /// Ask the index for a key that nobody has; nil when it answered.
    case probe(reply: @Sendable (IndexFailure?) -> Void)

    /// Answers a message that came too late.
    func decline() {
        switch self {
        case .serve, .adopt, .drain, .stop: break
        case .resolve(_, let reply): reply(.draining)
        case .probe(let reply): reply(IndexFailure(code: .draining, detail: "the worker has ended"))
        }
    }
}

/// A worker's letter box: any thread posts, the worker takes all at once at the start of a turn.
final class Mailbox: Sendable {
    let waker: Waker
    private let letters = Mutex<[WorkerMessage]>([])
    private let isClosed = Atomic<Bool>(false)

    init() throws(SystemError) { self.waker = try Waker() }

    /// False, with nothing posted, once the worker has ended.
    @discardableResult
    func post(_ message: WorkerMessage) -> Bool {
        let posted = self.letters.withLock { letters in
            guard !self.isClosed.load(ordering: .relaxed) else { return false }
            letters.append(message)
            return true
        }
        if posted { self.waker.wake() }
        return posted
    }

    func takeAll() -> [WorkerMessage] {
        self.letters.withLock { letters in
            let taken = letters
            letters = []
            return taken
        }
    }

    /// After this nothing is posted; what was is returned.
    func close() -> [WorkerMessage] {
        self.letters.withLock { letters in
            self.isClosed.store(true, ordering: .relaxed)
            let taken = letters
            letters = []
            return taken
        }
    }
}
