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
        if let rate = self.connectionRate,
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
                    retryAfterMilliseconds: self.overloadRetryMilliseconds(header))))
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

    // MARK: Refusals

    mutating func refuse(
        _ header: FrameHeader, _ code: ErrorCode, _ sentence: String? = nil, template: Int? = nil,
        retryAfterMilliseconds: UInt64 = 0
    ) -> Order {
        .answer(
            .refusal(
                self.refusal(
                    header, code, sentence, template: template, retryAfterMilliseconds: retryAfterMilliseconds)))
    }

    /// Makes the answer and counts it, here and nowhere else.
    mutating func refusal(
        _ header: FrameHeader, _ code: ErrorCode, _ sentence: String? = nil, template: Int? = nil,
        retryAfterMilliseconds: UInt64 = 0
    ) -> Refusal {
        self.count(GatewayMetrics.App(header.application), status: code.status)
        if let cell = self.metrics.rejection(code) { self.telemetry.add(cell) }
        return Refusal(
            header: header, code: code, sentence: sentence,
            template: template ?? (sentence == nil ? Int(code.rawValue) : nil),
            retryAfterMilliseconds: retryAfterMilliseconds)
    }

    @inline(__always)
    mutating func count(_ app: GatewayMetrics.App, status: UInt16) {
        self.telemetry.add(self.metrics.request(app, status: status))
        self.unsettled[app.rawValue] += 1
    }
}
