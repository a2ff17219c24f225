/// A setting whose value in the file is not the one that runs.
public struct SettingChange: Sendable, Equatable {
    /// `limits.max_frame`, or `tenant.NAME.requests_per_second`.
    public let key: String
    /// As `config show` prints it; nil when there was none, as with a tenant that is new.
    public let old: String?
    /// Nil when there is none any more.
    public let new: String?
}

/// What becomes of a running gateway's settings when its configuration is read again.
public struct SettingsTransition: Sendable {
    /// What is in effect then: the new values, but for those that wait for a restart.
    public let settings: LoadedSettings
    /// In effect from now on.
    public let changes: [SettingChange]
    /// Of those that cannot change while the gateway serves: they stay as they were.
    public let pending: [SettingChange]
}

extension LoadedSettings {
    /// From these settings, which run, to newly loaded ones.
    ///
    /// - Parameter held: further keys that cannot follow, such as a maximum above what there is memory for.
    /// - Throws: what does not fit together because some of it has to wait for a restart.
    public func transition(
        to new: LoadedSettings, holding held: Set<String> = []
    ) throws(SettingsErrors) -> SettingsTransition {
        var draft = new.draft
        var stays: Set<String> = []
        for key in SettingKey.all where !key.isLive || held.contains(key.path) {
            key.kind.copy(from: self.draft, into: &draft)
            stays.insert(key.path)
        }
        let mine = Dictionary(uniqueKeysWithValues: self.entries.map { ($0.path, $0) })
        var kept = draft
        kept.fillBursts()
        let entries = new.entries.map { entry in
            stays.contains(entry.path) ? mine[entry.path] ?? entry : entry.refreshed(from: kept)
        }
        let waiting = new.entries.filter { stays.contains($0.path) }
        let pending = Self.changes(from: self.entries.filter { stays.contains($0.path) }, to: waiting)
        try Self.check(draft, new, pending)
        return SettingsTransition(
            settings: LoadedSettings(
                settings: draft.finished, file: new.file, searched: new.searched, warnings: new.warnings,
                controlSocketPath: self.controlSocketPath, entries: entries, draft: draft),
            changes: Self.changes(from: self.entries, to: entries), pending: pending)
    }

    /// The relations held among the new values alone; with old ones among them they may not.
    private static func check(
        _ draft: SettingsDraft, _ new: LoadedSettings, _ pending: [SettingChange]
    ) throws(SettingsErrors) {
        let origins = new.origins
        let problems = SettingRelation.all.compactMap { relation -> SettingsProblem? in
            guard relation.severity == .error, let sentence = relation.sentence(draft) else { return nil }
            let place = relation.paths.compactMap { origins[$0]?.place }.first ?? .file(path: new.file ?? "", nil)
            let waiting = pending.filter { relation.paths.contains($0.key) }
                .map { "\($0.key) stays \($0.old ?? "off") until a restart" }
            return SettingsProblem(
                place: place, severity: .error,
                sentence: ([sentence] + waiting).joined(separator: "; "))
        }
        guard problems.isEmpty else { throw SettingsErrors(problems: problems) }
    }

    /// In the order of the new ones, then those that are gone.
    private static func changes(from old: [Entry], to new: [Entry]) -> [SettingChange] {
        let before = Dictionary(uniqueKeysWithValues: old.map { ($0.path, $0.value) })
        let after = Set(new.map(\.path))
        let changed = new.compactMap { entry -> SettingChange? in
            guard before[entry.path] != entry.value else { return nil }
            return SettingChange(key: entry.path, old: before[entry.path]?.text, new: entry.value.text)
        }
        let gone = old.filter { !after.contains($0.path) }
        return changed + gone.map { SettingChange(key: $0.path, old: $0.value.text, new: nil) }
    }
}

extension LoadedSettings.Entry {
    /// With the value that the draft has: one that is derived may follow from a value that stayed.
    fileprivate func refreshed(from draft: SettingsDraft) -> Self {
        guard let key = SettingKey.at(self.path) else { return self }
        return Self(path: self.path, value: key.kind.value(in: draft), origin: self.origin, isLive: self.isLive)
    }
}
