public import Foundation

/// What the control socket is asked for.
public enum ControlPath: String, CaseIterable, Sendable {
    case status = "/v1/status"
    case limits = "/v1/limits"
    case config = "/v1/config"
    case reload = "/v1/reload"

    /// `GET` asks, `POST` changes.
    public var method: String {
        switch self {
        case .status, .limits, .config: "GET"
        case .reload: "POST"
        }
    }
}

/// The reports as JSON: members in snake case and in alphabetical order.
public enum ControlJSON {
    public static func encode(_ report: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(report)
    }

    public static func decode<Report: Decodable>(_ type: Report.Type, from data: Data) throws -> Report {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(type, from: data)
    }
}

/// What an error answer says.
public struct ControlFailure: Codable, Sendable, Equatable {
    /// Snake case: `not_found`.
    public var code: String
    public var message: String
}
