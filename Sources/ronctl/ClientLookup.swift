import OAP

/// Resolve, for one key, and resolve-many, for more.
struct ClientLookup {
    enum Outcome {
        /// The records' JSON in the keys' order; nil for those that are not there.
        case records([[UInt8]?])
        case refused(ClientRefusal)
    }

    /// - Parameter keys: 1 to 256 valid keys.
    mutating func resolve(
        _ keys: [String], _ connection: inout ClientConnection
    ) throws(ClientFailure) -> Outcome {
        if keys.count == 1 { return try self.resolveOne(keys[0], &connection) }
        var writer = JSONWriter()
        for (index, key) in keys.enumerated() {
            writer.raw(index == 0 ? "[" : ",")
            writer.string(key)
        }
        writer.raw("]")
        let answer = try connection.request(Application.index, .resolveMany, writer.bytes)
        if let refusal = answer.refusal { return .refused(refusal) }
        guard answer.status == 200, let records = try? Self.elements(of: answer.payload), records.count == keys.count
        else { throw connection.malformed(answer, "no array of \(keys.count) records") }
        return .records(records)
    }

    private func resolveOne(
        _ key: String, _ connection: inout ClientConnection
    ) throws(ClientFailure) -> Outcome {
        let answer = try connection.request(Application.index, .resolve, Array(key.utf8))
        if let refusal = answer.refusal { return refusal.isNotFound ? .records([nil]) : .refused(refusal) }
        guard answer.status == 200 else { throw connection.malformed(answer, "a status that resolve does not have") }
        return .records([answer.payload])
    }

    /// The elements' own bytes; nil for `null`.
    private static func elements(of json: [UInt8]) throws(JSONError) -> [[UInt8]?] {
        var elements: [[UInt8]?] = []
        var reader = try JSONReader(json.span)
        try reader.beginArray()
        while try reader.nextElement() {
            let kind = try reader.nextKind()
            let start = reader.offset
            try reader.skipValue()
            elements.append(kind == .null ? nil : Array(json[start..<reader.offset]))
        }
        try reader.end()
        return elements
    }
}
