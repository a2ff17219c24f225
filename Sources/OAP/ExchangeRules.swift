/// The rules of exchanges that a frame from a client can break, as far as its own header shows it.
public enum ExchangeRules {
    /// Why a frame is nothing that a client may send, or nil when it is a request.
    @inline(__always)
    public static func problem(direction flags: FrameFlags) -> String? {
        let direction = flags.intersection([.request, .response, .event])
        return direction == .request ? nil : self.directionProblem(direction)
    }

    /// Why a request is not one to a unary method, or nil when it is.
    @inline(__always)
    public static func problem(unary flags: FrameFlags) -> String? {
        guard flags.contains(.start), !flags.contains(.end) else { return nil }
        return "A unary request is one frame: START needs END with it."
    }

    private static func directionProblem(_ direction: FrameFlags) -> String {
        if direction.isEmpty { return "A frame is a request, a response or an event: one of REQ, RESP and EVENT." }
        if direction.contains(.request) { return "REQ excludes RESP and EVENT." }
        return "A client sends requests; responses and events come from the gateway."
    }

    public static let correlationInUse = "This corr_id is still unanswered on the connection."
}
