internal import Foundation

extension LoadReport {
    /// UTC, ISO 8601 with seconds.
    public static func timestamp(secondsFromNow: Double = 0) -> String {
        Date(timeIntervalSinceNow: secondsFromNow).formatted(.iso8601)
    }
}

extension LoadReport.Environment {
    /// This machine.
    ///
    /// - Parameter loop: `io_uring` or `epoll`.
    public static func current(loop: String) -> Self {
        var environment = Self()
        environment.architecture = Self.architecture
        environment.kernel = Self.firstLine("/proc/sys/kernel/osrelease")
        environment.processor = Self.processorName
        environment.processorsCount = ProcessInfo.processInfo.activeProcessorCount
        environment.memoryBytes = ProcessInfo.processInfo.physicalMemory
        environment.loop = loop
        return environment
    }

    private static var architecture: String {
        #if arch(x86_64)
            "x86_64"
        #elseif arch(arm64)
            "aarch64"
        #else
            "other"
        #endif
    }

    /// `model name` on x86; ARM kernels have none, and say `CPU part` instead.
    private static var processorName: String {
        let lines = Self.text("/proc/cpuinfo").split(separator: "\n")
        for name in ["model name", "Model", "CPU part"] {
            guard let line = lines.first(where: { $0.hasPrefix(name) }), let colon = line.firstIndex(of: ":") else {
                continue
            }
            return line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
        return ""
    }

    private static func firstLine(_ path: String) -> String {
        Self.text(path).split(separator: "\n").first.map(String.init) ?? ""
    }

    private static func text(_ path: String) -> String {
        (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    }
}
