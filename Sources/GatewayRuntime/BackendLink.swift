internal import Forwarding
internal import Reactor

/// One connection to a backend and the memory that is lent to it while bytes are pending.
struct BackendLink: ~Copyable {
    /// As the forwarder calls it.
    let key: ConnectionKey
    let endpoint: Int
    let descriptor: Int32
    /// True exactly when a receive is armed and its final completion was not reaped.
    var receiving = false
    /// True exactly when a send was submitted and its completion was not reaped.
    var sendSubmitted = false
    /// True exactly when it stands in the list of links to flush.
    var isDirty = false
    /// True once it is to end: nothing is read or sent any more, and the forwarder knows of it.
    var isEnding = false
    /// True while it has more to send than further requests are added to.
    var isClogged = false
    /// True once anything was received: what fails before is the connect.
    var hasHeard = false

    /// Bytes that are being sent; nil exactly when none are.
    var sending: Block? = nil
    var sendingOffset = 0
    /// Requests that were appended since `sending` left.
    var filling: Block? = nil
    /// The beginning of a frame that arrived split, and the bytes at which it can be decoded further.
    var assembly: Block? = nil
    var assemblyTotal = 0

    init(key: ConnectionKey, endpoint: Int, descriptor: Int32) {
        self.key = key
        self.endpoint = endpoint
        self.descriptor = descriptor
    }

    /// Bytes that the kernel has not taken.
    var backlogBytes: Int { Self.count(self.sending) + Self.count(self.filling) - self.sendingOffset }

    private static func count(_ block: borrowing Block?) -> Int {
        switch block {
        case .some(let block): block.count
        case .none: 0
        }
    }

    var isIdleInKernel: Bool { !self.receiving && !self.sendSubmitted }

    /// Gives every block back.
    mutating func releaseBlocks(to pool: inout BlockPool) {
        if let block = self.sending.take() { pool.give(block) }
        if let block = self.filling.take() { pool.give(block) }
        if let block = self.assembly.take() { pool.give(block) }
    }
}
