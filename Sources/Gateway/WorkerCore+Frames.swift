internal import Admission
internal import Telemetry
public import OAP

extension WorkerCore {
    /// One whole frame of a session, its header checked by the decoder. Cheapest refusal first; nothing is allocated.
    public mutating func frame(
        _ slot: Int, _ header: FrameHeader, payload: Span<UInt8>, nowNanoseconds: UInt64
    ) -> Order {
        self.sessions[slot].activeNanoseconds = nowNanoseconds
        // First, so that no kind of frame is free.
        if let rate = self.admission.connectionRate,
            case .refused(let retry) = self.sessions[slot].bucket.take(rate, nowNanoseconds: nowNanoseconds)
        {
            return self.refuse(header, .connectionQuota(retryAfterNanoseconds: retry))
        }
        if let problem = ExchangeRules.problem(direction: header.flags) {
            return self.refuse(header, .badSequence, problem)
        }
        switch Method.lookup(application: header.application, code: header.code) {
        case .unknownApplication: return self.refuse(header, .unknownApplication)
        case .unknownMethod: return self.refuse(header, .badRequest, "The application has no method with this number.")
        case .method(let method): return self.request(slot, method, header, payload, nowNanoseconds)
        }
    }

    /// A header that the decoder has refused: the answer is the session's last.
    public mutating func headerRefused(_ slot: Int, _ code: ErrorCode, _ header: FrameHeader) -> Order {
        assert(code.closesConnection, "the decoder refuses what ends the connection")
        return .answerAndClose(.refusal(self.refusal(header, code)))
    }

    /// A frame that there is no memory to assemble. Unlike other overloads it ends the connection: the rest of the frame
    /// could only be discarded.
    public mutating func outOfMemory(_ slot: Int, _ header: FrameHeader) -> Order {
        .answerAndClose(
            .refusal(
                self.refusal(
                    header, .overloaded, "The gateway's buffers are all in use; try again later.",
                    retryAfterMilliseconds: Self.overloadRetryMilliseconds(header))))
    }

    /// A resolve that comes from the admin port: the same admission and the same lookup, without a session.
    public mutating func adminResolve(_ key: Span<UInt8>, nowNanoseconds: UInt64) -> Order {
        let header = FrameHeader(
            flags: .request, code: Method.resolve.code, application: Application.index, correlation: 0,
            payloadBytes: key.count)
        return self.admit(nil, .resolve, header, key, nowNanoseconds)
    }

    private mutating func request(
        _ slot: Int, _ method: Method, _ header: FrameHeader, _ payload: Span<UInt8>, _ nowNanoseconds: UInt64
    ) -> Order {
        if let problem = ExchangeRules.problem(unary: header.flags) {
            return self.refuse(header, .badSequence, problem)
        }
        if self.sessions[slot].openCount > 0 && self.isOpen(header.correlation, on: slot) {
            return self.refuse(header, .badSequence, ExchangeRules.correlationInUse)
        }
        guard !header.flags.contains(.compressed) else { return self.refuse(header, .badCompression) }
        switch method {
        case .hello:
            guard HelloPayload.isValid(payload) else {
                return self.refuse(
                    header, .badRequest, "HELLO carries nothing or a JSON object like {'ua':'name/1.0'}.")
            }
            self.count(.control, status: 200)
            var answer = header.answer(status: 200, payloadBytes: self.helloPayload.count)
            answer.flags = .response
            return .answer(.hello(answer))
        case .ping:
            guard payload.count <= PayloadLimits.pingBytesMax else {
                return self.refuse(header, .badRequest, "PING carries at most 64 bytes.")
            }
            self.count(.control, status: 200)
            return .answer(.echo(header.answer(status: 200, payloadBytes: payload.count)))
        case .indexWrite:
            return self.refuse(header, .methodForbidden)
        case .resolve, .resolveMany:
            return self.admit(slot, method, header, payload, nowNanoseconds)
        }
    }

