internal import CIngress
internal import Synchronization

/// A named thread with all signals blocked.
@safe public final class LoopThread: Sendable {
    private let handle: pthread_t
    private let isJoined = Atomic<Bool>(false)

    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Runs `body` on a new thread. `name` is cut to 15 bytes, as the kernel keeps no more. `processor` pins it.
    public init(name: String, processor: Int? = nil, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
        let context = unsafe Unmanaged.passRetained(Body(body)).toOpaque()
        var handle = pthread_t()
        let result = unsafe ingress_thread_start(
            name, Int32(processor ?? -1),
            { context in
                guard let context = unsafe context else { return }
                unsafe Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
            }, context, &handle)
        guard result >= 0 else {
            unsafe Unmanaged<Body>.fromOpaque(context).release()
            throw SystemError(call: "pthread_create", code: -result, subject: name)
        }
        self.handle = handle
    }

    /// Waits for the thread's end; at once when somebody has waited before.
    public func join() {
        guard !self.isJoined.exchange(true, ordering: .acquiringAndReleasing) else { return }
        _ = ingress_thread_join(self.handle)
    }

    /// Lets the calling thread's sleeps end when they are due instead of up to 50 us later, which saves wake-ups and
    /// costs a load generator its schedule.
    public static func wakePrecisely() { ingress_wake_precisely() }
}
