import CLMDB
import Glibc
public import OAP

/// What a `put` did to the index.
public enum IndexChange: Equatable, Sendable {
    case added
    case changed
    /// The index had exactly this record.
    case unchanged
}

/// One write transaction on an index, for tools. Works alone and beside running gateways.
///
/// Making one waits until no other process writes. Nothing is visible to anybody before `commit`; a writer that is
/// dropped without it has changed nothing. Stays on the thread that made it.
@safe public struct IndexWriter: ~Copyable {
    private let handle: EnvironmentHandle
    /// Nil exactly when the transaction has been committed.
    private var transaction: OpaquePointer?
    /// The index as it was when the transaction began. Also a read transaction; nobody can commit in between.
    private let snapshot: OpaquePointer
    /// True as long as every key was greater than all before it; then pages are filled from left to right.
    private var isAppending: Bool

    /// Opens the index, making the directory (mode 0755) and the files (0644) when they are missing, and begins the
    /// transaction.
    ///
    /// - Throws: `alreadyOpen` when this process has the index open, and what the system says.
    public init(at path: String) throws(IndexError) {
        let handle = try EnvironmentHandle(path: path, mode: .readWrite)
        var writing: OpaquePointer?
        try handle.check(unsafe mdb_txn_begin(handle.environment, nil, 0, &writing), "mdb_txn_begin")
        var reading: OpaquePointer?
        do throws(IndexError) {
            try handle.check(
                unsafe mdb_txn_begin(handle.environment, nil, UInt32(MDB_RDONLY), &reading), "mdb_txn_begin")
        } catch {
            unsafe mdb_txn_abort(writing)
            throw error
        }
        self.handle = handle
        unsafe self.transaction = writing
        unsafe self.snapshot = reading!
        self.isAppending = false
        self.isAppending = self.recordCount == 0
    }

    deinit {
        unsafe mdb_txn_abort(self.snapshot)
        if let transaction = unsafe self.transaction { unsafe mdb_txn_abort(transaction) }
    }

    /// Records in the index as this transaction has it.
    public var recordCount: Int {
        var tree = MDB_stat()
        let code = unsafe mdb_stat(self.transaction, self.handle.database, &tree)
        precondition(code == MDB_SUCCESS, "the transaction is open")
        return tree.ms_entries
    }

    /// Adds the record or replaces the one with its key.
    ///
    /// - Returns: the change, compared with what this transaction had before.
    /// - Throws: `diskFull` or `mapFull`, among others; then only dropping the writer is left.
    @discardableResult
    public mutating func put(_ record: IndexRecord) throws(IndexError) -> IndexChange {
        let now = try unsafe self.value(of: record.key, in: self.transaction)
        if let now = unsafe now, unsafe now.elementsEqual(record.canonicalJSON) { return .unchanged }
        let change: IndexChange = unsafe now == nil ? .added : .changed
        try self.store(record)
        return change
    }

    /// Removes the record of a key; false when there is none.
    public mutating func delete(_ key: Span<UInt8>) throws(IndexError) -> Bool {
        guard !key.isEmpty && key.count <= IndexKey.bytesMax else { return false }
        let code = unsafe key.withUnsafeBufferPointer { bytes in
            var name = unsafe MDB_val(bytes)
            return unsafe mdb_del(self.transaction, self.handle.database, &name, nil)
        }
        if code == MDB_NOTFOUND { return false }
        try self.handle.check(code, "mdb_del")
        return true
    }

    /// Removes all records, as part of the transaction like everything else.
    public mutating func deleteAll() throws(IndexError) {
        try self.handle.check(unsafe mdb_drop(self.transaction, self.handle.database, 0), "mdb_drop")
        self.isAppending = true
    }

    /// Makes all changes visible at once and durable. On an error nothing has changed.
    public consuming func commit() throws(IndexError) {
        let transaction = unsafe self.transaction
        // LMDB frees the transaction whether it succeeds or not.
        unsafe self.transaction = nil
        try self.checkWritten(unsafe mdb_txn_commit(transaction), "mdb_txn_commit")
    }

    /// What putting the record would change in the index as it was when the transaction began.
    func originalChange(by record: IndexRecord) throws(IndexError) -> IndexChange {
        guard let before = try unsafe self.value(of: record.key, in: self.snapshot) else { return .added }
        return unsafe before.elementsEqual(record.canonicalJSON) ? .unchanged : .changed
    }

    /// What this transaction has made of a key so far, or nil when it has no record of that key.
    func originalChange(ofKey key: String) throws(IndexError) -> IndexChange? {
        guard let now = try unsafe self.value(of: key, in: self.transaction) else { return nil }
        guard let before = try unsafe self.value(of: key, in: self.snapshot) else { return .added }
        return unsafe before.elementsEqual(now) ? .unchanged : .changed
    }

    private func value(
        of key: String, in transaction: OpaquePointer?
    ) throws(IndexError) -> UnsafeBufferPointer<UInt8>? {
        var value = unsafe MDB_val()
        var key = key
        let code = key.withUTF8 { bytes in
            var name = unsafe MDB_val(bytes)
            return unsafe mdb_get(transaction, self.handle.database, &name, &value)
        }
        if code == MDB_NOTFOUND { return nil }
        try self.handle.check(code, "mdb_get")
        return unsafe value.bytes
    }

    /// Writes the record whether the index has it or not.
    mutating func store(_ record: IndexRecord) throws(IndexError) {
        if self.isAppending {
            let code = self.store(record, flags: UInt32(MDB_APPEND))
            // KEYEXIST says, before anything is written, that the key does not sort behind the last one.
            self.isAppending = code != MDB_KEYEXIST
            if self.isAppending { return try self.checkWritten(code, "mdb_put") }
        }
        try self.checkWritten(self.store(record, flags: 0), "mdb_put")
    }

    /// Throws when `code` is an error. A write that the last free bytes cut short is EIO to LMDB, not ENOSPC, so the
    /// file system is asked.
    private func checkWritten(_ code: Int32, _ call: String) throws(IndexError) {
        guard code == EIO else { return try self.handle.check(code, call) }
        var status = statvfs()
        let isFull = unsafe statvfs(self.handle.path, &status) == 0 && status.f_bavail * status.f_frsize < 1 << 20
        throw IndexError(cause: isFull ? .diskFull : .system, code: code, call: call, path: self.handle.path)
    }

    private func store(_ record: IndexRecord, flags: UInt32) -> Int32 {
        var key = record.key
        return key.withUTF8 { keyBytes in
            unsafe record.canonicalJSON.withUnsafeBufferPointer { jsonBytes in
                var name = unsafe MDB_val(keyBytes)
                var value = unsafe MDB_val(jsonBytes)
                return unsafe mdb_put(self.transaction, self.handle.database, &name, &value, flags)
            }
        }
    }
}
