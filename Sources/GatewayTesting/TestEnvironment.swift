internal import Foundation
public import GatewayRuntime

/// What this machine and this run offer to tests.
public enum TestEnvironment {
    /// The seed of `OAP_TEST_SEED`, decimal; nil when it is not set.
    public static let seed: UInt64? = ProcessInfo.processInfo.environment["OAP_TEST_SEED"].flatMap { UInt64($0) }

    /// Whether `SVC_GATEWAY_LONG_TESTS` asks for more of what is random.
    public static let isLong = ProcessInfo.processInfo.environment["SVC_GATEWAY_LONG_TESTS"] == "1"

    /// Why io_uring cannot be tested here; nil when it can.
    public static let uringProblem: String? = {
        do throws(BackendUnavailable) {
            _ = try Backend.probe(.only(.uring))
            return nil
        } catch {
            return error.description
        }
    }()

    /// The backends that this machine has: epoll always, io_uring where the kernel lets us.
    public static let backends: [Backend.Kind] = Backend.Kind.allCases.filter { kind in
        switch kind {
        case .epoll: true
        case .uring: TestEnvironment.uringProblem == nil
        }
    }
}
