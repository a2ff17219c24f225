/// How a log line looks.
public enum LogLineFormat: String, Sendable, CaseIterable {
    /// `2026-11-24T21:30:15.123Z INFO ready=1 startup_ms=41 workers=2`: time, level, message, then sorted metadata.
    case text
    /// `{"ts":"2026-11-24T21:30:15.123Z","level":"info","msg":"ready=1","workers":"2"}`: one object a line.
    case json
}
