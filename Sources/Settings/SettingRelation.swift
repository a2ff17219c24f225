/// Something that must hold between settings, each of which is right alone.
struct SettingRelation: Sendable {
    /// The settings in question. A problem is reported where the first of them stands that somebody gave.
    let paths: [String]
    let severity: SettingsProblem.Severity
    /// Says what is wrong and what to do, or nil when the relation holds.
    let sentence: @Sendable (SettingsDraft) -> String?

    static let all: [SettingRelation] =
        [
            Self.addresses, Self.backlog, Self.bufferMemory, Self.inflight, Self.drain, Self.bytesBurst, Self.queue,
            Self.reserve,
        ] + QuotaScope.all.map(Self.burst) + CostRelation.all

    private static let addresses = SettingRelation(
        paths: ["metrics_addr", "oap_addr"], severity: .error
    ) { draft in
        let (oap, metrics) = (draft.settings.oapAddress, draft.settings.metricsAddress)
        guard oap.collides(with: metrics) else { return nil }
        return "metrics_addr (\(metrics)) and oap_addr (\(oap)) cannot both be listened on; give them different ports"
    }

    private static let backlog = SettingRelation(
        paths: ["limits.output_backlog_max", "limits.max_frame"], severity: .error
    ) { draft in
        let limits = draft.settings.limits
        guard limits.outputBacklogBytesMax < limits.frameBytesMax else { return nil }
        let (backlog, frame) = (limits.outputBacklogBytesMax, limits.frameBytesMax)
        return "limits.output_backlog_max (\(ByteSizeText.render(backlog))) is smaller than limits.max_frame "
            + "(\(ByteSizeText.render(frame))), so that the longest answer would never fit; raise the first to at "
            + "least \(ByteSizeText.render(frame)) or lower the second"
    }

    private static let bufferMemory = SettingRelation(
        paths: ["limits.buffer_memory_max", "limits.output_backlog_max", "limits.max_frame"], severity: .error
    ) { draft in
        let limits = draft.settings.limits
        let needed = limits.frameBytesMax + limits.outputBacklogBytesMax
        guard limits.bufferMemoryBytesMax < needed else { return nil }
        return "limits.buffer_memory_max (\(ByteSizeText.render(limits.bufferMemoryBytesMax))) is smaller than "
            + "max_frame + output_backlog_max (\(ByteSizeText.render(limits.frameBytesMax)) + "
            + "\(ByteSizeText.render(limits.outputBacklogBytesMax))), which one connection may need; raise it to at "
            + "least \(ByteSizeText.render(needed)) or lower the others"
    }

    /// Harmless, and wanted in tests of overload: only worth a word when somebody set the limit that cannot be reached.
    private static let inflight = SettingRelation(paths: ["limits.max_inflight"], severity: .warning) { draft in
        let (inflight, open) = (draft.settings.limits.inflightMax, draft.settings.oapConcurrency)
        guard inflight > open else { return nil }
        return "limits.max_inflight (\(inflight.grouped)) is never reached, because oap_concurrency lets "
            + "\(open.grouped) requests be open in the whole process"
    }

    private static let drain = SettingRelation(
        paths: ["limits.drain_deadline", "limits.request_timeout"], severity: .warning
    ) { draft in
        let limits = draft.settings.limits
        guard limits.drainDeadlineMilliseconds < limits.requestTimeoutMilliseconds else { return nil }
        return "limits.drain_deadline (\(DurationText.render(limits.drainDeadlineMilliseconds))) is shorter than "
            + "limits.request_timeout (\(DurationText.render(limits.requestTimeoutMilliseconds))): a request that is "
            + "open at the end may be cut off unanswered"
    }

    private static let bytesBurst = SettingRelation(
        paths: ["quota.tenant.bytes_burst", "quota.tenant.bytes_per_second", "limits.max_frame"], severity: .error
    ) { draft in
        let quota = draft.tenantQuota.bytes
        if quota.burst != nil, quota.perSecond == nil {
            return
                "quota.tenant.bytes_burst has no rate to go with; set quota.tenant.bytes_per_second too, or remove it"
        }
        return Self.bytesBurstSentence("quota.tenant.bytes_burst", quota, draft)
    }

    /// Says that the longest frame would be refused for ever.
    static func bytesBurstSentence(_ key: String, _ quota: ByteQuotaDraft, _ draft: SettingsDraft) -> String? {
        let frame = draft.settings.limits.frameBytesMax
        guard let burst = quota.burst, burst < frame else { return nil }
        return
            "\(key) (\(ByteSizeText.render(burst))) is smaller than limits.max_frame (\(ByteSizeText.render(frame))), so "
            + "that the longest request would never be admitted; raise it to at least \(ByteSizeText.render(frame)) or "
            + "lower max_frame"
    }

    private static let queue = SettingRelation(
        paths: ["overload.queue_target", "overload.queue_interval"], severity: .error
    ) { draft in
        let overload = draft.settings.overload
        guard overload.queueTargetMilliseconds >= overload.queueIntervalMilliseconds else { return nil }
        return "overload.queue_target (\(DurationText.render(overload.queueTargetMilliseconds))) is not below "
            + "overload.queue_interval (\(DurationText.render(overload.queueIntervalMilliseconds))), the longest wait; "
            + "a twentieth of it is usual"
    }

    private static let reserve = SettingRelation(
        paths: ["overload.critical_reserve", "oap_concurrency"], severity: .error
    ) { draft in
        let (reserve, open) = (draft.settings.overload.criticalReserve, draft.settings.oapConcurrency)
        guard reserve.permits(of: open) >= open else { return nil }
        return
            "overload.critical_reserve (\(reserve)) leaves none of the \(open.grouped) permits of oap_concurrency to "
            + "ordinary requests; lower it, or raise oap_concurrency"
    }

    private static func burst(_ scope: QuotaScope) -> SettingRelation {
        SettingRelation(paths: [scope.burst, scope.rate], severity: .error) { draft in
            let quota = draft[keyPath: scope.draft]
            guard quota.burst != nil, quota.perSecond == nil else { return nil }
            return "\(scope.burst) has no rate to go with; set \(scope.rate) too, or remove it"
        }
    }
}
