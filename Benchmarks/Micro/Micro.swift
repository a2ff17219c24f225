import Benchmark
import Foundation
import Microbenchmarks

/// Every microbenchmark, for the plugin: `make microbench`.
let benchmarks: @Sendable () -> Void = {
    // Beside what was built, and made once. The plugin starts a process for each list and each run.
    let directory = URL(fileURLWithPath: FileManager.default.currentDirectoryPath).appending(
        path: ".build/microbench-index", directoryHint: .isDirectory)
    do {
        if !FileManager.default.fileExists(atPath: directory.appending(path: "data.mdb").path) {
            try BenchmarkIndex.make(at: directory.path)
        }
    } catch {
        fatalError("cannot make the index \(directory.path): \(error)")
    }
    BenchmarkIndex.use(directory.path)
    // A sample is 1,000 operations: one alone is shorter than the clock's own reading.
    for microbenchmark in Microbenchmark.all {
        let configuration = Benchmark.Configuration(
            metrics: [.wallClock, .throughput],
            timeUnits: .nanoseconds,
            warmupIterations: 1,
            scalingFactor: .kilo,
            maxDuration: .seconds(1),
            maxIterations: 200)
        Benchmark(microbenchmark.name, configuration: configuration) { benchmark in
            try microbenchmark.run(iterations: benchmark.scaledIterations.count) { loop in
                benchmark.startMeasurement()
                loop()
                benchmark.stopMeasurement()
            }
        }
    }
}
