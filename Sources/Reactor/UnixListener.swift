internal import CIngress
internal import Glibc

/// A listening Unix socket: its file, and a descriptor for each worker, all of the one socket.
public struct UnixListener: Sendable {
    public let path: String
    public let descriptors: [Int32]
    /// What was made under the path.
    private let file: ingress_file

    /// Listens, with the permissions `mode` for whoever may connect. A socket that was left behind is replaced; EADDRINUSE when
    /// somebody listens there, EEXIST when something else stands under the path.
    ///
    /// - Parameters:
    ///   - path: at most 106 bytes; `path~` is made and renamed.
    ///   - count: descriptors, which their takers close.
    public init(path: String, backlog: Int, mode: UInt32 = 0o660, count: Int) throws(SystemError) {
        let subject = EndpointAddress.unix(path: path).description
        var file = ingress_file()
        let result = unsafe ingress_listen_unix(path, Int32(backlog), mode, &file)
        var descriptors = [try SystemError.check(result, "bind", subject)]
        while descriptors.count < count {
            let copy = fcntl(descriptors[0], F_DUPFD_CLOEXEC, 0)
            guard copy >= 0 else {
                let code = errno
                for descriptor in descriptors { _ = ingress_close(descriptor) }
                throw SystemError(call: "fcntl", code: code, subject: subject)
            }
            descriptors.append(copy)
        }
        self.path = path
        self.descriptors = descriptors
        self.file = file
    }

    /// Removes the file, unless somebody else's stands there by now. Before the last descriptor is closed, so that nobody takes it
    /// for one that was left behind.
    public func removeFile() {
        var file = self.file
        unsafe ingress_unlink_same(self.path, &file)
    }
}
