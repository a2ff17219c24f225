import Glibc

/// A file that is written beside its place and renamed into it when it is whole. Dropped before that, it is gone.
struct AtomicFile: ~Copyable {
    let descriptor: Int32
    private let path: String
    private let temporaryPath: String
    private var isPublished = false

    /// - Throws: `fileAccess` when the directory takes no new file.
    init(path: String) throws(IndexError) {
        // In the same directory, since rename works within one file system only.
        let temporaryPath = "\(path).\(getpid()).tmp"
        let descriptor = unsafe open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw IndexError(file: path, "open", errno: errno) }
        self.path = path
        self.temporaryPath = temporaryPath
        self.descriptor = descriptor
    }

    deinit {
        close(self.descriptor)
        if !self.isPublished { _ = unsafe unlink(self.temporaryPath) }
    }

    /// Puts the file into its place: written to the disk first, so that a power cut leaves the old file or the new.
    consuming func publish() throws(IndexError) {
        guard fsync(self.descriptor) == 0 else { throw IndexError(file: self.path, "fsync", errno: errno) }
        guard unsafe rename(self.temporaryPath, self.path) == 0 else {
            throw IndexError(file: self.path, "rename", errno: errno)
        }
        self.isPublished = true
    }
}
