internal import Admission
internal import Gateway
internal import GatewayRuntime
internal import IndexStore
internal import Telemetry

/// What no worker counts: computed at the scrape.
extension GatewayAdmin {
    var configured: [ProcessMetric] {
        let live = self.server.live
        let reloads = self.reloader.reloads
        return [
            ProcessMetric(
                "concurrency_limit", help: "Most requests that may be open at once.", kind: .gauge,
                labels: [MetricLabel("kind", "configured")], value: Double(live.policy.openMax)),
            ProcessMetric(
                "concurrency_limit", help: "Most requests that may be open at once.", kind: .gauge,
                labels: [MetricLabel("kind", "adaptive")],
                value: Double(self.server.adaptiveLimit ?? live.policy.openMax)),
            ProcessMetric(
                "connections_limit", help: "Most client connections that may be open at once.", kind: .gauge,
                value: Double(live.limits.connectionsMax)),
            ProcessMetric(
                "workers", help: "Worker threads.", kind: .gauge, value: Double(self.server.reports.count)),
            ProcessMetric(
                "buffer_memory_limit_bytes", help: "Most bytes that output and assembly blocks may hold.", kind: .gauge,
                value: Double(self.server.configuration.bufferBytesMax)),
            ProcessMetric(
                "memory_ceiling_bytes", help: "Most user memory of the data path, by its configuration.", kind: .gauge,
                value: Double(self.server.memoryCeiling.bytes)),
            ProcessMetric(
                "config_epoch", help: "Counts the configurations that took effect, from 1.", kind: .gauge,
                value: Double(self.server.epoch)),
            ProcessMetric(
                "config_reloads_total", help: "Times that the configuration was read again.", kind: .counter,
                labels: [MetricLabel("result", "ok")], value: Double(reloads.adopted)),
            ProcessMetric(
                "config_reloads_total", help: "Times that the configuration was read again.", kind: .counter,
                labels: [MetricLabel("result", "refused")], value: Double(reloads.refused)),
        ]
    }

    var used: [ProcessMetric] {
        [
            ProcessMetric(
                "inflight_requests", help: "Requests open now.", kind: .gauge, value: Double(self.server.openCount)),
            ProcessMetric(
                "pressure_rung",
                help: "0 normal, 1 degraded, 2 shed_low_priority, 3 shed_connections, 4 refuse.", kind: .gauge,
                value: Double(self.server.pressure.rung.rawValue)),
            ProcessMetric(
                "buffer_memory_bytes", help: "Bytes held by output and assembly blocks.", kind: .gauge,
                value: Double(self.server.bufferBytesUsed)),
            ProcessMetric(
                "index_records", help: "Records in the index; 0 while it is not open, or another process has it.",
                kind: .gauge,
                value: Double(max(0, self.index?.environment?.recordCount ?? 0))),
            ProcessMetric(
                "ready", help: "1 exactly when /readyz answers 200.", kind: .gauge,
                value: self.health.report.isReady ? 1 : 0),
            ProcessMetric(
                "log_lines_dropped_total", help: "Log lines that stderr did not take.", kind: .counter,
                value: Double(LogSetup.linesDropped)),
        ]
    }

    /// What each input asks for by itself.
    var pressed: [ProcessMetric] {
        PressureLadder.Input.allCases.map { input in
            ProcessMetric(
                "pressure_input_rung", help: "The rung that an input asks for by itself.", kind: .gauge,
                labels: [MetricLabel("input", input.name)],
                value: Double(self.server.pressureRung(of: input).rawValue))
        }
    }

    var tenants: [ProcessMetric] {
        TenantLabels(self.server.tenantReport(), named: self.server.live.policy.tenants).metrics
    }

    var process: [ProcessMetric] {
        let usage = ProcessUsage.now()
        return [
            ProcessMetric(
                "process_cpu_seconds_total", help: "User and system time of the process.", kind: .counter,
                value: usage.cpuSeconds),
            ProcessMetric(
                "process_resident_memory_bytes", help: "Resident memory of the process, index pages included.",
                kind: .gauge, value: usage.residentBytes),
            ProcessMetric(
                "process_major_page_faults_total", help: "Page faults that waited for the disk.", kind: .counter,
                value: usage.majorFaults),
            ProcessMetric(
                "process_open_fds", help: "Descriptors open now.", kind: .gauge, value: usage.descriptorsOpen),
            ProcessMetric(
                "build_info", help: "Always 1; what runs here.", kind: .gauge,
                labels: [
                    MetricLabel("version", self.built.version), MetricLabel("commit", self.built.commit),
                    MetricLabel("swift", self.built.swift), MetricLabel("io", self.built.ioBackend),
                ], value: 1),
        ]
    }
}
