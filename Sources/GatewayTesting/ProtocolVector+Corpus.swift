extension ProtocolVector {
    /// All of them.
    public static let all: [ProtocolVector] = Self.accepted + Self.unfinished + Self.headersRefused

    /// Whole frames.
    static let accepted: [ProtocolVector] = [
        ProtocolVector("no bytes", "", frames: 0, .empty),
        ProtocolVector(
            "hello, no payload",
            """
            00000026 0001 0001 0000 0000 00000000000000000000000000000000 0000 0000000000000001
            """, frames: 1, .empty),
        ProtocolVector(
            "hello with a user agent",
            """
            00000036 0001 0001 0000 0000 00000000000000000000000000000000 0000 000000000000002a \
            7b227561223a2273646b2f302e31227d
            """, frames: 1, .empty),
        ProtocolVector(
            "hello with a capability",
            """
            0000002d 0001 0009 0000 0000 00000000000000000000000000000000 0005 0000000000000001 \
            746f6b656e7b7d
            """, frames: 1, .empty),
        ProtocolVector(
            "ping",
            """
            0000002a 0001 0001 0001 0000 00000000000000000000000000000000 0000 0000000000000007 \
            70696e67
            """, frames: 1, .empty),
        ProtocolVector(
            "resolve",
            """
            0000002f 0001 0001 0000 0101 00000000000000000000000000000000 0000 0000000000000003 \
            6e616d653a73697465
            """, frames: 1, .empty),
        ProtocolVector(
            "resolve with END",
            """
            0000002f 0001 0011 0000 0101 00000000000000000000000000000000 0000 0000000000000001 \
            6e616d653a73697465
            """, frames: 1, .empty),
        ProtocolVector(
            "resolve with a capability, START and END",
            """
            00000033 0001 0019 0000 0101 00000000000000000000000000000000 0004 0000000000000001 \
            000102036e616d653a73697465
            """, frames: 1, .empty),
        ProtocolVector(
            "resolve many",
            """
            00000039 0001 0001 0001 0101 00000000000000000000000000000000 0000 0000000000000001 \
            5b226e616d653a61222c226e616d653a62225d
            """, frames: 1, .empty),
        ProtocolVector(
            "answer 200",
            """
            00000028 0001 0012 00c8 0101 00000000000000000000000000000000 0000 0000000000000001 7b7d
            """, frames: 1, .empty),
        ProtocolVector(
            "answer 65535",
            """
            00000026 0001 0012 ffff 0101 00000000000000000000000000000000 0000 0000000000000001
            """, frames: 1, .empty),
        ProtocolVector(
            "event",
            """
            00000048 0001 0004 0001 0000 00000000000000000000000000000000 0000 0000000000000000 \
            7b22726561736f6e223a22647261696e222c22646561646c696e655f6d73223a317d
            """, frames: 1, .empty),
        ProtocolVector(
            "only REQ",
            """
            00000027 0001 0001 0000 0101 00000000000000000000000000000000 0000 0000000000000001 78
            """, frames: 1, .empty),
        ProtocolVector(
            "only RESP",
            """
            00000027 0001 0002 0000 0101 00000000000000000000000000000000 0000 0000000000000001 78
            """, frames: 1, .empty),
        ProtocolVector(
            "only EVENT",
            """
            00000027 0001 0004 0000 0101 00000000000000000000000000000000 0000 0000000000000001 78
            """, frames: 1, .empty),
        ProtocolVector(
            "only START",
            """
            00000027 0001 0008 0000 0101 00000000000000000000000000000000 0000 0000000000000001 78
            """, frames: 1, .empty),
        ProtocolVector(
            "only END",
            """
            00000027 0001 0010 0000 0101 00000000000000000000000000000000 0000 0000000000000001 78
            """, frames: 1, .empty),
        ProtocolVector(
            "only ACK_REQ",
            """
            00000027 0001 0020 0000 0101 00000000000000000000000000000000 0000 0000000000000001 78
            """, frames: 1, .empty),
        ProtocolVector(
            "only COMP",
            """
            00000027 0001 0040 0000 0101 00000000000000000000000000000000 0000 0000000000000001 78
            """, frames: 1, .empty),
        ProtocolVector(
            "only APP_E2E",
            """
            00000027 0001 0080 0000 0101 00000000000000000000000000000000 0000 0000000000000001 78
            """, frames: 1, .empty),
        ProtocolVector(
            "no flag",
            """
            00000027 0001 0000 0000 0101 00000000000000000000000000000000 0000 0000000000000001 78
            """, frames: 1, .empty),
        ProtocolVector(
            "every flag",
            """
            00000028 0001 00ff 0000 0101 00000000000000000000000000000000 0001 0000000000000001 6378
            """, frames: 1, .empty),
        ProtocolVector(
            "largest tenant",
            """
            00000026 0001 0001 0000 0101 ffffffffffffffffffffffffffffffff 0000 0000000000000001
            """, frames: 1, .empty),
        ProtocolVector(
            "tenant, high half only",
            """
            00000026 0001 0001 0000 0101 00000000000000010000000000000000 0000 0000000000000001
            """, frames: 1, .empty),
        ProtocolVector(
            "tenant, highest bit",
            """
            00000026 0001 0001 0000 0101 80000000000000000000000000000000 0000 0000000000000001
            """, frames: 1, .empty),
        ProtocolVector(
            "tenant, each byte its own",
            """
            00000026 0001 0001 0000 0101 0102030405060708090a0b0c0d0e0f10 0000 0000000000000001
            """, frames: 1, .empty),
        ProtocolVector(
            "largest correlation",
            """
            00000026 0001 0001 0000 0101 00000000000000000000000000000000 0000 ffffffffffffffff
            """, frames: 1, .empty),
        ProtocolVector(
            "correlation, each byte its own",
            """
            00000026 0001 0001 0000 0101 00000000000000000000000000000000 0000 0102030405060708
            """, frames: 1, .empty),
        ProtocolVector(
            "largest code and application",
            """
            00000026 0001 0001 ffff ffff 00000000000000000000000000000000 0000 0000000000000001
            """, frames: 1, .empty),
        ProtocolVector(
            "START with an empty capability",
            """
            00000027 0001 0009 0000 0101 00000000000000000000000000000000 0000 0000000000000001 70
            """, frames: 1, .empty),
        ProtocolVector(
            "capability fills the frame",
            """
            00000029 0001 0009 0000 0101 00000000000000000000000000000000 0003 0000000000000001 \
            616263
            """, frames: 1, .empty),
        ProtocolVector(
            "payload of all byte values",
            """
            00000126 0001 0001 0000 0101 00000000000000000000000000000000 0000 0000000000000001 \
            000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b \
            2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f5051525354555657 \
            58595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f80818283 \
            8485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf \
            b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadb \
            dcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff
            """, frames: 1, .empty),
        ProtocolVector(
            "two frames",
            """
            00000027 0001 0001 0000 0101 00000000000000000000000000000000 0000 0000000000000001 61 \
            00000028 0001 0001 0000 0101 00000000000000000000000000000000 0000 0000000000000002 6263
            """, frames: 2, .empty),
    ]

    /// Bytes that need more.
    static let unfinished: [ProtocolVector] = [
        ProtocolVector(
            "three frames and ten bytes",
            """
            00000026 0001 0001 0000 0101 00000000000000000000000000000000 0000 0000000000000001 \
            00000027 0001 0001 0000 0101 00000000000000000000000000000000 0000 0000000000000002 61 \
            00000028 0001 0001 0000 0101 00000000000000000000000000000000 0000 0000000000000003 6263 \
            00000030 0001 0001 0000
            """, frames: 3, .needMore(total: 38)),
        ProtocolVector(
            "a frame, then bytes of the next behind a short len",
            """
            00000028 0001 0001 0000 0101 00000000000000000000000000000000 0000 0000000000000001 6162 \
            6364 6566
            """, frames: 1, .needMore(total: 38)),
        ProtocolVector("one byte", "00", frames: 0, .needMore(total: 38)),
        ProtocolVector(
            "37 bytes of a header",
            """
            00000026 0001 0001 0000 0101 00000000000000000000000000000000 0000 00000000000000
            """, frames: 0, .needMore(total: 38)),
        ProtocolVector(
            "37 bytes of a header that will be refused",
            """
            00000026 0002 0001 0000 0101 00000000000000000000000000000000 0000 00000000000000
            """, frames: 0, .needMore(total: 38)),
        ProtocolVector(
            "a header, its payload missing",
            """
            0000002b 0001 0001 0000 0101 00000000000000000000000000000000 0000 0000000000000001
            """, frames: 0, .needMore(total: 43)),
        ProtocolVector(
            "a header that announces the largest frame",
            """
            00100000 0001 0001 0000 0101 00000000000000000000000000000000 0000 0000000000000001
            """, frames: 0, .needMore(total: 1048576)),
        ProtocolVector(
            "a frame short of one byte",
            """
            0000002f 0001 0001 0000 0101 00000000000000000000000000000000 0000 0000000000000001 \
            6e616d653a736974
            """, frames: 0, .needMore(total: 47)),
        ProtocolVector(
            "a header whose capability fills the announced frame",
            """
            00010025 0001 0009 0000 0101 00000000000000000000000000000000 ffff 0000000000000001
            """, frames: 0, .needMore(total: 65573)),
    ]

    /// A header that breaks a rule, behind good frames or at once.
    static let headersRefused: [ProtocolVector] = [
        ProtocolVector(
            "reserved flag 8",
            """
            00000026 0001 0101 0000 0101 00000000000000000000000000000000 0000 0000000000000001
            """, frames: 0, .refused("bad_flags")),
        ProtocolVector(
            "reserved flag 9",
            """
            00000026 0001 0201 0000 0101 00000000000000000000000000000000 0000 0000000000000001
            """, frames: 0, .refused("bad_flags")),
        ProtocolVector(
            "reserved flag 10",
            """
            00000026 0001 0401 0000 0101 00000000000000000000000000000000 0000 0000000000000001
            """, frames: 0, .refused("bad_flags")),
        ProtocolVector(
            "reserved flag 11",
            """
            00000026 0001 0801 0000 0101 00000000000000000000000000000000 0000 0000000000000001
            """, frames: 0, .refused("bad_flags")),
        ProtocolVector(
            "reserved flag 12",
            """
            00000026 0001 1001 0000 0101 00000000000000000000000000000000 0000 0000000000000001
            """, frames: 0, .refused("bad_flags")),
        ProtocolVector(
            "reserved flag 13",
            """
            00000026 0001 2001 0000 0101 00000000000000000000000000000000 0000 0000000000000001
            """, frames: 0, .refused("bad_flags")),
        ProtocolVector(
            "reserved flag 14",
            """
            00000026 0001 4001 0000 0101 00000000000000000000000000000000 0000 0000000000000001
            """, frames: 0, .refused("bad_flags")),
        ProtocolVector(
            "reserved flag 15",
            """
            00000026 0001 8001 0000 0101 00000000000000000000000000000000 0000 0000000000000001
            """, frames: 0, .refused("bad_flags")),
        ProtocolVector(
            "version 0",
            """
            00000026 0000 0001 0000 0101 00000000000000000000000000000000 0000 0000000000000001
            """, frames: 0, .refused("bad_version")),
        ProtocolVector(
            "version 2",
            """
            00000026 0002 0001 0000 0101 00000000000000000000000000000000 0000 0000000000000001
            """, frames: 0, .refused("bad_version")),
        ProtocolVector(
            "version 256",
            """
            00000026 0100 0001 0000 0101 00000000000000000000000000000000 0000 0000000000000001
            """, frames: 0, .refused("bad_version")),
        ProtocolVector(
            "version 65535",
            """
            00000026 ffff 0001 0000 0101 00000000000000000000000000000000 0000 0000000000000001
            """, frames: 0, .refused("bad_version")),
        ProtocolVector(
            "len 0",
            """
            00000000 0001 0001 0000 0101 00000000000000000000000000000000 0000 0000000000000001
            """, frames: 0, .refused("bad_length")),
        ProtocolVector(
            "len 1",
            """
            00000001 0001 0001 0000 0101 00000000000000000000000000000000 0000 0000000000000001
            """, frames: 0, .refused("bad_length")),
        ProtocolVector(
            "len 4",
            """
            00000004 0001 0001 0000 0101 00000000000000000000000000000000 0000 0000000000000001
            """, frames: 0, .refused("bad_length")),
        ProtocolVector(
            "len 10",
            """
            0000000a 0001 0001 0000 0101 00000000000000000000000000000000 0000 0000000000000001
            """, frames: 0, .refused("bad_length")),
        ProtocolVector(
            "len 37",
            """
            00000025 0001 0001 0000 0101 00000000000000000000000000000000 0000 0000000000000001
            """, frames: 0, .refused("bad_length")),
        ProtocolVector(
            "len one above the limit",
            """
            00100001 0001 0001 0000 0101 00000000000000000000000000000000 0000 0000000000000001
            """, frames: 0, .refused("frame_too_large")),
        ProtocolVector(
            "largest len",
            """
            ffffffff 0001 0001 0000 0101 00000000000000000000000000000000 0000 0000000000000001
            """, frames: 0, .refused("frame_too_large")),
        ProtocolVector(
            "capability without START",
            """
            0000002a 0001 0001 0000 0101 00000000000000000000000000000000 0003 0000000000000001 \
            63617070
            """, frames: 0, .refused("cap_without_start")),
        ProtocolVector(
            "capability without START, header only",
            """
            0000002c 0001 0001 0000 0101 00000000000000000000000000000000 0003 0000000000000001
            """, frames: 0, .refused("cap_without_start")),
        ProtocolVector(
            "capability on an answer",
            """
            00000027 0001 0012 00c8 0101 00000000000000000000000000000000 0001 0000000000000001 63
            """, frames: 0, .refused("cap_without_start")),
        ProtocolVector(
            "capability one byte longer than the frame",
            """
            00000029 0001 0009 0000 0101 00000000000000000000000000000000 0004 0000000000000001 \
            616263
            """, frames: 0, .refused("cap_out_of_bounds")),
        ProtocolVector(
            "capability longer than the frame, bytes behind it",
            """
            00000029 0001 0009 0000 0101 00000000000000000000000000000000 0009 0000000000000001 \
            616263 000000000000
            """, frames: 0, .refused("cap_out_of_bounds")),
        ProtocolVector(
            "largest capability in a small frame",
            """
            00000026 0001 0009 0000 0101 00000000000000000000000000000000 ffff 0000000000000001
            """, frames: 0, .refused("cap_out_of_bounds")),
        ProtocolVector(
            "a good frame, then a bad version",
            """
            00000027 0001 0001 0000 0101 00000000000000000000000000000000 0000 0000000000000001 61 \
            00000026 0002 0001 0000 0101 00000000000000000000000000000000 0000 0000000000000001
            """, frames: 1, .refused("bad_version")),
        ProtocolVector(
            "a good frame, then a bad length",
            """
            00000027 0001 0001 0000 0101 00000000000000000000000000000000 0000 0000000000000001 61 \
            00000005 0001 0001 0000 0101 00000000000000000000000000000000 0000 0000000000000001
            """, frames: 1, .refused("bad_length")),
        ProtocolVector(
            "flags before version",
            """
            00000026 0002 0100 0000 0101 00000000000000000000000000000000 0000 0000000000000001
            """, frames: 0, .refused("bad_flags")),
        ProtocolVector(
            "version before length",
            """
            00000003 0002 0001 0000 0101 00000000000000000000000000000000 0000 0000000000000001
            """, frames: 0, .refused("bad_version")),
        ProtocolVector(
            "version before a large length",
            """
            00200000 0002 0001 0000 0101 00000000000000000000000000000000 0000 0000000000000001
            """, frames: 0, .refused("bad_version")),
        ProtocolVector(
            "length before capability",
            """
            00000014 0001 0001 0000 0101 00000000000000000000000000000000 0009 0000000000000001
            """, frames: 0, .refused("bad_length")),
        ProtocolVector(
            "large length before capability",
            """
            00200000 0001 0001 0000 0101 00000000000000000000000000000000 0009 0000000000000001
            """, frames: 0, .refused("frame_too_large")),
        ProtocolVector(
            "START before the capability's bounds",
            """
            00000026 0001 0001 0000 0101 00000000000000000000000000000000 0009 0000000000000001
            """, frames: 0, .refused("cap_without_start")),
        ProtocolVector(
            "an HTTP request",
            """
            474554202f696e6465782e68746d6c20485454502f312e310d0a486f73743a20676174657761792e6578616d \
            706c650d0a0d0a
            """, frames: 0, .refused("bad_flags")),
        ProtocolVector(
            "a TLS ClientHello",
            """
            16030100c8010000c403035a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a \
            5a5a5a5a5a5a5a
            """, frames: 0, .refused("bad_version")),
        ProtocolVector(
            "38 zero bytes",
            """
            0000000000000000000000000000000000000000000000000000000000000000000000000000
            """, frames: 0, .refused("bad_version")),
        ProtocolVector(
            "38 bytes of ff",
            """
            ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
            """, frames: 0, .refused("bad_flags")),
        ProtocolVector(
            "the GMI-1.6 dialect",
            """
            29000000 01 0100 0000 0101 00000000000000000000000000000000 0000 0700000000000000 \
            6e616d653a
            """, frames: 0, .refused("bad_version")),
    ]
}
