/// Collects values from the weakest source to the strongest, and everything that is wrong on the way.
struct SettingsReader {
    /// Written by the keys' kinds.
    var draft = SettingsDraft()
    private(set) var origins: [String: SettingOrigin] = [:]
    private(set) var errors: [SettingsProblem] = []
    private(set) var warnings: [SettingsProblem] = []
    /// Of each of `draft.tenants`.
    private(set) var tenantPlaces: [NamedTenantPlace] = []

    /// Paths of keys of which a value was refused: relations with them are not judged.
    private var refusedPaths: Set<String> = []

    /// True exactly when a file was found that is not TOML or cannot be read, so that its values are unknown.
    private var fileLost = false

    mutating func refuse(_ place: SettingsProblem.Place, _ sentence: String) {
        self.errors.append(SettingsProblem(place: place, severity: .error, sentence: sentence))
    }

    mutating func warn(_ place: SettingsProblem.Place, _ sentence: String) {
        self.warnings.append(SettingsProblem(place: place, severity: .warning, sentence: sentence))
    }

    /// Takes `draft.tenant` among the named ones.
    mutating func keepTenant(_ place: NamedTenantPlace) {
        self.draft.tenants.append(self.draft.tenant)
        self.tenantPlaces.append(place)
    }

    /// Stores a value from anywhere but a file.
    mutating func read(
        _ text: String, for key: SettingKey, from origin: SettingOrigin, at place: SettingsProblem.Place
    ) {
        do {
            try key.kind.read(.text(text), into: &self.draft)
            self.origins[key.path] = origin
        } catch {
            self.refusedPaths.insert(key.path)
            self.refuse(place, error.sentence)
        }
    }

    mutating func readFlags(_ flags: SettingsFlags) {
        for key in SettingKey.all {
            guard let flag = key.flag, let text = flags[keyPath: flag.value] else { continue }
            self.read(text, for: key, from: .flag(flag.name), at: .flag(flag.name))
        }
        if flags.tor { self.refuse(.flag("--tor"), SettingRefusal.tor) }
        if flags.legacyPay { self.refuse(.flag("--legacy-pay"), SettingRefusal.legacyPay) }
    }

    mutating func readEnvironment(_ environment: [String: String]) {
        for key in SettingKey.all {
            guard let name = key.environment.first(where: { environment[$0] != nil }) else { continue }
            guard let text = environment[name] else { continue }
            if name == "RUST_LOG" {
                self.readRustLog(text, for: key)
            } else {
                self.read(text, for: key, from: .environment(name), at: .environment(name))
            }
        }
        for (name, sentence) in SettingRefusal.environment where environment[name] != nil {
            self.refuse(.environment(name), sentence)
        }
    }

