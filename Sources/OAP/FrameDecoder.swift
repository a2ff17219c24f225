/// What the bytes at the start of a frame amount to.
public enum FrameStep: Equatable, Sendable {
    /// Nothing can be said or done before so many bytes are there, counted from the frame's start: 38 until the
    /// header is whole, then the frame's length.
    case needMore(total: Int)
    /// The frame is there from its first to its last byte; `header.frameBytes` of them are consumed.
    case frame(FrameHeader)
    /// The header breaks a rule. Nothing of the frame is to be buffered and the connection cannot go on.
    case refused(ErrorCode, FrameHeader)
}

/// Bytes in, frames out: a pure function of the bytes from a frame's start, so that any fragmentation gives the same
/// frames and no state is left behind. It reads 38 bytes, however long the frame, and never allocates.
///
/// Checks, in the contract's order: reserved flags, version, length, capability without START, capability beyond the
/// frame.
public struct FrameDecoder: Sendable {
    /// Largest frame accepted; a longer one is refused from its header.
    public let frameBytesMax: Int

    public init(frameBytesMax: Int = FrameHeader.frameBytesMax) {
        precondition(frameBytesMax >= FrameHeader.byteCount && frameBytesMax <= FrameHeader.frameBytesMax)
        self.frameBytesMax = frameBytesMax
    }

    public func step(_ bytes: Span<UInt8>) -> FrameStep {
        guard bytes.count >= FrameHeader.byteCount else { return .needMore(total: FrameHeader.byteCount) }
        let header = FrameHeader(peeking: bytes)
        guard header.flags.rawValue & FrameFlags.reserved == 0 else { return .refused(.badFlags, header) }
        guard bytes.bigEndian16(at: 4) == FrameHeader.version else { return .refused(.badVersion, header) }
        let frameBytes = Int(header.frameBytes)
        guard frameBytes >= FrameHeader.byteCount else { return .refused(.badLength, header) }
        guard frameBytes <= self.frameBytesMax else { return .refused(.frameTooLarge, header) }
        let capabilityBytes = Int(header.capabilityBytes)
        guard capabilityBytes == 0 || header.flags.contains(.start) else {
            return .refused(.capabilityWithoutStart, header)
        }
        guard capabilityBytes <= frameBytes - FrameHeader.byteCount else {
            return .refused(.capabilityOutOfBounds, header)
        }
        guard bytes.count >= frameBytes else { return .needMore(total: frameBytes) }
        return .frame(header)
    }
}

/// What arrives on a clear-text OAP port when it is not OAP/1; for one log line, never for a decision.
public enum ForeignProtocol: String, Sendable {
    case tls = "a TLS handshake"
    case http = "HTTP"
    case gmi = "the GMI-1.6 dialect"

    /// - Parameter bytes: the first bytes of a connection.
    public init?(_ bytes: Span<UInt8>) {
        guard bytes.count >= 6 else { return nil }
        if bytes[0] == 0x16 && bytes[1] == 0x03 {
            self = .tls
        } else if Self.startsWithHTTPMethod(bytes) {
            self = .http
        } else if bytes[4] == 1 && bytes[2] == 0 && bytes[3] == 0 {
            self = .gmi
        } else {
            return nil
        }
    }

    private static func startsWithHTTPMethod(_ bytes: Span<UInt8>) -> Bool {
        let word = bytes.bigEndian32(at: 0)
        switch word {
        case 0x4745_5420, 0x504F_5354, 0x4845_4144, 0x5055_5420, 0x4F50_5449, 0x434F_4E4E, 0x5052_4920, 0x4445_4C45,
            0x5041_5443:
            // "GET ", "POST", "HEAD", "PUT ", "OPTI", "CONN", "PRI ", "DELE", "PATC"
            return true
        default:
            return false
        }
    }
}
