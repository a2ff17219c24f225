internal import OAP

let codec: [Microbenchmark] = [
    Microbenchmark("codec.decode-frame", "one whole frame of 58 bytes, all header checks") { iterations, measured in
        let bytes = Frames.pings(1)
        let decoder = FrameDecoder()
        var consumed = 0
        measured {
            for _ in 0..<iterations {
                if case .frame(let header) = decoder.step(bytes.span) { consumed &+= Int(header.frameBytes) }
            }
        }
        precondition(consumed == iterations * bytes.count)
    },
    Microbenchmark("codec.decode-64", "64 pipelined frames from one buffer", iterationsCounted: 500) {
        iterations, measured in
        let bytes = Frames.pings(64)
        let decoder = FrameDecoder()
        var frames = 0
        measured {
            for _ in 0..<iterations {
                var offset = 0
                while case .frame(let header) = decoder.step(bytes.span.extracting(offset...)) {
                    offset += Int(header.frameBytes)
                    frames &+= 1
                }
            }
        }
        precondition(frames == iterations * 64)
    },
    Microbenchmark("codec.decode-split", "a frame that came in three pieces: two steps that ask for more, one frame") {
        iterations, measured in
        let bytes = Frames.pings(1)
        let decoder = FrameDecoder()
        var asked = 0
        measured {
            for _ in 0..<iterations {
                for end in [20, 40, bytes.count] {
                    if case .needMore(let total) = decoder.step(bytes.span.extracting(..<end)) { asked &+= total }
                }
            }
        }
        precondition(asked == iterations * (FrameHeader.byteCount + bytes.count))
    },
    Microbenchmark("codec.encode-answer", "an answer's header from its request's, into the output") {
        iterations, measured in
        let request = FrameHeader(
            flags: .request, code: 0, application: Application.index, tenant: Frames.tenant, correlation: 1)
        var output = [UInt8](repeating: 0, count: FrameHeader.byteCount)
        measured {
            for iteration in 0..<iterations {
                let header = FrameHeader(
                    flags: [.response, .end], code: 200, application: request.application, tenant: request.tenant,
                    correlation: UInt64(iteration), payloadBytes: 200)
                var span = output.mutableSpan
                header.encode(into: &span)
            }
        }
        keep(output)
    },
]
