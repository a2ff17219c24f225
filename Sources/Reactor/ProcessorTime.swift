internal import CIngress

/// Processor time that this process has used, all threads together.
public struct ProcessorTime: Equatable, Sendable {
    public let userMicroseconds: UInt64
    public let systemMicroseconds: UInt64

    public var totalMicroseconds: UInt64 { self.userMicroseconds + self.systemMicroseconds }

    /// Up to this moment.
    public static func now() -> ProcessorTime {
        var user: UInt64 = 0
        var system: UInt64 = 0
        unsafe ingress_processor_time(&user, &system)
        return ProcessorTime(userMicroseconds: user, systemMicroseconds: system)
    }

    /// What was used since `earlier`.
    public func since(_ earlier: ProcessorTime) -> ProcessorTime {
        ProcessorTime(
            userMicroseconds: self.userMicroseconds - earlier.userMicroseconds,
            systemMicroseconds: self.systemMicroseconds - earlier.systemMicroseconds)
    }
}
