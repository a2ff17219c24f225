import FlyingFox
import Foundation

/// The paths of the admin port. FlyingFox's handler type, so that the same routes can be served on any of its
/// servers.
struct AdminRoutes: HTTPHandler {
    let source: any AdminSource

    private enum Path {
        case list, metrics, healthz, readyz, version
        /// What follows `/resolve/`, still percent-encoded.
        case resolve(Substring)
    }

    private static let list = """
        /metrics        counters for Prometheus
        /healthz        200 while the process serves
        /readyz         200 when traffic may be sent here, 503 with the reasons otherwise
        /version        what runs here
        /resolve/{key}  the record of a key, for instance /resolve/name:site

        """

    func handleRequest(_ request: HTTPRequest) async -> HTTPResponse {
        let path = request.target.path()
        guard let route = Self.route(path) else { return AdminResponse.refusal(.notFound(path: path)) }
        guard request.method == .GET || request.method == .HEAD else {
            return AdminResponse.refusal(.methodNotAllowed(request.method.rawValue))
        }
        switch route {
        case .list: return AdminResponse.text(Self.list)
        case .metrics:
            return AdminResponse.text(
                self.source.metricsText(), contentType: "text/plain; version=0.0.4; charset=utf-8")
        case .healthz: return AdminResponse.json(["status": "ok"])
        case .readyz: return Self.readiness(self.source.readiness())
        case .version: return AdminResponse.json(self.source.version())
        case .resolve(let encoded): return await self.resolve(encoded)
        }
    }

    private static func route(_ path: String) -> Path? {
        switch path {
        case "/": return .list
        case "/metrics": return .metrics
        case "/healthz": return .healthz
        case "/readyz": return .readyz
        case "/version": return .version
        default:
            let prefix = "/resolve/"
            return path.hasPrefix(prefix) ? .resolve(path.dropFirst(prefix.count)) : nil
        }
    }

    private static func readiness(_ report: ReadinessReport) -> HTTPResponse {
        struct Body: Encodable {
            let ready: Bool
            let reasons: [String]?
            let details: [String: String]?
        }
        return AdminResponse.json(
            Body(
                ready: report.isReady, reasons: report.isReady ? nil : report.reasons,
                details: report.details.isEmpty ? nil : report.details),
            status: report.isReady ? 200 : 503)
    }

    private func resolve(_ encoded: Substring) async -> HTTPResponse {
        guard let key = Self.percentDecoded(encoded) else {
            return AdminResponse.refusal(
                .badRequest("the key is no percent-encoded UTF-8: % is followed by two hexadecimal digits"))
        }
        guard !key.isEmpty else {
            return AdminResponse.refusal(.badRequest("the key is missing; for instance /resolve/name:site"))
        }
        switch await self.source.resolve(key: key) {
        case .record(let json): return AdminResponse.json(Data(json))
        case .refused(let status, let code, let message, let retryable, let retryAfterMilliseconds):
            return AdminResponse.refusal(
                AdminRefusal(
                    status: status, code: code, message: message, retryable: retryable,
                    retryAfterMilliseconds: retryAfterMilliseconds))
        }
    }

    /// Nil when an escape is broken or the bytes are no UTF-8. A plus sign stays one: this is a path, not a form.
    static func percentDecoded(_ encoded: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = encoded.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(self.hexadecimal),
                let low = rest.popFirst().flatMap(self.hexadecimal)
            else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
