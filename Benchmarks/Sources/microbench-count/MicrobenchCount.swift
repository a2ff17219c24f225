import Glibc
import Microbenchmarks

/// Runs one microbenchmark so many times, for an instrument that counts what the process does.
@main
struct MicrobenchCount {
    private static let usage = """
        usage: microbench-count --list
               microbench-count --make-index DIRECTORY
               microbench-count [--index DIRECTORY] NAME ITERATIONS

        Runs the operation NAME so many times and prints nothing; perf/microbench.py counts what that costs.
        --list shows each name, the iterations it is counted with, and what it is.

        """

    static func main() {
        var arguments = CommandLine.arguments.dropFirst()
        if arguments.first == "--index", arguments.count >= 2 {
            BenchmarkIndex.use(arguments[arguments.startIndex + 1])
            arguments = arguments.dropFirst(2)
        }
        switch (arguments.count, arguments.first) {
        case (1, "--list"):
            for benchmark in Microbenchmark.all {
                print(benchmark.name, benchmark.iterationsCounted, benchmark.summary, separator: "\t")
            }
        case (2, "--make-index"):
            self.attempt { try BenchmarkIndex.make(at: arguments[arguments.startIndex + 1]) }
        case (2, let name?):
            guard let benchmark = Microbenchmark.named(name) else {
                self.fail("there is no microbenchmark \(name); --list shows all")
            }
            guard let iterations = Int(arguments[arguments.startIndex + 1]), iterations > 0 else {
                self.fail("\(arguments[arguments.startIndex + 1]) is no number of iterations")
            }
            self.attempt { try benchmark.run(iterations: iterations) }
        default:
            self.fail(self.usage)
        }
    }

    private static func attempt(_ body: () throws -> Void) {
        do { try body() } catch { self.fail("\(error)") }
    }

    private static func fail(_ message: String) -> Never {
        let line = Array("microbench-count: \(message)\n".utf8)
        _ = unsafe line.withUnsafeBytes { unsafe write(2, $0.baseAddress, $0.count) }
        exit(64)
    }
}
