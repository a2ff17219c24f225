/// Guesses which member a mistyped name was meant to be.
enum JSONMemberNames {
    /// The known name that is nearest to `name`, when it is near enough to be what was meant: at most one edit for
    /// every three characters, and never more than three.
    static func suggestion(for name: String, among known: [String]) -> String? {
        let editsMax = min(3, max(1, name.utf8.count / 3))
        // A name far longer than any member is no typing error; this also bounds the work.
        guard name.utf8.count <= 32 else { return nil }
        var best: (name: String, edits: Int)?
        for candidate in known {
            let edits = Self.edits(from: Array(name.lowercased().utf8), to: Array(candidate.utf8))
            if edits <= editsMax && edits < best?.edits ?? .max { best = (candidate, edits) }
        }
        return best?.name
    }

    /// Levenshtein distance: insertions, deletions and substitutions of bytes.
    private static func edits(from source: [UInt8], to target: [UInt8]) -> Int {
        var row = Array(0...target.count)
        for (line, byte) in source.enumerated() {
            var diagonal = row[0]
            row[0] = line + 1
            for (column, other) in target.enumerated() {
                let substituted = diagonal + (byte == other ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(substituted, row[column] + 1, diagonal + 1)
            }
        }
        return row[target.count]
    }
}
