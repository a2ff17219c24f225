import CLMDB

extension MDB_val {
    /// For arguments: LMDB only reads what it is given as a key or as data to store.
    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        unsafe self.init(mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
    }

    /// What LMDB answered: bytes in its map, valid until the transaction ends or, in a write transaction, changes.
    var bytes: UnsafeBufferPointer<UInt8> {
        unsafe UnsafeBufferPointer(start: self.mv_data?.assumingMemoryBound(to: UInt8.self), count: self.mv_size)
    }
}
