/// A record's JSON that was refused: the broken rule and the byte where it was noticed.
public struct IndexRecordError: Error, Equatable, Sendable, CustomStringConvertible {
    public let offset: Int
    public let fault: IndexRecord.Fault

    public init(offset: Int, fault: IndexRecord.Fault) {
        self.offset = offset
        self.fault = fault
    }

    public var description: String { "\(self.fault) at byte \(self.offset)" }
}

extension IndexRecord {
    /// Reads one record strictly: members in any order, none twice, none unknown, all but `etag` required. An `etag`
    /// that is there is not believed; the record gets its own.
    ///
    /// - Throws: the first fault with its byte offset in `json`.
    public init(json: Span<UInt8>) throws(IndexRecordError) {
        var parser = try IndexRecordParser(json)
        let parts = try parser.readRecord()
        try parser.end()
        do throws(Fault) {
            self = try IndexRecord(key: parts.key, manifest: parts.manifest, providers: parts.providers)
        } catch {
            throw IndexRecordError(offset: error.isAboutKey ? parts.keyOffset : parts.offset, fault: error)
        }
    }
}

extension IndexRecord.Fault {
    fileprivate var isAboutKey: Bool {
        if case .key = self { true } else { false }
    }
}

/// `JSONReader` with the record's grammar, and with errors that say which rule of the record was broken.
private struct IndexRecordParser: ~Copyable, ~Escapable {
    /// The record, the array of providers, a provider.
    private static let depthMax = 3
    private static let recordMembers = ["key", "manifest", "providers", "etag"]
    private static let providerMembers = ["id", "region", "score"]

    struct Parts {
        var key: String
        var manifest: String?
        var providers: [IndexRecord.Provider]
        /// Where the record's opening brace is.
        var offset: Int
        var keyOffset: Int
    }

