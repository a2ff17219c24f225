import Glibc

/// A file that is open for reading. Dropping it closes it.
struct InputFile: ~Copyable {
    let descriptor: Int32
    /// Size when it was opened; nil for pipes and devices, which have none.
    let byteCount: Int?

    /// - Throws: `fileAccess` when it cannot be read.
    init(path: String) throws(IndexError) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw IndexError(file: path, "open", errno: errno) }
        self.descriptor = descriptor
        self.byteCount = Self.byteCount(of: descriptor)
        // Advice only; a pipe refuses it.
        _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
    }

    deinit {
        close(self.descriptor)
    }

    private static func byteCount(of descriptor: Int32) -> Int? {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int(status.st_size)
    }
}
