internal import Admission
internal import Synchronization

/// The tokens of accepted connections, one bucket for all workers. A lock will do: it is taken some thousand times a second
/// when it is taken most. Any thread.
final class AcceptBucket: Sendable {
    private let bucket = Mutex(LocalTokenBucket())

    /// False when connections come faster than `rate`.
    func take(_ rate: TokenRate, nowNanoseconds: UInt64) -> Bool {
        self.bucket.withLock { bucket in
            guard case .admitted = bucket.take(rate, nowNanoseconds: nowNanoseconds) else { return false }
            return true
        }
    }
}
