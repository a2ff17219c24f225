internal import Foundation

/// The sockets of this process, from /proc: unlike a count of descriptors it is not disturbed by tests that run beside.
public enum SocketTable {
    /// IPv4 sockets of this process whose own port is `port`: listeners and accepted connections, not their clients.
    public static func ownSocketsBound(toPort port: UInt16) -> Int {
        guard let table = try? String(contentsOfFile: "/proc/self/net/tcp", encoding: .utf8) else { return 0 }
        let wanted = ":" + String(port, radix: 16, uppercase: true).leftPadded(to: 4)
        var inodes: Set<String> = []
        for line in table.split(separator: "\n").dropFirst() {
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            guard fields.count > 9, fields[1].hasSuffix(wanted) else { continue }
            inodes.insert("socket:[\(fields[9])]")
        }
        guard !inodes.isEmpty else { return 0 }
        let directory = "/proc/self/fd"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.count { name in
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(directory)/\(name)")
            return target.map { inodes.contains($0) } ?? false
        }
    }
}

extension String {
    fileprivate func leftPadded(to width: Int) -> String {
        String(repeating: "0", count: max(0, width - self.count)) + self
    }
}
