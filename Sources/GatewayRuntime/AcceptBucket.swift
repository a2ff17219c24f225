internal import Admission
internal import Synchronization

/// The tokens of accepted connections, one bucket for all workers. A lock will do: it is taken some thousand times a second
/// when it is taken most. Any thread.
final class AcceptBucket: Sendable {
    private struct State {
        var bucket = LocalTokenBucket()
        /// By which the bucket counts.
        var rate: TokenRate?
    }
    private let state = Mutex(State())

    /// False when connections come faster than `rate`. Another rate than the last one's finds the same debt, at most its burst.
    func take(_ rate: TokenRate, nowNanoseconds: UInt64) -> Bool {
        self.state.withLock { state in
            if state.rate != rate {
                state.bucket.rescale(from: state.rate, to: rate, nowNanoseconds: nowNanoseconds)
                state.rate = rate
            }
            guard case .admitted = state.bucket.take(rate, nowNanoseconds: nowNanoseconds) else { return false }
            return true
        }
    }
}
