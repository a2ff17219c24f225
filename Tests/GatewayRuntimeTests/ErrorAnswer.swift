import Foundation
import GatewayTesting
import OAP
import Reactor
import Testing

/// The JSON of an answer with a status of 400 or more.
struct ErrorAnswer: Decodable, Equatable {
    let code: String
    let message: String
    let retryable: Bool
    let correlation: String
    let retryAfterMilliseconds: UInt64?

    private enum CodingKeys: String, CodingKey {
        case code, message, retryable
        case correlation = "corr_id"
        case retryAfterMilliseconds = "retry_after_ms"
    }

    init(_ frame: WireFrame) throws {
        self = try JSONDecoder().decode(ErrorAnswer.self, from: Data(frame.payload))
    }
}

/// What a request is to be refused with.
struct ExpectedError {
    let status: UInt16
    let code: String
    var isRetryable = false

    init(_ status: UInt16, _ code: String, retryable: Bool = false) {
        self.status = status
        self.code = code
        self.isRetryable = retryable
    }

    /// Checks every part of an answer against the request's header as it was sent.
    func check(_ answer: WireFrame, to request: [UInt8], _ what: String) throws {
        let padded = request + [UInt8](repeating: 0, count: max(0, WireFrame.headerBytes - request.count))
        #expect(answer.version == 1, "\(what)")
        #expect(answer.flags == WireFrame.Flag.response | WireFrame.Flag.end, "\(what)")
        #expect(answer.code == self.status, "\(what)")
        #expect(answer.capability.isEmpty, "\(what)")
        #expect(answer.bytes[10..<28] == padded[10..<28], "app_proto_id and tenant_id are the request's: \(what)")
        #expect(answer.bytes[30..<38] == padded[30..<38], "corr_id is the request's: \(what)")

        let body = try ErrorAnswer(answer)
        #expect(body.code == self.code, "\(what)")
        #expect(body.retryable == self.isRetryable, "\(what)")
        #expect(body.correlation == String(answer.correlation), "\(what)")
        #expect(body.message.hasSuffix("."), "a sentence: \(what)")
        if self.status == 429 || self.status == 503 {
            let retryAfter = try #require(body.retryAfterMilliseconds, "\(what)")
            #expect((1...75_000).contains(retryAfter), "\(what)")
        } else {
            #expect(body.retryAfterMilliseconds == nil, "\(what)")
        }
    }
}

extension RawClient {
    /// True when a new connection is reset, while it is made or right after.
    static func isReset(_ address: SocketAddress) throws -> Bool {
        do throws(SystemError) {
            let client = try RawClient(address)
            return client.hasNews(withinMilliseconds: 10_000)
        } catch {
            guard error.name == "ECONNRESET" else { throw error }
            return true
        }
    }

    /// The connection is as good as new: a PING is answered, and the next frame is that answer.
    mutating func expectAlive(_ what: String = "") throws {
        let ping = WireFrame.ping("still here?", correlation: 0xA11CE)
        let answer = try self.ask(ping)
        #expect(answer.correlation == 0xA11CE && answer.code == 200 && answer.text == "still here?", "\(what)")
    }

    /// Sends a request that is refused, and checks the answer and that the connection stays.
    mutating func expectRefusal(_ request: WireFrame, _ expected: ExpectedError, _ what: String = "") throws {
        let answer = try self.ask(request)
        try expected.check(answer, to: request.bytes, "\(expected.code) \(what)")
        try self.expectAlive("\(expected.code) leaves the connection open \(what)")
    }

    /// Sends a resolve of a key that every scripted index has, and checks its record.
    mutating func expectResolved(_ key: String = "name:site", correlation: UInt64 = 77) throws {
        let answer = try self.ask(.resolve(key, correlation: correlation))
        #expect(answer.code == 200 && answer.correlation == correlation)
        #expect(answer.payload == ScriptedRecords.record(forKey: key))
    }
}
