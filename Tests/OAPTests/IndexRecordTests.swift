import OAP
import Testing

@Suite struct IndexRecordTests {
    static let digest = "b3:" + String(repeating: "0123456789abcdef", count: 4)

    static func parse(_ text: String) throws(IndexRecordError) -> IndexRecord {
        let bytes = Array(text.utf8)
        return try IndexRecord(json: bytes.span)
    }

    static func fault(_ text: String) -> IndexRecordError? {
        do throws(IndexRecordError) {
            _ = try Self.parse(text)
            return nil
        } catch {
            return error
        }
    }

    static func canonical(_ record: IndexRecord) -> String { String(decoding: record.canonicalJSON, as: UTF8.self) }

    @Test func serialisesInTheOrderOfTheProtocol() throws {
        let record = try Self.parse(
            """
            { "providers" : [ {"score":1,"id":"a\\"b","region":""}, {"id":"é","region":"eu","score":5e-1} ],
              "etag":"whatever", "manifest":"\(Self.digest)", "key":"name:s\\u0069te" }
            """)
        #expect(
            Self.canonical(record)
                == #"{"key":"name:site","manifest":"\#(Self.digest)","providers":["#
                + #"{"id":"a\"b","region":"","score":1.0},{"id":"é","region":"eu","score":0.5}]"#
                + #","etag":"\#(record.etag)"}"#)
        #expect(record.key == "name:site" && record.manifest == Self.digest && record.providers.count == 2)
    }

