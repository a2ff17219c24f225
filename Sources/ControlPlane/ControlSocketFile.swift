import FlyingSocks
import Foundation
import Settings
import Synchronization

/// The control socket in the file system: its directory, which only its group can enter, and its name, which belongs to
/// one living gateway.
///
/// A name that a dead process has left is taken over; one that answers is refused. Between the question and the taking,
/// the directory is locked, so that of two gateways that start together only one finds the name free.
final class ControlSocketFile: Sendable {
    let path: String
    private let instance: String
    /// Whether the directory is one that we would make: then its mode is ours too.
    private let ownsDirectory: Bool
    /// The inode that `listen` made; nil before, and after `remove`.
    private let made = Mutex<UInt64?>(nil)

    private static let directoryMode = 0o750
    private static let socketMode = 0o660

    /// - Parameter ownsDirectory: true when the path is the standard one.
    init(path: String, instance: String, ownsDirectory: Bool) {
        self.path = path
        self.instance = instance
        self.ownsDirectory = ownsDirectory
    }

    private var directory: String {
        let parent = URL(fileURLWithPath: self.path).deletingLastPathComponent().path
        return parent.isEmpty ? "." : parent
    }

    /// Makes the directory where it is missing, and the socket in it.
    func listen() throws(ControlSocketError) -> Socket {
        let bytes = self.path.utf8.count
        guard bytes <= ControlSocketPath.bytesMax else {
            throw .pathTooLong(self.path, bytes: bytes, bytesMax: ControlSocketPath.bytesMax)
        }
        try self.prepareDirectory()
        let lock = try self.lockDirectory()
        defer { try? lock.close() }
        try self.removeStale()
        do {
            return try self.makeSocket()
        } catch SocketError.failed(let call, let errno, let message) {
            guard errno != EADDRINUSE else { throw .inUse(path: self.path, instance: self.instance) }
            throw .system(path: self.path, call: call.lowercased(), reason: message)
        } catch {
            throw .system(path: self.path, call: "listen", reason: error.localizedDescription)
        }
    }

    /// Takes the name away, if it is still ours. Any thread; may be called again. To be called before the socket is
    /// closed: as long as it is open, no other file can have its inode.
    func remove() {
        let inode = self.made.withLock { made in
            defer { made = nil }
            return made
        }
        guard let inode, Self.facts(self.path)?.inode == inode else { return }
        try? FileManager.default.removeItem(atPath: self.path)
    }

    // MARK: The directory

    private func prepareDirectory() throws(ControlSocketError) {
        let directory = self.directory
        if Self.facts(directory) == nil {
            do {
                try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
                try FileManager.default.setAttributes(
                    [.posixPermissions: Self.directoryMode], ofItemAtPath: directory)
            } catch {
                // Somebody else may have been quicker.
                guard Self.facts(directory) != nil else { throw self.cannotMake(directory, error) }
            }
        }
        guard let facts = Self.facts(directory), facts.type == .typeDirectory else { throw .notADirectory(directory) }
        let own = geteuid()
        // What root owns, nobody but root has made.
        guard facts.owner == own || facts.owner == 0 else {
            throw .directoryOfSomebodyElse(directory, owner: facts.owner)
        }
        if self.ownsDirectory, facts.owner == own, facts.mode & 0o777 != Self.directoryMode {
            try? FileManager.default.setAttributes([.posixPermissions: Self.directoryMode], ofItemAtPath: directory)
        }
        guard (Self.facts(directory)?.mode ?? 0) & 0o002 == 0 else { throw .directoryWritableByAll(directory) }
    }

    private func cannotMake(_ directory: String, _ error: any Error) -> ControlSocketError {
        let parent = URL(fileURLWithPath: directory).deletingLastPathComponent().path
        guard Self.facts(parent) != nil else { return .parentMissing(directory: directory) }
        return .system(path: self.path, call: "making the directory", reason: Self.reason(error))
    }

    /// The lock goes with the handle.
    private func lockDirectory() throws(ControlSocketError) -> FileHandle {
        let handle: FileHandle
        do {
            handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: self.directory))
        } catch {
            throw .system(path: self.path, call: "opening the directory", reason: Self.reason(error))
        }
        for _ in 0..<50 {
            if flock(handle.fileDescriptor, LOCK_EX | LOCK_NB) == 0 { return handle }
            Thread.sleep(forTimeInterval: 0.02)
        }
        throw .busy(directory: self.directory)
    }

    // MARK: The socket

    private func removeStale() throws(ControlSocketError) {
        guard let facts = Self.facts(self.path) else { return }
        guard facts.type == .typeSocket else { throw .notASocket(self.path) }
        do {
            let probe = try Socket(domain: AF_UNIX, type: .stream)
            defer { try? probe.close() }
            // A gateway whose queue is full must not hold up this one's start.
            try probe.setFlags(.nonBlocking)
            try probe.connect(to: .unix(path: self.path))
        } catch SocketError.failed(_, ECONNREFUSED, _) {
            try? FileManager.default.removeItem(atPath: self.path)
            return
        } catch SocketError.failed(_, EACCES, let message) {
            throw .system(path: self.path, call: "asking who is there", reason: message)
        } catch {
            // Its queue is full: somebody lives there.
        }
        throw .inUse(path: self.path, instance: self.instance)
    }

    private func makeSocket() throws -> Socket {
        let socket = try Socket(domain: AF_UNIX, type: .stream)
        do {
            AdminListener.closeOnExec(socket)
            try socket.bind(to: .unix(path: self.path))
            self.made.withLock { $0 = Self.facts(self.path)?.inode }
            // Nobody can connect before there is a queue, and so nobody under the mode that the umask has left.
            try FileManager.default.setAttributes([.posixPermissions: Self.socketMode], ofItemAtPath: self.path)
        } catch {
            try? socket.close()
            self.remove()
            throw error
        }
        try socket.listen()
        return socket
    }

    // MARK: What stands there

    private struct Facts {
        let type: FileAttributeType
        let owner: UInt32
        let mode: Int
        let inode: UInt64
    }

    /// Of the thing itself and not of what a link leads to; nil when there is nothing.
    private static func facts(_ path: String) -> Facts? {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: path),
            let type = attributes[.type] as? FileAttributeType
        else { return nil }
        func number(_ key: FileAttributeKey) -> UInt64 { (attributes[key] as? NSNumber)?.uint64Value ?? 0 }
        return Facts(
            type: type, owner: UInt32(truncatingIfNeeded: number(.ownerAccountID)),
            mode: Int(number(.posixPermissions)), inode: number(.systemFileNumber))
    }

    /// The system's words.
    private static func reason(_ error: any Error) -> String {
        let underlying = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError ?? error as NSError
        guard underlying.domain == NSPOSIXErrorDomain, let code = POSIXErrorCode(rawValue: Int32(underlying.code))
        else {
            return error.localizedDescription
        }
        return POSIXError(code).localizedDescription
    }
}
