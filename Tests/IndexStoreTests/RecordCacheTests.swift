import OAP
import Testing

@testable import IndexStore

/// Goal: the cache never gives a record that a walk down the tree would not give. Method: the cache alone with records
/// at known addresses, and a reader against a model while a second process commits.
@Suite struct RecordCacheTests {
    /// A record at an address that stays.
    @safe private final class PlacedRecord {
        let bytes: UnsafeMutableBufferPointer<UInt8>

        init(_ json: String) {
            let utf8 = Array(json.utf8)
            unsafe self.bytes = .allocate(capacity: utf8.count)
            _ = unsafe self.bytes.initialize(from: utf8)
        }

        deinit { unsafe self.bytes.deallocate() }

        var pointer: UnsafeBufferPointer<UInt8> { unsafe UnsafeBufferPointer(self.bytes) }
    }

    private func insert(_ cache: inout RecordCache, _ key: String, _ record: PlacedRecord) {
        let bytes = Array(key.utf8)
        let hash = cache.hash(bytes.span)
        unsafe cache.insert(bytes.span, hash: hash, record.pointer)
    }

    private func find(_ cache: borrowing RecordCache, _ key: String) -> UnsafeRawPointer? {
        let bytes = Array(key.utf8)
        let hash = cache.hash(bytes.span)
        return unsafe cache.record(bytes.span, hash: hash).map { unsafe UnsafeRawPointer($0.baseAddress!) }
    }

    @Test func findsWhatWasInsertedUntilTheNextCommit() {
        var cache = RecordCache(recordCount: 10)
        cache.begin(transaction: 7) { 10 }
        let record = PlacedRecord(#"{"key":"name:a","manifest":null,"providers":[],"etag":"0"}"#)
        self.insert(&cache, "name:a", record)
        let found = unsafe self.find(cache, "name:a")
        #expect(unsafe found == UnsafeRawPointer(record.pointer.baseAddress!))
        cache.begin(transaction: 7) { 10 }
        #expect(unsafe self.find(cache, "name:a") != nil, "the same commit keeps it")
        #expect(unsafe self.find(cache, "name:b") == nil)
        cache.begin(transaction: 8) { 10 }
        #expect(unsafe self.find(cache, "name:a") == nil, "another commit forgets it")
        cache.begin(transaction: 7) { 10 }
        #expect(unsafe self.find(cache, "name:a") == nil, "an older number is another state too")
    }

    @Test func aRecordOfAnotherKeyIsNeverTaken() {
        var cache = RecordCache(recordCount: 10)
        cache.begin(transaction: 1) { 10 }
        let escaped = PlacedRecord(#"{"key":"name:a\"b","manifest":null,"providers":[],"etag":"0"}"#)
        self.insert(&cache, #"name:a"b"#, escaped)
        #expect(unsafe self.find(cache, #"name:a"b"#) == nil, "an escaped key takes the tree")
        let longer = PlacedRecord(#"{"key":"name:abc","manifest":null,"providers":[],"etag":"0"}"#)
        self.insert(&cache, "name:ab", longer)
        #expect(unsafe self.find(cache, "name:ab") == nil, "a prefix is another key")
        let short = PlacedRecord(#"{"key":"#)
        self.insert(&cache, "name:a", short)
        #expect(unsafe self.find(cache, "name:a") == nil, "no byte behind the record is read")
    }

    @Test func epochsThatWrapForgetEverything() {
        var cache = RecordCache(recordCount: 10)
        let record = PlacedRecord(#"{"key":"name:a","manifest":null,"providers":[],"etag":"0"}"#)
        cache.begin(transaction: 1) { 10 }
        self.insert(&cache, "name:a", record)
        for transaction in 2...140_000 {
            cache.begin(transaction: transaction) { 10 }
            guard unsafe self.find(cache, "name:a") == nil else {
                Issue.record("transaction \(transaction) finds what transaction 1 inserted")
                return
            }
        }
    }

    @Test func growsWithTheIndexAndHoldsMostOfIt() {
        var cache = RecordCache(recordCount: 0)
        cache.begin(transaction: 1) { 100_000 }
        let record = PlacedRecord(#"{"key":"name:00000","manifest":null,"providers":[],"etag":"0"}"#)
        var records: [PlacedRecord] = []
        for number in 0..<100_000 {
            let key = "name:\(number)"
            records.append(PlacedRecord("{\"key\":\"\(key)\",\"etag\":\"0\"}"))
            self.insert(&cache, key, records[number])
        }
        var hits = 0
        for number in 0..<100_000 {
            guard let found = unsafe self.find(cache, "name:\(number)") else { continue }
            #expect(unsafe found == UnsafeRawPointer(records[number].pointer.baseAddress!))
            hits += 1
        }
        #expect(hits > 95_000, "\(hits) of 100,000 keys are still there")
        _ = record
    }

    /// Every lookup agrees with the model of what was committed, and within a turn with what the turn saw first.
    @Test(arguments: [UInt64(1), 2])
    func agreesWithTheModelWhileASecondProcessCommits(seed: UInt64) throws {
        let directory = TemporaryDirectory()
        var random = SplitMix(state: seed)
        var model: [String: String] = [:]
        func commit() throws {
            var lines = ""
            for _ in 0..<40 {
                let key = "name:k\(random.next() % 200)"
                let region = "r\(random.next() % 1000)"
                model[key] = region
                lines += #"{"key":"\#(key)","manifest":null,"providers":[{"id":"p","region":"\#(region)","score":1}]}"#
                lines += "\n"
            }
            #expect(try Ronctl.run("index", "import", "-", "--index-path", directory.index, input: lines).status == 0)
            let gone = "name:k\(random.next() % 200)"
            guard model.removeValue(forKey: gone) != nil else { return }
            #expect(try Ronctl.run("index", "delete", gone, "--index-path", directory.index).status == 0)
        }
        try commit()
        let environment = try IndexEnvironment(readOnlyAt: directory.index)
        var reader = try environment.makeReader()
        for _ in 0..<8 {
            for _ in 0..<3 {
                for number in 0..<200 {
                    let key = "name:k\(number)"
                    let found = Self.region(&reader, key)
                    #expect(found == model[key], "seed \(seed), \(key)")
                }
                reader.endTurn()
            }
            let before = Self.region(&reader, "name:k1")
            try commit()
            #expect(Self.region(&reader, "name:k1") == before, "a turn sees one state")
            reader.endTurn()
        }
    }

    private static func region(_ reader: inout IndexReader, _ key: String) -> String? {
        let bytes = Array(key.utf8)
        var json: [UInt8] = []
        let outcome = reader.lookup(bytes.span) { record in
            for index in record.indices { json.append(record[index]) }
        }
        guard case .found = outcome, let record = try? IndexRecord(json: json.span) else { return nil }
        return record.key == key ? record.providers[0].region : "the record of \(record.key)"
    }

    private struct SplitMix {
        var state: UInt64

        mutating func next() -> UInt64 {
            self.state &+= 0x9E37_79B9_7F4A_7C15
            var word = self.state
            word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
            return word ^ (word >> 31)
        }
    }
}
