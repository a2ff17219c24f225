import LoadReport
import LoadGeneration
import Settings

/// Collects what is asked for, from a scenario file and then from flags, which override it, and everything that is wrong
/// on the way.
struct LoadReader {
    private enum Origin: Equatable {
        case file(path: String, FilePosition)
        case flag

        /// A flag says more than a file.
        var strength: Int {
            switch self {
            case .file: 1
            case .flag: 2
            }
        }
    }

    private(set) var draft = LoadDraft()
    /// One sentence of a scenario file about itself.
    private(set) var scenarioSummary: String?
    private var problems: [SettingsProblem] = []
    /// By `LoadKey.flag`: exactly the keys that have a value.
    private var origins: [String: Origin] = [:]

    /// Everything at once: what the file and the flags ask for together.
    ///
    /// - Parameter scenario: the path of a scenario file.
    static func read(scenario: String?, _ flags: LoadFlags) throws(SettingsErrors) -> LoadReader {
        var reader = LoadReader()
        if let scenario { try reader.readFile(scenario) }
        reader.readFlags(flags)
        reader.checkRelations()
        guard reader.problems.isEmpty else { throw SettingsErrors(problems: reader.problems) }
        return reader
    }

    // MARK: Flags

    private mutating func readFlags(_ flags: LoadFlags) {
        for (key, texts) in flags.given {
            key.forget(&self.draft)
            self.origins[key.flag] = .flag
            for text in texts {
                let input = key.valueName == nil ? SettingInput.boolean(true) : .text(text)
                guard !key.read(input, &self.draft) else { continue }
                self.refuse(.flag("--" + key.flag), key.mismatch(input).sentence)
            }
        }
    }

    // MARK: The file

    private mutating func readFile(_ path: String) throws(SettingsErrors) {
        let document = try TOMLDocument(file: path, namedBy: "--scenario")
        for (index, entry) in document.entries.enumerated() where entry.parent == nil {
            self.readEntry(entry, path) { document.entries.filter { $0.parent == index } }
        }
        if let keys = self.draft.keys { self.draft.keys = Self.path(keys, besideFile: path) }
    }

    /// - Parameter elements: what is in the entry when it is an array.
    private mutating func readEntry(
        _ entry: TOMLDocument.Entry, _ path: String, elements: () -> [TOMLDocument.Entry]
    ) {
        if entry.key == "summary", let words = entry.value.words {
            self.scenarioSummary = words
            return
        }
        guard let key = LoadKey.byName[entry.key] else {
            self.refuse(.file(path: path, entry.keyPosition), Self.unknown(entry))
            return
        }
        let values = key.isList && entry.value == .array ? elements() : [entry]
        self.origins[key.flag] = .file(path: path, entry.valuePosition)
        for value in values where !key.read(value.value, &self.draft) {
            self.refuse(
                .file(path: path, value.valuePosition), "\(key.name): \(key.mismatch(value.value).sentence)")
        }
    }

    private static func unknown(_ entry: TOMLDocument.Entry) -> String {
        guard entry.value != .table else {
            return "unknown table [\(entry.key.quoted.dropFirst().dropLast())]; a scenario has keys only"
        }
        let names = LoadKey.all.map(\.name) + ["summary"]
        if let meant = Suggestion.nearest(to: entry.key, among: names) {
            return "unknown key \(entry.key.quoted); did you mean \(meant.quoted)?"
        }
        return "unknown key \(entry.key.quoted); the keys are the flags of `oap-bench --help` with underscores"
    }

    /// A relative path of a scenario starts at its file, so that it means the same wherever the command is run.
    private static func path(_ path: String, besideFile file: String) -> String {
        guard !path.hasPrefix("/"), let slash = file.lastIndex(of: "/") else { return path }
        return file[...slash] + path
    }

    private mutating func refuse(_ place: SettingsProblem.Place, _ sentence: String) {
        self.problems.append(SettingsProblem(place: place, severity: .error, sentence: sentence))
    }
}

// MARK: - Relations

/// What must hold between keys each of which is right alone. Of two that contradict each other a flag wins over the file.
extension LoadReader {
    private mutating func checkRelations() {
        self.checkMode()
        self.checkSearch()
        self.checkRequests()
        self.checkKeys()
        if let threads = self.draft.threads, threads > self.draft.connections ?? LoadDefaults.connections {
            self.contradiction(
                "threads", "connections",
                "each thread has connections of its own; use at most as many threads as connections")
        }
        if self.draft.isAbortedOnFail == true, self.draft.thresholds == nil {
            self.contradiction("abort-on-fail", "threshold", "there is no threshold to miss; give one with --threshold")
        }
    }

