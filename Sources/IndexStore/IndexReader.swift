import CLMDB
internal import OAP

/// What a lookup came to.
public enum IndexLookup: Sendable {
    /// The closure was called with the record.
    case found
    case absent
    case failed(IndexError)
}

/// Looks records up, one worker's share of an `IndexEnvironment`.
///
/// A worker owns one and calls `endTurn` before it sleeps. All lookups of a turn see the same state of the index; a
/// turn's first lookup renews the read transaction, so turns without lookups cost nothing. Nothing is allocated.
///
/// Sendable: it may move to the thread that will use it; `mutating` keeps it on one thread at a time.
@safe public struct IndexReader: ~Copyable, @unchecked Sendable {
    private let environment: IndexEnvironment
    private let transaction: OpaquePointer
    /// The environment's; kept here so that a lookup touches no object and counts no reference.
    private let database: MDB_dbi
    /// True exactly when the transaction holds a snapshot. A held snapshot keeps writers from reusing its pages.
    private var isActive = false
    private var cache: RecordCache

    init(_ environment: IndexEnvironment) throws(IndexError) {
        var begun: OpaquePointer?
        try environment.handle.check(
            unsafe mdb_txn_begin(environment.handle.environment, nil, UInt32(MDB_RDONLY), &begun), "mdb_txn_begin")
        unsafe self.transaction = begun!
        self.database = environment.handle.database
        self.environment = environment
        self.cache = RecordCache(recordCount: environment.recordCount)
        // Keeps the slot and lets the snapshot go.
        unsafe mdb_txn_reset(self.transaction)
    }

    deinit {
        unsafe mdb_txn_abort(self.transaction)
    }

    /// Looks one key up, byte for byte.
    ///
    /// - Parameters:
    ///   - key: any bytes; what is not 1–511 bytes long is absent.
    ///   - found: called once, with the record's canonical JSON, exactly when the result is `found`. The bytes lie in
    ///     the map and are valid only inside the closure.
    public mutating func lookup(_ key: Span<UInt8>, _ found: (Span<UInt8>) -> Void) -> IndexLookup {
        guard !key.isEmpty && key.count <= IndexKey.bytesMax else { return .absent }
        if !self.isActive {
            let code = unsafe mdb_txn_renew(self.transaction)
            guard code == MDB_SUCCESS else { return .failed(self.error(code, "mdb_txn_renew")) }
            self.isActive = true
            self.beginCache()
        }
        let hash = self.cache.hash(key)
        if let record = unsafe self.cache.record(key, hash: hash) {
            unsafe found(record.span)
            return .found
        }
        var value = unsafe MDB_val()
        let code = unsafe key.withUnsafeBufferPointer { bytes in
            var name = unsafe MDB_val(bytes)
            return unsafe mdb_get(self.transaction, self.database, &name, &value)
        }
        switch code {
        case MDB_SUCCESS:
            unsafe self.cache.insert(key, hash: hash, value.bytes)
            unsafe found(value.bytes.span)
            return .found
        case MDB_NOTFOUND:
            return .absent
        default:
            // LMDB allows nothing more on a transaction that has failed; the next lookup begins anew.
            self.endTurn()
            return .failed(self.error(code, "mdb_get"))
        }
    }

    private mutating func beginCache() {
        let transaction = unsafe self.transaction
        let database = self.environment.handle.database
        unsafe self.cache.begin(transaction: Int(mdb_txn_id(transaction))) {
            var tree = MDB_stat()
            return unsafe mdb_stat(transaction, database, &tree) == MDB_SUCCESS ? tree.ms_entries : 0
        }
    }

    /// Lets the turn's snapshot go; the next lookup sees what other processes have committed by then. Without a
    /// lookup since the last call it does nothing.
    public mutating func endTurn() {
        guard self.isActive else { return }
        unsafe mdb_txn_reset(self.transaction)
        self.isActive = false
    }

    /// Visits all records of one snapshot, sorted by key, and ends the turn. For tools: it takes as long as it takes.
    ///
    /// - Parameter body: gets a key and its record's JSON, valid only inside the closure; returns false to stop.
    public mutating func forEachRecord(
        _ body: (_ key: Span<UInt8>, _ json: Span<UInt8>) throws(IndexError) -> Bool
    ) throws(IndexError) {
        self.endTurn()
        let handle = self.environment.handle
        try handle.check(unsafe mdb_txn_renew(self.transaction), "mdb_txn_renew")
        self.isActive = true
        defer { self.endTurn() }
        var cursor: OpaquePointer?
        try handle.check(unsafe mdb_cursor_open(self.transaction, self.database, &cursor), "mdb_cursor_open")
        defer { unsafe mdb_cursor_close(cursor) }
        while true {
            var key = unsafe MDB_val()
            var value = unsafe MDB_val()
            let code = unsafe mdb_cursor_get(cursor, &key, &value, MDB_NEXT)
            if code == MDB_NOTFOUND { return }
            try handle.check(code, "mdb_cursor_get")
            guard unsafe try body(key.bytes.span, value.bytes.span) else { return }
        }
    }

    private func error(_ code: Int32, _ call: String) -> IndexError {
        IndexError(code, call, path: self.environment.path)
    }
}
