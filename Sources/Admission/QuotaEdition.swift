public import Synchronization

/// What all snapshots of a gateway share: its own bucket, and which quotas are the newest.
@usableFromInline
final class SharedQuotas: Sendable {
    let global = PaddedWord()
    /// Goes up with each change of quotas, before the first bucket is rescaled.
    @usableFromInline let edition = Atomic<Int>(0)
    /// Held while buckets are rescaled.
    private let newest = Mutex<AdmissionSnapshot?>(nil)

    /// Changes from one policy to the next.
    ///
    /// - Parameters:
    ///   - changesQuotas: false when every bucket's rate stays what it is.
    ///   - adopt: rescales the buckets and returns the new policy's snapshot.
    func change(changesQuotas: Bool, _ adopt: (QuotaEdition) -> AdmissionSnapshot) -> AdmissionSnapshot {
        self.newest.withLock { newest in
            if changesQuotas { self.edition.wrappingAdd(1, ordering: .sequentiallyConsistent) }
            let snapshot = adopt(QuotaEdition(self.edition.load(ordering: .relaxed), of: self))
            newest = snapshot
            return snapshot
        }
    }

    /// By which every bucket counts; waits for a change that is being made, which takes a few milliseconds at most.
    func newestSnapshot() -> AdmissionSnapshot? { self.newest.withLock { $0 } }

    /// Ends the circle of references with the newest snapshot.
    func retire() { self.newest.withLock { $0 = nil } }
}

/// The quotas of one or several policies in a row, which count by the same rates. Any thread.
///
/// Who computes a bucket's next word looks at the word, then here, and then exchanges: the number goes up before a word is
/// rescaled, and a rescaled word is another one, so that nothing of an older rate is put into it. Whoever finds it gone up
/// asks the newest snapshot.
@usableFromInline
struct QuotaEdition: Sendable {
    @usableFromInline let number: Int
    /// Nil when no policy ever follows.
    @usableFromInline let shared: SharedQuotas?

    @inlinable @inline(__always)
    init() {
        self.number = 0
        self.shared = nil
    }

    init(_ number: Int, of shared: SharedQuotas) {
        self.number = number
        self.shared = shared
    }

    var id: Int32 { Int32(truncatingIfNeeded: self.number) }

    @inlinable @inline(__always)
    var isNewest: Bool {
        guard let shared = self.shared else { return true }
        return shared.edition.load(ordering: .sequentiallyConsistent) == self.number
    }
}
