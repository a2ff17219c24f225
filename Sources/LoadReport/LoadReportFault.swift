/// Why a report cannot be read or written.
public enum LoadReportFault: Error, Equatable, CustomStringConvertible {
    /// It is of another schema, or of none.
    case schema(String?)
    /// A member is missing, of another type, or out of range.
    case member(path: String, problem: String)
    /// The text is no JSON, or has a number that no member can be.
    case syntax(String)
    /// A number that is none, which no format of a report can hold: a fault of the generator.
    case notFinite(path: String)

    public var description: String {
        switch self {
        case .schema(nil):
            "it is no report of oap-bench: it has no member \"schema\"; make one with oap-bench --json FILE"
        case .schema(let schema?):
            "it is of schema \"\(schema)\" and this oap-bench reads \"\(LoadReport.schemaCurrent)\"; compare reports with "
                + "the version that wrote them"
        case .member(let path, let problem): "\(path): \(problem)"
        case .syntax(let problem): problem
        case .notFinite(let path): "\(path) is not a finite number"
        }
    }
}
