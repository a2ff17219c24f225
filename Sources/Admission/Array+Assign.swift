extension [UInt8] {
    /// Replaces the bytes by `bytes`, in one copy. Memory that is there is kept.
    public mutating func assign(_ bytes: Span<UInt8>) {
        self.removeAll(keepingCapacity: true)
        unsafe bytes.withUnsafeBufferPointer { unsafe self.append(contentsOf: $0) }
    }
}
