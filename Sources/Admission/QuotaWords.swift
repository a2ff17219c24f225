internal import Synchronization

/// The hot state of one tenant: three words that follow each other.
enum QuotaWord {
    static let requests = 0
    static let bytes = 1
    static let day = 2
    static let count = 3
}

/// What one request asks of its tenant's quota, and when.
@usableFromInline
struct QuotaRequest {
    let tokens: Int
    let bytes: Int
    let nowNanoseconds: UInt64
    let day: UTCDay

    @usableFromInline
    init(tokens: Int, bytes: Int, nowNanoseconds: UInt64, day: UTCDay) {
        self.tokens = tokens
        self.bytes = bytes
        self.nowNanoseconds = nowNanoseconds
        self.day = day
    }
}

/// Takes from and gives back to the three words that begin at a cell.
extension AtomicWords {
    /// All that the request asks for, or nothing. Nil when it is taken.
    @inline(__always)
    func take(_ cell: Int, _ quota: QuotaRules, _ request: QuotaRequest) -> AdmissionRefusal? {
        let now = request.nowNanoseconds
        if let rate = quota.requests,
            case .refused(let retry) = self[cell + QuotaWord.requests].take(
                rate, of: quota.edition, tokens: request.tokens, nowNanoseconds: now)
        {
            return .tenantQuota(retryAfterNanoseconds: retry)
        }
        if let rate = quota.bytes,
            case .refused(let retry) = self[cell + QuotaWord.bytes].take(
                rate, of: quota.edition, tokens: request.bytes, nowNanoseconds: now)
        {
            self.refundRequests(cell, quota, request) { now }
            return .tenantBytes(retryAfterNanoseconds: retry)
        }
        if let requestsMax = quota.requestsPerDay,
            !self[cell + QuotaWord.day].takeOfDay(request.day, requestsMax: requestsMax)
        {
            self.refundRequests(cell, quota, request) { now }
            self.refundBytes(cell, quota, request) { now }
            return .tenantDay(retryAfterNanoseconds: request.day.remaining(nowNanoseconds: now))
        }
        return nil
    }

    /// Tokens for requests to come; false when none are taken. Only of a quota of nothing but requests, so that whoever spends
    /// them has nothing else to ask for.
    @inline(__always)
    func takeAhead(_ cell: Int, _ quota: QuotaRules, tokens: Int, nowNanoseconds: UInt64) -> Bool {
        guard quota.bytes == nil, quota.requestsPerDay == nil else { return false }
        guard let rate = quota.requests else { return true }
        return self[cell + QuotaWord.requests].takeAhead(
            rate, of: quota.edition, tokens: tokens, nowNanoseconds: nowNanoseconds)
    }

    /// What was taken for the request, at its time.
    func refund(_ cell: Int, _ quota: QuotaRules, _ request: QuotaRequest, clock: () -> UInt64) {
        self.refundRequests(cell, quota, request, clock)
        self.refundBytes(cell, quota, request, clock)
        if quota.requestsPerDay != nil { self[cell + QuotaWord.day].refundOfDay(request.day) }
    }

    private func refundRequests(_ cell: Int, _ quota: QuotaRules, _ request: QuotaRequest, _ clock: () -> UInt64) {
        guard let rate = quota.requests else { return }
        self[cell + QuotaWord.requests].refund(
            rate, of: quota.edition, tokens: request.tokens, takenNanoseconds: request.nowNanoseconds, clock: clock)
    }

    private func refundBytes(_ cell: Int, _ quota: QuotaRules, _ request: QuotaRequest, _ clock: () -> UInt64) {
        guard let rate = quota.bytes else { return }
        self[cell + QuotaWord.bytes].refund(
            rate, of: quota.edition, tokens: request.bytes, takenNanoseconds: request.nowNanoseconds,
            clock: clock)
    }

    /// The quota of a cell changes: its debts stay what they are in tokens. What was not limited owes nothing; the day's
    /// count is the same in any quota.
    func rescale(_ cell: Int, from old: borrowing TenantQuota, to new: borrowing TenantQuota, nowNanoseconds: UInt64) {
        self[cell + QuotaWord.requests].rescale(from: old.requests, to: new.requests, nowNanoseconds: nowNanoseconds)
        self[cell + QuotaWord.bytes].rescale(from: old.bytes, to: new.bytes, nowNanoseconds: nowNanoseconds)
        if new.requestsPerDay == nil { self[cell + QuotaWord.day].store(0, ordering: .relaxed) }
    }

    func clear(_ cell: Int) {
        for word in 0..<QuotaWord.count { self[cell + word].store(0, ordering: .relaxed) }
    }
}
