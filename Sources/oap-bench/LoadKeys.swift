import LoadGeneration

/// The keys that a load asks for.
enum LoadKeys {
    /// Those of a file, numbered ones, or the names of the sample index.
    ///
    /// - Throws: what is wrong, as a sentence that names the flag or the file's line.
    static func load(_ draft: LoadDraft) throws(BenchFailure) -> KeySet {
        guard draft.workloadChosen.needsKeys else { return KeySet() }
        if let path = draft.keys {
            do throws(KeyFile.Failure) { return try KeyFile.read(path) } catch {
                throw BenchFailure("--keys: \(error.description)")
            }
        }
        do throws(KeySet.Fault) {
            if let count = draft.keyCount, let pattern = draft.keyFormat.flatMap(KeyPattern.init(parsing:)) {
                return try pattern.keys(count: count)
            }
            var keys = KeySet()
            for name in SampleNames.all {
                let bytes = Array(name.utf8)
                try keys.append(bytes.span)
            }
            return keys
        } catch {
            throw BenchFailure("--key-format: \(error.description)")
        }
    }
}
