/// One setting: where it is given, what it may be, what it is for. `all` is the only list of settings there is:
/// reading, suggestions, `config show`, the flags' help and the test of the commented file are made from it.
public struct SettingKey: Sendable {
    /// Dotted TOML path, as in `limits.max_frame`.
    public let path: String

    /// One line: what it bounds or names.
    public let summary: String

    /// Environment variables that set it, the stronger first.
    public let environment: [String]

    let kind: SettingKind
    let flag: Flag?

    /// False exactly when a change in the file waits for a restart.
    public let isLive: Bool

    struct Flag: Sendable {
        /// With its dashes.
        let name: String
        let value: any KeyPath<SettingsFlags, String?> & Sendable
    }

    init(
        _ path: String, _ kind: SettingKind, flag: Flag? = nil, environment: [String] = [], isLive: Bool = true,
        _ summary: String
    ) {
        self.path = path
        self.kind = kind
        self.flag = flag
        self.environment = environment
        self.isLive = isLive
        self.summary = summary
    }

    /// The flag that sets it, with its dashes.
    public var flagName: String? { self.flag?.name }

    /// What it may be, ranges included: `an integer, 1 to 4,096`.
    public var expected: String { self.kind.expected }

    /// The default as `config show` prints it.
    public var defaultText: String { self.kind.value(in: SettingsDraft()).text }

    /// The table that holds the key, or nil for the top of the file.
    public var table: String? {
        self.path.lastIndex(of: ".").map { String(self.path[..<$0]) }
    }

    /// The last segment of the path.
    public var name: String {
        self.path.lastIndex(of: ".").map { String(self.path[self.path.index(after: $0)...]) } ?? self.path
    }

    /// Every setting, in the order in which they are shown.
    public static let all: [SettingKey] = Self.top + Self.limits + Self.quotas + Self.overload

    static func at(_ path: String) -> SettingKey? {
        Self.byPath[path]
    }

    static let byPath = Dictionary(uniqueKeysWithValues: Self.all.map { ($0.path, $0) })

    /// Every table that holds a setting or such a table, by path.
    static let tables: Set<String> = Set(
        Self.all.compactMap(\.table).flatMap { table in
            table.indices.filter { table[$0] == "." }.map { String(table[..<$0]) } + [table]
        })
}

extension SettingKey {
    private static let top: [SettingKey] = [
        SettingKey(
            "oap_addr", .address(\.settings.oapAddress),
            flag: Flag(name: "--oap-addr", value: \.oapAddr), environment: ["SVC_GATEWAY_ADDR"],
            isLive: false, "Where OAP/1 is served; port 0 lets the kernel choose."),
        SettingKey(
            "oap_socket", .socket(\.settings.oapSocket), flag: Flag(name: "--oap-socket", value: \.oapSocket),
            isLive: false,
            "A Unix socket to serve OAP/1 on instead of oap_addr, for its user and group."),
        SettingKey(
            "metrics_addr", .address(\.settings.metricsAddress),
            flag: Flag(name: "--metrics-addr", value: \.metricsAddr), isLive: false,
            "Where metrics, health and /resolve are served over HTTP; port 0 lets the kernel choose."),
        SettingKey(
            "oap_concurrency", .integer(\.settings.oapConcurrency, 1...1_000_000),
            flag: Flag(name: "--oap-concurrency", value: \.oapConcurrency),
            "Most requests open in the process; one more waits (overload.queue_max), then 503 overloaded."),
        SettingKey(
            "workers", .workers(\.settings.workers), flag: Flag(name: "--workers", value: \.workers), isLive: false,
            "Threads that serve connections; auto is one per core."),
        SettingKey(
            "io", .choice(SettingChoice(\.settings.ioBackend)), flag: Flag(name: "--io", value: \.io), isLive: false,
            "Kernel interface; auto is io_uring where the kernel lets us, else epoll."),
        SettingKey(
            "index", .index, flag: Flag(name: "--index", value: \.index), environment: ["RON_INDEX_SOCK"],
            isLive: false,
            "Where names are looked up: in the gateway itself, or by another process."),
        SettingKey(
            "index_path", .directory(\.settings.indexPath), flag: Flag(name: "--index-path", value: \.indexPath),
            isLive: false, "Directory of the embedded index."),
        SettingKey(
            "instance", .instance(\.settings.instance), flag: Flag(name: "--instance", value: \.instance),
            isLive: false,
            "Name of this gateway among those of the machine; its control socket is called after it."),
        SettingKey(
            "control_socket", .controlSocket, flag: Flag(name: "--control-socket", value: \.controlSocket),
            isLive: false,
            "Unix socket where operators ask and reload; auto is INSTANCE.sock in svc-gateway under the runtime directory."
        ),
        SettingKey(
            "log_format", .choice(SettingChoice(\.settings.logFormat)),
            flag: Flag(name: "--log-format", value: \.logFormat), isLive: false,
            "How log lines look."),
        SettingKey(
            "log_level", .choice(SettingChoice(\.settings.logLevel, aliases: LogLevel.aliases)),
            flag: Flag(name: "--log-level", value: \.logLevel), environment: ["RON_LOG", "RUST_LOG"],
            "The least severe level that is logged."),
    ]

