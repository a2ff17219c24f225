import Reactor

/// One connection of a loop. A class, because arrays do not hold blocks; used by the loop's thread alone.
final class Lane {
    let descriptor: Int32
    /// True exactly when a receive is armed and its final completion was not reaped.
    var receiving = false
    /// True exactly when a send was submitted and its completion was not reaped.
    var sendSubmitted = false
    /// True exactly when the lane stands in the loop's list of lanes to flush.
    var isDirty = false
    /// True once the gateway has asked to send nothing new.
    var isGoingAway = false
    /// True once the connection is lost, or no longer needed: nothing is sent or read any more.
    var isEnding = false
    var isClosed = false
    /// Requests that are being sent; nil exactly when none are.
    var sending: Block? = nil
    var sendingOffset = 0
    /// A frame that arrived split.
    var assembly: Block? = nil

    init(descriptor: Int32) { self.descriptor = descriptor }

    var isIdleInKernel: Bool { !self.receiving && !self.sendSubmitted }

    func releaseBlocks(to pool: inout BlockPool) {
        if let block = self.sending.take() { pool.give(block) }
        if let block = self.assembly.take() { pool.give(block) }
    }
}
