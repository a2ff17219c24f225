internal import Foundation
internal import Reactor

/// What the kernel accounts to this process.
struct ProcessUsage: Sendable {
    let cpuSeconds: Double
    let residentBytes: Double
    let majorFaults: Double
    let descriptorsOpen: Double

    static func now() -> ProcessUsage {
        var usage = rusage()
        _ = unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return ProcessUsage(
            cpuSeconds: seconds(usage.ru_utime) + seconds(usage.ru_stime), residentBytes: Self.residentBytes(),
            majorFaults: Double(usage.ru_majflt), descriptorsOpen: Double(ProcessFacts.descriptorsOpen))
    }

    /// The second field of statm, in pages.
    private static func residentBytes() -> Double {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return .nan }
        let fields = text.split(separator: " ")
        guard fields.count > 1, let pages = Double(fields[1]) else { return .nan }
        return pages * Double(sysconf(Int32(_SC_PAGESIZE)))
    }
}
