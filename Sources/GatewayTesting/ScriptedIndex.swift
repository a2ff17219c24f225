public import Gateway
public import GatewayRuntime
internal import OAP

/// Records that are made up from their keys, so that both sides of a test know them.
public enum ScriptedRecords {
    /// The record's JSON of a key that has no character to escape.
    public static func record(forKey key: String) -> [UInt8] { self.record(forKey: Array(key.utf8).span) }

    static func record(forKey key: Span<UInt8>) -> [UInt8] {
        var writer = JSONWriter(capacity: 128 + key.count)
        writer.raw("{\"key\":")
        writer.string(key)
        writer.raw(",\"manifest\":null,\"providers\":[],\"etag\":\"0000000000000001\"}")
        return writer.bytes
    }
}

/// An index in memory whose keys say what it does with them:
///
/// | key | outcome |
/// |---|---|
/// | a key of `records` | found, at once |
/// | `name:fail-<code or status>` | fails with that code, e.g. `name:fail-402`, `name:fail-index_unavailable` |
/// | `name:late-<milliseconds>-…` | found, so much later |
/// | `name:never-…` | no answer at all |
/// | `name:large` | a record of the largest size |
/// | any other | absent |
public struct ScriptedIndex: WorkerIndex, ~Copyable {
    public static var answersAtOnce: Bool { false }

    /// Keys that every scripted index has: `name:site`, `name:ключ`, the largest key and one digest.
    public static let keys: [String] = [
        "name:site", "name:ключ", "name:" + String(repeating: "k", count: IndexKey.labelBytesMax),
        "b3:" + String(repeating: "0a", count: 32),
    ]

    /// The largest record that an index takes.
    public static let largeRecord: [UInt8] = {
        let fixed = ScriptedRecords.record(forKey: "name:large").count
        let filler = String(repeating: " ", count: IndexRecord.jsonBytesMax - fixed)
        var record = ScriptedRecords.record(forKey: "name:large")
        record.insert(contentsOf: Array(filler.utf8), at: record.count - 1)
        return record
    }()

    private var records: [[UInt8]: [UInt8]] = [:]
    private var queue = LateQueue()

    /// - Parameter records: further ones, JSON by key.
    public init(records: [String: [UInt8]] = [:]) {
        for key in Self.keys { self.records[Array(key.utf8)] = ScriptedRecords.record(forKey: key) }
        self.records[Array("name:large".utf8)] = Self.largeRecord
        for (key, record) in records { self.records[Array(key.utf8)] = record }
    }

    /// The failure that a key asks for: `name:fail-` with a code's name or a status, of which it is the first code.
    static func scriptedFailure(_ key: String) -> IndexFailure? {
        guard key.hasPrefix("name:fail-") else { return nil }
        let word = String(key.dropFirst("name:fail-".count))
        let code = ErrorCode.allCases.first { $0.name == word || String($0.status) == word }
        return code.map { IndexFailure(code: $0, detail: "scripted \($0.name): connect ECONNREFUSED (index.sock)") }
    }

    public mutating func lookup(
        _ key: Span<UInt8>, ticket: Ticket?, nowNanoseconds: UInt64, _ found: (Span<UInt8>) -> Void
    ) -> IndexOutcome {
        let bytes = key.indices.map { key[$0] }
        if let record = self.records[bytes] {
            found(record.span)
            return .found
        }
        let text = String(decoding: bytes, as: UTF8.self)
        if let failure = Self.scriptedFailure(text) { return .failed(failure) }
        guard let ticket else { return .absent }
        if text.hasPrefix("name:never-") { return .pending }
        if text.hasPrefix("name:late-"), let delay = UInt64(text.dropFirst("name:late-".count).prefix { $0 != "-" }) {
            self.queue.add(
                LateAnswer(ticket: ticket, outcome: .found, record: ScriptedRecords.record(forKey: key)),
                dueNanoseconds: nowNanoseconds + delay * 1_000_000)
            return .pending
        }
        return .absent
    }

    public mutating func endTurn() {}

    public var nextLateNanoseconds: UInt64? { self.queue.nextDueNanoseconds }

    public mutating func popLate(nowNanoseconds: UInt64) -> LateAnswer? {
        self.queue.popDue(nowNanoseconds: nowNanoseconds)
    }
}