    /// Takes the bare level of `info,crate=debug/filter`. The variable speaks to other programs too, so what is not for
    /// us is no error.
    private mutating func readRustLog(_ text: String, for key: SettingKey) {
        let place = SettingsProblem.Place.environment("RUST_LOG")
        let directives = text.prefix { $0 != "/" }.split(separator: ",").map {
            String($0.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
        let ignored = directives.filter { LogLevel(name: $0) == nil }
        if !ignored.isEmpty {
            let listed = ignored.prefix(3).map(\.quoted).joined(separator: ", ") + (ignored.count > 3 ? ", …" : "")
            self.warn(place, "only a bare level is used, ignored: \(listed); RON_LOG sets the level alone")
        }
        guard let level = directives.last(where: { LogLevel(name: $0) != nil }) else { return }
        self.read(level, for: key, from: .environment("RUST_LOG"), at: place)
    }
}

// MARK: - The file

extension SettingsReader {
    /// Reads the first file that is there and returns its path. A missing one that was named is an error.
    mutating func readFirst(of sources: [ConfigurationSource]) -> String? {
        for source in sources {
            do {
                let text = try ConfigurationFile.read(source.path)
                self.readFile(text, path: source.path)
                return source.path
            } catch {
                if error == .missing, source.namedBy == nil { continue }
                self.refuseFile(source, error)
                return nil
            }
        }
        return nil
    }

    private mutating func refuseFile(_ source: ConfigurationSource, _ fault: ConfigurationFileFault) {
        self.fileLost = true
        self.refuse(
            .file(path: source.path, nil),
            fault.sentence(namedBy: source.namedBy, missing: "correct the path, or name none to use the defaults"))
    }

    private mutating func readFile(_ text: [UInt8], path: String) {
        let document: TOMLDocument
        do {
            document = try TOMLDocument(parsing: text)
        } catch {
            self.refuse(.file(path: path, error.position), error.reason)
            self.fileLost = true
            return
        }
        /// Tables that were refused as a whole: what is in them is not reported again.
        var refusedTables: Set<Int> = []
        var unknown: [TOMLDocument.Entry] = []
        for (index, entry) in document.entries.enumerated() where !TenantReader.isPart(entry.path) {
            if let parent = entry.parent, refusedTables.contains(parent) {
                refusedTables.insert(index)
            } else if let key = SettingKey.at(entry.path) {
                if !self.readEntry(entry, for: key, path: path) { refusedTables.insert(index) }
            } else if SettingKey.tables.contains(entry.path) {
                if !self.readTable(entry, path: path) { refusedTables.insert(index) }
            } else {
                unknown.append(entry)
                refusedTables.insert(index)
            }
        }
        var tenants = TenantReader(document, file: path)
        tenants.read(into: &self)
        self.refuseUnknown(unknown, path: path)
    }

    /// Stores an entry's value; false when it is not what its key takes.
    private mutating func readEntry(_ entry: TOMLDocument.Entry, for key: SettingKey, path: String) -> Bool {
        do {
            try key.kind.read(entry.value, into: &self.draft)
            self.origins[key.path] = .file(path: path, entry.valuePosition)
            return true
        } catch {
            self.refusedPaths.insert(key.path)
            self.refuse(.file(path: path, entry.valuePosition), "\(key.path): \(error.sentence)")
            return false
        }
    }

    /// False when something else stands where a table of settings belongs.
    private mutating func readTable(_ entry: TOMLDocument.Entry, path: String) -> Bool {
        guard entry.value != .table else { return true }
        let example = SettingKey.all.first { $0.path.hasPrefix(entry.path + ".") }?.table ?? entry.path
        self.refuse(
            .file(path: path, entry.valuePosition),
            "\(entry.path): found \(entry.value.description); expected a table like [\(example)]")
        return false
    }

    /// Finding what was meant takes time, and a file may have a hundred thousand keys: lines that nobody will see are
    /// counted but not worked on.
    private mutating func refuseUnknown(_ entries: [TOMLDocument.Entry], path: String) {
        for (index, entry) in entries.sorted(by: { $0.keyPosition < $1.keyPosition }).enumerated() {
            let sentence = index < SettingsErrors.linesMax ? UnknownKey.sentence(entry) : "unknown key"
            self.refuse(.file(path: path, entry.keyPosition), sentence)
        }
    }
}

// MARK: - Relations

extension SettingsReader {
    /// Judges values against each other, where each of them alone is right.
    mutating func checkRelations() {
        guard !self.fileLost else { return }
        for relation in SettingRelation.all where self.refusedPaths.isDisjoint(with: relation.paths) {
            guard let sentence = relation.sentence(self.draft) else { continue }
            // At least one was given: the defaults agree with each other, which a test holds.
            guard let place = relation.paths.compactMap({ self.origins[$0]?.place }).first else { continue }
            switch relation.severity {
            case .error: self.refuse(place, sentence)
            case .warning: self.warn(place, sentence)
            }
        }
        self.checkTenants()
    }

    /// The longest frame must fit what a named tenant may have at once, in tokens and in bytes.
    private mutating func checkTenants() {
        for (tenant, place) in zip(self.draft.tenants, self.tenantPlaces) {
            let key = "tenant.\(tenant.label)"
            let sentences = [
                tenant.quota.requests.quota.flatMap {
                    CostRelation.sentence("\(key).burst", burst: $0.burst, self.draft)
                }, SettingRelation.bytesBurstSentence("\(key).bytes_burst", tenant.quota.bytes, self.draft),
            ]
            for sentence in sentences.compactMap({ $0 }) {
                self.refuse(.file(path: place.file, place.table), sentence)
            }
        }
    }

    /// Every setting with its effective value and where that came from, named tenants last.
    var effectiveEntries: [LoadedSettings.Entry] {
        var effective = self.draft
        effective.fillBursts()
        let settings = SettingKey.all.map { key in
            var origin = self.origins[key.path] ?? .builtIn
            if origin == .builtIn, let rate = QuotaScope.rate(ofBurst: key.path), self.origins[rate] != nil {
                origin = .derived(from: rate)
            }
            return LoadedSettings.Entry(
                path: key.path, value: key.kind.value(in: effective), origin: origin, isLive: key.isLive)
        }
        return settings + zip(self.draft.tenants, self.tenantPlaces).flatMap { self.entries($0, $1) }
    }

    /// What a `[[tenant]]` says; the rest is that of `[quota.tenant]`.
    private func entries(_ tenant: NamedTenantDraft, _ place: NamedTenantPlace) -> [LoadedSettings.Entry] {
        var effective = self.draft
        effective.tenant = tenant
        return SettingKey.tenant.filter { place.values[$0.name] != nil && $0.name != "name" }.map { key in
            LoadedSettings.Entry(
                path: "tenant.\(tenant.label).\(key.name)", value: key.kind.value(in: effective),
                origin: place.origin(key.name), isLive: true)
        }
    }
}
