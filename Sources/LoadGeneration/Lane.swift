internal import Reactor

/// One connection of a loop. A class, because arrays do not hold blocks; used by the loop's thread alone.
final class Lane {
    /// -1 exactly when `isClosed`.
    var descriptor: Int32
    /// True exactly when a receive is armed and its final completion was not reaped.
    var receiving = false
    /// True exactly when a send was submitted and its completion was not reaped.
    var sendSubmitted = false
    /// True exactly when the lane stands in the loop's list of lanes to flush.
    var isDirty = false
    /// True exactly when the lane stands in the loop's queue of lanes that may take requests.
    var isReady = false
    /// True once the gateway has asked to send nothing new.
    var isGoingAway = false
    /// True from the loss of the connection, or the decision to end it, until it is closed.
    var isEnding = false
    /// True exactly when there is no connection. A lane that may have another one opens it with its next request.
    var isClosed = false
    /// True exactly when the lane waits for the next interval before it tries to connect again.
    var isResting = false
    /// Requests that the connection may still take before it is replaced.
    var requestsLeft = Int.max
    /// When the connection was begun; 0 exactly when it is established.
    var connectNanoseconds: UInt64 = 0
    /// Requests that are being collected or sent; nil exactly when there are none.
    var sending: Block? = nil
    var sendingOffset = 0
    /// A frame that arrived split.
    var assembly: Block? = nil

    init(descriptor: Int32) { self.descriptor = descriptor }

    var isIdleInKernel: Bool { !self.receiving && !self.sendSubmitted }

    func releaseBlocks(to pool: inout BlockPool) {
        self.sendingOffset = 0
        if let block = self.sending.take() { pool.give(block) }
        if let block = self.assembly.take() { pool.give(block) }
    }
}
