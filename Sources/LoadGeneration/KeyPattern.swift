/// The form of numbered keys, such as `name:k%07d`: one `%d` or `%0Nd` stands for the number.
public struct KeyPattern: Sendable {
    private let prefix: String
    private let suffix: String
    /// Digits, filled up with zeros.
    private let width: Int

    /// Nil when the text has not exactly one of the two.
    public init?(parsing text: String) {
        guard let percent = text.firstIndex(of: "%") else { return nil }
        var rest = text[text.index(after: percent)...]
        var width = 0
        if rest.first == "0" {
            let digits = rest.dropFirst().prefix { $0.isASCII && $0.isNumber }
            guard let number = Int(digits), (1...18).contains(number) else { return nil }
            width = number
            rest = rest.dropFirst(1 + digits.count)
        }
        guard rest.first == "d", !rest.dropFirst().contains("%") else { return nil }
        self.prefix = String(text[..<percent])
        self.suffix = String(rest.dropFirst())
        self.width = width
    }

    /// Writes the key of `number` to `key`, which keeps its storage.
    private func write(_ number: Int, to key: inout [UInt8]) {
        key.removeAll(keepingCapacity: true)
        key.append(contentsOf: self.prefix.utf8)
        let digits = String(number)
        for _ in 0..<max(0, self.width - digits.utf8.count) { key.append(UInt8(ascii: "0")) }
        key.append(contentsOf: digits.utf8)
        key.append(contentsOf: self.suffix.utf8)
    }

    /// The keys of the numbers from 0 up to `count`.
    public func keys(count: Int) throws(KeySet.Fault) -> KeySet {
        var keys = KeySet()
        var key: [UInt8] = []
        for number in 0..<count {
            self.write(number, to: &key)
            try keys.append(key.span)
        }
        return keys
    }
}
