internal import CBuildInfo
internal import Foundation

/// The one place that knows the version.
public enum ServiceVersion {
    public static let number = "0.1.0"

    /// The commit it was built from.
    public static var commit: String {
        guard let text = unsafe build_info_commit() else { return "unknown" }
        return unsafe String(cString: text)
    }

    /// For `--version`.
    public static var line: String { "\(Self.number) (\(Self.commit))" }

    #if swift(>=6.3)
        static let swift = "6.3"
    #elseif swift(>=6.2)
        static let swift = "6.2"
    #endif

    static func report(ioBackend: String, started: Date) -> VersionReport {
        VersionReport(
            name: "svc-gateway", version: Self.number, commit: Self.commit, swift: Self.swift, ioBackend: ioBackend,
            protocol: "OAP/1", started: LogTimestamp.text(started))
    }
}
