internal import Reactor
internal import Synchronization

/// One listening descriptor per worker on the same address.
struct ListenerSet: Sendable {
    let descriptors: [Int32]
    let address: SocketAddress
    /// Of a Unix socket.
    let unix: UnixListener?

    init(_ configuration: RuntimeConfiguration) throws(SystemError) {
        if let path = configuration.unixPath {
            let listener = try UnixListener(
                path: path, backlog: configuration.listenBacklog, count: configuration.workersCount)
            self.address = configuration.address
            self.descriptors = listener.descriptors
            self.unix = listener
            return
        }
        self.unix = nil
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
            throw error
        }
        self.descriptors = descriptors
        self.address = address
    }

    /// Closes those that no worker takes over.
    func close(from first: Int) {
        self.unix?.removeFile()
        for descriptor in self.descriptors[first...] { Listener(adopting: descriptor, address: self.address).close() }
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
        let configuration = self.shared.configuration
        self.run(makeIndex) { (_) throws(SystemError) in
            try UringKernel(limits: configuration.kernelLimits, wanted: configuration.uringFeatures)
        }
    }

    func runEpoll<I: WorkerIndex & ~Copyable>(_ makeIndex: @Sendable (Int) -> I) {
        let configuration = self.shared.configuration
        self.run(makeIndex) { (_) throws(SystemError) in try EpollKernel(limits: configuration.kernelLimits) }
    }

    func run<K: Kernel & ~Copyable, I: WorkerIndex & ~Copyable>(
        _ makeIndex: @Sendable (Int) -> I, _ makeKernel: (Int) throws(SystemError) -> K
    ) {
        let listener = Listener(adopting: self.descriptor, address: self.address)
        do throws(SystemError) {
            let kernel = try makeKernel(self.number)
            self.run(kernel, makeIndex(self.number), listener)
        } catch {
            listener.close()
            self.failed(error)
        }
    }

    private func run<K: Kernel & ~Copyable, I: WorkerIndex & ~Copyable>(
        _ kernel: consuming K, _ index: consuming I, _ listener: consuming Listener
    ) {
        var worker = Worker(
            shared: self.shared, mailbox: self.mailbox, report: self.report, kernel: kernel, index: index,
            listener: listener)
        do throws(SystemError) {
            try worker.run(started: self.started)
        } catch {
            // Its sessions are lost: they end with the kernel that may still hold their memory, not before.
            let descriptors = worker.abandon()
            _ = consume worker
            for descriptor in descriptors { Connector.close(descriptor) }
            self.failed(error)
        }
    }

    private func failed(_ error: SystemError) {
        for message in self.mailbox.close() { message.decline() }
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
