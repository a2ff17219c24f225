/// One operation of the data path, repeatable alone.
public struct Microbenchmark: Sendable {
    /// Room and operation: `codec.decode-header`.
    public let name: String
    /// What one operation is, for a person.
    public let summary: String
    /// Operations whose instructions can be counted within a second under an instrument that executes them 50 times slower.
    public let iterationsCounted: Int
    private let body: @Sendable (_ iterations: Int, _ measured: (() -> Void) -> Void) throws -> Void

    init(
        _ name: String, _ summary: String, iterationsCounted: Int = 10_000,
        _ body: @escaping @Sendable (_ iterations: Int, _ measured: (() -> Void) -> Void) throws -> Void
    ) {
        self.name = name
        self.summary = summary
        self.iterationsCounted = iterationsCounted
        self.body = body
    }

    /// Prepares, calls `measured` once with the loop over `iterations` operations, and cleans up. What is prepared depends on
    /// nothing but the benchmark, so that two runs differ by their operations only.
    public func run(iterations: Int, measured: (() -> Void) -> Void = { $0() }) throws {
        precondition(iterations > 0)
        try self.body(iterations, measured)
    }

    /// All of them, in the order of a request's way. Names are unique.
    public static let all: [Microbenchmark] = codec + admission + timers + core + index + turns

    public static func named(_ name: String) -> Microbenchmark? { self.all.first { $0.name == name } }
}

/// Keeps the compiler from removing what computes `value`.
@inline(never)
@_optimize(none)
func keep<Value>(_ value: Value) {}
