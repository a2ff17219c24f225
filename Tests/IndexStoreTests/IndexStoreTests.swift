import Foundation
import IndexStore
import OAP
import Testing

@Suite struct IndexStoreTests {
    @Test func putGetReplaceDelete() throws {
        let directory = TemporaryDirectory()
        let first = try makeRecord("name:a", score: 0.1)
        let second = try makeRecord("name:a", score: 0.2)
        let other = try makeRecord("name:b")
        do {
            var writer = try IndexWriter(at: directory.index)
            #expect(try writer.put(first) == .added)
            #expect(try writer.put(first) == .unchanged)
            #expect(try writer.put(second) == .changed)
            #expect(try writer.put(other) == .added)
            #expect(writer.recordCount == 2)
            try writer.commit()
        }
        do {
            let environment = try IndexEnvironment(readOnlyAt: directory.index)
            var reader = try TestReader(environment)
            #expect(try reader.json("name:a") == String(decoding: second.canonicalJSON, as: UTF8.self))
            #expect(try reader.json("name:b") == String(decoding: other.canonicalJSON, as: UTF8.self))
            #expect(try reader.json("name:c") == nil)
            #expect(try reader.json("") == nil)
            #expect(try reader.json("name:" + String(repeating: "x", count: 600)) == nil)
            #expect(environment.recordCount == 2)
            #expect(environment.dataFileBytes > 0)
        }
        do {
            var writer = try IndexWriter(at: directory.index)
            #expect(try writer.put(second) == .unchanged)
            #expect(try Self.delete(&writer, "name:a"))
            #expect(try !Self.delete(&writer, "name:a"))
            #expect(try !Self.delete(&writer, ""))
            try writer.commit()
        }
        #expect(try allLines(directory.index) == [jsonLine(other)])
    }

    @Test func droppedWriterChangesNothing() throws {
        let directory = TemporaryDirectory()
        try write([makeRecord("name:a")], to: directory.index)
        do {
            var writer = try IndexWriter(at: directory.index)
            try writer.deleteAll()
            try writer.put(makeRecord("name:b"))
            #expect(writer.recordCount == 1)
        }
        #expect(try allLines(directory.index) == [jsonLine(makeRecord("name:a"))])
    }

    @Test func keysAndRecordsOfTheLargestSizes() throws {
        let directory = TemporaryDirectory()
        let longest = "name:" + String(repeating: "é", count: 253)
        var providers: [IndexRecord.Provider] = []
        for number in 0..<25 {
            let id = String(repeating: "\(number % 10)", count: 100)
            providers.append(try .init(id: id, region: "", score: 0.5))
        }
        let large = try IndexRecord(key: longest, manifest: nil, providers: providers)
        #expect(large.canonicalJSON.count > 3900)
        try write([large, makeRecord("b3:" + String(repeating: "f", count: 64))], to: directory.index)
        let environment = try IndexEnvironment(readOnlyAt: directory.index)
        var reader = try TestReader(environment)
        #expect(try reader.json(longest) == String(decoding: large.canonicalJSON, as: UTF8.self))
        #expect(try reader.json(String(longest.dropLast())) == nil)
    }

    /// Out of order, in order, and both mixed: the fast path for ascending keys loses nothing.
    @Test(arguments: [0, 1, 2])
    func anyOrderOfPuts(order: Int) throws {
        let directory = TemporaryDirectory()
        var numbers = Array(1000..<3000)
        if order == 1 { numbers.reverse() }
        if order == 2 { numbers = numbers.map { ($0 * 7919) % 2000 + 1000 } }
        try write(numbers.map { try makeRecord("name:\($0)") }, to: directory.index)
        #expect(try allLines(directory.index) == (1000..<3000).map { jsonLine(try makeRecord("name:\($0)")) })
    }

