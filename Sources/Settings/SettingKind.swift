typealias DraftPath<Value> = any WritableKeyPath<SettingsDraft, Value> & Sendable

/// What a setting is made of: how its input is read, checked, stored and shown.
enum SettingKind: Sendable {
    case address(DraftPath<SocketAddress>)
    case integer(DraftPath<Int>, ClosedRange<Int>)
    case byteSize(DraftPath<Int>, ClosedRange<Int>)
    /// Stored and bounded in milliseconds.
    case duration(DraftPath<Int>, ClosedRange<Int>)
    case directory(DraftPath<String>)
    /// "" is none.
    case socket(DraftPath<String?>)
    case workers(DraftPath<Workers>)
    case choice(SettingChoice)
    case rate(DraftPath<Double?>)
    /// Of something that is off without it.
    case optionalInteger(DraftPath<Int?>, ClosedRange<Int>)
    case optionalByteSize(DraftPath<Int?>, ClosedRange<Int>)
    case boolean(DraftPath<Bool>)
    case reserve(DraftPath<CriticalReserve>)
    case instance(DraftPath<String>)
    case controlSocket
    case index
    case tenantID(DraftPath<UInt128?>)
    case tenantName(DraftPath<String?>)

    static func burst(_ path: DraftPath<Int?>) -> SettingKind { .optionalInteger(path, Quota.burstRange) }

    /// What an error and the documentation say is expected.
    var expected: String {
        switch self {
        case .address:
            "an address like \"127.0.0.1:9444\", \"[::1]:9444\" or \"localhost:9444\", or a bare port on loopback"
        case .integer(_, let range), .optionalInteger(_, let range):
            "an integer, \(range.lowerBound.grouped) to \(range.upperBound.grouped)"
        case .byteSize(_, let range), .optionalByteSize(_, let range):
            "a size like 1048576, \"64KiB\" or \"2MB\", "
                + "\(ByteSizeText.render(range.lowerBound)) to \(ByteSizeText.render(range.upperBound))"
        case .duration(_, let range):
            "a duration like \"500ms\", \"5s\" or \"2m\", "
                + "\(DurationText.render(range.lowerBound)) to \(DurationText.render(range.upperBound))"
        case .directory:
            "the path of a directory"
        case .socket:
            "the path of a socket, at most \(ControlSocketPath.bytesMax) bytes, or \"\" for none"
        case .workers:
            "\"auto\" or an integer, \(Workers.countRange.lowerBound) to \(Workers.countRange.upperBound)"
        case .choice(let choice):
            choice.expected
        case .rate:
            "a number, \(Quota.perSecondRange.lowerBound) to \(Int(Quota.perSecondRange.upperBound).grouped)"
        case .boolean:
            "true or false"
        case .reserve:
            "permits, 0 to \(CriticalReserve.permitsRange.upperBound.grouped), or a share like \"20%\", at most "
                + "\(CriticalReserve.percentRange.upperBound)%"
        case .instance:
            InstanceName.expected
        case .controlSocket:
            "the path of a socket, at most \(ControlSocketPath.bytesMax) bytes, \"auto\", or \"\" for none"
        case .index:
            IndexChoice.expected
        case .tenantID:
            "a tenant's number below 2^128, like 7, \"340282366920938463463\" or \"0x1f\""
        case .tenantName:
            "\(InstanceName.expected), not \"other\", and not beginning with 0x"
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
        case .socket(let path):
            let words = try self.socketPath(input)
            draft[keyPath: path] = words.isEmpty ? nil : words
        case .workers(let path):
            draft[keyPath: path] = try self.workers(input)
        case .choice(let choice):
            guard let words = input.words, choice.select(words, &draft) else {
                throw self.mismatch(input, suggestion: input.words.flatMap(choice.nearest))
            }
        case .rate(let path):
            guard let number = input.number, Quota.perSecondRange.contains(number) else { throw self.mismatch(input) }
            draft[keyPath: path] = number
        case .optionalInteger(let path, let range):
            draft[keyPath: path] = try self.bounded(input.integer, by: range, input)
        case .optionalByteSize(let path, let range):
            let bytes = input.integer ?? input.words.flatMap(ByteSizeText.parse)
            draft[keyPath: path] = try self.bounded(bytes, by: range, input)
        case .boolean(let path):
            guard let value = input.boolean else { throw self.mismatch(input) }
            draft[keyPath: path] = value
        case .reserve(let path):
            let text = input.integer.map { "\($0)" } ?? input.words
            guard let reserve = text.flatMap(CriticalReserve.init(parsing:)) else { throw self.mismatch(input) }
            draft[keyPath: path] = reserve
        case .instance(let path):
            guard let words = input.words, InstanceName.isValid(words) else { throw self.mismatch(input) }
            draft[keyPath: path] = words
        case .controlSocket:
            draft.settings.controlSocket = try self.controlSocket(input)
        case .index:
            guard let words = input.words else { throw self.mismatch(input) }
            do {
                draft.settings.index = try IndexChoice(parsing: words)
            } catch {
                throw self.mismatch(input, reason: error.description)
            }
        case .tenantID(let path):
            guard let id = input.tenantID else { throw self.mismatch(input) }
            draft[keyPath: path] = id
        case .tenantName(let path):
            // Metrics put every tenant without a place of its own under "other", and call one without a name by its id.
            guard let words = input.words, InstanceName.isValid(words), words != "other", !words.hasPrefix("0x") else {
                throw self.mismatch(input)
            }
            draft[keyPath: path] = words
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
        case .socket(let path): draft[keyPath: path].map { .text($0) } ?? .off
        case .workers(let path):
            switch draft[keyPath: path] {
            case .automatic: .text(Workers.automatic.description)
            case .count(let count): .integer(count)
            }
        case .choice(let choice): .text(choice.selected(draft))
        case .rate(let path): draft[keyPath: path].map { .number($0) } ?? .off
        case .optionalInteger(let path, _): draft[keyPath: path].map { .integer($0) } ?? .off
        case .optionalByteSize(let path, _): draft[keyPath: path].map { .byteSize($0) } ?? .off
        case .boolean(let path): .boolean(draft[keyPath: path])
        case .reserve(let path): .text(draft[keyPath: path].description)
        case .instance(let path): .text(draft[keyPath: path])
        case .controlSocket: Self.controlSocket(of: draft)
        case .index: .text(draft.settings.index.description)
        case .tenantID(let path): .text(draft[keyPath: path].map { "\($0)" } ?? "")
        case .tenantName(let path): .text(draft[keyPath: path] ?? "")
        }
    }

