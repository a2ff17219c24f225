import ArgumentParser
import Foundation
import OAP
import Reactor
import Terminal

/// `ronctl hello`
struct ClientHelloCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hello", abstract: "Print what a gateway announces about itself.", discussion: ClientExit.help)

    @OptionGroup var client: ClientOptions

    @Option(name: [.short, .customLong("output")], help: "table, or json: the announcement as it came.")
    var output = ClientFormat.table

    /// The reply of HELLO.
    private struct Announcement: Decodable {
        let maxFrame: Int
        let maxInflight: Int
        let flagsSupported: UInt16
        let versions: [Int]
        let transports: [String]

        enum CodingKeys: String, CodingKey {
            case maxFrame = "max_frame"
            case maxInflight = "max_inflight"
            case flagsSupported = "flags_supported"
            case versions, transports
        }
    }

    func run() throws {
        let refusal = try ClientExit.run { () throws(ClientFailure) -> ClientRefusal? in
            var connection = try self.client.connect()
            let answer = try connection.request(Application.control, .hello, [])
            if let refusal = answer.refusal { return refusal }
            guard answer.status == 200,
                let announcement = try? JSONDecoder().decode(Announcement.self, from: Data(answer.payload))
            else { throw connection.malformed(answer, "no announcement that can be read") }
            switch self.output {
            case .json: try ClientText.printLine(String(decoding: answer.payload, as: UTF8.self))
            case .table: try Self.printTable(announcement, server: connection.address.description)
            }
            return nil
        }
        guard let refusal else { return }
        console.printError("the gateway refused: \(refusal.sentence)")
        throw ClientExit.refused
    }

    private static func printTable(_ announcement: Announcement, server: String) throws(ClientFailure) {
        let rows = [
            ("server", server),
            ("versions", announcement.versions.map(String.init).joined(separator: ", ")),
            ("transports", announcement.transports.map(TerminalText.printable).joined(separator: ", ")),
            ("max_frame", "\(NumberText.grouped(announcement.maxFrame)) bytes"),
            ("max_inflight", NumberText.grouped(announcement.maxInflight)),
            ("flags", Self.names(of: announcement.flagsSupported)),
        ]
        for (name, value) in rows {
            try ClientText.printLine(TextStyle.standardOutput.styled(TerminalText.padded(name, 14), .bold) + value)
        }
    }

    private static func names(of flags: UInt16) -> String {
        let names = ["REQ", "RESP", "EVENT", "START", "END", "ACK_REQ", "COMP", "APP_E2E"]
        let supported = names.indices.filter { flags & 1 << UInt16($0) != 0 }.map { names[$0] }
        let missing = names.indices.filter { flags & 1 << UInt16($0) == 0 }.map { names[$0] }
        return supported.joined(separator: " ") + (missing.isEmpty ? "" : " (not \(missing.joined(separator: " ")))")
    }
}