    @Test func missingIndexSaysWhatToDo() throws {
        let directory = TemporaryDirectory()
        for path in [directory.index, directory.path] {
            let error = try #require(throws: IndexError.self) { _ = try IndexEnvironment(readOnlyAt: path) }
            #expect(error.cause == .missing)
            #expect(error.description.contains("ronctl index import FILE --index-path \(path)"))
        }
        #expect(directory.names == ["lock.mdb"] || directory.names.isEmpty, "opening for reading makes no index")
    }

    @Test func emptyFilesOfAFailedFirstWriteAreNoIndex() throws {
        let directory = TemporaryDirectory()
        _ = try IndexWriter(at: directory.index)
        let error = try #require(throws: IndexError.self) { _ = try IndexEnvironment(readOnlyAt: directory.index) }
        #expect(error.cause == .missing)
    }

    @Test func fileInTheWayAndDamageAreNamed() throws {
        let directory = TemporaryDirectory()
        let file = directory.file("plain", "text")
        #expect(throws: IndexError(cause: .notADirectory, code: ENOTDIR, call: "mdb_env_open", path: file)) {
            _ = try IndexEnvironment(readOnlyAt: file)
        }
        _ = directory.file("data.mdb", String(repeating: "not LMDB ", count: 2000))
        let error = try #require(throws: IndexError.self) { _ = try IndexEnvironment(readOnlyAt: directory.path) }
        #expect(error.cause == .damaged)
    }

    @Test func oneProcessOpensADirectoryOnce() throws {
        let directory = TemporaryDirectory()
        try write([makeRecord("name:a")], to: directory.index)
        do {
            let environment = try IndexEnvironment(readOnlyAt: directory.index)
            for path in [directory.index, directory.path + "/data/../data/index/"] {
                let again = try #require(throws: IndexError.self) { _ = try IndexEnvironment(readOnlyAt: path) }
                #expect(again.cause == .alreadyOpen)
                let writing = try #require(throws: IndexError.self) { _ = try IndexWriter(at: path) }
                #expect(writing.cause == .alreadyOpen)
            }
            #expect(environment.recordCount == 1)
        }
        #expect(try IndexEnvironment(readOnlyAt: directory.index).recordCount == 1)
    }

    @Test func readerKeepsItsEnvironmentOpen() throws {
        let directory = TemporaryDirectory()
        try write([makeRecord("name:a")], to: directory.index)
        var reader = try TestReader(IndexEnvironment(readOnlyAt: directory.index))
        #expect(try reader.json("name:a") != nil)
        reader.endTurn()
        reader.endTurn()
        #expect(try reader.json("name:a") != nil)
    }

    @Test func readersOfSeveralThreadsLookUpAtOnce() async throws {
        let directory = TemporaryDirectory()
        try write((0..<500).map { try makeRecord("name:\($0)") }, to: directory.index)
        let environment = try IndexEnvironment(readOnlyAt: directory.index)
        environment.warm()
        let found = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    var reader = try TestReader(environment)
                    var found = 0
                    for number in 0..<1000 {
                        if try reader.json("name:\(number)") != nil { found += 1 }
                        if number % 16 == 0 { reader.endTurn() }
                    }
                    return found
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(found == 4 * 500)
    }

    @Test func statisticsTellTheTruth() throws {
        let directory = TemporaryDirectory()
        try write((0..<1000).map { try makeRecord("name:\($0)") }, to: directory.index)
        let statistics = try IndexEnvironment(readOnlyAt: directory.index).statistics
        #expect(statistics.recordCount == 1000)
        #expect(statistics.mapBytes == IndexLimits.mapBytes)
        #expect(statistics.readersMax == IndexLimits.readersMax)
        #expect(statistics.lastTransaction == 1)
        let pages = statistics.branchPages + statistics.leafPages + statistics.overflowPages
        #expect(pages * statistics.pageBytes <= statistics.dataFileBytes)
        let size = try FileManager.default.attributesOfItem(atPath: directory.index + "/data.mdb")[.size] as? Int
        #expect(statistics.dataFileBytes == size)
    }

    private static func delete(_ writer: inout IndexWriter, _ key: String) throws(IndexError) -> Bool {
        try writer.delete(Array(key.utf8).span)
    }
}
