import ControlPlane
import Foundation
import Testing

/// Each path as an operator meets it: with curl, over a socket.
@Suite(.enabled(if: Curl.path != nil, "curl is not installed"))
struct AdminRouteTests {
    @Test func metrics() async throws {
        try await withAdminServer { server in
            let answer = try await Curl.get("http://\(server.address)/metrics")
            #expect(answer.status == 200)
            #expect(answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
            #expect(answer.headers["cache-control"] == "no-store")
            #expect(answer.body == "# HELP up Up.\n# TYPE up gauge\nup 1\n")
        }
    }

    @Test func healthAndVersionAndList() async throws {
        try await withAdminServer { server in
            let health = try await Curl.get("http://\(server.address)/healthz")
            #expect(health.status == 200)
            #expect(health.headers["content-type"] == "application/json")
            #expect(health.body == "{\"status\":\"ok\"}\n")
            let version = try await Curl.get("http://\(server.address)/version")
            #expect(
                version.body
                    == #"{"commit":"abc","io_backend":"epoll","name":"svc-gateway","protocol":"OAP/1","#
                    + #""started":"2026-11-24T21:30:15.123Z","swift":"6.2","version":"1.2.3"}"# + "\n")
            let list = try await Curl.get("http://\(server.address)/")
            #expect(list.headers["content-type"] == "text/plain; charset=utf-8")
            for path in ["/metrics", "/healthz", "/readyz", "/version", "/resolve/{key}"] {
                #expect(list.body.contains("\(path) "))
            }
        }
    }

