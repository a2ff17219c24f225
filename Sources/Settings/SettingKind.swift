typealias DraftPath<Value> = any WritableKeyPath<SettingsDraft, Value> & Sendable

/// What a setting is made of: how its input is read, checked, stored and shown.
enum SettingKind: Sendable {
    case address(DraftPath<SocketAddress>)
    case integer(DraftPath<Int>, ClosedRange<Int>)
    case byteSize(DraftPath<Int>, ClosedRange<Int>)
    /// Stored and bounded in milliseconds.
    case duration(DraftPath<Int>, ClosedRange<Int>)
    case directory(DraftPath<String>)
    case workers(DraftPath<Workers>)
    case choice(SettingChoice)
    case rate(DraftPath<Double?>)
    case burst(DraftPath<Int?>)

    /// What an error and the documentation say is expected.
    var expected: String {
        switch self {
        case .address:
            "an address like \"127.0.0.1:9444\", \"[::1]:9444\" or \"localhost:9444\", or a bare port on loopback"
        case .integer(_, let range):
            "an integer, \(range.lowerBound.grouped) to \(range.upperBound.grouped)"
        case .byteSize(_, let range):
            "a size like 1048576, \"64KiB\" or \"2MB\", "
                + "\(ByteSizeText.render(range.lowerBound)) to \(ByteSizeText.render(range.upperBound))"
        case .duration(_, let range):
            "a duration like \"500ms\", \"5s\" or \"2m\", "
                + "\(DurationText.render(range.lowerBound)) to \(DurationText.render(range.upperBound))"
        case .directory:
            "the path of a directory"
        case .workers:
            "\"auto\" or an integer, \(Workers.countRange.lowerBound) to \(Workers.countRange.upperBound)"
        case .choice(let choice):
            choice.expected
        case .rate:
            "a number, \(Quota.perSecondRange.lowerBound) to \(Int(Quota.perSecondRange.upperBound).grouped)"
        case .burst:
            "an integer, \(Quota.burstRange.lowerBound) to \(Quota.burstRange.upperBound.grouped)"
        }
    }

    /// Stores what the input means, or says why it means nothing.
    func read(_ input: SettingInput, into draft: inout SettingsDraft) throws(SettingMismatch) {
        switch self {
        case .address(let path):
            draft[keyPath: path] = try self.address(input)
        case .integer(let path, let range):
            draft[keyPath: path] = try self.bounded(input.integer, by: range, input)
        case .byteSize(let path, let range):
            let bytes = input.integer ?? input.words.flatMap(ByteSizeText.parse)
            draft[keyPath: path] = try self.bounded(bytes, by: range, input)
        case .duration(let path, let range):
            draft[keyPath: path] = try self.bounded(input.words.flatMap(DurationText.parse), by: range, input)
        case .directory(let path):
            guard let words = input.words, !words.isEmpty, !words.utf8.contains(0) else { throw self.mismatch(input) }
            draft[keyPath: path] = words
        case .workers(let path):
            draft[keyPath: path] = try self.workers(input)
        case .choice(let choice):
            guard let words = input.words, choice.select(words, &draft) else {
                throw self.mismatch(input, suggestion: input.words.flatMap(choice.nearest))
            }
        case .rate(let path):
            guard let number = input.number, Quota.perSecondRange.contains(number) else { throw self.mismatch(input) }
            draft[keyPath: path] = number
        case .burst(let path):
            draft[keyPath: path] = try self.bounded(input.integer, by: Quota.burstRange, input)
        }
    }

    /// The stored value.
    func value(in draft: SettingsDraft) -> SettingValue {
        switch self {
        case .address(let path): .text(draft[keyPath: path].description)
        case .integer(let path, _): .integer(draft[keyPath: path])
        case .byteSize(let path, _): .byteSize(draft[keyPath: path])
        case .duration(let path, _): .text(DurationText.render(draft[keyPath: path]))
        case .directory(let path): .text(draft[keyPath: path])
        case .workers(let path):
            switch draft[keyPath: path] {
            case .automatic: .text(Workers.automatic.description)
            case .count(let count): .integer(count)
            }
        case .choice(let choice): .text(choice.selected(draft))
        case .rate(let path): draft[keyPath: path].map { .number($0) } ?? .off
        case .burst(let path): draft[keyPath: path].map { .integer($0) } ?? .off
        }
    }

    private func address(_ input: SettingInput) throws(SettingMismatch) -> SocketAddress {
        if let number = input.integer {
            guard let port = UInt16(exactly: number) else {
                throw self.mismatch(input, reason: SocketAddressFault.port.description)
            }
            return SocketAddress(loopbackPort: port)
        }
        guard let words = input.words else { throw self.mismatch(input) }
        do {
            return try SocketAddress(parsing: words)
        } catch {
            throw self.mismatch(input, reason: error.description)
        }
    }

    private func workers(_ input: SettingInput) throws(SettingMismatch) -> Workers {
        let automatic = Workers.automatic.description
        if let words = input.words, words.lowercased() == automatic { return .automatic }
        if let count = input.integer, Workers.countRange.contains(count) { return .count(count) }
        throw self.mismatch(input, suggestion: input.words.flatMap { Suggestion.nearest(to: $0, among: [automatic]) })
    }

    private func bounded(
        _ number: Int?, by range: ClosedRange<Int>, _ input: SettingInput
    ) throws(SettingMismatch) -> Int {
        guard let number, range.contains(number) else { throw self.mismatch(input) }
        return number
    }

    private func mismatch(
        _ input: SettingInput, reason: String? = nil, suggestion: String? = nil
    ) -> SettingMismatch {
        SettingMismatch(found: input.description, expected: self.expected, reason: reason, suggestion: suggestion)
    }
}

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

/// An effective value, as a table and as JSON show it.
enum SettingValue: Sendable, Equatable {
    case text(String)
    case integer(Int)
    case byteSize(Int)
    case number(Double)
    /// Not enforced.
    case off

    var text: String {
        switch self {
        case .text(let text): text
        case .integer(let number): "\(number)"
        case .byteSize(let bytes): ByteSizeText.render(bytes)
        case .number(let number): Int(exactly: number).map { "\($0)" } ?? "\(number)"
        case .off: "off"
        }
    }
}