    private static let limits: [SettingKey] = [
        SettingKey(
            "limits.max_inflight", .integer(\.settings.limits.inflightMax, 1...4_096),
            "Most requests open on one connection; one more is answered 429 too_many_inflight."),
        SettingKey(
            "limits.connections_max", .integer(\.settings.limits.connectionsMax, 1...1_000_000),
            "Most connections of the process; fewer when descriptors are few."),
        SettingKey(
            "limits.accept_rate", .integer(\.settings.limits.acceptRate, 1...1_000_000),
            "Most new connections a second; one more is closed at once."),
        SettingKey(
            "limits.accept_burst", .integer(\.settings.limits.acceptBurst, 1...1_000_000),
            "How many of them may come at once."),
        SettingKey(
            "limits.max_frame", .byteSize(\.settings.limits.frameBytesMax, 4_096...1_048_576),
            "Longest frame, its header included; a longer one is answered 413 frame_too_large."),
        SettingKey(
            "limits.read_timeout", .duration(\.settings.limits.readTimeoutMilliseconds, 10...3_600_000),
            "A partial frame without progress for this long ends its connection."),
        SettingKey(
            "limits.idle_timeout", .duration(\.settings.limits.idleTimeoutMilliseconds, 10...86_400_000),
            "A connection with nothing open for this long ends."),
        SettingKey(
            "limits.request_timeout", .duration(\.settings.limits.requestTimeoutMilliseconds, 1...3_600_000),
            "A request without an answer for this long is answered 408 deadline_exceeded."),
        SettingKey(
            "limits.output_backlog_max", .byteSize(\.settings.limits.outputBacklogBytesMax, 4_096...(3 << 20)),
            "Answers that one connection may leave unread; at least max_frame."),
        SettingKey(
            "limits.output_stall_timeout", .duration(\.settings.limits.outputStallTimeoutMilliseconds, 10...3_600_000),
            "A connection over its output backlog for this long is closed."),
        SettingKey(
            "limits.drain_deadline", .duration(\.settings.limits.drainDeadlineMilliseconds, 0...3_600_000),
            "After the first SIGINT or SIGTERM the process ends within this time."),
        SettingKey(
            "limits.listen_backlog", .integer(\.settings.limits.listenBacklog, 1...65_535), isLive: false,
            "Connections that the kernel queues per listener; it may allow fewer (net.core.somaxconn)."),
        SettingKey(
            "limits.buffer_memory_max", .byteSize(\.settings.limits.bufferMemoryBytesMax, 8_192...(1 << 40)),
            isLive: false,
            "Split-frame and output buffers of the whole process; at least max_frame + output_backlog_max."),
    ]
}
