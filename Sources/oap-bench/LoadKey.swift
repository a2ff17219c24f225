import ArgumentParser
import Settings
import Terminal

/// One thing that can be asked of a load: with a flag, or with a key of a scenario file. `all` is the only list of them:
/// reading, errors, suggestions and the help are made from it.
struct LoadKey: Sendable {
    /// The flag without its dashes, as in `zipf-exponent`; the key of a file has underscores instead.
    let flag: String
    /// How a value is called in the usage; nil for a flag without one.
    let valueName: String?
    let summary: String
    /// What holds when nobody says anything; nil when there is nothing to say.
    let defaultText: String?
    /// What an error says was expected.
    let expected: String
    /// Stores what the input means; false when it means nothing.
    let read: @Sendable (SettingInput, inout LoadDraft) -> Bool
    /// As if nobody had said it.
    let forget: @Sendable (inout LoadDraft) -> Void
    /// True for what may have several values, which `read` adds one by one.
    var isList = false
    /// What may have been meant.
    var suggestions: [String] = []
    /// Why a text means nothing, where more can be said than what was expected.
    var reason: (@Sendable (String) -> String?)?

    /// The key in a scenario file.
    var name: String { String(self.flag.map { $0 == "-" ? "_" : $0 }) }

    var argumentHelp: ArgumentHelp {
        ArgumentHelp(
            "\(self.summary)\(self.defaultText.map { " (default: \($0))" } ?? "")",
            valueName: self.valueName)
    }

    static let all: [LoadKey] = Self.server + Self.load + Self.requests + Self.verdict
    static let byName = Dictionary(uniqueKeysWithValues: Self.all.map { ($0.name, $0) })

    /// The key of a flag that is in the list.
    static func of(_ flag: String) -> LoadKey {
        guard let key = Self.all.first(where: { $0.flag == flag }) else { preconditionFailure("no key \(flag)") }
        return key
    }

    func mismatch(_ input: SettingInput) -> SettingMismatch {
        SettingMismatch(
            found: input.description, expected: self.expected, reason: input.words.flatMap { self.reason?($0) ?? nil },
            suggestion: input.words.flatMap { Suggestion.nearest(to: $0, among: self.suggestions) })
    }
}

// MARK: - Kinds

extension LoadKey {
    typealias Path<Value> = any WritableKeyPath<LoadDraft, Value?> & Sendable

    static func integer(
        _ flag: String, _ path: Path<Int>, _ range: ClosedRange<Int>, default defaultText: String? = nil,
        _ summary: String, valueName: String = "n"
    ) -> LoadKey {
        LoadKey(
            flag: flag, valueName: valueName, summary: summary, defaultText: defaultText,
            expected: "an integer, \(Number.text(range.lowerBound)) to \(Number.text(range.upperBound))",
            read: { input, draft in
                guard let number = input.integer, range.contains(number) else { return false }
                draft[keyPath: path] = number
                return true
            }, forget: { $0[keyPath: path] = nil })
    }

    static func number(
        _ flag: String, _ path: Path<Double>, _ range: ClosedRange<Double>, default defaultText: String? = nil,
        _ summary: String, valueName: String = "n"
    ) -> LoadKey {
        LoadKey(
            flag: flag, valueName: valueName, summary: summary, defaultText: defaultText,
            expected: "a number, \(Number.text(range.lowerBound)) to \(Number.text(range.upperBound))",
            read: { input, draft in
                guard let number = input.number, range.contains(number) else { return false }
                draft[keyPath: path] = number
                return true
            }, forget: { $0[keyPath: path] = nil })
    }

    /// Stored and bounded in milliseconds.
    static func duration(
        _ flag: String, _ path: Path<Int>, _ range: ClosedRange<Int>, default defaultText: String? = nil,
        _ summary: String
    ) -> LoadKey {
        LoadKey(
            flag: flag, valueName: "duration", summary: summary, defaultText: defaultText,
            expected: "a duration like \"500ms\", \"10s\" or \"2m\", \(DurationText.render(range.lowerBound)) to "
                + DurationText.render(range.upperBound),
            read: { input, draft in
                guard let time = input.words.flatMap(DurationText.parse), range.contains(time) else { return false }
                draft[keyPath: path] = time
                return true
            }, forget: { $0[keyPath: path] = nil })
    }

    static func choice(
        _ flag: String, _ path: Path<String>, _ names: [String], default defaultText: String? = nil, _ summary: String
    ) -> LoadKey {
        let offered = names.map(\.quoted)
        return LoadKey(
            flag: flag, valueName: names.joined(separator: "|"), summary: summary, defaultText: defaultText,
            expected: offered.dropLast().joined(separator: ", ") + " or " + (offered.last ?? ""),
            read: { input, draft in
                guard let word = input.words, names.contains(word) else { return false }
                draft[keyPath: path] = word
                return true
            }, forget: { $0[keyPath: path] = nil }, suggestions: names)
    }

    static func text(
        _ flag: String, _ path: Path<String>, valueName: String, expected: String, default defaultText: String? = nil,
        _ summary: String
    ) -> LoadKey {
        LoadKey(
            flag: flag, valueName: valueName, summary: summary, defaultText: defaultText, expected: expected,
            read: { input, draft in
                guard let words = input.words, !words.isEmpty, !words.utf8.contains(0) else { return false }
                draft[keyPath: path] = words
                return true
            }, forget: { $0[keyPath: path] = nil })
    }

    static func toggle(_ flag: String, _ path: Path<Bool>, _ summary: String) -> LoadKey {
        LoadKey(
            flag: flag, valueName: nil, summary: summary, defaultText: nil, expected: "true or false",
            read: { input, draft in
                guard case .boolean(let value) = input else { return false }
                draft[keyPath: path] = value
                return true
            }, forget: { $0[keyPath: path] = nil })
    }

    /// Numbers as errors and the help show them.
    private enum Number {
        static func text(_ number: Double) -> String { Int(exactly: number).map(Self.text) ?? "\(number)" }
        static func text(_ number: Int) -> String { NumberText.grouped(number) }
    }
}