    /// Pinned: a stored index keeps its etags over releases.
    @Test func etagIsTheDocumentedHash() throws {
        let record = try Self.parse(#"{"key":"name:a","manifest":null,"providers":[]}"#)
        #expect(record.etag == "9e41d9c5b209e15c")
        #expect(Self.canonical(record) == #"{"key":"name:a","manifest":null,"providers":[],"etag":"9e41d9c5b209e15c"}"#)
    }

    @Test func etagFollowsTheRecordAlone() throws {
        let provider = #"{"id":"a","region":"r","score":0.5}"#
        let base = #"{"key":"name:a","manifest":null,"providers":[\#(provider)]}"#
        let etag = try Self.parse(base).etag
        #expect(try Self.parse(Self.canonical(Self.parse(base))).etag == etag)
        #expect(try Self.parse(#"{"etag":"x","providers":[\#(provider)],"manifest":null,"key":"name:a"}"#).etag == etag)
        let changed = [
            base.replacingFirst("name:a", "name:b"), base.replacingFirst("null", "\"\(Self.digest)\""),
            base.replacingFirst("\"a\"", "\"b\""), base.replacingFirst("\"r\"", "\"\""),
            base.replacingFirst("0.5", "0.5000000000000001"), base.replacingFirst("[", "[\(provider),"),
        ]
        let etags = try changed.map { try Self.parse($0).etag }
        #expect(Set(etags + [etag]).count == changed.count + 1)
        #expect((etags + [etag]).allSatisfy { $0.count == 16 && $0.allSatisfy(\.isHexDigit) })
    }

    @Test func differentlyComposedLabelsAreDifferentRecords() throws {
        let composed = try Self.parse(#"{"key":"name:é","manifest":null,"providers":[]}"#)
        let combining = try Self.parse(#"{"key":"name:e\u0301","manifest":null,"providers":[]}"#)
        #expect(composed != combining)
        #expect(composed.etag != combining.etag)
    }

    @Test func minusZeroIsZero() throws {
        let zero = try Self.parse(
            #"{"key":"name:a","manifest":null,"providers":[{"id":"a","region":"","score":-0.0}]}"#)
        #expect(Self.canonical(zero).contains("\"score\":0.0}"))
    }

    @Test(
        arguments: [
            (#"[]"#, 0, .json(.expected(.object))), ("", 0, .json(.endOfText)),
            (#"{"manifest":null,"providers":[]}"#, 0, .missingMember("key", of: "a record")),
            (#" {"key":"name:a","providers":[]}"#, 1, .missingMember("manifest", of: "a record")),
            (#"{"key":"name:a","manifest":null}"#, 0, .missingMember("providers", of: "a record")),
            (#"{"key":"nome:a","manifest":null,"providers":[]}"#, 7, .key(.unknownPrefix)),
            (#"{"key":7,"manifest":null,"providers":[]}"#, 7, .json(.expected(.string))),
            (#"{"key":"name:a","key":"name:a"}"#, 16, .duplicateMember("key")),
            (#"{"manifest":null,"manifest":null}"#, 17, .duplicateMember("manifest")),
            (#"{"etag":"","etag":""}"#, 11, .duplicateMember("etag")),
            (#"{"etag":null}"#, 8, .invalidEtag), (#"{"manifest":"b3:0"}"#, 12, .invalidManifest),
            (#"{"manifest":7}"#, 12, .invalidManifest), (#"{"providers":{}}"#, 13, .json(.expected(.array))),
            (#"{"providrs":[]}"#, 1, .unknownMember("providrs", of: "a record", suggestion: "providers")),
            (#"{"Key":""}"#, 1, .unknownMember("Key", of: "a record", suggestion: "key")),
            (#"{"ttl_seconds":5}"#, 1, .unknownMember("ttl_seconds", of: "a record", suggestion: nil)),
            (
                #"{"providers":[{"id":"a","scor":1}]}"#, 24,
                .unknownMember("scor", of: "a provider", suggestion: "score")
            ),
            (#"{"providers":[{"id":"a","region":""}]}"#, 14, .missingMember("score", of: "a provider")),
            (#"{"providers":[{"id":"a","id":"a"}]}"#, 24, .duplicateMember("id")),
            (#"{"providers":[{"id":"","region":"","score":1}]}"#, 20, .providerIDSize(0)),
            (#"{"providers":[{"id":"a","region":"","score":1.1}]}"#, 44, .scoreOutOfRange),
            (#"{"providers":[{"id":"a","region":"","score":-1e-9}]}"#, 44, .scoreOutOfRange),
            (#"{"providers":[{"id":"a","region":"","score":1e999}]}"#, 44, .json(.numberOutOfRange)),
            (#"{"providers":[{"id":"a","region":"","score":"1"}]}"#, 44, .json(.expected(.number))),
            (#"{"providers":[{"id":[[[]]]}]}"#, 20, .json(.expected(.string))),
            (#"{"key":"name:a","manifest":null,"providers":[]} {}"#, 48, .json(.bytesAfterValue)),
        ] as [(String, Int, IndexRecord.Fault)])
    func refusesWithPlaceAndReason(text: String, offset: Int, fault: IndexRecord.Fault) {
        #expect(Self.fault(text) == IndexRecordError(offset: offset, fault: fault))
    }

    @Test func namesFromOutsideCannotSteerATerminal() throws {
        let error = try #require(Self.fault(#"{"\u001b[2J\#(String(repeating: "x", count: 5000))":1}"#))
        #expect(!error.description.contains("\u{1B}"))
        #expect(error.description.utf8.count < 200)
    }

    @Test func sizesAtTheirLimits() throws {
        func provider(id: Int, region: Int) throws(IndexRecord.Fault) -> IndexRecord.Provider {
            try .init(id: String(repeating: "i", count: id), region: String(repeating: "r", count: region), score: 1)
        }
        _ = try provider(id: 128, region: 32)
        _ = try provider(id: 1, region: 0)
        #expect(throws: IndexRecord.Fault.providerIDSize(129)) {
            _ = try provider(id: 129, region: 0)
        }
        #expect(throws: IndexRecord.Fault.regionSize(33)) {
            _ = try provider(id: 1, region: 33)
        }
        for score in [Double.nan, .infinity, -.infinity, 1.0.nextUp, -.leastNonzeroMagnitude] {
            #expect(throws: IndexRecord.Fault.scoreOutOfRange) {
                _ = try IndexRecord.Provider(id: "a", region: "", score: score)
            }
        }
    }

    /// 4,000 bytes of JSON are a record and 4,001 are not, whether the bytes come from a label or from escapes.
    @Test(arguments: ["x", "\"", "é"])
    func jsonAtItsLimit(unit: String) throws {
        let fixed = try IndexRecord.Provider(id: "f", region: "", score: 1)
        var providers: [IndexRecord.Provider] = []
        var size = 0
        // Grow by whole providers, then by single bytes of the last id, and watch where it stops.
        while let record = try? IndexRecord(key: "name:a", manifest: nil, providers: providers + [fixed]) {
            size = record.canonicalJSON.count
            providers.append(fixed)
        }
        let spare = 4000 - size
        let id = "f" + String(repeating: "x", count: spare)
        providers[providers.count - 1] = try .init(id: id, region: "", score: 1)
        #expect(try IndexRecord(key: "name:a", manifest: nil, providers: providers).canonicalJSON.count == 4000)
        providers[0] = try .init(id: "f" + unit, region: "", score: 1)
        let escaped = unit == "x" ? 1 : 2
        #expect(throws: IndexRecord.Fault.recordTooLong(4000 + escaped)) {
            _ = try IndexRecord(key: "name:a", manifest: nil, providers: providers)
        }
    }
}

extension String {
    /// The text with the first occurrence replaced; traps when there is none, so that no test passes by accident.
    fileprivate func replacingFirst(_ part: String, _ replacement: String) -> String {
        let range = self.firstRange(of: part)!
        return self.replacingCharacters(in: range, with: replacement)
    }

    private func firstRange(of part: String) -> Range<String.Index>? {
        self.indices.lazy.filter { self[$0...].hasPrefix(part) }.first.map {
            $0..<self.index($0, offsetBy: part.count)
        }
    }

    private func replacingCharacters(in range: Range<String.Index>, with text: String) -> String {
        String(self[..<range.lowerBound]) + text + String(self[range.upperBound...])
    }
}
