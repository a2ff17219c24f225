internal import Reactor
internal import Synchronization

/// One listening descriptor per worker on the same address.
struct ListenerSet: Sendable {
    let descriptors: [Int32]
    let address: SocketAddress

    init(_ configuration: RuntimeConfiguration) throws(StartFailure) {
        var descriptors: [Int32] = []
        var address = configuration.address
        do throws(SystemError) {
            try Listener.probeUnused(address)
            for _ in 0..<configuration.workersCount {
                let listener = try Listener(address, shared: true, backlog: configuration.listenBacklog)
                // The first one's port is everybody's, when the kernel chose it.
                address = listener.address
                descriptors.append(listener.intoDescriptor())
            }
        } catch {
            for descriptor in descriptors { Listener(adopting: descriptor, address: address).close() }
            throw error.code == ErrnoCode.addressInUse ? .addressInUse(address) : .system(error)
        }
        self.descriptors = descriptors
        self.address = address
    }
}

/// What a worker's thread starts from.
struct WorkerSeat: Sendable {
    let number: Int
    let descriptor: Int32
    let address: SocketAddress
    let shared: SharedState
    let mailbox: Mailbox
    let report: WorkerReport
    let started: Waker
    let failure: FirstFailure

    func runUring<I: WorkerIndex & ~Copyable>(_ makeIndex: @Sendable (Int) -> I) {
        do throws(SystemError) {
            let configuration = self.shared.configuration
            let kernel = try UringKernel(limits: configuration.kernelLimits, wanted: configuration.uringFeatures)
            try self.run(kernel, makeIndex(self.number))
        } catch {
            self.failed(error)
        }
    }

    func runEpoll<I: WorkerIndex & ~Copyable>(_ makeIndex: @Sendable (Int) -> I) {
        do throws(SystemError) {
            let kernel = try EpollKernel(limits: self.shared.configuration.kernelLimits)
            try self.run(kernel, makeIndex(self.number))
        } catch {
            self.failed(error)
        }
    }

    private func run<K: Kernel & ~Copyable, I: WorkerIndex & ~Copyable>(
        _ kernel: consuming K, _ index: consuming I
    ) throws(SystemError) {
        var worker = Worker(
            shared: self.shared, mailbox: self.mailbox, report: self.report, kernel: kernel, index: index,
            listener: Listener(adopting: self.descriptor, address: self.address))
        try worker.run(started: self.started)
    }

    private func failed(_ error: SystemError) {
        self.failure.note(error)
        self.started.wake()
        self.shared.tell(.workerFailed(worker: self.number, error))
    }
}

/// The first error of several threads.
final class FirstFailure: Sendable {
    private let first = Mutex<SystemError?>(nil)

    var error: SystemError? { self.first.withLock { $0 } }

    func note(_ error: SystemError) { self.first.withLock { $0 = $0 ?? error } }
}
