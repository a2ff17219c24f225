import Foundation
import GatewayTesting
import Testing

/// A gateway whose kernel fails one of its workers.
@Suite struct WorkerFailureTests {
    /// Lets `epoll_wait` fail in the first worker once a file is there.
    private static let fault = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <errno.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/epoll.h>
        #include <sys/prctl.h>
        #include <unistd.h>

        static int failed(int count) {
            char name[16] = "";
            prctl(PR_GET_NAME, name, 0, 0, 0);
            if (strcmp(name, "oap-worker-0") != 0 || access(getenv("FAULT_FILE"), F_OK) != 0) return count;
            errno = EBADF;
            return -1;
        }
        int epoll_wait(int epoll, struct epoll_event *events, int max, int timeout) {
            int (*real)(int, struct epoll_event *, int, int) = dlsym(RTLD_NEXT, "epoll_wait");
            return failed(real(epoll, events, max, timeout));
        }
        int epoll_pwait2(int epoll, struct epoll_event *events, int max, const struct timespec *timeout,
                         const sigset_t *mask) {
            int (*real)(int, struct epoll_event *, int, const struct timespec *, const sigset_t *) =
                dlsym(RTLD_NEXT, "epoll_pwait2");
            return failed(real(epoll, events, max, timeout, mask));
        }
        """

    @Test(.enabled(if: Tool.compiler != nil, "there is no C compiler")) func exitsWith70AfterADrain() async throws {
        let library = try TemporaryDirectory()
        let source = try library.write(Self.fault, to: "fault.c")
        let made = try RunningProcess(
            try #require(Tool.compiler), ["-shared", "-fPIC", "-o", "\(library.path)/fault.so", source, "-ldl"],
            in: library)
        #expect(try await made.exitStatus() == 0, "\(made.errors)")
        let gateway = try await GatewayProcess.start(
            io: "epoll", ["--workers", "2"],
            environment: ["LD_PRELOAD": "\(library.path)/fault.so", "FAULT_FILE": "\(library.path)/now"])
        // The kernel spreads them over both workers.
        var clients = ClientList()
        for _ in 0..<40 {
            var client = try gateway.connect()
            #expect(try client.ask(.resolve("name:hello")).code == 200)
            clients.add(client)
        }
        _ = try library.write("", to: "now")
        // Of those on the first worker the first has it wake up and fail.
        clients.forEach { try? $0.send(.ping("wake up")) }
        let line = try await gateway.line("a worker has failed")
        #expect(line.contains(" CRITICAL ") && line.contains("worker=0") && line.contains("EBADF"), "\(line)")
        var lost = 0
        var told = 0
        clients.forEach { client in
            while let frame = try? client.frame() {
                if frame.flags == WireFrame.Flag.event { told += 1 }
            }
            lost += 1
        }
        #expect(told > 0 && told < 40 && lost == 40, "\(told) clients of the other worker were told to go away")
        try await gateway.expectExit(70)
        #expect(gateway.lines.last?.contains("stopped") == true)
    }
}
