import Glibc

/// A file that appears in its place when it is whole: it has no name before that, where the file system can do it, and is
/// gone when it is dropped. What is no regular file (a device, a pipe) is written to as it is, never replaced.
struct AtomicFile: ~Copyable {
    let descriptor: Int32
    /// Where the file goes; symbolic links are followed, so that the link stays and its target is replaced.
    private let path: String
    private let kind: Kind

    private enum Kind {
        /// Written in place; nothing to publish.
        case direct
        /// O_TMPFILE: gets its first name at `publish`.
        case nameless
        case named(String)
    }

    /// - Throws: `fileAccess` when the directory takes no new file, or what is there cannot be written to.
    init(path: String) throws(IndexError) {
        let target = Self.resolved(path)
        var status = stat()
        let exists = unsafe stat(target, &status) == 0
        let opened: (Int32, Kind)
        if exists && status.st_mode & S_IFMT != S_IFREG {
            opened = (unsafe open(target, O_WRONLY | O_CLOEXEC), .direct)
        } else {
            opened = Self.openTemporary(beside: target)
        }
        guard opened.0 >= 0 else { throw IndexError(file: path, "open", errno: errno) }
        if exists, case .direct = opened.1 {} else if exists { _ = fchmod(opened.0, status.st_mode & 0o7777) }
        self.init(descriptor: opened.0, path: target, kind: opened.1)
    }

    private init(descriptor: Int32, path: String, kind: Kind) {
        self.descriptor = descriptor
        self.path = path
        self.kind = kind
    }

    deinit {
        close(self.descriptor)
        // After `publish` the name is taken away already, and this finds nothing.
        if case .named(let temporaryPath) = self.kind { _ = unsafe unlink(temporaryPath) }
    }

    /// Puts the file into its place: written to the disk first, so that a power cut leaves the old file or the new.
    consuming func publish() throws(IndexError) {
        let temporaryPath: String
        switch self.kind {
        case .direct: return
        case .named(let path): temporaryPath = path
        case .nameless: temporaryPath = Self.temporaryPath(beside: self.path)
        }
        guard fsync(self.descriptor) == 0 else { throw IndexError(file: self.path, "fsync", errno: errno) }
        if case .nameless = self.kind {
            let source = "/proc/self/fd/\(self.descriptor)"
            guard unsafe linkat(AT_FDCWD, source, AT_FDCWD, temporaryPath, AT_SYMLINK_FOLLOW) == 0 else {
                throw IndexError(file: self.path, "linkat", errno: errno)
            }
        }
        guard unsafe rename(temporaryPath, self.path) == 0 else {
            let code = errno
            _ = unsafe unlink(temporaryPath)
            throw IndexError(file: self.path, "rename", errno: code)
        }
    }

    private static func resolved(_ path: String) -> String {
        guard let real = unsafe realpath(path, nil) else { return path }
        defer { unsafe free(real) }
        return unsafe String(cString: real)
    }

    /// In the same directory, since rename works within one file system only.
    private static func openTemporary(beside path: String) -> (Int32, Kind) {
        let end = path.lastIndex(of: "/")
        let directory = end.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let nameless = unsafe open(directory, O_WRONLY | Self.temporaryFileFlag | O_CLOEXEC, 0o644)
        if nameless >= 0 { return (nameless, .nameless) }
        let temporaryPath = Self.temporaryPath(beside: path)
        return (unsafe open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644), .named(temporaryPath))
    }

    private static func temporaryPath(beside path: String) -> String {
        "\(path).\(getpid()).\(UInt32.random(in: .min ... .max)).tmp"
    }

    /// O_TMPFILE is a macro that Swift does not import: the kernel's bit with O_DIRECTORY, which differs between
    /// architectures.
    private static let temporaryFileFlag = O_DIRECTORY | 0o20_000_000
}
