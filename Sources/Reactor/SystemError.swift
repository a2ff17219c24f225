internal import CIngress

/// A system call's failure: which call, which errno, and on what.
public struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The call's name as in its manual page.
    public let call: String
    /// The positive errno.
    public let code: Int32
    /// What the call was about, such as an address; may be empty.
    public let subject: String

    public init(call: String, code: Int32, subject: String = "") {
        self.call = call
        self.code = code
        self.subject = subject
    }

    /// `EADDRINUSE` for 98.
    public var name: String { Self.name(of: self.code) }

    public var description: String {
        self.subject.isEmpty ? "\(self.call) \(self.name)" : "\(self.call) \(self.name) (\(self.subject))"
    }

    /// The symbolic name of a positive errno.
    public static func name(of code: Int32) -> String {
        unsafe String(cString: ingress_errno_name(code))
    }

    static func check(_ result: Int32, _ call: String, _ subject: String = "") throws(SystemError) -> Int32 {
        guard result >= 0 else { throw SystemError(call: call, code: -result, subject: subject) }
        return result
    }
}

/// The few errno values that the rooms above decide on; all others are only named.
public enum ErrnoCode {
    public static let noBuffers: Int32 = ENOBUFS
    public static let cancelled: Int32 = ECANCELED
    public static let addressInUse: Int32 = EADDRINUSE
    public static let timedOut: Int32 = ETIMEDOUT
    public static let invalidArgument: Int32 = EINVAL
    /// The process has no descriptor left.
    public static let descriptorsSpent: Int32 = EMFILE
    /// The machine has none left.
    public static let descriptorsSpentBySystem: Int32 = ENFILE
}
