internal import Foundation

/// Whether and where the control socket is.
public enum ControlSocketChoice: Sendable, Equatable {
    /// `INSTANCE.sock` in the first of `ControlSocketPath.directories`.
    case automatic
    case off
    case path(String)

    static let automaticText = "auto"
}

/// The name of a gateway among those of its machine.
public enum InstanceName {
    public static let standard = "default"

    /// 1 to 48 letters, digits, dots, underscores and dashes, the first a letter or a digit: a file's name anywhere.
    public static func isValid(_ name: String) -> Bool {
        guard (1...48).contains(name.utf8.count), let first = name.utf8.first, Self.isWordByte(first) else {
            return false
        }
        return name.utf8.allSatisfy { Self.isWordByte($0) || ".-_".utf8.contains($0) }
    }

    public static let expected = "1 to 48 letters, digits, \".\", \"_\" or \"-\", the first a letter or digit"

    private static func isWordByte(_ byte: UInt8) -> Bool {
        byte.isDigit || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}

/// Where control sockets are. The gateway makes its own in the first directory; `ronctl` looks into all of them.
public enum ControlSocketPath {
    /// What the kernel's address of a Unix socket holds, without the zero at its end.
    public static let bytesMax = 107

    /// The directory's name below a runtime directory.
    private static let directoryName = "svc-gateway"

    /// Where sockets of this user's gateways may be, the place for a new one first:
    /// - `$RUNTIME_DIRECTORY`, which systemd makes for a service: itself where it is called `svc-gateway`;
    /// - `$XDG_RUNTIME_DIR/svc-gateway`, of a login session, when there is that directory;
    /// - `/run/svc-gateway`, where only root may make one; others look there for a gateway of the system;
    /// - `/tmp/svc-gateway-UID`, when nothing else is there.
    ///
    /// - Parameter userID: the effective one of this process without.
    public static func directories(environment: [String: String], userID: UInt32? = nil) -> [String] {
        let userID = userID ?? geteuid()
        var places: [String] = []
        // systemd lists several with colons.
        if let first = environment["RUNTIME_DIRECTORY"]?.split(separator: ":").first, first.hasPrefix("/") {
            let isOurs = first.split(separator: "/").last.map { $0 == Self.directoryName } ?? false
            places.append(isOurs ? String(first) : "\(first)/\(Self.directoryName)")
        }
        if let session = environment["XDG_RUNTIME_DIR"], session.hasPrefix("/"), Self.isDirectory(session) {
            places.append("\(session)/\(Self.directoryName)")
        }
        let system = "/run/\(Self.directoryName)"
        let temporary = "/tmp/\(Self.directoryName)-\(userID)"
        return places + (userID == 0 || !places.isEmpty ? [system, temporary] : [temporary, system])
    }

    /// Where a new one goes unless its path is named.
    public static func standard(instance: String, environment: [String: String]) -> String {
        Self.path(instance: instance, in: Self.directories(environment: environment)[0])
    }

    public static func path(instance: String, in directory: String) -> String { "\(directory)/\(instance).sock" }

    private static func isDirectory(_ path: String) -> Bool {
        let resolved = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        let type = try? FileManager.default.attributesOfItem(atPath: resolved)[.type] as? FileAttributeType
        return type == .typeDirectory
    }
}
