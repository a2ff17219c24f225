import Testing

@testable import Settings

@Suite struct SocketAddressTests {
    @Test(arguments: [
        ("127.0.0.1:9444", "127.0.0.1:9444"), ("0.0.0.0:1", "0.0.0.0:1"), ("9444", "127.0.0.1:9444"),
        ("0", "127.0.0.1:0"), ("localhost:65535", "127.0.0.1:65535"), ("[::1]:9444", "[::1]:9444"),
        ("[::]:0", "[::]:0"), ("[2001:DB8:0:0:1:0:0:1]:80", "[2001:db8::1:0:0:1]:80"),
        ("[1:2:3:4:5:6:7:8]:1", "[1:2:3:4:5:6:7:8]:1"), ("[1:0:3:4:5:6:7:8]:1", "[1:0:3:4:5:6:7:8]:1"),
        ("[fe80::]:1", "[fe80::]:1"), ("[::ffff:192.0.2.1]:1", "[::ffff:192.0.2.1]:1"),
        ("[64:ff9b::192.0.2.33]:1", "[64:ff9b::c000:221]:1"), ("[1:2:3:4:5:6:7::]:1", "[1:2:3:4:5:6:7:0]:1"),
    ])
    func readsAndWrites(text: String, canonical: String) throws {
        let address = try SocketAddress(parsing: text)
        #expect(address.description == canonical)
        #expect(try SocketAddress(parsing: canonical) == address)
    }

    @Test func numbersAreInReadingOrder() throws {
        #expect(try SocketAddress(parsing: "1.2.3.4:5") == SocketAddress(host: .ipv4(0x0102_0304), port: 5))
        #expect(try SocketAddress(parsing: "[::1]:5") == SocketAddress(host: .ipv6(1), port: 5))
        #expect(try SocketAddress(parsing: "[8000::2]:5") == SocketAddress(host: .ipv6(1 << 127 | 2), port: 5))
    }

    @Test(arguments: [
        ("", SocketAddressFault.portMissing), ("localhost", .portMissing), ("127.0.0.1", .portMissing),
        ("127.0.0.1:", .portMissing), ("[::1]", .portMissing), ("[::1]:", .portMissing), (":9444", .hostMissing),
        ("127.0.0.1:65536", .port), ("127.0.0.1:-1", .port), ("127.0.0.1:+1", .port), ("127.0.0.1:1 ", .port),
        ("99999", .port), ("1234567890123456789012", .port), ("127.0.0.1:0x1", .port), ("256.0.0.1:1", .host),
        ("127.0.1:1", .host), ("1.2.3.4.5:1", .host), ("01.2.3.4:1", .host), ("1..2.3:1", .host),
        ("example.com:1", .hostName), ("LOCALHOST:1", .hostName), ("::1:9444", .bracketsMissing),
        ("[fe80::1%eth0]:1", .zone), ("[]:1", .host), ("[:]:1", .host), ("[:::]:1", .host), ("[1::2::3]:1", .host),
        ("[1:2:3:4:5:6:7]:1", .host), ("[1:2:3:4:5:6:7:8:9]:1", .host), ("[1:2:3:4::5:6:7:8]:1", .host),
        ("[12345::]:1", .host), ("[g::]:1", .host), ("[1.2.3.4::]:1", .host), ("[::1.2.3.4:5]:1", .host),
        ("[::1]x:1", .host), ("[+1::]:1", .host), ("[127.0.0.1]:1", .host),
    ])
    func refuses(text: String, fault: SocketAddressFault) {
        #expect(throws: fault) { try SocketAddress(parsing: text) }
    }

    @Test func collisions() throws {
        func collide(_ one: String, _ other: String) throws -> Bool {
            try SocketAddress(parsing: one).collides(with: SocketAddress(parsing: other))
        }
        #expect(try collide("9444", "localhost:9444"))
        #expect(try collide("9444", "0.0.0.0:9444"))
        #expect(try collide("[::]:9444", "127.0.0.1:9444"))
        #expect(try !collide("127.0.0.2:9444", "127.0.0.1:9444"))
        #expect(try !collide("9444", "9445"))
        #expect(try !collide("0", "0"))
    }
}
