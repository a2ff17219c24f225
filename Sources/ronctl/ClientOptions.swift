import ArgumentParser
import Foundation
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
    var timeout = ClientTimeSpan(milliseconds: 5000)

    /// Where to connect to. The host may be a name, which is looked up.
    func address() throws(ClientFailure) -> Reactor.SocketAddress {
        let named = ProcessInfo.processInfo.environment[Self.serverVariable].flatMap { $0.isEmpty ? nil : $0 }
        let text = self.server ?? named ?? Self.serverDefault
        do throws(ServerAddress.Fault) {
            return try ServerAddress.parse(text)
        } catch {
            let source = self.server == nil && named != nil ? Self.serverVariable : "--server"
            throw ClientFailure(message: "\(source) \"\(ClientText.printable(text))\": \(error)")
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

/// A length of time with its unit: `500ms`, `5s`, `1m`.
struct ClientTimeSpan: ExpressibleByArgument {
    let milliseconds: Int

    init(milliseconds: Int) { self.milliseconds = milliseconds }

    init?(argument: String) {
        let digits = argument.prefix { $0.isASCII && $0.isNumber }
        let factors = ["ms": 1, "s": 1000, "m": 60_000]
        let unit = String(argument.dropFirst(digits.count))
        guard let count = Int(digits), let factor = factors[unit] else { return nil }
        let (milliseconds, overflow) = count.multipliedReportingOverflow(by: factor)
        guard !overflow, (1...3_600_000).contains(milliseconds) else { return nil }
        self.milliseconds = milliseconds
    }

    var defaultValueDescription: String {
        self.milliseconds.isMultiple(of: 1000) ? "\(self.milliseconds / 1000)s" : "\(self.milliseconds)ms"
    }
}
