internal import Admission

private let unlimited = IngressAdmission(AdmissionPolicy(), tenantsMax: 64, seed: 1).snapshot
/// Finite and never reached, as in production.
private let rate = TokenRate(tokensPerSecond: 1e9, burst: 1_000_000_000)

let admission: [Microbenchmark] = [
    Microbenchmark("admission.permit", "acquire a permit and drop it") { iterations, measured in
        let limit = ConcurrencyLimit(openMax: 1024)
        var refused = 0
        measured {
            for _ in 0..<iterations {
                let permit = limit.acquire()
                if permit == nil { refused &+= 1 }
            }
        }
        precondition(refused == 0 && limit.openCount == 0)
    },
    Microbenchmark("admission.gcra-shared", "a token of the gateway's own bucket") { iterations, measured in
        let bucket = TokenBucket(rate: rate)
        var refused = 0
        measured {
            for iteration in 0..<iterations where bucket.take(nowNanoseconds: 1_000 + UInt64(iteration)) != .admitted {
                refused &+= 1
            }
        }
        precondition(refused == 0)
    },
    Microbenchmark("admission.gcra-connection", "a token of a connection's bucket") { iterations, measured in
        var bucket = LocalTokenBucket()
        var refused = 0
        measured {
            for iteration in 0..<iterations
            where bucket.take(rate, nowNanoseconds: 1_000 + UInt64(iteration)) != .admitted {
                refused &+= 1
            }
        }
        precondition(refused == 0)
    },
    Microbenchmark("admission.tenant", "a token of one of 64 tenants' buckets") { iterations, measured in
        var policy = AdmissionPolicy()
        policy.tenantDefault.requests = rate
        let quotas = IngressAdmission(policy, tenantsMax: 4096, seed: 1).snapshot
        let day = UTCDay(unixNanoseconds: 0, nowNanoseconds: 0)
        var refused = 0
        measured {
            for iteration in 0..<iterations {
                let decision = quotas.takeQuota(
                    tenant: UInt128(iteration & 63), tokens: 1, bytes: 0, openOnConnection: 0,
                    nowNanoseconds: 1_000 + UInt64(iteration), day: day)
                if decision != .taken(isCritical: false) { refused &+= 1 }
            }
        }
        precondition(refused == 0)
    },
    Microbenchmark("admission.turn", "the quotas of a request, 64 of each of 64 tenants in a turn") {
        iterations, measured in
        var policy = AdmissionPolicy()
        policy.tenantDefault.requests = rate
        policy.global = rate
        let quotas = IngressAdmission(policy, tenantsMax: 4096, seed: 1).snapshot
        let day = UTCDay(unixNanoseconds: 0, nowNanoseconds: 0)
        let activity = TenantActivity(seed: 1)
        var turn = TurnAccounts()
        var refused = 0
        measured {
            for iteration in 0..<iterations {
                // All of a turn arrives at once.
                let now = 1_000 + UInt64(iteration) & ~4095
                let decision = turn.takeQuota(
                    tenant: UInt128(iteration & 63), tokens: 1, bytes: 0, openOnConnection: 0, nowNanoseconds: now,
                    day: day, from: quotas)
                if decision != .taken(isCritical: false) { refused &+= 1 }
                if iteration & 4095 == 4095 { turn.end(from: quotas, in: activity) { now + 4_000 } }
            }
        }
        precondition(refused == 0)
    },
    Microbenchmark("admission.count-tenant", "a request counted for the tenant of the one before") {
        iterations, measured in
        let activity = TenantActivity(seed: 1)
        var accounts = TurnAccounts()
        measured {
            for iteration in 0..<iterations { accounts.count(7, iteration & 7 == 0 ? .quota : .admitted, in: activity) }
        }
        accounts.end(from: unlimited, in: activity) { 0 }
        var ranking = TenantRanking()
        precondition(ranking.merge([activity], nowNanoseconds: 0).tenants[0].counts.total == UInt64(iterations))
    },
    Microbenchmark("admission.count-tenant-change", "a request counted for one of 64 tenants in turn") {
        iterations, measured in
        let activity = TenantActivity(seed: 1)
        var accounts = TurnAccounts()
        measured {
            for iteration in 0..<iterations { accounts.count(UInt128(iteration & 63), .admitted, in: activity) }
        }
        accounts.end(from: unlimited, in: activity) { 0 }
        var ranking = TenantRanking()
        let report = ranking.merge([activity], nowNanoseconds: 0)
        precondition(report.tenants.reduce(report.other.total) { $0 + $1.counts.total } == UInt64(iterations))
    },
    Microbenchmark("admission.admit", "all quotas and the permit of one request, returned at once") {
        iterations, measured in
        let admission = IngressAdmission(
            openMax: 1024, inflightPerConnectionMax: 64, connectionRate: rate, tenantRate: rate, globalRate: rate)
        var refused = 0
        measured {
            for iteration in 0..<iterations {
                var held: Permit? = nil
                let why = admission.admit(
                    tenant: 7, openOnConnection: 0, nowNanoseconds: 1_000 + UInt64(iteration), held: &held)
                if why != nil { refused &+= 1 }
            }
        }
        precondition(refused == 0 && admission.concurrency.openCount == 0)
    },
]
