internal import CIngress

/// How long a thread has run and has waited for a processor, read again and again with one system call each.
///
/// Made on the thread that it measures; holds a descriptor. Unlike `ThreadTime.now()` it takes none to be read.
public struct ThreadMeter: ~Copyable {
    /// Negative where the kernel keeps no such account: then only the time that it ran is known.
    private let descriptor: Int32

    public init() { self.descriptor = ingress_thread_account_open() }

    deinit {
        if self.descriptor >= 0 { _ = ingress_close(self.descriptor) }
    }

    /// Since the thread's start, as of the scheduler's last look at it: a few milliseconds ago at most.
    public func read() -> ThreadTime {
        var running: UInt64 = 0
        var waiting: UInt64 = 0
        unsafe ingress_thread_account_read(self.descriptor, &running, &waiting)
        return ThreadTime(runningNanoseconds: running, waitingNanoseconds: waiting)
    }
}
