internal import ControlProtocol
internal import Gateway

/// Descriptors: how many the process may open, and what for.
struct DescriptorBudget: Sendable {
    /// The process' limit.
    let descriptorsMax: Int
    let workers: Int

    /// Connections of one worker to a backend, those that are about to end included.
    private let linksPerWorker: Int

    private static let connectionsMin = 16
    /// The standard streams, the index, the log, the control socket's and the admin port's listeners, and what libraries
    /// open for a moment.
    private static let processMax = 64
    /// Per worker a listener, an eventfd, a ring or epoll set, its thread's account, and one in reserve.
    private static let workerMax = 5

    init(descriptorsMax: Int, workers: Int, linksPerWorker: Int = 0) throws(DescriptorsTooFew) {
        self.descriptorsMax = descriptorsMax
        self.linksPerWorker = linksPerWorker
        self.workers = workers
        guard self.connectionsMax >= Self.connectionsMin else {
            throw DescriptorsTooFew(
                descriptorsMax: descriptorsMax, needed: self.reserved + Self.connectionsMin, workers: workers)
        }
    }

    private var own: [LimitsReport.Term] {
        [
            .init(name: "process", count: Self.processMax, unit: "descriptors", each: 1),
            .init(name: "admin connections", count: AdminLimits().connectionsMax, unit: "connections", each: 1),
            .init(name: "control connections", count: AdminLimits.control.connectionsMax, unit: "connections", each: 1),
            .init(name: "workers", count: self.workers, unit: "workers", each: Self.workerMax),
        ] + self.links
    }

    private var links: [LimitsReport.Term] {
        guard self.linksPerWorker > 0 else { return [] }
        return [.init(name: "to the backend", count: self.workers, unit: "workers", each: self.linksPerWorker)]
    }

    private var reserved: Int { self.own.reduce(0) { $0 + $1.total } }

    /// Clients that there are descriptors for.
    var connectionsMax: Int { self.descriptorsMax - self.reserved }

    func report(connectionsMax: Int) -> LimitsReport.Sum {
        LimitsReport.Sum(
            terms: self.own + [.init(name: "clients", count: connectionsMax, unit: "connections", each: 1)])
    }
}

/// The process may not open enough descriptors to serve anybody.
struct DescriptorsTooFew: Error, CustomStringConvertible {
    let descriptorsMax: Int
    let needed: Int
    let workers: Int

    var description: String {
        "this process may open \(self.descriptorsMax) descriptors and needs at least \(self.needed) with \(self.workers) "
            + "workers; raise the hard limit (ulimit -Hn, LimitNOFILE=) or lower workers (--workers)"
    }
}
