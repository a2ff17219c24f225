/// What is said about a key or table of a file that no setting has.
enum UnknownKey {
    static func sentence(_ entry: TOMLDocument.Entry) -> String {
        let table = Self.table(of: entry)
        let place = table.map { " in [\($0)]" } ?? ""
        switch entry.value {
        case .table, .array:
            if table == nil, let tenant = Suggestion.nearest(to: entry.key, among: [TenantReader.path]) {
                return "unknown table [\(entry.path.escaped)]; did you mean [[\(tenant)]]?"
            }
            guard entry.value == .table else { break }
            let suggestion =
                Suggestion.nearest(to: entry.path, among: SettingKey.tables.sorted())
                ?? Suggestion.nearest(to: entry.key, among: SettingKey.tables.sorted())
            return "unknown table [\(entry.path.escaped)]"
                + (suggestion.map { "; did you mean [\($0)]?" } ?? Self.listing)
        case .text, .string, .integer, .float, .boolean, .other:
            break
        }
        let unknown = "unknown key \(entry.key.quoted)\(place)"
        let namesakes = SettingKey.all.filter { $0.name == entry.key }
        if !namesakes.isEmpty {
            let homes = namesakes.map { $0.table.map { "in [\($0)]" } ?? "at the top of the file, before any [table]" }
            return unknown + "; it belongs \(homes.joined(separator: ", or "))"
        }
        let siblings = SettingKey.all.filter { $0.table == table }.map(\.name)
        if let suggestion = Suggestion.nearest(to: entry.key, among: siblings) {
            return unknown + "; did you mean \(suggestion.quoted)?"
        }
        let others = SettingKey.all.filter { $0.table != table }
        if let nearest = Suggestion.nearest(to: entry.key, among: others.map(\.name)),
            let key = others.first(where: { $0.name == nearest })
        {
            return unknown + "; did you mean \(nearest.quoted)\(key.table.map { " in [\($0)]" } ?? " at the top")?"
        }
        guard !siblings.isEmpty else { return unknown + Self.listing }
        return unknown + "; expected one of \(siblings.joined(separator: ", "))"
    }

    private static let listing = "; `ronctl config show` lists all keys"

    private static func table(of entry: TOMLDocument.Entry) -> String? {
        guard entry.parent != nil else { return nil }
        return SettingKey.tables.filter { entry.path.hasPrefix($0 + ".") }.max { $0.utf8.count < $1.utf8.count }
    }
}
