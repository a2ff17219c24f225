/// Decides by its name whether a metadata value is a secret. The rule looks at the last words of the key, so that
/// `cap` and `session_token` are hidden while `cap_bytes` and `token_count`, which only measure, are not.
enum LogRedaction {
    static let text = "[redacted]"

    private static let lastWords: Set<String> = [
        "token", "tokens", "cap", "caps", "capability", "capabilities", "secret", "secrets", "password", "passphrase",
        "credential", "credentials", "authorization", "cookie", "bearer", "signature",
    ]

    private static let lastTwoWords: Set<String> = ["key_file", "private_key", "secret_key", "api_key", "signing_key"]

    static func isSecret(_ key: String) -> Bool {
        let words = self.words(key)
        guard let last = words.last else { return false }
        return self.lastWords.contains(last) || self.lastTwoWords.contains(words.suffix(2).joined(separator: "_"))
    }

    /// `keyFile`, `key-file` and `tls.key_file` all end in the words key, file.
    private static func words(_ key: String) -> [String] {
        var words: [String] = [""]
        var previousIsLower = false
        for character in key {
            if !character.isLetter && !character.isNumber {
                words.append("")
            } else {
                if character.isUppercase && previousIsLower { words.append("") }
                words[words.count - 1] += character.lowercased()
            }
            previousIsLower = character.isLowercase
        }
        return words.filter { !$0.isEmpty }
    }
}
