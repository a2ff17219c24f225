import CLMDB
import Glibc

/// An index that is open for reading: a directory with LMDB's `data.mdb` and `lock.mdb`.
///
/// One instance serves a whole process; any thread may use it. Each worker makes its own `IndexReader`. Other
/// processes may write beside it (`IndexWriter`); readers see what was committed from their next turn on.
public final class IndexEnvironment: Sendable {
    let handle: EnvironmentHandle

    /// Opens an index that exists.
    ///
    /// Even a reader writes `lock.mdb`, where it registers; on a read-only file system LMDB does without, and then
    /// nobody may write. Slots that dead processes left there are freed.
    ///
    /// - Throws: `missing` when there is no index or nothing was ever committed to it, `alreadyOpen` when this
    ///   process has the same directory open, and what the system says.
    public init(readOnlyAt path: String) throws(IndexError) {
        self.handle = try EnvironmentHandle(path: path, mode: .readOnly)
    }

    /// The directory, as it was given.
    public var path: String { self.handle.path }

    /// Records at the last commit of any process. Reads one page of the map.
    public var recordCount: Int { self.statistics.recordCount }

    /// Length of `data.mdb` in bytes, pages that are free for reuse included.
    public var dataFileBytes: Int { self.statistics.dataFileBytes }

    /// The store's size and shape now.
    public var statistics: IndexStatistics { IndexStatistics(self.handle) }

    /// Whether the files that are open here still stand under the path. If not, this one goes on showing their state.
    public var presence: IndexPresence { self.handle.presence }

    /// Opens what stands under the path now, in place of an environment that was replaced. Its readers go on until they
    /// are dropped.
    public func reopened() throws(IndexError) -> IndexEnvironment {
        precondition(self.presence == .replaced, "the files under the path are those that are open")
        self.handle.unregister()
        return try IndexEnvironment(readOnlyAt: self.path)
    }

    /// Takes a reader slot. The reader keeps the environment open.
    public func makeReader() throws(IndexError) -> IndexReader {
        try IndexReader(self)
    }

    /// Asks the kernel to read the data file into its cache now, so that the first lookups do not wait for the disk.
    ///
    /// Returns at once; reading goes on behind. Advice only: an index that is larger than memory stays partly on disk.
    public func warm() {
        var descriptor: Int32 = -1
        guard unsafe mdb_env_get_fd(self.handle.environment, &descriptor) == MDB_SUCCESS else { return }
        // Length 0 means to the end of the file. A refusal (EINVAL on odd file systems) leaves us where we were.
        _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_WILLNEED)
    }
}

/// What stands under the path of an open index.
public enum IndexPresence: Sendable {
    case same
    /// Other files: somebody has removed the index and made a new one.
    case replaced
    case removed
}

/// Size and shape of an index at one moment.
public struct IndexStatistics: Equatable, Sendable {
    public let recordCount: Int
    /// Length of `data.mdb`.
    public let dataFileBytes: Int
    /// Most bytes that the index can grow to.
    public let mapBytes: Int
    public let pageBytes: Int
    /// Levels of the tree: a lookup touches this many pages.
    public let treeDepth: Int
    public let branchPages: Int
    public let leafPages: Int
    /// Pages of records too large for a leaf, about half a page.
    public let overflowPages: Int
    /// Number of the last committed transaction.
    public let lastTransaction: Int
    /// Reader slots that were ever taken since the index was opened by its first process.
    public let readersUsed: Int
    public let readersMax: Int

    init(_ handle: EnvironmentHandle) {
        var tree = MDB_stat()
        var info = unsafe MDB_envinfo()
        var descriptor: Int32 = -1
        var status = stat()
        // With an open environment these four fail for bad arguments only.
        let codes = unsafe [
            mdb_env_stat(handle.environment, &tree), mdb_env_info(handle.environment, &info),
            mdb_env_get_fd(handle.environment, &descriptor), fstat(descriptor, &status),
        ]
        precondition(codes.allSatisfy { $0 == 0 }, "the environment is open")
        self.recordCount = tree.ms_entries
        self.dataFileBytes = Int(status.st_size)
        self.mapBytes = unsafe info.me_mapsize
        self.pageBytes = Int(tree.ms_psize)
        self.treeDepth = Int(tree.ms_depth)
        self.branchPages = tree.ms_branch_pages
        self.leafPages = tree.ms_leaf_pages
        self.overflowPages = tree.ms_overflow_pages
        self.lastTransaction = unsafe info.me_last_txnid
        self.readersUsed = Int(unsafe info.me_numreaders)
        self.readersMax = Int(unsafe info.me_maxreaders)
    }
}
