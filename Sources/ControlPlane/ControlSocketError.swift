/// Why there can be no control socket. Each description is a sentence for the operator, with what to do.
public enum ControlSocketError: Error, Sendable, Equatable, CustomStringConvertible {
    case pathTooLong(String, bytes: Int, bytesMax: Int)
    /// What should hold the directory is not there.
    case parentMissing(directory: String)
    /// A file, or a symbolic link, stands where the directory belongs.
    case notADirectory(String)
    case directoryOfSomebodyElse(String, owner: UInt32)
    case directoryWritableByAll(String)
    /// A gateway answers there.
    case inUse(path: String, instance: String)
    /// Something that is no socket stands there.
    case notASocket(String)
    /// A start of another gateway in the same directory did not end.
    case busy(directory: String)
    case system(path: String, call: String, reason: String)

    public var description: String {
        let remedy = Self.remedy
        switch self {
        case .pathTooLong(let path, let bytes, let bytesMax):
            return "control socket \(path): the path has \(bytes) bytes, and the kernel takes \(bytesMax); \(remedy)"
        case .parentMissing(let directory):
            return "control socket: there is no place for the directory \(directory); make it (mkdir -p -m 0750), or "
                + remedy
        case .notADirectory(let path):
            return "control socket: \(path) is no directory; remove it, or \(remedy)"
        case .directoryOfSomebodyElse(let path, let owner):
            return "control socket: the directory \(path) belongs to user \(owner), who could answer in this gateway's "
                + "place; give it to this user (chown), or \(remedy)"
        case .directoryWritableByAll(let path):
            return "control socket: everybody may write to the directory \(path), and so replace the socket; take that "
                + "away (chmod 0750), or \(remedy)"
        case .inUse(let path, let instance):
            return "control socket \(path): another gateway serves as instance \"\(instance)\"; stop it, or give this "
                + "one a name of its own (--instance NAME)"
        case .notASocket(let path):
            return "control socket \(path): something that is no socket stands there; remove it, or \(remedy)"
        case .busy(let directory):
            return "control socket: another gateway has been starting in \(directory) for a second; try again"
        case .system(let path, let call, let reason):
            return "control socket \(path): \(call) failed with \(reason); \(remedy)"
        }
    }

    private static let remedy =
        "name another place (--control-socket PATH), or do without (--control-socket \"\")"
}
