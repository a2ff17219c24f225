/// Reads the `[[tenant]]` tables of a file.
///
/// Each is read by its keys' own kinds into `SettingsDraft.tenant` and kept when all of it is right; ids and names are
/// the operator's, so that one which stands twice is a mistake and no override.
struct TenantReader {
    private typealias Entry = TOMLDocument.Entry

    /// The array's path, and the name of its tables.
    static let path = "tenant"

    private let document: TOMLDocument
    private let file: String
    /// Indices of entries by the table that holds them.
    private let members: [Int: [Int]]
    private var lineByID: [UInt128: Int] = [:]
    private var lineByName: [String: Int] = [:]

    init(_ document: TOMLDocument, file: String) {
        self.document = document
        self.file = file
        var members: [Int: [Int]] = [:]
        for (index, entry) in document.entries.enumerated() where Self.isPart(entry.path) {
            if let parent = entry.parent { members[parent, default: []].append(index) }
        }
        self.members = members
    }

    /// True for everything in and below the array.
    static func isPart(_ path: String) -> Bool { path == Self.path || path.hasPrefix(Self.path + ".") }

    mutating func read(into reader: inout SettingsReader) {
        guard let array = self.document.entries.firstIndex(where: { $0.path == Self.path && $0.parent == nil }) else {
            return
        }
        let entry = self.document.entries[array]
        guard entry.value == .array else {
            self.refuse(entry.valuePosition, "tenant: found \(entry.value.description); \(Self.expected)", &reader)
            return
        }
        let tables = self.members[array] ?? []
        guard tables.count <= NamedTenantSettings.countMax else {
            let excess = self.document.entries[tables[NamedTenantSettings.countMax]]
            self.refuse(
                excess.keyPosition,
                "there are \(tables.count.grouped) [[tenant]] tables, of which this is the first too many; expected at "
                    + "most \(NamedTenantSettings.countMax.grouped): give the others their quota by [quota.tenant]",
                &reader)
            return
        }
        for table in tables { self.readTable(table, into: &reader) }
    }

    private static let expected = "expected an array of tables: write [[tenant]] above each"

    private mutating func readTable(_ index: Int, into reader: inout SettingsReader) {
        let table = self.document.entries[index]
        guard table.value == .table else {
            self.refuse(table.valuePosition, "tenant: found \(table.value.description); \(Self.expected)", &reader)
            return
        }
        var origins: [String: FilePosition] = [:]
        let errorsBefore = reader.errors.count
        reader.draft.tenant = NamedTenantDraft()
        for member in self.members[index] ?? [] {
            let entry = self.document.entries[member]
            if self.readMember(entry, into: &reader) { origins[entry.key] = entry.valuePosition }
        }
        let isIDGiven = (self.members[index] ?? []).contains { self.document.entries[$0].key == "id" }
        self.check(reader.draft.tenant, table, origins, isIDGiven: isIDGiven, &reader)
        guard reader.errors.count == errorsBefore else { return }
        reader.keepTenant(NamedTenantPlace(file: self.file, table: table.keyPosition, values: origins))
    }

    private func readMember(_ entry: Entry, into reader: inout SettingsReader) -> Bool {
        guard let key = SettingKey.tenant.first(where: { $0.name == entry.key }) else {
            let names = SettingKey.tenant.map(\.name)
            let help =
                Suggestion.nearest(to: entry.key, among: names).map { "; did you mean \($0.quoted)?" }
                ?? "; expected one of \(names.joined(separator: ", "))"
            self.refuse(entry.keyPosition, "unknown key \(entry.key.quoted) in [[tenant]]\(help)", &reader)
            return false
        }
        do {
            try key.kind.read(entry.value, into: &reader.draft)
            return true
        } catch {
            self.refuse(entry.valuePosition, "\(key.path): \(error.sentence)", &reader)
            return false
        }
    }

    /// What must hold within a tenant, and between it and those before it.
    ///
    /// - Parameter isIDGiven: whether it has an id, be it right or wrong.
    private mutating func check(
        _ tenant: NamedTenantDraft, _ table: Entry, _ origins: [String: FilePosition], isIDGiven: Bool,
        _ reader: inout SettingsReader
    ) {
        func place(_ key: String) -> FilePosition { origins[key] ?? table.keyPosition }
        if tenant.quota.requests.burst != nil, tenant.quota.requests.perSecond == nil {
            self.refuse(place("burst"), "tenant.burst has no rate to go with; set requests_per_second too", &reader)
        }
        if tenant.quota.bytes.burst != nil, tenant.quota.bytes.perSecond == nil {
            self.refuse(
                place("bytes_burst"), "tenant.bytes_burst has no rate to go with; set bytes_per_second too", &reader)
        }
        guard let id = tenant.id else {
            if !isIDGiven {
                self.refuse(table.keyPosition, "this [[tenant]] has no id; set id to its tenant_id", &reader)
            }
            return
        }
        let line = table.keyPosition.line
        if let first = self.lineByID.updateValue(line, forKey: id) {
            self.refuse(place("id"), "tenant.id \(id) stands in line \(first) already; merge the two", &reader)
        }
        if let first = self.lineByName.updateValue(line, forKey: tenant.label) {
            self.refuse(
                place("name"),
                "a [[tenant]] in line \(first) is called \(tenant.label.quoted) already; give "
                    + "one of them another name", &reader)
        }
    }

    private func refuse(_ position: FilePosition, _ sentence: String, _ reader: inout SettingsReader) {
        reader.refuse(.file(path: self.file, position), sentence)
    }
}

/// Where a `[[tenant]]` and its values stand.
struct NamedTenantPlace: Sendable {
    let file: String
    let table: FilePosition
    /// By the key's name; has what was given.
    let values: [String: FilePosition]

    func origin(_ key: String) -> SettingOrigin {
        self.values[key].map { .file(path: self.file, $0) } ?? .builtIn
    }
}
