internal import Admission
internal import GatewayRuntime
internal import IndexStore
internal import Logging
internal import Reactor
internal import Synchronization

/// Whether traffic should be sent here, asked once a second: an index that is not there yet is opened when it comes,
/// and every worker must have asked it within the last seconds.
final class HealthMonitor: Sendable {
    private struct State {
        var indexProblem: String? = "the index was not asked yet"
        /// Workers whose answer to the last question is still out.
        var awaited = 0
        var question = 0
        /// The first failure that a worker has answered with.
        var answeredFailure: String? = nil
        /// Of the last round that was waited for to its end.
        var failure: String? = nil
        var isDraining = false
        /// True exactly when it was said that the open index' files are gone.
        var removalTold = false
    }

    /// Nil when lookups are forwarded.
    private let index: IndexSource?
    private let server: GatewayServer
    private let logger: Logger
    private let state = Mutex(State())

    init(server: GatewayServer, index: IndexSource?, logger: Logger) {
        self.server = server
        self.index = index
        self.logger = logger
    }

    func drainBegan() { self.state.withLock { $0.isDraining = true } }

    var report: ReadinessReport {
        let state = self.state.withLock { $0 }
        var reasons: [String] = []
        if state.isDraining { reasons.append("draining: the gateway is shutting down") }
        if let problem = state.indexProblem { reasons.append("index: \(problem)") }
        if let failure = state.failure { reasons.append("index: \(failure)") }
        let pressure = self.server.pressure
        if pressure.rung >= .shedConnections { reasons.append("pressure: \(pressure.text)") }
        var details = [
            "io": self.server.backend.kind.rawValue, "oap_addr": self.server.listensOn,
            "workers": "\(self.server.reports.count)", "pressure": pressure.text,
        ]
        if state.failure == nil, let environment = self.index?.environment {
            details["index_records"] = "\(environment.recordCount)"
        }
        if state.removalTold { details["index_files"] = "removed; serving what they held" }
        return ReadinessReport(reasons: reasons, details: details)
    }

    /// One round: opens the index if need be, then asks every worker and waits for the answers, a second at most.
    func check() async {
        guard self.openIndex() else { return }
        let question = self.state.withLock { state in
            state.question += 1
            state.awaited = self.server.reports.count
            state.answeredFailure = nil
            return state.question
        }
        self.server.probe { failure in
            self.state.withLock { state in
                guard state.question == question else { return }
                state.awaited -= 1
                state.answeredFailure = state.answeredFailure ?? failure?.detail
            }
        }
        for _ in 0..<100 {
            if self.state.withLock({ $0.awaited == 0 }) { break }
            try? await Task.sleep(for: .milliseconds(10))
        }
        // A cancelled sleep is no waiting: the drain has begun, and says so itself.
        guard !Task.isCancelled else { return }
        self.state.withLock { state in
            state.failure =
                state.awaited > 0
                ? "\(state.awaited) of the workers did not answer within 1 s" : state.answeredFailure
        }
    }

    /// False when there is no index to ask.
    private func openIndex() -> Bool {
        guard let index = self.index else {
            self.state.withLock { $0.indexProblem = nil }
            return true
        }
        do throws(IndexError) {
            let isFirst = index.environment == nil
            if try index.open(), !isFirst {
                self.logger.notice(
                    "the index was replaced; serving the new one", metadata: ["index_path": "\(index.path)"])
            }
            self.state.withLock { $0.indexProblem = nil }
        } catch {
            // A new index in the making: what is open goes on serving.
            if index.environment == nil {
                self.state.withLock { $0.indexProblem = error.description }
                return false
            }
        }
        self.tellRemoval(of: index)
        return true
    }

    /// A restart would find no index: said once, and again after the files were there in between.
    private func tellRemoval(of index: IndexSource) {
        guard let environment = index.environment else { return }
        let isGone = environment.presence == .removed
        let isNews = self.state.withLock { state in
            defer { state.removalTold = isGone }
            return isGone && !state.removalTold
        }
        guard isNews else { return }
        self.logger.warning(
            "the index' files were removed; serving what they held until a new index stands there",
            metadata: ["index_path": "\(index.path)"])
    }
}

extension PressureStatus {
    /// `degraded (open_requests)`
    var text: String { self.rung.name + (self.reason.map { " (\($0.name))" } ?? "") }
}
