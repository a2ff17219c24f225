import OAP

/// A connection's bytes given to the decoder in pieces, as the runtime does it: kept until it can say something.
struct FrameStream {
    let decoder: FrameDecoder
    private(set) var headers: [FrameHeader] = []
    private(set) var payloads: [[UInt8]] = []
    private(set) var capabilities: [[UInt8]] = []
    private(set) var refusal: ErrorCode?
    /// Bytes that wait for more.
    private(set) var kept: [UInt8] = []
    /// What the decoder last asked for; nil at the start of a frame.
    private(set) var needed: Int?
    /// Most bytes that were kept of a frame that was refused in the end.
    private(set) var keptOfRefusedFrame = 0

    init(decoder: FrameDecoder = FrameDecoder()) { self.decoder = decoder }

    mutating func feed(_ bytes: some Collection<UInt8>) {
        guard self.refusal == nil else { return }
        // A local: the spans below would borrow `self` while its other fields change.
        let available = self.kept + bytes
        var offset = 0
        self.needed = nil
        scan: while offset < available.count {
            switch self.decoder.step(available.span.extracting(offset...)) {
            case .needMore(let total):
                self.needed = total
                break scan
            case .frame(let header):
                self.headers.append(header)
                self.payloads.append(Array(available[header.payloadRange.shifted(by: offset)]))
                self.capabilities.append(Array(available[header.capabilityRange.shifted(by: offset)]))
                offset += Int(header.frameBytes)
            case .refused(let code, _):
                self.refusal = code
                self.keptOfRefusedFrame = available.count - offset
                break scan
            }
        }
        self.kept = Array(available[offset...])
    }
}

extension Range<Int> {
    fileprivate func shifted(by offset: Int) -> Range<Int> { (self.lowerBound + offset)..<(self.upperBound + offset) }
}
