internal import IndexStore
internal import OAP
internal import Synchronization

/// An index of 100,000 records of about 200 bytes, made once and opened by the benchmarks that look up.
public enum BenchmarkIndex {
    static let recordsCount = 100_000
    /// Their keys hold a quote, which a record's JSON escapes; such keys always take the tree.
    static let escapedKeys = (0..<1000).map { Array("name:\"\($0 + 1_000_000)".utf8) }

    static func key(_ number: Int) -> [UInt8] {
        let digits = String(number)
        return Array("name:\(String(repeating: "0", count: 12 - digits.count))\(digits)".utf8)
    }

    static func keys(_ numbers: Range<Int>) -> [[UInt8]] { numbers.map(self.key) }

    /// Writes the index into a directory that has none.
    public static func make(at path: String) throws {
        var writer = try IndexWriter(at: path)
        let providers = try [("eu-west", 0.5), ("us-east", 0.25)].map {
            try IndexRecord.Provider(id: "node-\($0.0).example", region: $0.0, score: $0.1)
        }
        for key in self.keys(0..<self.recordsCount) + self.escapedKeys {
            let record = try IndexRecord(
                key: String(decoding: key, as: UTF8.self), manifest: nil, providers: providers)
            _ = try writer.put(record)
        }
        try writer.commit()
    }

    private static let configuredPath = Mutex<String?>(nil)

    /// Says where the index is that `make` has written. Before any benchmark runs.
    public static func use(_ path: String) { self.configuredPath.withLock { $0 = path } }

    static func path() throws -> String {
        guard let path = self.configuredPath.withLock({ $0 }) else { throw Missing() }
        return path
    }

    /// A process opens an index once.
    private static let opened = Result { try IndexEnvironment(readOnlyAt: try Self.path()) }

    static func environment() throws -> IndexEnvironment { try self.opened.get() }

    struct Missing: Error, CustomStringConvertible {
        var description: String {
            "this benchmark needs an index: make one with --make-index DIRECTORY and name it with --index DIRECTORY"
        }
    }
}
