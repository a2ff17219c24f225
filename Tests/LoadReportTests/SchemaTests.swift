import Foundation
import LoadReport
import Testing

/// The published schema says what the encoder writes, neither less nor more.
@Suite struct SchemaTests {
    private static func schema() throws -> [String: Any] {
        let object = try JSONSerialization.jsonObject(with: Data(LoadReport.jsonSchema.utf8))
        return try #require(object as? [String: Any])
    }

    /// With every optional member there.
    private static func complete() throws -> LoadReport {
        var report = try SampleReport(shape: .refusing, seconds: 12).report("p50<1us")
        report.plan.scenario = "baseline"
        report.generator.bottlenecks = ["a sentence"]
        report.generator.notes = ["another"]
        report.plan.burst = 10
        report.plan.rampFromRate = 1
        report.plan.rampSeconds = 2
        report.plan.requestsPerConnection = 100
        report.plan.tenantChoice = "uniform"
        report.plan.keyChoice = "zipf(0.99)"
        report.plan.hitRatio = 0.5
        report.plan.keysPerRequest = 8
        report.plan.payloadBytes = 64
        report.plan.scheduleLagMaxSeconds = 0.01
        report.connectTime = report.latency
        return report
    }

    @Test(arguments: [SampleReport.Shape.healthy, .refusing, .silent])
    func reportsFulfilTheSchema(shape: SampleReport.Shape) throws {
        let report = try SampleReport(shape: shape, seconds: 12).report("p99<2ms", "errors<1%")
        let problems = try Self.problems(report, exact: false)
        #expect(problems == [])
    }

    /// A member that the schema forgot, or one that is written no more.
    @Test func membersAreExactlyThose() throws {
        let problems = try Self.problems(Self.complete(), exact: true)
        #expect(problems == [])
    }

    @Test func numberIsTheOneThatIsRead() {
        #expect(LoadReport.jsonSchema.contains("{\"const\": \"\(LoadReport.schemaCurrent)\"}"))
        #expect(LoadReport.jsonSchema.contains("\"maxItems\": \(LoadReport.intervalsMax)"))
    }

    /// The checker itself sees what is wrong.
    @Test(arguments: [
        ("\"verdict\":\"missed\"", "\"verdict\":\"grand\""), ("\"goAways\":0", "\"goAway\":0"),
        ("\"inFlightMax\":9", "\"inFlightMax\":9.5"), ("\"inFlightMax\":9", "\"inFlightMax\":-9"),
        ("\"wasAborted\":false", "\"wasAborted\":0"), ("\"depth\":16", "\"depth\":\"16\""),
        ("\"schema\":\"oap-bench-report/1\"", "\"schema\":\"oap-bench-report/2\""),
    ])
    func checkerSeesFaults(before: String, after: String) throws {
        let json = try Self.complete().json()
        #expect(json.contains(before))
        let broken = try Member.value(json.replacingOccurrences(of: before, with: after))
        let schema = try Self.schema()
        let checker = SchemaChecker(root: schema, exact: true)
        #expect(!checker.problems(broken, schema, "").isEmpty)
    }

    private static func problems(_ report: LoadReport, exact: Bool) throws -> [String] {
        let value = try Member.value(try report.json())
        let schema = try Self.schema()
        return SchemaChecker(root: schema, exact: exact).problems(value, schema, "")
    }
}

/// As much of JSON Schema as the published one uses.
private struct SchemaChecker {
    let root: [String: Any]
    /// Whether members must be all those that the schema names, and no others.
    let exact: Bool

    func problems(_ value: Any, _ schema: [String: Any], _ path: String) -> [String] {
        if let reference = schema["$ref"] as? String, let name = reference.split(separator: "/").last {
            let definitions = self.root["$defs"] as? [String: [String: Any]]
            guard let definition = definitions?[String(name)] else { return ["\(path): no definition \(name)"] }
            return self.problems(value, definition, path)
        }
        if let constant = schema["const"] as? String {
            return value as? String == constant ? [] : ["\(path): constant"]
        }
        if let cases = schema["enum"] as? [String] {
            return (value as? String).map(cases.contains) == true ? [] : ["\(path): none of \(cases)"]
        }
        switch schema["type"] as? String {
        case "object": return self.members(value, schema, path)
        case "array":
            guard let items = value as? [Any], let schema = schema["items"] as? [String: Any] else {
                return ["\(path): no array"]
            }
            return items.enumerated().flatMap { self.problems($0.element, schema, "\(path)[\($0.offset)]") }
        case "string": return value is String ? [] : ["\(path): no string"]
        case "boolean": return value is Bool ? [] : ["\(path): no boolean"]
        case "number", "integer":
            guard let double = value as? Double else { return ["\(path): no number"] }
            if schema["type"] as? String == "integer", double != double.rounded() { return ["\(path): no integer"] }
            let isBelow = (schema["minimum"] as? NSNumber).map { double < $0.doubleValue } ?? false
            return isBelow ? ["\(path): below the minimum"] : []
        default: return ["\(path): the schema names no type"]
        }
    }

    private func members(_ value: Any, _ schema: [String: Any], _ path: String) -> [String] {
        guard let members = value as? [String: Any], let properties = schema["properties"] as? [String: [String: Any]],
            let required = schema["required"] as? [String]
        else { return ["\(path): no object"] }
        var problems = required.filter { members[$0] == nil }.map { "\(path).\($0): missing" }
        if self.exact {
            // A status without a code is the one case in which an optional member is absent here.
            let absent = Set(properties.keys).subtracting(members.keys).subtracting(["code"])
            problems += absent.map { "\(path).\($0): in the schema only" }
        }
        for (name, member) in members {
            guard let property = properties[name] else {
                problems.append("\(path).\(name): not in the schema")
                continue
            }
            problems += self.problems(member, property, "\(path).\(name)")
        }
        return problems
    }
}

/// A value of JSON in which a boolean is no number, as it is to `JSONSerialization`.
private struct Member: Decodable {
    let value: Any

    static func value(_ json: String) throws -> Any { try JSONDecoder().decode(Self.self, from: Data(json.utf8)).value }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let members = try? container.decode([String: Member].self) {
            self.value = members.mapValues(\.value)
        } else if let items = try? container.decode([Member].self) {
            self.value = items.map(\.value)
        } else if let boolean = try? container.decode(Bool.self) {
            self.value = boolean
        } else if let number = try? container.decode(Double.self) {
            self.value = number
        } else {
            self.value = try container.decode(String.self)
        }
    }
}
