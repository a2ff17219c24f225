public import ArgumentParser

/// The flags that configure a gateway, shared by every executable that reads its configuration.
///
/// Values are text on purpose: `SettingsLoader` reads them, so that a mistyped flag is reported together with whatever
/// else is wrong and in the same words. Use as an `@OptionGroup`, or `try SettingsFlags.parse(arguments)`.
public struct SettingsFlags: ParsableArguments, Sendable {
    @Option(
        name: .customLong("config"),
        help: ArgumentHelp(
            "Configuration file. (default: $RON_CONFIG, else \(ConfigurationSource.localFile), "
                + "else \(ConfigurationSource.systemFile), else none)",
            valueName: "file"))
    public var config: String?

    @Option(name: .customLong("oap-addr"), help: Self.help("oap_addr", "address"))
    public var oapAddr: String?

    @Option(name: .customLong("oap-socket"), help: Self.help("oap_socket", "path"))
    public var oapSocket: String?

    @Option(name: .customLong("metrics-addr"), help: Self.help("metrics_addr", "address"))
    public var metricsAddr: String?

    @Option(name: .customLong("oap-concurrency"), help: Self.help("oap_concurrency", "count"))
    public var oapConcurrency: String?

    @Option(name: .customLong("workers"), help: Self.help("workers", "auto|count"))
    public var workers: String?

    @Option(name: .customLong("io"), help: Self.help("io", "auto|io_uring|epoll"))
    public var io: String?

    @Option(name: .customLong("index"), help: Self.help("index", "index"))
    public var index: String?

    @Option(name: .customLong("index-path"), help: Self.help("index_path", "directory"))
    public var indexPath: String?

    @Option(name: .customLong("instance"), help: Self.help("instance", "name"))
    public var instance: String?

    @Option(name: .customLong("control-socket"), help: Self.help("control_socket", "path"))
    public var controlSocket: String?

    @Option(name: .customLong("log-format"), help: Self.help("log_format", "text|json"))
    public var logFormat: String?

    @Option(name: .customLong("log-level"), help: Self.help("log_level", "level"))
    public var logLevel: String?

    @Flag(name: .customLong("tor"), help: "Not there yet: refused.")
    public var tor = false

    @Flag(name: .customLong("legacy-pay"), help: "Not there yet: refused.")
    public var legacyPay = false

    public init() {}

    /// What the setting is for, what it may be, what sets it otherwise, and its default.
    private static func help(_ path: String, _ valueName: String) -> ArgumentHelp {
        guard let key = SettingKey.at(path) else { preconditionFailure("no setting \(path)") }
        let environment = key.environment.isEmpty ? "" : "env: \(key.environment.joined(separator: ", ")); "
        return ArgumentHelp(
            "\(key.summary) Takes \(key.expected). (\(environment)default: \(key.defaultText))", valueName: valueName)
    }
}
