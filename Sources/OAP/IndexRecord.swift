/// One record of the index: what a key resolves to.
///
/// A value of this type keeps every rule of the protocol, because its only ways to be made are checked. Its canonical
/// JSON is what the store keeps and what a resolve answers, byte for byte:
/// `{"key":…,"manifest":…,"providers":[{"id":…,"region":…,"score":…}],"etag":…}`.
public struct IndexRecord: Sendable {
    /// Largest canonical JSON in bytes, etag included, so that 256 records fit one frame.
    public static let jsonBytesMax = 4000

    /// A key as `IndexKey` has it.
    public let key: String
    /// `b3:` and 64 lower-case hex digits, or nil when the record has no manifest.
    public let manifest: String?
    /// Who serves the content, in the order in which they were given.
    public let providers: [Provider]
    /// Sixteen lower-case hex digits that change whenever anything else in the record does.
    public let etag: String
    /// The exact bytes that the store keeps: at most `jsonBytesMax`.
    public let canonicalJSON: [UInt8]

    /// One place that serves the content of a key.
    public struct Provider: Sendable {
        public static let idBytes = 1...128
        public static let regionBytes = 0...32
        public static let scores = 0.0...1.0

        /// 1–128 bytes of UTF-8.
        public let id: String
        /// 0–32 bytes of UTF-8; empty when unknown.
        public let region: String
        /// 0 (worst) to 1 (best).
        public let score: Double

        public init(id: String, region: String, score: Double) throws(Fault) {
            guard Self.idBytes.contains(id.utf8.count) else { throw .providerIDSize(id.utf8.count) }
            guard Self.regionBytes.contains(region.utf8.count) else { throw .regionSize(region.utf8.count) }
            guard Self.scores.contains(score) else { throw .scoreOutOfRange }
            self.id = id
            self.region = region
            // Minus zero equals zero but is written otherwise.
            self.score = score == 0 ? 0 : score
        }
    }

    /// - Throws: the first rule that the parts break.
    public init(key: String, manifest: String?, providers: [Provider]) throws(Fault) {
        if let fault = IndexKey.fault(in: Array(key.utf8).span) { throw .key(fault) }
        if let manifest, !IndexKey.isDigest(Array(manifest.utf8).span) { throw .invalidManifest }

        var writer = JSONWriter(capacity: 512)
        writer.raw("{\"key\":")
        writer.string(key)
        writer.raw(",\"manifest\":")
        if let manifest { writer.string(manifest) } else { writer.raw("null") }
        writer.raw(",\"providers\":[")
        for (index, provider) in providers.enumerated() {
            writer.raw(index == 0 ? "{\"id\":" : ",{\"id\":")
            writer.string(provider.id)
            writer.raw(",\"region\":")
            writer.string(provider.region)
            writer.raw(",\"score\":")
            writer.number(provider.score)
            writer.raw("}")
        }
        writer.raw("]")
        let etag = Self.etag(of: writer.bytes.span)
        writer.raw(",\"etag\":")
        writer.string(etag)
        writer.raw("}")
        guard writer.bytes.count <= Self.jsonBytesMax else { throw .recordTooLong(writer.bytes.count) }

        self.key = key
        self.manifest = manifest
        self.providers = providers
        self.etag = etag
        self.canonicalJSON = writer.bytes
    }

    /// The etag of canonical JSON that ends before its etag member: FNV-1a over 64 bits, then the finaliser of
    /// MurmurHash3, as 16 hex digits. It depends on the record alone, so importing the same record again keeps it.
    /// It is no signature: who chooses records can make two with the same etag.
    private static func etag(of json: Span<UInt8>) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in json.indices { hash = (hash ^ UInt64(json[index])) &* 0x0000_0100_0000_01B3 }
        hash = (hash ^ hash >> 33) &* 0xFF51_AFD7_ED55_8CCD
        hash = (hash ^ hash >> 33) &* 0xC4CE_B9FE_1A85_EC53
        hash ^= hash >> 33
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}

extension IndexRecord: Equatable {
    /// Byte for byte. Comparing the strings would call differently composed Unicode labels equal.
    public static func == (left: Self, right: Self) -> Bool { left.canonicalJSON == right.canonicalJSON }
}

extension IndexRecord {
    /// A rule of the record that was broken.
    public enum Fault: Error, Equatable, Sendable {
        case json(JSONError.Reason)
        case key(IndexKey.Fault)
        case invalidManifest
        case providerIDSize(Int)
        case regionSize(Int)
        case scoreOutOfRange
        case invalidEtag
        case recordTooLong(Int)
        case missingMember(String, of: String)
        case duplicateMember(String)
        case unknownMember(String, of: String, suggestion: String?)
    }
}

extension IndexRecord.Fault: CustomStringConvertible {
    /// A sentence without its full stop: what was found and what was expected.
    public var description: String {
        switch self {
        case .json(let reason): return reason.description
        case .key(let fault): return fault.message
        case .invalidManifest: return "a manifest is null or \"b3:\" followed by exactly 64 lower-case hex digits"
        case .providerIDSize(let bytes): return "a provider's id has 1 to 128 bytes; this one has \(bytes)"
        case .regionSize(let bytes): return "a provider's region has at most 32 bytes; this one has \(bytes)"
        case .scoreOutOfRange: return "a score is a number from 0 to 1"
        case .invalidEtag: return "an etag is a string (the store makes its own; leave it out)"
        case .recordTooLong(let bytes):
            return "a record has at most \(IndexRecord.jsonBytesMax) bytes of JSON with its etag; this one has \(bytes)"
        case .missingMember(let name, let owner): return "\(owner) needs a member \"\(name)\""
        case .duplicateMember(let name): return "the member \(Self.quoted(name)) is there twice"
        case .unknownMember(let name, let owner, let suggestion):
            let hint = suggestion.map { "; did you mean \"\($0)\"?" } ?? ""
            return "\(owner) has no member \(Self.quoted(name))\(hint)"
        }
    }

    /// A name from outside: escaped, so that it cannot steer a terminal, and cut when it is long.
    private static func quoted(_ name: String) -> String {
        var writer = JSONWriter()
        let shown = String(String.UnicodeScalarView(name.unicodeScalars.prefix(40)))
        writer.string(shown.utf8.count == name.utf8.count ? name : shown + "…")
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}
