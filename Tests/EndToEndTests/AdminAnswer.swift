import Foundation
import Reactor

/// One answer of the admin port, asked for without any HTTP library.
struct AdminAnswer {
    let status: Int
    /// By lower-case name.
    let headers: [String: String]
    let body: String

    init(_ path: String, at address: SocketAddress) throws {
        let socket = try BlockingSocket(connectingTo: address)
        try socket.sendAll(Array("GET \(path) HTTP/1.1\r\nHost: \(address)\r\nConnection: close\r\n\r\n".utf8))
        var bytes: [UInt8] = []
        while true {
            let more = try socket.receive(timeoutMilliseconds: 10_000)
            if more.isEmpty { break }
            bytes += more
        }
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.range(of: "\r\n\r\n") else { throw Failure("no HTTP answer: \(text)") }
        let head = text[..<end.lowerBound].components(separatedBy: "\r\n")
        guard let status = head.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
            throw Failure("no status: \(text)")
        }
        self.status = status
        self.headers = head.dropFirst().reduce(into: [:]) { headers, line in
            let parts = line.split(separator: ":", maxSplits: 1)
            headers[parts[0].lowercased()] = parts.dropFirst().first.map { $0.trimmingCharacters(in: .whitespaces) }
        }
        self.body = String(text[end.upperBound...])
    }

    var json: [String: Any] {
        get throws { try jsonObject(self.body) }
    }
}

/// A scrape.
struct Metrics {
    struct Series: Hashable {
        let name: String
        let labels: [String: String]
    }

    let text: String
    let values: [Series: Double]

    init(_ text: String) {
        self.text = text
        var values: [Series: Double] = [:]
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            guard let space = line.lastIndex(of: " "), let value = Double(line[line.index(after: space)...]) else {
                continue
            }
            values[Self.series(line[..<space])] = value
        }
        self.values = values
    }

    private static func series(_ text: Substring) -> Series {
        let name = text.prefix { $0 != "{" }
        var labels: [String: String] = [:]
        for match in text.matches(of: /([a-z_]+)="([^"]*)"/) { labels[String(match.output.1)] = String(match.output.2) }
        return Series(name: String(name), labels: labels)
    }

    /// The sum of the series with that name and at least these labels; nil when there is none.
    func sum(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        let found = self.values.filter { series, _ in
            series.name == name && labels.allSatisfy { series.labels[$0.key] == $0.value }
        }
        return found.isEmpty ? nil : found.values.reduce(0, +)
    }

    /// By how much a sum has grown since an earlier scrape.
    func growth(_ name: String, _ labels: [String: String] = [:], since earlier: Metrics) -> Double? {
        guard let now = self.sum(name, labels), let then = earlier.sum(name, labels) else { return nil }
        return now - then
    }
}