    @Test func readiness() async throws {
        try await withAdminServer { server in
            let answer = try await Curl.get("http://\(server.address)/readyz?verbose=1")
            #expect(answer.status == 200)
            #expect(answer.body == "{\"ready\":true}\n")
        }
        let report = ReadinessReport(reasons: ["draining", "the index \"x\" fails"], details: ["records": "7"])
        try await withAdminServer(FixedSource(readinessReport: report)) { server in
            let answer = try await Curl.get("http://\(server.address)/readyz")
            #expect(answer.status == 503)
            #expect(
                answer.body
                    == #"{"details":{"records":"7"},"ready":false,"reasons":["draining","the index \"x\" fails"]}"#
                    + "\n")
        }
    }

    @Test(arguments: [
        ("name:site", "name:site"), ("name%3Asite", "name:site"), ("a/b%2Fc%2f", "a/b/c/"),
        ("name:%C3%BC%F0%9F%9A%80", "name:ü🚀"), ("name:ü", "name:ü"), ("a+b%20c%25", "a+b c%"),
        ("%2e%2e/metrics", "../metrics"),
        ("name:x?ignored=1", "name:x"),
    ])
    func aKeyArrivesDecoded(encoded: String, key: String) async throws {
        try await withAdminServer { server in
            let answer = try await Curl.get("http://\(server.address)/resolve/\(encoded)", "--path-as-is", "-g")
            #expect(answer.status == 200)
            #expect(answer.headers["content-type"] == "application/json")
            #expect(answer.body == "{\"key\":\"\(key.replacing("/", with: "\\/"))\"}\n")
        }
    }

    @Test(arguments: ["", "%", "%2", "%zz", "name:%ff", "%c3"])
    func aBrokenKeyIsABadRequest(encoded: String) async throws {
        try await withAdminServer { server in
            let answer = try await Curl.get("http://\(server.address)/resolve/\(encoded)")
            #expect(answer.status == 400)
            #expect(answer.body.hasPrefix("{\"code\":\"bad_request\",\"message\":\"the key is "))
            #expect(answer.body.hasSuffix("\"retryable\":false}\n"))
        }
    }

    @Test(
        arguments: [
            ("name:missing", 404, nil, #"{"code":"not_found","message":"No \"such\" key.","retryable":false}"#),
            ("broken", 500, nil, #"{"code":"index_unavailable","message":"No index.","retryable":true}"#),
            (
                "quota", 429, "2",
                #"{"code":"quota_exhausted","message":"Spent.","retry_after_ms":1001,"retryable":true}"#
            ),
            ("busy", 503, "1", #"{"code":"overloaded","message":"Busy.","retry_after_ms":20,"retryable":true}"#),
            ("drain", 503, "1", #"{"code":"draining","message":"Draining.","retry_after_ms":1000,"retryable":true}"#),
        ] as [(String, Int, String?, String)])
    func aRefusedLookupSaysWhyAndWhenToComeBack(
        key: String, status: Int, retryAfter: String?, body: String
    ) async throws {
        try await withAdminServer { server in
            let answer = try await Curl.get("http://\(server.address)/resolve/\(key)")
            #expect(answer.status == status)
            #expect(answer.headers["retry-after"] == retryAfter)
            #expect(answer.body == body + "\n")
        }
    }

    @Test func headIsGetWithoutTheBody() async throws {
        try await withAdminServer { server in
            let paths = ["/", "/metrics", "/healthz", "/readyz", "/version", "/resolve/name:a", "/resolve/busy", "/no"]
            for path in paths {
                let get = try await Curl.get("http://\(server.address)\(path)")
                let head = try await Curl.get("http://\(server.address)\(path)", "--head")
                #expect(head.status == get.status)
                #expect(head.headers == get.headers)
                #expect(head.headers["content-length"] == String(get.body.utf8.count))
                #expect(head.body.isEmpty)
            }
        }
    }

    @Test(arguments: ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
    func otherMethodsAreNotAllowed(method: String) async throws {
        try await withAdminServer { server in
            let answer = try await Curl.get("http://\(server.address)/metrics", "-X", method)
            #expect(answer.status == 405)
            #expect(answer.headers["allow"] == "GET, HEAD")
            #expect(answer.body.contains("\"code\":\"bad_request\""))
            let unknown = try await Curl.get("http://\(server.address)/metrics/x", "-X", method)
            #expect(unknown.status == 404)
        }
    }

    @Test func anUnknownPathIsNotFoundInJSON() async throws {
        try await withAdminServer { server in
            let answer = try await Curl.get("http://\(server.address)/nothing%0Ahere")
            #expect(answer.status == 404)
            #expect(answer.headers["content-type"] == "application/json")
            #expect(
                answer.body
                    == #"{"code":"not_found","message":"there is no /nothing%0Ahere here; GET / lists the paths","#
                    + #""retryable":false}"# + "\n")
        }
    }

    @Test func oneConnectionServesManyRequests() async throws {
        try await withAdminServer { server in
            let url = "http://\(server.address)/healthz"
            let output = try await Curl.run(
                ["-sS", "--max-time", "10", "-w", "%{num_connects}\n", url, url, "-d", "ignored", "-X", "GET"])
            #expect(output == "{\"status\":\"ok\"}\n1\n{\"status\":\"ok\"}\n0\n")
        }
    }

    @Test func scrapesRunConcurrentlyAndWhole() async throws {
        let metrics = String(repeating: "up 1\n", count: 200_000)
        try await withAdminServer(FixedSource(metrics: metrics)) { server in
            let url = "http://\(server.address)/metrics"
            let outputs = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<8 { group.addTask { try await Curl.run(["-sS", "--max-time", "30", url]) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(outputs.count == 8)
            #expect(outputs.allSatisfy { $0 == metrics })
        }
    }

    @Test(.enabled(if: AdminRouteTests.hasIPv6, "this machine has no IPv6")) func ipv6() async throws {
        try await withAdminServer(host: "::1") { server in
            #expect(server.address == "[::1]:\(try #require(server.boundPort))")
            let answer = try await Curl.get("http://\(server.address)/healthz", "-g")
            #expect(answer.status == 200)
        }
    }

    private static var hasIPv6: Bool {
        (try? String(contentsOfFile: "/proc/net/if_inet6", encoding: .utf8))?.isEmpty == false
    }
}
