import CLMDB
import Glibc

/// A failure of the store: which call failed on which index, and what to do about it.
///
public struct IndexError: Error, Equatable, Sendable {
    /// What the failure means to the person who has to act on it.
    public enum Cause: Equatable, Sendable {
        /// There is no index, or nothing was ever committed to it.
        case missing
        /// This process has the index open already; a second environment would break the first one's locks.
        case alreadyOpen
        /// A part of the path is a file.
        case notADirectory
        case permissionDenied
        case readOnlyFileSystem
        case diskFull
        case mapFull
        case readersFull
        case addressSpaceShort
        /// Not an LMDB file, written by another version of LMDB, or damaged.
        case damaged
        /// Reading a source or writing a target of an import or export failed.
        case fileAccess
        case system
    }

    public let cause: Cause
    /// LMDB's error code (negative) or an errno value (positive); 0 when no call failed.
    public let code: Int32
    /// The call that failed, such as `mdb_env_open`.
    public let call: String
    /// The index's directory, or the file of an import or export.
    public let path: String

    public init(cause: Cause, code: Int32, call: String, path: String) {
        self.cause = cause
        self.code = code
        self.call = call
        self.path = path
    }

    /// Classifies what an LMDB call returned.
    init(_ code: Int32, _ call: String, path: String) {
        let cause: Cause
        switch code {
        case ENOENT: cause = .missing
        case ENOTDIR: cause = .notADirectory
        case EACCES, EPERM: cause = .permissionDenied
        case EROFS: cause = .readOnlyFileSystem
        case ENOSPC, EDQUOT: cause = .diskFull
        case ENOMEM: cause = .addressSpaceShort
        case MDB_MAP_FULL: cause = .mapFull
        case MDB_READERS_FULL: cause = .readersFull
        case MDB_INVALID, MDB_VERSION_MISMATCH, MDB_CORRUPTED, MDB_PAGE_NOTFOUND, MDB_PANIC: cause = .damaged
        default: cause = .system
        }
        self.init(cause: cause, code: code, call: call, path: path)
    }

    /// Classifies what a system call on the file of an import or export returned.
    init(file path: String, _ call: String, errno code: Int32) {
        let isFull = code == ENOSPC || code == EDQUOT
        self.init(cause: isFull ? .diskFull : .fileAccess, code: code, call: call, path: path)
    }
}

extension IndexError: CustomStringConvertible {
    /// One line: where, what happened, the call and code, what to do.
    public var description: String {
        guard self.code != 0 else { return "\(self.path): \(self.advice)" }
        // mdb_strerror knows errno values too, and its text for LMDB's own codes starts with the code's name.
        let text = unsafe String(cString: mdb_strerror(self.code))
        return "\(self.path): \(self.call): \(text) (\(self.code)): \(self.advice)"
    }

    private var advice: String {
        switch self.cause {
        case .missing:
            "there is no index here yet; make one with `ronctl index import FILE --index-path \(self.path)`"
        case .alreadyOpen:
            "this process has the index open already; use that one"
        case .notADirectory:
            "an index is a directory; give the directory that has data.mdb, or a new one"
        case .permissionDenied:
            "the user of this process needs to read data.mdb and to write lock.mdb in this directory "
                + "(readers register there), and to write data.mdb when it changes records"
        case .readOnlyFileSystem:
            "the file system is mounted read-only; nothing was changed"
        case .diskFull:
            "the disk is full; nothing was changed; free some space and try again"
        case .mapFull:
            "the index has reached its largest size, \(IndexLimits.mapBytes >> 30) GiB; nothing was changed"
        case .readersFull:
            "all \(IndexLimits.readersMax) reader slots are taken; stop a process that has the index open"
        case .addressSpaceShort:
            "\(IndexLimits.mapBytes >> 30) GiB of address space are needed for the map (not memory); "
                + "raise this process's limit (ulimit -v)"
        case .damaged:
            "data.mdb is damaged or no LMDB 0.9 file; move the directory away and import the records again"
        case .fileAccess:
            "check the path, its permissions and the device"
        case .system:
            "see the message of the call"
        }
    }
}
