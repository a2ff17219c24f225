import Foundation
public import Logging

/// swift-log's events as lines, text or JSON. A value: copies share nothing but the writer.
public struct LineLogHandler: LogHandler {
    public var metadata: Logger.Metadata = [:]
    public var metadataProvider: Logger.MetadataProvider?

    private let format: LogLineFormat
    private let threshold: LogThreshold
    /// Not nil exactly when this logger was given a level of its own.
    private var ownLevel: Logger.Level?
    private let write: @Sendable (String) -> Void

    /// - Parameter write: takes one whole line, newline included; called from any thread.
    public init(format: LogLineFormat, level: Logger.Level, write: @escaping @Sendable (String) -> Void) {
        self.init(format: format, threshold: LogThreshold(level), write: write)
    }

    init(format: LogLineFormat, threshold: LogThreshold, write: @escaping @Sendable (String) -> Void) {
        self.format = format
        self.threshold = threshold
        self.write = write
    }

    /// What all loggers have, until this one is set.
    public var logLevel: Logger.Level {
        get { self.ownLevel ?? self.threshold.level }
        set { self.ownLevel = newValue }
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    /// The event's own metadata wins over the logger's, and that over the provider's.
    public func log(event: LogEvent) {
        var metadata = self.metadataProvider?.get() ?? [:]
        metadata.merge(self.metadata) { _, own in own }
        if let error = event.error { metadata["error"] = "\(error)" }
        if let own = event.metadata { metadata.merge(own) { _, own in own } }
        self.write(
            LogLine.render(
                self.format, timestamp: LogTimestamp.text(Date()), level: event.level,
                message: event.message.description, metadata: metadata))
    }
}