    /// Stores the value that another draft has.
    func copy(from other: SettingsDraft, into draft: inout SettingsDraft) {
        switch self {
        case .address(let path): draft[keyPath: path] = other[keyPath: path]
        case .integer(let path, _), .byteSize(let path, _), .duration(let path, _):
            draft[keyPath: path] = other[keyPath: path]
        case .directory(let path), .instance(let path): draft[keyPath: path] = other[keyPath: path]
        case .socket(let path): draft[keyPath: path] = other[keyPath: path]
        case .workers(let path): draft[keyPath: path] = other[keyPath: path]
        case .choice(let choice): _ = choice.select(choice.selected(other), &draft)
        case .rate(let path): draft[keyPath: path] = other[keyPath: path]
        case .optionalInteger(let path, _), .optionalByteSize(let path, _):
            draft[keyPath: path] = other[keyPath: path]
        case .boolean(let path): draft[keyPath: path] = other[keyPath: path]
        case .reserve(let path): draft[keyPath: path] = other[keyPath: path]
        case .controlSocket:
            draft.settings.controlSocket = other.settings.controlSocket
            draft.controlDirectory = other.controlDirectory
        case .index: draft.settings.index = other.settings.index
        case .tenantID(let path): draft[keyPath: path] = other[keyPath: path]
        case .tenantName(let path): draft[keyPath: path] = other[keyPath: path]
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

    private func controlSocket(_ input: SettingInput) throws(SettingMismatch) -> ControlSocketChoice {
        let words = try self.socketPath(input)
        switch words {
        case "": return .off
        case ControlSocketChoice.automaticText: return .automatic
        default: return .path(words)
        }
    }

    private func socketPath(_ input: SettingInput) throws(SettingMismatch) -> String {
        guard let words = input.words, !words.utf8.contains(0) else { throw self.mismatch(input) }
        guard words.utf8.count <= ControlSocketPath.bytesMax else {
            throw self.mismatch(input, reason: "it has \(words.utf8.count) bytes")
        }
        return words
    }

    private static func controlSocket(of draft: SettingsDraft) -> SettingValue {
        switch draft.settings.controlSocket {
        case .off: .off
        case .path, .automatic: .text(draft.controlSocketPath ?? ControlSocketChoice.automaticText)
        }
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
