/// Where names are looked up.
public enum IndexChoice: Sendable, Equatable, CustomStringConvertible {
    /// In a directory of this machine, by the gateway itself: nil is that of `index_path`.
    case embedded(path: String?)
    /// By an OAP/1 service at one of these addresses, 1 to `endpointsMax`, whose index is the same.
    case remote([IndexEndpoint])

    public static let endpointsMax = 8

    /// The form that `init(parsing:)` reads back.
    public var description: String {
        switch self {
        case .embedded(nil): "embedded"
        case .embedded(let path?): "embedded:\(path)"
        case .remote(let endpoints): endpoints.map(\.description).joined(separator: ",")
        }
    }

    static let expected =
        "\"embedded\", \"embedded:DIRECTORY\", or up to \(Self.endpointsMax) of \"unix:PATH\" and \"tcp:ADDRESS:PORT\" with "
        + "commas between them"

    /// Reads one of the forms; a path alone is a Unix socket, as `RON_INDEX_SOCK` has it.
    init(parsing text: String) throws(IndexChoiceFault) {
        guard !text.utf8.contains(0) else { throw .form }
        if text == "embedded" {
            self = .embedded(path: nil)
            return
        }
        if text.hasPrefix("embedded:") {
            let path = text.dropFirst("embedded:".count)
            guard !path.isEmpty else { throw .pathMissing }
            self = .embedded(path: String(path))
            return
        }
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        guard parts.count <= Self.endpointsMax else { throw .tooMany(parts.count) }
        var endpoints: [IndexEndpoint] = []
        for part in parts {
            let endpoint = try IndexEndpoint(parsing: part)
            guard !endpoints.contains(endpoint) else { throw .twice(endpoint) }
            endpoints.append(endpoint)
        }
        self = .remote(endpoints)
    }
}

/// One address of an index service.
public enum IndexEndpoint: Sendable, Equatable, CustomStringConvertible {
    case unix(path: String)
    case tcp(SocketAddress)

    public var description: String {
        switch self {
        case .unix(let path): "unix:\(path)"
        case .tcp(let address): "tcp:\(address)"
        }
    }

    fileprivate init(parsing text: Substring) throws(IndexChoiceFault) {
        if text.hasPrefix("tcp:") {
            do {
                let address = try SocketAddress(parsing: String(text.dropFirst("tcp:".count)))
                guard address.port != 0, !address.isWildcard else { throw IndexChoiceFault.unreachable }
                self = .tcp(address)
            } catch let fault as SocketAddressFault {
                throw .address(fault)
            } catch {
                throw .unreachable
            }
            return
        }
        let path = text.hasPrefix("unix:") ? text.dropFirst("unix:".count) : text
        guard text.hasPrefix("unix:") || text.hasPrefix("/") else { throw .form }
        guard !path.isEmpty else { throw .pathMissing }
        guard path.utf8.count <= ControlSocketPath.bytesMax else { throw .pathTooLong(path.utf8.count) }
        self = .unix(path: String(path))
    }
}

/// Why a text is no `IndexChoice`.
enum IndexChoiceFault: Error, Equatable, CustomStringConvertible {
    case form
    case pathMissing
    case pathTooLong(Int)
    case address(SocketAddressFault)
    case unreachable
    case tooMany(Int)
    case twice(IndexEndpoint)

    var description: String {
        switch self {
        case .form: "it names no kind of index"
        case .pathMissing: "it has no path behind the colon"
        case .pathTooLong(let bytes):
            "its path has \(bytes) bytes, and a socket's has \(ControlSocketPath.bytesMax) at most"
        case .address(let fault): fault.description
        case .unreachable: "nobody can be connected to there: it needs an address of one machine and a port"
        case .tooMany(let count): "it has \(count) addresses"
        case .twice(let endpoint): "it has \(endpoint) twice"
        }
    }
}
