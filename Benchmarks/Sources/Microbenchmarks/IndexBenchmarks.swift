internal import IndexStore
internal import OAP

let index: [Microbenchmark] = [
    Microbenchmark("index.lookup-hot", "a record that was found before in this snapshot") { iterations, measured in
        try lookUp(BenchmarkIndex.keys(0..<1000), iterations, measured)
    },
    Microbenchmark("index.lookup-tree", "a record that only the tree has: hot pages, one of 1,000 escaped keys") {
        iterations, measured in
        try lookUp(BenchmarkIndex.escapedKeys, iterations, measured)
    },
    Microbenchmark("index.lookup-uniform", "any of 100,000 records, each looked up before") { iterations, measured in
        // A step that is prime to their number visits all of them, far from each other.
        let keys = (0..<BenchmarkIndex.recordsCount).map {
            BenchmarkIndex.key($0 * 61_803 % BenchmarkIndex.recordsCount)
        }
        try lookUp(keys, iterations, measured)
    },
    Microbenchmark("index.lookup-absent", "a key that is not there") { iterations, measured in
        try lookUp([Array("name:absent".utf8)], iterations, measured, found: false)
    },
    Microbenchmark("index.turn", "a turn's snapshot taken and let go, with one hot lookup in it") {
        iterations, measured in
        var reader = try BenchmarkIndex.environment().makeReader()
        let key = BenchmarkIndex.key(1)
        var bytes = 0
        _ = reader.lookup(key.span) { bytes += $0.count }
        reader.endTurn()
        measured {
            for _ in 0..<iterations {
                _ = reader.lookup(key.span) { bytes &+= $0.count }
                reader.endTurn()
            }
        }
        precondition(bytes > iterations)
    },
]

/// Looks the keys up in turn, all in one snapshot, after each one has been looked up once. They are equally long, and stand
/// in one array: taking one out of many arrays would count a reference.
private func lookUp(
    _ keys: [[UInt8]], _ iterations: Int, _ measured: (() -> Void) -> Void, found isFound: Bool = true
) throws {
    let width = keys[0].count
    let bytes = keys.flatMap(\.self)
    precondition(bytes.count == width * keys.count)
    var reader = try BenchmarkIndex.environment().makeReader()
    var found = 0
    for key in keys { _ = reader.lookup(key.span) { found += $0.count } }
    found = 0
    var next = 0
    measured {
        for _ in 0..<iterations {
            _ = reader.lookup(bytes.span.extracting(next..<(next + width))) { found &+= $0.count }
            next += width
            if next == bytes.count { next = 0 }
        }
    }
    precondition((found > 100 * iterations) == isFound)
}