    private mutating func admit(
        _ slot: Int?, _ method: Method, _ header: FrameHeader, _ payload: Span<UInt8>, _ nowNanoseconds: UInt64
    ) -> Order {
        switch self.phase {
        case .serving: break
        case .starting: return self.refuse(header, .notReady, retryAfterMilliseconds: 100)
        case .draining: return self.refuse(header, .draining, retryAfterMilliseconds: 1000)
        }
        let openOnConnection = slot.map { self.sessions[$0].openCount } ?? 0
        if let why = self.admission.admit(
            tenant: header.tenant, openOnConnection: openOnConnection, nowNanoseconds: nowNanoseconds,
            held: &self.passingPermit)
        {
            return self.refuse(header, why)
        }
        if method == .resolveMany {
            switch KeyList.parse(payload) {
            case .valid(let keys): return .resolveMany(self.opened(slot, header, nowNanoseconds), keys)
            case .tooMany: return self.refuse(header, .badRequest, "A request carries at most 256 keys.")
            case .malformed:
                return self.refuse(header, .badRequest, "The payload is not a JSON array of 1 to 256 well-formed keys.")
            }
        }
        if self.answersAtOnce, slot != nil, payload.count > 0, payload.count <= IndexKey.bytesMax {
            // An index takes no malformed key, so one that is found is well-formed; `failed` looks at the others.
            return .lookUp(header)
        }
        guard IndexKey.isValid(payload) else { return self.refuse(header, .badRequest, Self.malformedKey) }
        return .resolve(self.opened(slot, header, nowNanoseconds))
    }

    static var malformedKey: String {
        "A key is name: with a label of 1 to 506 bytes, or b3: with 64 lower-case hex digits."
    }

    // MARK: Refusals

    mutating func refuse(
        _ header: FrameHeader, _ code: ErrorCode, _ sentence: String? = nil, retryAfterMilliseconds: UInt64 = 0
    ) -> Order {
        .answer(.refusal(self.refusal(header, code, sentence, retryAfterMilliseconds: retryAfterMilliseconds)))
    }

    private mutating func refuse(_ header: FrameHeader, _ why: AdmissionRefusal) -> Order {
        switch why {
        case .tooManyInflight:
            return self.refuse(
                header, .tooManyInflight, retryAfterMilliseconds: Self.overloadRetryMilliseconds(header))
        case .connectionQuota(let retry):
            self.telemetry.add(self.metrics.quotaExhausted(.connection))
            return self.refuse(
                header, .quotaExhausted, "The connection's frame quota is spent; slow down.",
                retryAfterMilliseconds: Self.milliseconds(retry))
        case .tenantQuota(let retry):
            self.telemetry.add(self.metrics.quotaExhausted(.tenant))
            return self.refuse(
                header, .quotaExhausted, "The tenant's request quota is spent; slow down.",
                retryAfterMilliseconds: Self.milliseconds(retry))
        case .tenantBytes(let retry):
            self.telemetry.add(self.metrics.quotaExhausted(.tenant))
            return self.refuse(
                header, .quotaExhausted, "The tenant's quota of bytes is spent; slow down.",
                retryAfterMilliseconds: Self.milliseconds(retry))
        case .tenantDay(let retry):
            self.telemetry.add(self.metrics.quotaExhausted(.tenant))
            return self.refuse(
                header, .quotaExhausted,
                "The tenant's requests of this day are spent; a new day begins at midnight UTC.",
                retryAfterMilliseconds: Self.milliseconds(retry))
        case .globalQuota(let retry):
            self.telemetry.add(self.metrics.quotaExhausted(.global))
            return self.refuse(header, .ingressExhausted, retryAfterMilliseconds: Self.milliseconds(retry))
        case .concurrency:
            return self.refuse(header, .overloaded, retryAfterMilliseconds: Self.overloadRetryMilliseconds(header))
        }
    }

    /// Makes the answer and counts it, here and nowhere else.
    mutating func refusal(
        _ header: FrameHeader, _ code: ErrorCode, _ sentence: String? = nil, retryAfterMilliseconds: UInt64 = 0
    ) -> Refusal {
        self.count(GatewayMetrics.App(header.application), status: code.status)
        if let cell = self.metrics.rejection(code) { self.telemetry.add(cell) }
        return Refusal(
            header: header, code: code, sentence: sentence, retryAfterMilliseconds: retryAfterMilliseconds)
    }

    @inline(__always)
    mutating func count(_ app: GatewayMetrics.App, status: UInt16) {
        self.telemetry.add(self.metrics.request(app, status: status))
        self.unsettled[app.rawValue] += 1
    }

    /// Rounded up, since a client that comes back too early is refused again.
    private static func milliseconds(_ nanoseconds: UInt64) -> UInt64 { max(1, (nanoseconds + 999_999) / 1_000_000) }

    /// 50 to 113 ms, spread by the correlation so that those refused together do not come back together.
    private static func overloadRetryMilliseconds(_ header: FrameHeader) -> UInt64 {
        50 + ((header.correlation &* 0x9E37_79B9_7F4A_7C15) >> 58)
    }
}
