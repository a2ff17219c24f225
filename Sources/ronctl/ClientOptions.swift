import ArgumentParser
import Foundation
import Terminal
import Reactor

/// Where the gateway is and how patient the client is: the same for all commands that speak OAP/1.
struct ClientOptions: ParsableArguments {
    static let serverDefault = "127.0.0.1:9444"
    static let serverVariable = "SVC_GATEWAY_ADDR"

    @Option(
        help: ArgumentHelp(
            """
            The gateway: HOST:PORT, or PORT on loopback. (default: $\(Self.serverVariable), else \
            \(Self.serverDefault))
            """,
            valueName: "host:port"))
    var server: String?

    @Option(help: "How long a connect, and each answer, may take: 500ms, 5s, 1m.")
    var timeout = TimeSpan(milliseconds: 5000)

    /// Where to connect to. The host may be a name, which is looked up.
    func address() throws(ClientFailure) -> Reactor.SocketAddress {
        let named = ProcessInfo.processInfo.environment[Self.serverVariable].flatMap { $0.isEmpty ? nil : $0 }
        let text = self.server ?? named ?? Self.serverDefault
        do throws(ServerAddress.Fault) {
            return try ServerAddress.parse(text)
        } catch {
            let source = self.server == nil && named != nil ? Self.serverVariable : "--server"
            throw ClientFailure(
                message: "\(source) \"\(TerminalText.printable(text))\": \(error)", status: Self.status(of: error))
        }
    }

    /// A name that the resolver does not know may be known later; the other faults are in the text.
    private static func status(of fault: ServerAddress.Fault) -> ExitCode {
        switch fault {
        case .portMissing, .invalidPort, .hostMissing, .bracketsMissing: .validationFailure
        case .unknownHost: ClientExit.unreachable
        }
    }

    func connect() throws(ClientFailure) -> ClientConnection {
        try ClientConnection(to: try self.address(), timeoutMilliseconds: self.timeout.milliseconds)
    }
}

/// The two forms of output.
enum ClientFormat: String, ExpressibleByArgument, CaseIterable {
    case table
    case json
}

extension TimeSpan: ExpressibleByArgument {
    init?(argument: String) { self.init(parsing: argument) }
    var defaultValueDescription: String { self.description }
}
