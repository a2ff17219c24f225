import Dispatch
import FlyingSocks
import Foundation
import Synchronization
import Testing

@testable import ControlPlane

/// A name in the file system that belongs to one living process.
@Suite struct ControlSocketFileTests {
    /// Gone with its owner; short, since the path of a socket is.
    private final class Directory: Sendable {
        let path = "/tmp/ctl-\(UInt32.random(in: .min ... .max))"

        init() throws {
            try FileManager.default.createDirectory(
                atPath: self.path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        }

        deinit { try? FileManager.default.removeItem(atPath: self.path) }

        func file(_ name: String = "svc-gateway/a.sock", ownsDirectory: Bool = true) -> ControlSocketFile {
            ControlSocketFile(path: "\(self.path)/\(name)", instance: "a", ownsDirectory: ownsDirectory)
        }
    }

    private static func mode(_ path: String) throws -> Int {
        try #require(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber).intValue
    }

    @Test func aDirectoryOfOursGetsItsModeAndOneOfTheOperatorsKeepsIts() throws {
        let directory = try Directory()
        let own = directory.path + "/svc-gateway"
        try FileManager.default.createDirectory(
            atPath: own, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
        let named = directory.file(ownsDirectory: false)
        try named.listen().close()
        #expect(try Self.mode(own) == 0o755)
        #expect(try Self.mode(named.path) == 0o660)
        named.remove()
        let standard = directory.file()
        try standard.listen().close()
        #expect(try Self.mode(own) == 0o750)
    }

    /// Somebody has removed the name of a gateway that lives, and another one has taken it.
    @Test func onlyItsOwnNameIsRemoved() throws {
        let directory = try Directory()
        let first = directory.file()
        let firstSocket = try first.listen()
        defer { try? firstSocket.close() }
        try FileManager.default.removeItem(atPath: first.path)
        let second = directory.file()
        let secondSocket = try second.listen()
        defer { try? secondSocket.close() }
        first.remove()
        #expect(FileManager.default.fileExists(atPath: second.path))
        second.remove()
        #expect(!FileManager.default.fileExists(atPath: second.path))
        second.remove()
    }

    @Test func aLivingOneIsLeftAlone() throws {
        let directory = try Directory()
        let first = directory.file()
        let socket = try first.listen()
        defer { try? socket.close() }
        #expect(throws: ControlSocketError.inUse(path: first.path, instance: "a")) { try directory.file().listen() }
        #expect(FileManager.default.fileExists(atPath: first.path))
    }

    /// Several gateways start at once where a dead one has left its name: all but one see the living one.
    @Test func oneOfManyWins() throws {
        for _ in 0..<20 {
            let directory = try Directory()
            try directory.file().listen().close()
            let sockets = Mutex<[Socket]>([])
            let refused = Mutex(0)
            DispatchQueue.concurrentPerform(iterations: 8) { _ in
                do throws(ControlSocketError) {
                    let socket = try directory.file().listen()
                    sockets.withLock { $0.append(socket) }
                } catch {
                    guard case .inUse = error else {
                        Issue.record("\(error)")
                        return
                    }
                    refused.withLock { $0 += 1 }
                }
            }
            #expect(sockets.withLock { $0.count } == 1)
            #expect(refused.withLock { $0 } == 7)
            for socket in sockets.withLock({ $0 }) { try socket.close() }
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root can make a directory somebody else's"))
    func aDirectoryOfSomebodyElseIsRefused() throws {
        let directory = try Directory()
        let own = directory.path + "/svc-gateway"
        try FileManager.default.createDirectory(atPath: own, withIntermediateDirectories: false)
        try FileManager.default.setAttributes([.ownerAccountID: 12_345], ofItemAtPath: own)
        #expect(throws: ControlSocketError.directoryOfSomebodyElse(own, owner: 12_345)) {
            try directory.file().listen()
        }
    }

    /// A link could lead into a directory of the one who made it.
    @Test func aLinkIsNoDirectory() throws {
        let directory = try Directory()
        let own = directory.path + "/svc-gateway"
        try FileManager.default.createSymbolicLink(atPath: own, withDestinationPath: "/tmp")
        #expect(throws: ControlSocketError.notADirectory(own)) { try directory.file().listen() }
    }

    @Test func theKernelsLengthIsTheLongest() throws {
        let directory = try Directory()
        let name = String(repeating: "x", count: 107 - directory.path.utf8.count - 1)
        let longest = directory.file(name, ownsDirectory: false)
        let socket = try longest.listen()
        defer { try? socket.close() }
        #expect(FileManager.default.fileExists(atPath: longest.path))
        let longer = directory.file(name + "x", ownsDirectory: false)
        #expect(throws: ControlSocketError.pathTooLong(longer.path, bytes: 108, bytesMax: 107)) {
            try longer.listen()
        }
    }

    /// A gateway whose queue is full is alive, and must not be waited for.
    @Test func aFullQueueIsALivingGateway() throws {
        let directory = try Directory()
        let file = directory.file()
        try file.listen().close()
        try FileManager.default.removeItem(atPath: file.path)
        let listener = try Socket(domain: AF_UNIX, type: .stream)
        defer { try? listener.close() }
        try listener.bind(to: .unix(path: file.path))
        try listener.listen(maxPendingConnection: 0)
        var clients: [Socket] = []
        defer { for client in clients { try? client.close() } }
        while clients.count < 16 {
            let client = try Socket(domain: AF_UNIX, type: .stream)
            try client.setFlags(.nonBlocking)
            clients.append(client)
            do { try client.connect(to: .unix(path: file.path)) } catch { break }
        }
        #expect(clients.count < 16, "its queue is full")
        #expect(throws: ControlSocketError.inUse(path: file.path, instance: "a")) { try directory.file().listen() }
    }
}