    private mutating func checkMode() {
        let openOnly = ["rate", "arrival", "burst", "ramp-from", "ramp"]
        if self.draft.isClosed == true {
            if self.origins["closed"] != .flag, openOnly.contains(where: { self.origins[$0] == .flag }) {
                self.forget("closed")
            }
        }
        if self.draft.isClosed == true {
            for flag in openOnly + ["schedule-lag-max"] where self.origins[flag] != nil {
                self.contradiction(
                    flag, "closed",
                    "a closed loop has no schedule, since the answers make its rate; leave out one of both")
            }
        }
        if self.draft.burst != nil, self.draft.arrival != "burst" {
            self.contradiction("burst", "arrival", "only --arrival burst has bursts; add it")
        }
        if self.draft.rampFrom != nil, self.draft.rampMilliseconds == nil {
            self.contradiction("ramp-from", "ramp", "it says where a ramp starts; say with --ramp how long it takes")
        }
    }

    private mutating func checkSearch() {
        guard self.draft.objectives != nil else { return }
        let own = ["rate", "ramp-from", "ramp", "closed", "duration", "warmup"]
        for flag in own where self.origins[flag] != nil {
            self.contradiction(flag, "find-max", "the search chooses rates and times itself; leave it out")
        }
        for flag in ["threshold", "abort-on-fail"] where self.origins[flag] != nil {
            self.contradiction(flag, "find-max", "what the search has to hold is given with --find-max; leave it out")
        }
    }

    private mutating func checkRequests() {
        let workload = self.draft.workload.flatMap(Workload.init) ?? LoadDefaults.workload
        if !workload.needsKeys {
            for flag in ["keys", "key-count", "key-format", "key-choice", "zipf-exponent", "hit-ratio"]
            where self.origins[flag] != nil {
                self.contradiction(flag, "workload", "the workload \(workload.rawValue) asks for no keys")
            }
        }
        if workload != .resolveMany, self.draft.keysPerRequest != nil {
            self.contradiction(
                "keys-per-request", "workload", "only the workload resolve-many has several keys in a request")
        }
        if workload != .ping, self.draft.payloadBytes != nil {
            self.contradiction("payload-bytes", "workload", "only the workload ping has a payload of any size")
        }
    }

    private mutating func checkKeys() {
        let numbered = ["key-count", "key-format"].filter { self.origins[$0] != nil }
        if self.draft.keys != nil, let flag = numbered.first {
            // Whichever is weaker goes; both halves of it, when it is the numbered ones.
            if self.isStronger("keys", than: flag) {
                for flag in numbered { self.forget(flag) }
            } else {
                self.contradiction("keys", flag, "keys come from a file or are numbered; leave out one of both")
            }
        }
        if (self.draft.keyCount == nil) != (self.draft.keyFormat == nil) {
            let (has, lacks) = self.draft.keyCount == nil ? ("key-format", "key-count") : ("key-count", "key-format")
            if self.origins[has] != nil {
                self.contradiction(has, lacks, "numbered keys have a count and a form; add --\(lacks)")
            }
        }
        if self.draft.zipfExponent != nil, self.draft.keyChoice != "zipf" {
            self.contradiction("zipf-exponent", "key-choice", "only --key-choice zipf has an exponent; add it")
        }
    }

    /// One of two keys cannot stand beside the other: it goes in silence when a flag has said the other one, else the
    /// sentence tells why.
    private mutating func contradiction(_ flag: String, _ cause: String, _ sentence: String) {
        guard let origin = self.origins[flag] else { return }
        guard !self.isStronger(cause, than: flag) else { return self.forget(flag) }
        switch origin {
        case .flag: self.refuse(.flag("--" + flag), sentence)
        case .file(let path, let position):
            let name = LoadKey.of(flag).name
            self.refuse(.file(path: path, position), "\(name): \(sentence)")
        }
    }

    private func isStronger(_ flag: String, than other: String) -> Bool {
        (self.origins[flag]?.strength ?? 0) > (self.origins[other]?.strength ?? 0)
    }

    private mutating func forget(_ flag: String) {
        LoadKey.of(flag).forget(&self.draft)
        self.origins[flag] = nil
    }
}
