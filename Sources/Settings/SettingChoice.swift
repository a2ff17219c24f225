/// A setting that is one of a closed list of names.
struct SettingChoice: Sendable {
    /// What is offered; aliases are understood but not offered.
    let names: [String]
    /// Stores the choice of that name; false when there is none.
    let select: @Sendable (_ name: String, _ draft: inout SettingsDraft) -> Bool
    let selected: @Sendable (_ draft: SettingsDraft) -> String

    /// The cases of an enum by their raw values, in any case of letters.
    init<Choice>(_ path: DraftPath<Choice>, aliases: [String: Choice] = [:])
    where Choice: RawRepresentable<String> & CaseIterable & Sendable {
        self.names = Choice.allCases.map(\.rawValue)
        self.select = { name, draft in
            let lowerCased = name.lowercased()
            guard let choice = Choice(rawValue: lowerCased) ?? aliases[lowerCased] else { return false }
            draft[keyPath: path] = choice
            return true
        }
        self.selected = { $0[keyPath: path].rawValue }
    }

    var expected: String {
        let offered = self.names.map(\.quoted)
        return offered.dropLast().joined(separator: ", ") + " or " + (offered.last ?? "")
    }

    func nearest(_ name: String) -> String? {
        Suggestion.nearest(to: name, among: self.names)
    }
}
