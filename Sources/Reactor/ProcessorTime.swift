internal import CIngress

/// Processor time that this process has used, all threads together.
public struct ProcessorTime: Equatable, Sendable {
    public let userMicroseconds: UInt64
    public let systemMicroseconds: UInt64

    public var totalMicroseconds: UInt64 { self.userMicroseconds + self.systemMicroseconds }

    public init(userMicroseconds: UInt64, systemMicroseconds: UInt64) {
        self.userMicroseconds = userMicroseconds
        self.systemMicroseconds = systemMicroseconds
    }

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

/// What the calling thread has had of a processor, and how long it had to wait for one.
public struct ThreadTime: Equatable, Sendable {
    public let runningNanoseconds: UInt64
    /// Ready to run and not running, because others were; 0 where the kernel does not keep it.
    public let waitingNanoseconds: UInt64

    public init(runningNanoseconds: UInt64 = 0, waitingNanoseconds: UInt64 = 0) {
        self.runningNanoseconds = runningNanoseconds
        self.waitingNanoseconds = waitingNanoseconds
    }

    /// Up to this moment. Three system calls.
    public static func now() -> ThreadTime {
        var running: UInt64 = 0
        var waiting: UInt64 = 0
        unsafe ingress_thread_time(&running, &waiting)
        return ThreadTime(runningNanoseconds: running, waitingNanoseconds: waiting)
    }

    public func since(_ earlier: ThreadTime) -> ThreadTime {
        ThreadTime(
            runningNanoseconds: self.runningNanoseconds - earlier.runningNanoseconds,
            waitingNanoseconds: self.waitingNanoseconds - earlier.waitingNanoseconds)
    }
}
