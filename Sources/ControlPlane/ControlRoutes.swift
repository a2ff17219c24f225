import ControlProtocol
import FlyingFox
import Foundation

/// What the control socket shows and does: the only thing that it knows of the gateway. Any thread, many requests at
/// once.
protocol ControlSource: Sendable {
    func status() -> StatusReport
    func limits() -> LimitsReport
    /// As `ronctl config show -o json` prints it, of what is in effect.
    func configuration() throws -> String
    func reload() async -> ReloadReport
}

/// The paths of the control socket, which whoever may open it may use.
struct ControlRoutes: HTTPHandler {
    let source: any ControlSource

    private static let list = """
        GET  /v1/status   how the gateway is doing
        GET  /v1/limits   what bounds it, with the memory and descriptors that this takes
        GET  /v1/config   the settings in effect, and where each came from
        POST /v1/reload   reads the configuration again

        """

    func handleRequest(_ request: HTTPRequest) async -> HTTPResponse {
        let path = request.target.path()
        let method = request.method == .HEAD ? "GET" : request.method.rawValue
        if path == "/" {
            return method == "GET" ? AdminResponse.text(Self.list) : Self.notAllowed(method, path, allowed: "GET")
        }
        guard let route = ControlPath(rawValue: path) else { return AdminResponse.refusal(.notFound(path: path)) }
        guard method == route.method else { return Self.notAllowed(method, path, allowed: route.method) }
        switch route {
        case .status: return Self.json(self.source.status())
        case .limits: return Self.json(self.source.limits())
        case .config: return self.configuration()
        case .reload:
            let report = await self.source.reload()
            return Self.json(report, status: report.result == .refused ? 422 : 200)
        }
    }

    private static func notAllowed(_ method: String, _ path: String, allowed: String) -> HTTPResponse {
        AdminResponse.refusal(
            .methodNotAllowed(
                "\(path) takes \(allowed), not \(method)", allowed: allowed == "GET" ? "GET, HEAD" : allowed))
    }

    private func configuration() -> HTTPResponse {
        guard let text = try? self.source.configuration() else { return Self.failure }
        // The answer adds its own newline.
        return AdminResponse.json(Data(text.utf8.dropLast()))
    }

    private static func json(_ report: some Encodable, status: Int = 200) -> HTTPResponse {
        guard let data = try? ControlJSON.encode(report) else { return Self.failure }
        return AdminResponse.json(data, status: status)
    }

    /// Strings, numbers and booleans always encode; whoever adds a type that does not reads this.
    private static var failure: HTTPResponse {
        AdminResponse.refusal(AdminRefusal(status: 500, code: "internal", message: "the report cannot be encoded"))
    }
}
