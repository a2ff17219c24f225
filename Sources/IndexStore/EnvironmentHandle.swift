import CLMDB
import Glibc
internal import Synchronization

/// An open LMDB environment and its only database. Closed when the last owner lets go.
///
/// Sendable because `MDB_env` is: LMDB locks inside, and the pointer never changes.
@safe final class EnvironmentHandle: @unchecked Sendable {
    enum Mode {
        case readOnly
        /// Makes the directory and the files when they are missing.
        case readWrite
    }

    let environment: OpaquePointer
    /// The unnamed database of the environment, where all records are.
    let database: MDB_dbi
    let path: String
    private let identity: DirectoryIdentity
    /// The data file that is mapped; another one may stand under the path by now.
    private let dataFile: FileIdentity
    private let isRegistered = Atomic<Bool>(true)

    init(path: String, mode: Mode) throws(IndexError) {
        if mode == .readWrite { try Self.makeDirectory(path) }
        let identity = try DirectoryIdentity(path: path)
        guard identity.register() else {
            throw IndexError(cause: .alreadyOpen, code: 0, call: "", path: path)
        }
        do throws(IndexError) {
            (unsafe self.environment, self.database) = unsafe try Self.open(path: path, mode: mode)
        } catch {
            identity.unregister()
            throw error
        }
        self.path = path
        self.identity = identity
        var descriptor: Int32 = -1
        unsafe mdb_env_get_fd(self.environment, &descriptor)
        self.dataFile = FileIdentity(descriptor: descriptor) ?? FileIdentity()
    }

    deinit {
        unsafe mdb_env_close(self.environment)
        self.unregister()
    }

    /// What stands under the path now.
    var presence: IndexPresence {
        guard let now = FileIdentity(path: self.path + "/data.mdb") else { return .removed }
        return now == self.dataFile ? .same : .replaced
    }

    /// Lets the path be opened again. Only for an environment that is replaced: its locks are on files of its own.
    func unregister() {
        guard self.isRegistered.exchange(false, ordering: .relaxed) else { return }
        self.identity.unregister()
    }

    /// Throws when `code` is an error.
    func check(_ code: Int32, _ call: String) throws(IndexError) {
        guard code == MDB_SUCCESS else { throw IndexError(code, call, path: self.path) }
    }

    private static func open(
        path: String, mode: Mode
    ) throws(IndexError) -> (environment: OpaquePointer, database: MDB_dbi) {
        var created: OpaquePointer?
        try Self.check(unsafe mdb_env_create(&created), "mdb_env_create", path)
        let environment = unsafe created!
        do throws(IndexError) {
            try Self.check(
                unsafe mdb_env_set_mapsize(environment, IndexLimits.mapBytes), "mdb_env_set_mapsize", path)
            try Self.check(
                unsafe mdb_env_set_maxreaders(environment, UInt32(IndexLimits.readersMax)),
                "mdb_env_set_maxreaders", path)
            // NOTLS ties a reader's slot to its transaction instead of to the thread that began it.
            let flags = UInt32(MDB_NOTLS) | (mode == .readOnly ? UInt32(MDB_RDONLY) : 0)
            try Self.check(unsafe mdb_env_open(environment, path, flags, 0o644), "mdb_env_open", path)
            // Slots of processes that died in a read transaction would pin their pages for ever.
            try Self.check(unsafe mdb_reader_check(environment, nil), "mdb_reader_check", path)
            if mode == .readOnly { try unsafe Self.refuseNeverCommitted(environment, path) }
            return unsafe (environment, try Self.openDatabase(environment, path))
        } catch {
            unsafe mdb_env_close(environment)
            throw error
        }
    }

    /// A first import that failed leaves the empty files that LMDB makes: still no index.
    private static func refuseNeverCommitted(_ environment: OpaquePointer, _ path: String) throws(IndexError) {
        var info = unsafe MDB_envinfo()
        try Self.check(unsafe mdb_env_info(environment, &info), "mdb_env_info", path)
        guard unsafe info.me_last_txnid > 0 else {
            throw IndexError(cause: .missing, code: 0, call: "", path: path)
        }
    }

    private static func openDatabase(_ environment: OpaquePointer, _ path: String) throws(IndexError) -> MDB_dbi {
        var transaction: OpaquePointer?
        try Self.check(
            unsafe mdb_txn_begin(environment, nil, UInt32(MDB_RDONLY), &transaction), "mdb_txn_begin", path)
        defer { unsafe mdb_txn_abort(transaction) }
        var database: MDB_dbi = 0
        try Self.check(unsafe mdb_dbi_open(transaction, nil, 0, &database), "mdb_dbi_open", path)
        return database
    }

    private static func check(_ code: Int32, _ call: String, _ path: String) throws(IndexError) {
        guard code == MDB_SUCCESS else { throw IndexError(code, call, path: path) }
    }

    /// Makes the directory and its missing parents, readable by everybody, writable by their owner.
    private static func makeDirectory(_ path: String) throws(IndexError) {
        var prefix = ""
        for part in path.split(separator: "/", omittingEmptySubsequences: false) {
            prefix += part
            if !prefix.isEmpty {
                let code = unsafe mkdir(prefix, 0o755) == 0 ? 0 : errno
                // What is there and is no directory shows itself when the environment is opened.
                guard code == 0 || code == EEXIST else { throw IndexError(code, "mkdir", path: path) }
            }
            prefix += "/"
        }
    }
}

/// Which file it is, whatever its path.
private struct FileIdentity: Equatable, Sendable {
    private var device: UInt = 0
    private var inode: UInt = 0

    init() {}

    init?(descriptor: Int32) {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { return nil }
        self.init(status)
    }

    init?(path: String) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        self.init(status)
    }

    private init(_ status: stat) {
        self.device = UInt(status.st_dev)
        self.inode = UInt(status.st_ino)
    }
}

/// Which directory a path leads to, whatever the path is called.
///
/// LMDB's locks belong to the process: closing one of two environments on the same files would drop the locks of the
/// other. So every open directory is registered, and a second opening is refused.
private struct DirectoryIdentity: Hashable, Sendable {
    private static let registered = Mutex<Set<DirectoryIdentity>>([])

    private let device: UInt
    private let inode: UInt

    init(path: String) throws(IndexError) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            throw IndexError(errno, "stat", path: path)
        }
        self.device = UInt(status.st_dev)
        self.inode = UInt(status.st_ino)
    }

    /// False when it is registered already.
    func register() -> Bool {
        Self.registered.withLock { $0.insert(self).inserted }
    }

    func unregister() {
        Self.registered.withLock { _ = $0.remove(self) }
    }
}