    private var reader: JSONReader

    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>) throws(IndexRecordError) {
        do throws(JSONError) {
            self.reader = try JSONReader(bytes, depthMax: Self.depthMax)
        } catch {
            throw IndexRecordError(error)
        }
    }

    @_lifetime(self: copy self)
    mutating func readRecord() throws(IndexRecordError) -> Parts {
        var key: String?
        var manifest: String??
        var providers: [IndexRecord.Provider]?
        var etagSeen = false
        let start = try self.beginObject()
        var keyOffset = start
        while let name = try self.nextMember() {
            if self.reader.matches(name, "key") {
                try self.refuseDuplicate(key != nil, name)
                keyOffset = try self.nextKind().offset
                key = try self.readText()
            } else if self.reader.matches(name, "manifest") {
                try self.refuseDuplicate(manifest != nil, name)
                manifest = .some(try self.readManifest())
            } else if self.reader.matches(name, "providers") {
                try self.refuseDuplicate(providers != nil, name)
                providers = try self.readProviders()
            } else if self.reader.matches(name, "etag") {
                try self.refuseDuplicate(etagSeen, name)
                etagSeen = true
                let (kind, offset) = try self.nextKind()
                guard kind == .string else { throw IndexRecordError(offset: offset, fault: .invalidEtag) }
                _ = try self.readText()
            } else {
                throw self.unknown(name, of: "a record", among: Self.recordMembers)
            }
        }
        return Parts(
            key: try Self.require(key, "key", of: "a record", at: start),
            manifest: try Self.require(manifest, "manifest", of: "a record", at: start),
            providers: try Self.require(providers, "providers", of: "a record", at: start),
            offset: start, keyOffset: keyOffset)
    }

    @_lifetime(self: copy self)
    mutating func end() throws(IndexRecordError) {
        do throws(JSONError) { try self.reader.end() } catch { throw IndexRecordError(error) }
    }

    @_lifetime(self: copy self)
    private mutating func readManifest() throws(IndexRecordError) -> String? {
        let (kind, offset) = try self.nextKind()
        do throws(JSONError) {
            if kind == .null {
                try self.reader.readNull()
                return nil
            }
        } catch {
            throw IndexRecordError(error)
        }
        guard kind == .string else { throw IndexRecordError(offset: offset, fault: .invalidManifest) }
        let text = try self.readText()
        guard IndexKey.isDigest(Array(text.utf8).span) else {
            throw IndexRecordError(offset: offset, fault: .invalidManifest)
        }
        return text
    }

    @_lifetime(self: copy self)
    private mutating func readProviders() throws(IndexRecordError) -> [IndexRecord.Provider] {
        var providers: [IndexRecord.Provider] = []
        do throws(JSONError) { try self.reader.beginArray() } catch { throw IndexRecordError(error) }
        while try self.nextElement() { providers.append(try self.readProvider()) }
        return providers
    }

    @_lifetime(self: copy self)
    private mutating func readProvider() throws(IndexRecordError) -> IndexRecord.Provider {
        var id: String?
        var region: String?
        var score: Double?
        // Where each value starts, for the rules that are checked when all three are there.
        var idOffset = 0
        var regionOffset = 0
        var scoreOffset = 0
        let start = try self.beginObject()
        while let name = try self.nextMember() {
            if self.reader.matches(name, "id") {
                try self.refuseDuplicate(id != nil, name)
                idOffset = try self.nextKind().offset
                id = try self.readText()
            } else if self.reader.matches(name, "region") {
                try self.refuseDuplicate(region != nil, name)
                regionOffset = try self.nextKind().offset
                region = try self.readText()
            } else if self.reader.matches(name, "score") {
                try self.refuseDuplicate(score != nil, name)
                scoreOffset = try self.nextKind().offset
                do throws(JSONError) { score = try self.reader.readNumber() } catch { throw IndexRecordError(error) }
            } else {
                throw self.unknown(name, of: "a provider", among: Self.providerMembers)
            }
        }
        let provider = (
            id: try Self.require(id, "id", of: "a provider", at: start),
            region: try Self.require(region, "region", of: "a provider", at: start),
            score: try Self.require(score, "score", of: "a provider", at: start)
        )
        do throws(IndexRecord.Fault) {
            return try .init(id: provider.id, region: provider.region, score: provider.score)
        } catch .providerIDSize(let bytes) {
            throw IndexRecordError(offset: idOffset, fault: .providerIDSize(bytes))
        } catch .regionSize(let bytes) {
            throw IndexRecordError(offset: regionOffset, fault: .regionSize(bytes))
        } catch {
            throw IndexRecordError(offset: scoreOffset, fault: error)
        }
    }

    @_lifetime(self: copy self)
    private mutating func beginObject() throws(IndexRecordError) -> Int {
        do throws(JSONError) {
            try self.reader.beginObject()
        } catch {
            throw IndexRecordError(error)
        }
        return self.reader.offset - 1
    }

    @_lifetime(self: copy self)
    private mutating func nextMember() throws(IndexRecordError) -> JSONString? {
        do throws(JSONError) { return try self.reader.nextMember() } catch { throw IndexRecordError(error) }
    }

    @_lifetime(self: copy self)
    private mutating func nextElement() throws(IndexRecordError) -> Bool {
        do throws(JSONError) { return try self.reader.nextElement() } catch { throw IndexRecordError(error) }
    }

    /// The kind of the value that comes next, and where it starts.
    @_lifetime(self: copy self)
    private mutating func nextKind() throws(IndexRecordError) -> (kind: JSONKind, offset: Int) {
        do throws(JSONError) {
            let kind = try self.reader.nextKind()
            return (kind, self.reader.offset)
        } catch {
            throw IndexRecordError(error)
        }
    }

    @_lifetime(self: copy self)
    private mutating func readText() throws(IndexRecordError) -> String {
        do throws(JSONError) {
            let string = try self.reader.readString()
            return self.reader.text(of: string)
        } catch {
            throw IndexRecordError(error)
        }
    }

    private func refuseDuplicate(_ isDuplicate: Bool, _ name: JSONString) throws(IndexRecordError) {
        guard isDuplicate else { return }
        let fault = IndexRecord.Fault.duplicateMember(self.reader.text(of: name))
        throw IndexRecordError(offset: name.rawBytes.lowerBound - 1, fault: fault)
    }

    private func unknown(_ name: JSONString, of owner: String, among known: [String]) -> IndexRecordError {
        let text = self.reader.text(of: name)
        let suggestion = JSONMemberNames.suggestion(for: text, among: known)
        return IndexRecordError(
            offset: name.rawBytes.lowerBound - 1,
            fault: .unknownMember(text, of: owner, suggestion: suggestion))
    }

    private static func require<Value>(
        _ value: Value?, _ name: String, of owner: String, at offset: Int
    ) throws(IndexRecordError) -> Value {
        guard let value else {
            throw IndexRecordError(offset: offset, fault: .missingMember(name, of: owner))
        }
        return value
    }
}

extension IndexRecordError {
    fileprivate init(_ error: JSONError) {
        self.init(offset: error.offset, fault: .json(error.reason))
    }
}
