/// An effective value, as a table and as JSON show it.
enum SettingValue: Sendable, Equatable {
    case text(String)
    case integer(Int)
    case byteSize(Int)
    case number(Double)
    case boolean(Bool)
    /// Not enforced.
    case off

    var text: String {
        switch self {
        case .text(let text): text
        case .integer(let number): "\(number)"
        case .byteSize(let bytes): ByteSizeText.render(bytes)
        case .number(let number): Int(exactly: number).map { "\($0)" } ?? "\(number)"
        case .boolean(let value): "\(value)"
        case .off: "off"
        }
    }
}
