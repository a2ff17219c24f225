public import Foundation

/// The report for programs, in the schema that `LoadReport.jsonSchema` publishes.
extension LoadReport {
    /// One line, its members by name.
    public func json() throws(LoadReportFault) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do { return String(decoding: try encoder.encode(self), as: UTF8.self) } catch EncodingError.invalidValue(
            _, let context)
        {
            throw .notFinite(path: Self.path(context.codingPath))
        } catch {
            throw .syntax("\(error)")
        }
    }

    public init(json: String) throws(LoadReportFault) { try self.init(json: Data(json.utf8)) }

    /// - Parameter json: members that this version does not know are passed over.
    public init(json: Data) throws(LoadReportFault) {
        let schema = try Self.decode(Header.self, json).schema
        guard schema == Self.schemaCurrent else { throw .schema(schema) }
        let report = try Self.decode(Self.self, json)
        try report.check()
        self = report
    }

    private struct Header: Decodable {
        let schema: String?
    }

    private static func decode<Value: Decodable>(_ type: Value.Type, _ json: Data) throws(LoadReportFault) -> Value {
        do { return try JSONDecoder().decode(type, from: json) } catch let error as DecodingError {
            switch error {
            case .keyNotFound(let key, let context):
                throw .member(path: Self.path(context.codingPath + [key]), problem: "the member is missing")
            case .typeMismatch(_, let context), .valueNotFound(_, let context):
                throw .member(path: Self.path(context.codingPath), problem: "the member is of another type")
            case .dataCorrupted(let context) where context.codingPath.isEmpty:
                throw .syntax("it is no valid JSON, or a number in it is out of range")
            case .dataCorrupted(let context):
                throw .member(path: Self.path(context.codingPath), problem: "the value is out of range or unknown")
            @unknown default:
                throw .syntax("\(error)")
            }
        } catch {
            throw .syntax("\(error)")
        }
    }

    /// What the types do not say and what reads a report relies on.
    private func check() throws(LoadReportFault) {
        guard self.series.count <= Self.intervalsMax else {
            throw .member(path: "series", problem: "there are more than \(Self.intervalsMax) intervals")
        }
        for (name, latency) in [
            ("latency", self.latency), ("serviceTime", self.serviceTime), ("scheduleLag", self.scheduleLag),
            ("connectTime", self.connectTime ?? Latency()),
        ] {
            let isAscending = zip(latency.buckets, latency.buckets.dropFirst()).allSatisfy {
                $0.microseconds < $1.microseconds
            }
            guard isAscending, latency.buckets.allSatisfy({ $0.microseconds >= 0 }) else {
                throw .member(path: "\(name).buckets", problem: "the buckets do not ascend from 0")
            }
            var counted: UInt64 = 0
            for bucket in latency.buckets {
                let (sum, isOverflow) = counted.addingReportingOverflow(bucket.count)
                guard !isOverflow else { throw .member(path: "\(name).buckets", problem: "the counts are too large") }
                counted = sum
            }
            guard latency.buckets.isEmpty || counted == latency.count else {
                throw .member(path: "\(name).count", problem: "it is not the sum of the buckets")
            }
        }
        let isOrdered = zip(self.series, self.series.dropFirst()).allSatisfy { $0.offsetSeconds < $1.offsetSeconds }
        guard isOrdered, self.series.allSatisfy({ $0.lengthSeconds > 0 }) else {
            throw .member(path: "series", problem: "the intervals do not follow each other")
        }
    }

    private static func path(_ keys: [any CodingKey]) -> String {
        keys.map { key in key.intValue.map { "[\($0)]" } ?? ".\(key.stringValue)" }.joined().trimmingPrefix(".")
            .description
    }
}
