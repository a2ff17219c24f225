internal import Gateway
internal import Reactor

/// One client's socket and the memory that is lent to it while bytes are pending. Idle, it holds no block at all.
struct Connection: ~Copyable {
    let descriptor: Int32
    /// True exactly when a receive is armed and its final completion was not reaped.
    var receiving = false
    /// True exactly when a cancellation of that receive was ordered.
    var receiveStopping = false
    /// True exactly when a send was submitted and its completion was not reaped.
    var sendSubmitted = false
    /// True exactly when the slot stands in the worker's list of sessions to flush.
    var isDirty = false
    /// True exactly when the backlog rose above its maximum and did not fall to half of it since: nothing is decoded.
    var isPaused = false
    /// True exactly when it has spent its share of a turn and has not been served in a later one: what arrived behind that is
    /// in `assembly`, which is not nil.
    var isResting = false
    var share = TurnShare()
    /// True once the peer has ended its side: there is nothing left to receive.
    var peerHasEnded = false
    /// What its end will be counted as.
    var reason = GatewayMetrics.CloseReason.peer
    /// Set once the connection is to end; nothing is read, served or sent any more.
    var ending: Ending? = nil

    /// Bytes that are being sent; nil exactly when none are.
    var sending: Block? = nil
    var sendingOffset = 0
    /// Answers that were appended since `sending` left.
    var filling: Block? = nil
    /// A frame that arrived split, or bytes that a paused or resting session has not decoded.
    var assembly: Block? = nil
    /// Bytes at its start that are decoded already; above 0 only while `isHeld`.
    var assemblyOffset = 0
    /// Bytes at which `assembly` can be decoded further.
    var assemblyTotal = 0

    /// What it was served in the turn that served it last.
    struct TurnShare {
        var turn: UInt32 = 0
        var frames: UInt32 = 0
        var bytes: UInt32 = 0
    }

    struct Ending {
        let reset: Bool
    }

    init(descriptor: Int32) { self.descriptor = descriptor }

    /// Bytes of answers that the kernel has not taken.
    var backlogBytes: Int {
        Self.count(self.sending) + Self.count(self.filling) - self.sendingOffset
    }

    /// Bytes of answers that stand in one block.
    var fillingBytes: Int { Self.count(self.filling) }

    private static func count(_ block: borrowing Block?) -> Int {
        switch block {
        case .some(let block): block.count
        case .none: 0
        }
    }

    /// Whether what arrives is kept instead of decoded.
    var isHeld: Bool { self.isPaused || self.isResting }
    var isOutputEmpty: Bool { self.sending == nil && self.filling == nil }
    var isIdleInKernel: Bool { !self.receiving && !self.sendSubmitted }

    /// Gives every block back.
    mutating func releaseBlocks(to pool: inout BlockPool) {
        if let block = self.sending.take() { pool.give(block) }
        if let block = self.filling.take() { pool.give(block) }
        if let block = self.assembly.take() { pool.give(block) }
    }
}
