internal import Admission
internal import OAP
internal import Telemetry

/// Whether a request is taken, has to wait, or is refused.
extension WorkerCore {
    /// Cheapest refusal first: the gateway's phase and pressure, quotas, a permit, a place to wait in.
    mutating func admit(
        _ slot: Int?, _ method: Method, _ header: FrameHeader, _ payload: Span<UInt8>, _ nowNanoseconds: UInt64
    ) -> Order {
        switch self.phase {
        case .serving: break
        case .starting: return self.refuse(header, .notReady, retryAfterMilliseconds: 100)
        case .draining: return self.refuse(header, .draining, retryAfterMilliseconds: 1000)
        }
        if self.rung >= .shedLowPriority && self.isShed(header.tenant) {
            self.count(header.tenant, .overload)
            return self.refuse(
                header, .overloaded,
                retryAfterMilliseconds: RetryAfter.milliseconds(
                    nanoseconds: self.pressureRetryNanoseconds(header.tenant), correlation: header.correlation))
        }
        let charge = QuotaCharge(
            tokens: self.indexCost.tokens(bytes: Int(header.frameBytes)), edition: self.policy.quotaEdition)
        let isCritical: Bool
        switch self.accounts.takeQuota(
            tenant: header.tenant, tokens: charge.tokens, bytes: Int(header.frameBytes),
            openOnConnection: slot.map { self.sessions[$0].openCount } ?? 0, nowNanoseconds: nowNanoseconds,
            day: self.day, from: self.policy)
        {
        case .taken(let critical): isCritical = critical
        case .refused(let why): return self.refuse(header, why)
        }
        // Nobody overtakes those that wait for the same thing: permits, or the processor.
        let mayPass = method == .resolveMany ? self.room.count == 0 && self.turnLookupsLeft > 0 : !self.mustQueue
        if self.passingPermit == nil, mayPass || isCritical {
            self.passingPermit = self.concurrency.acquire(critical: isCritical)
        }
        guard self.passingPermit != nil, mayPass || isCritical else {
            return self.wait(slot, method, header, payload, charge, isCritical: isCritical, nowNanoseconds)
        }
        self.admittedAtOnce += 1
        self.count(header.tenant, .admitted)
        let order = self.begin(slot, method, header, payload, charge, nowNanoseconds)
        // A permit of the reserve is not for who comes next.
        if isCritical && !self.answersAtOnce { self.passingPermit = nil }
        return order
    }

    /// Whether the pressure on the worker is too high for requests of this tenant.
    private func isShed(_ tenant: UInt128) -> Bool {
        self.rung == .refuse ? !self.policy.isCritical(tenant) : self.policy.isLowPriority(tenant)
    }

    /// How long the ladder takes at least to the rung on which requests of this tenant are taken: a second for each step.
    private func pressureRetryNanoseconds(_ tenant: UInt128) -> UInt64 {
        let taken = self.policy.isLowPriority(tenant) ? PressureLadder.Rung.degraded : .shedConnections
        return UInt64(max(1, self.rung.rawValue - taken.rawValue)) * 1_000_000_000
    }

    /// Whether the last look at those that wait found no permit, and some of them still do.
    private var mustQueue: Bool { self.lacksPermits && self.room.count > 0 }

    /// What to do for a request that has its permit.
    private mutating func begin(
        _ slot: Int?, _ method: Method, _ header: FrameHeader, _ payload: Span<UInt8>, _ charge: QuotaCharge,
        _ nowNanoseconds: UInt64
    ) -> Order {
        if method == .resolveMany {
            let parsed = KeyList.parse(payload)
            switch parsed {
            case .valid(let keys):
                self.turnLookupsLeft -= keys.count
                return .resolveMany(self.opened(slot, header, charge, nowNanoseconds), keys)
            case .tooMany, .malformed: return self.refuse(header, .badRequest, Self.problem(parsed))
            }
        }
        if self.answersAtOnce, slot != nil, payload.count > 0, payload.count <= IndexKey.bytesMax {
            // An index takes no malformed key, so one that is found is well-formed; `failed` looks at the others.
            return .lookUp(header)
        }
        guard IndexKey.isValid(payload) else { return self.refuse(header, .badRequest, Self.malformedKey) }
        return .resolve(self.opened(slot, header, charge, nowNanoseconds))
    }

    /// What is wrong with a list of keys; nil for one that is well-formed.
    static func problem(_ keys: KeyList.Parsed) -> String? {
        switch keys {
        case .valid: nil
        case .tooMany: "A request carries at most 256 keys."
        case .malformed: "The payload is not a JSON array of 1 to 256 well-formed keys."
        }
    }

    static var malformedKey: String {
        "A key is name: with a label of 1 to 506 bytes, or b3: with 64 lower-case hex digits."
    }

    /// Here and nowhere else: once for each request on which admission has decided.
    @inline(__always)
    mutating func count(_ tenant: UInt128, _ outcome: TenantOutcome) {
        self.accounts.count(tenant, outcome, in: self.tenants)
    }

    // MARK: Refusals

    mutating func refuse(_ header: FrameHeader, _ why: AdmissionRefusal) -> Order {
        if let outcome = why.tenantOutcome { self.count(header.tenant, outcome) }
        switch why {
        case .tooManyInflight:
            return self.refuse(
                header, .tooManyInflight, retryAfterMilliseconds: self.overloadRetryMilliseconds(header))
        case .connectionQuota(let retry): return self.refuse(header, .connection, retry)
        case .tenantQuota(let retry): return self.refuse(header, .tenant, retry)
        case .tenantBytes(let retry): return self.refuse(header, .tenantBytes, retry)
        case .tenantDay(let retry): return self.refuse(header, .tenantDay, retry)
        case .globalQuota(let retry): return self.refuse(header, .global, retry)
        case .concurrency:
            return self.refuse(header, .overloaded, retryAfterMilliseconds: self.overloadRetryMilliseconds(header))
        }
    }

    /// A bucket's refusal: its own time is when to come back.
    private mutating func refuse(
        _ header: FrameHeader, _ scope: GatewayMetrics.QuotaScope, _ retryAfterNanoseconds: UInt64
    ) -> Order {
        self.telemetry.add(self.metrics.quotaExhausted(scope))
        return self.refuse(
            header, scope.code, scope.sentence, template: ErrorCode.allCases.count + scope.index,
            retryAfterMilliseconds: RetryAfter.milliseconds(
                nanoseconds: retryAfterNanoseconds, correlation: header.correlation))
    }

    /// One for each code with its own sentence, by raw value, and one for each quota.
    static func makeErrorTemplates() -> [ErrorTemplate] {
        ErrorCode.allCases.map { ErrorTemplate($0) }
            + GatewayMetrics.QuotaScope.allCases.map { ErrorTemplate($0.code, sentence: $0.sentence) }
    }

    /// When a permit will probably be free: what waits and is open, at the pace of late.
    func overloadRetryMilliseconds(_ header: FrameHeader) -> UInt64 {
        let ahead = Double(self.room.count + self.concurrency.openMax) / Double(self.concurrency.openMax)
        let nanoseconds = Double(self.service.recentNanoseconds) * ahead
        return RetryAfter.milliseconds(
            nanoseconds: UInt64(min(max(nanoseconds, 10_000_000), 5_000_000_000)), correlation: header.correlation)
    }
}
