internal import Admission
internal import ArgumentParser
internal import Gateway
internal import GatewayRuntime
internal import Glibc
internal import Reactor

/// A gateway whose index is slow: what `make overload` loads when permits, not the processor, are to be the limit.
@main
struct SlowIndexGateway: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "slow-index-gateway",
        abstract: "Serves OAP/1 from an index that has every key and answers each lookup the same time later.",
        discussion: """
            Prints a line of JSON when it serves, and another one with what it has measured when SIGTERM or SIGINT \
            ends it. Listens on 127.0.0.1 only.
            """)

    enum IO: String, CaseIterable, ExpressibleByArgument {
        case uring = "io_uring"
        case epoll

        var kind: Backend.Kind {
            switch self {
            case .uring: .uring
            case .epoll: .epoll
            }
        }
    }

    @Option(help: ArgumentHelp("Port to listen on; 0 lets the kernel choose.", valueName: "port"))
    var addr: UInt16 = 0
    @Option(help: "Kernel interface.")
    var io = IO.uring
    @Option(help: ArgumentHelp("Threads that serve connections.", valueName: "n"))
    var workers = 1
    @Option(help: ArgumentHelp("Requests that may be open at once.", valueName: "n"))
    var concurrency = 64
    @Option(help: ArgumentHelp("How long a lookup takes, in microseconds.", valueName: "µs"))
    var delay: UInt64 = 2000
    @Option(help: ArgumentHelp("Requests that may be open on one connection.", valueName: "n"))
    var inflight = 64
    @Option(help: ArgumentHelp("How long a request may take, in milliseconds.", valueName: "ms"))
    var timeout: UInt64 = 5000
    @Option(help: ArgumentHelp("Requests a second of each tenant; without it there is no such quota.", valueName: "r"))
    var tenantRate: Double?
    @Option(help: ArgumentHelp("Requests a second of all tenants; without it there is no such quota.", valueName: "r"))
    var globalRate: Double?

    @Option(help: ArgumentHelp("Requests that may wait for a permit, in each worker.", valueName: "n"))
    var queue = WaitingLimits().lengthMax
    @Flag(help: "Follow the latency of the index with a limit below --concurrency.")
    var adaptive = false
    @Option(help: ArgumentHelp("Permits that only critical requests get.", valueName: "n"))
    var criticalReserve = 0
    @Option(help: ArgumentHelp("A tenant whose requests are critical.", valueName: "id"))
    var criticalTenant: [UInt64] = []

    mutating func validate() throws {
        guard self.workers > 0, self.concurrency > 0, self.inflight > 0, self.timeout > 0 else {
            throw ValidationError("--workers, --concurrency, --inflight and --timeout are at least 1")
        }
        guard (0..<self.concurrency).contains(self.criticalReserve) else {
            throw ValidationError("--critical-reserve is 0 to one less than --concurrency")
        }
        guard (0...WaitingLimits.lengthMaxLargest).contains(self.queue) else {
            throw ValidationError("--queue is 0 to \(WaitingLimits.lengthMaxLargest)")
        }
        for rate in [self.tenantRate, self.globalRate].compactMap({ $0 }) where !(rate >= 0.01 && rate <= 10_000_000) {
            throw ValidationError("a rate is 0.01 to 10,000,000 a second, not \(rate)")
        }
    }

    func run() throws {
        let ending = EndingSignals()
        let gauge = LookupGauge()
        let delayNanoseconds = self.delay * 1000
        let server = try GatewayServer.start(
            self.runtimeConfiguration, backend: Backend.probe(.only(self.io.kind)),
            makeIndex: { _ in SlowIndex(delayNanoseconds: delayNanoseconds, gauge: gauge) },
            tell: { event in
                if case .workerFailed(_, let error) = event { Self.fail("a worker cannot go on: \(error)") }
            })
        server.serve()
        self.say(
            """
            {"serving":true,"port":\(server.address.port),"io":"\(self.io.rawValue)",\
            "memory_ceiling_bytes":\(server.memoryCeiling.bytes)}
            """)
        ending.wait()
        let used = ProcessorTime.now()
        server.stop()
        server.join()
        self.say(
            """
            {"serving":false,"lookups":\(gauge.total),"pending_peak":\(gauge.peak),"concurrency":\(self.concurrency),\
            "user_microseconds":\(used.userMicroseconds),"system_microseconds":\(used.systemMicroseconds)}
            """)
    }

    private var runtimeConfiguration: RuntimeConfiguration {
        var configuration = RuntimeConfiguration(
            address: SocketAddress(host: "127.0.0.1", port: self.addr), workersCount: self.workers)
        configuration.live.policy.openMax = self.concurrency
        configuration.live.policy.inflightPerConnectionMax = self.inflight
        configuration.live.limits.requestTimeoutNanoseconds = self.timeout * 1_000_000
        configuration.live.policy.tenantDefault.requests = self.tenantRate.map(Self.oneSecondOf)
        configuration.live.policy.global = self.globalRate.map(Self.oneSecondOf)
        configuration.live.policy.waiting.lengthMax = self.queue
        configuration.live.policy.isAdaptive = self.adaptive
        configuration.live.policy.criticalReserve = self.criticalReserve
        configuration.live.policy.tenants = self.criticalTenant.map {
            NamedTenant(
                tenant: UInt128($0), name: "critical-\($0)",
                quota: TenantQuota(requests: self.tenantRate.map(Self.oneSecondOf), isCritical: true))
        }
        return configuration
    }

    /// A rate whose burst is what comes in a tenth of a second.
    private static func oneSecondOf(_ rate: Double) -> TokenRate {
        TokenRate(tokensPerSecond: rate, burst: max(1, Int(rate / 10)))
    }

    private func say(_ line: String) {
        print(line)
        fflush(nil)
    }

    private static func fail(_ sentence: String) -> Never {
        let line = Array("slow-index-gateway: \(sentence)\n".utf8)
        _ = unsafe line.withUnsafeBytes { unsafe write(2, $0.baseAddress, $0.count) }
        Glibc.exit(70)
    }
}

/// SIGTERM and SIGINT, blocked in this thread and those that it starts, and waited for in one place.
@safe struct EndingSignals {
    private var set = sigset_t()

    init() {
        unsafe sigemptyset(&self.set)
        unsafe sigaddset(&self.set, SIGTERM)
        unsafe sigaddset(&self.set, SIGINT)
        unsafe pthread_sigmask(SIG_BLOCK, &self.set, nil)
    }

    func wait() {
        var set = self.set
        var number: Int32 = 0
        while unsafe sigwait(&set, &number) != 0 {}
    }
}
