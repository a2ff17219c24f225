"""What the comparison measures besides processor time: system calls, memory of connections, latency at equal rates, two
workers, and what a mass of closing connections does to the others. Everything lands in `results`, raw samples included.
"""

import json, os, random, signal, socket, statistics, subprocess, sys, threading, time
from generators import OapBench
from harness import ROOT, anonymous_bytes, import_index, write_records
from peers import GENERATOR_PROCESSOR, Floor, HAProxy, MeasuredGateway, Nginx, PeerProblem, Redis, pinned

IDLE_ALL, IDLE_GATEWAY, CLOSED_AT_ONCE = 1000, 10_000, 5000


class SystemCalls:
    """Counts the system calls of a process under a load, by a kernel tracepoint or, where perf may not, by strace."""

    def __init__(self):
        probe = (
            subprocess.run(
                ["perf", "stat", "-x,", "-e", "raw_syscalls:sys_enter", "true"], capture_output=True, text=True
            )
            if self.exists("perf")
            else None
        )
        self.method = (
            "perf stat -e raw_syscalls:sys_enter"
            if probe
            and probe.returncode == 0
            and "sys_enter" in probe.stderr
            and "not" not in probe.stderr.split("sys_enter")[0]
            else ("strace -c -f" if self.exists("strace") else None)
        )

    @staticmethod
    def exists(program):
        return subprocess.run(["which", program], capture_output=True).returncode == 0

    def count(self, pid, load):
        """The calls made while `load()` ran, and what it returned."""
        perf = self.method.startswith("perf")
        command = (
            ["perf", "stat", "-x,", "-e", "raw_syscalls:sys_enter", "-p", str(pid)]
            if perf
            else ["strace", "-c", "-f", "-p", str(pid)]
        )
        counter = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            time.sleep(0.2)
            result = load()
        finally:
            counter.send_signal(signal.SIGINT)
            text = counter.communicate(timeout=20)[1]
        for line in text.splitlines():
            if perf and "raw_syscalls:sys_enter" in line:
                return int(line.split(",")[0]), result
            if not perf and line.split()[-1:] == ["total"]:
                return int(line.split()[3 if len(line.split()) > 4 else 2]), result
        raise PeerProblem(f"{self.method} has counted nothing:\n{text[-500:]}")


class Extra:
    def __init__(self, work, index, subjects, samples, options, progress):
        self.work, self.index, self.subjects, self.samples = work, index, subjects, samples
        self.options, self.progress, self.results = options, progress, {}
        self.seconds = options.seconds
        # Latencies and closings need long samples more than many.
        self.repeats = min(options.repeats, 7)

    def measure(self, stack):
        self.system_calls()
        self.latency()
        if self.has("gateway"):
            self.two_workers()
        self.memory()
        if self.has("gateway"):
            self.closing()
            self.helper("allocations", "count-allocations.py")
            counts = os.path.join(self.work, "retains.json")
            self.helper("retains", "retains.py", counts)

    def helper(self, name, script, file=None):
        """The figures of a measuring script of its own, which it prints or writes to `file`, or why there are none."""
        self.progress(f"{name}: {script}")
        command = [sys.executable, os.path.join(ROOT, "perf", script), "--json", *([file] if file else [])]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        try:
            if file is None:
                self.results[name] = json.loads(done.stdout)
            else:
                with open(file) as figures:
                    self.results[name] = json.load(figures)
        except (OSError, ValueError):
            problem = (done.stderr or done.stdout).strip().split("\n")[-1][:300]
            self.results[name] = {"problem": f"{script}: {problem or f'exit {done.returncode}'}"}

    def system_calls(self):
        counter = SystemCalls()
        rows = []
        for subject in self.subjects if counter.method else []:
            for connections, depth in [(50, 1), (50, 16), (50, 32), (50, 64)]:
                self.progress(f"system calls: {subject.name}, depth {depth}")
                calls, load = counter.count(
                    subject.server.pid,
                    lambda: subject.generator.closed(subject.server, connections, depth, min(0.5, self.seconds)),
                )
                rows.append(
                    {
                        "subject": subject.name,
                        "connections": connections,
                        "depth": depth,
                        "per_request": calls / load["requests"],
                        "requests": load["requests"],
                    }
                )
        self.results["system_calls"] = {"method": counter.method, "rows": rows}

    def has(self, text):
        return any(text in subject.name for subject in self.subjects)

    def subject(self, name):
        """The subject of that name; None when it was left out."""
        return next((subject for subject in self.subjects if subject.name == name), None)

    # ---- latency ------------------------------------------------------------------------------------------------

    def capacity(self, name):
        rates = [
            sample["requests_per_second"]
            for sample in self.samples
            if sample["subject"] == name and (sample["connections"], sample["depth"]) == (50, 1)
        ]
        return statistics.median(rates) if rates else None

    def latency(self):
        """Open loop over 50 connections at the same rates for all, interleaved; from when a request was due."""
        names = [
            name for name in ("gateway io_uring hot", "gateway epoll hot", "haproxy tcp hot") if self.subject(name)
        ]
        capacities = {name: self.capacity(name) for name in names}
        gateway, proxy = capacities.get("gateway io_uring hot"), capacities.get("haproxy tcp hot")
        rates = {}
        if proxy:
            rates["70 % of HAProxy's capacity"] = 0.7 * min(value for value in capacities.values())
        if gateway:
            rates["70 % of the gateway's capacity"] = 0.7 * gateway
            rates["30 % of the gateway's capacity"] = 0.3 * gateway
        samples = []
        for label, rate in rates.items():
            measured = names if "HAProxy" in label else [name for name in names if "gateway" in name]
            for repeat in range(self.repeats):
                for name in random.sample(measured, len(measured)):
                    self.progress(f"latency at {label} ({rate:,.0f}/s), repeat {repeat + 1}: {name}")
                    subject = self.subject(name)
                    report = OapBench("hot").open(subject.server, 50, 16, self.seconds * 3, rate)
                    samples.append(
                        {
                            "subject": name,
                            "load": label,
                            "rate": round(rate),
                            "repeat": repeat,
                            "requests": report["requests"],
                            "unsent": report["unsent"],
                            "p50_us": report["latency_us"]["p50"],
                            "p99_us": report["latency_us"]["p99"],
                            "p99_9_us": report["latency_us"]["p99_9"],
                            "lag_p99_us": report["lag_us"]["p99"],
                            "bottlenecks": report["bottlenecks"],
                        }
                    )
        self.results["latency"] = {"connections": 50, "depth_max": 16, "capacities": capacities, "samples": samples}

    # ---- two workers --------------------------------------------------------------------------------------------

    def two_workers(self):
        """One worker on the first processor, and two on two, at the same rate for each worker, 20 % of what one can do.
        Both processors have a generator that loads all workers: a request crosses processors as often in both cases.

        Not a closed loop: there a server's batches depend on who else wants its processor, which differs between both.
        """
        samples, capacity = [], self.capacity("gateway io_uring hot") or self.capacity("gateway epoll hot")
        if (os.cpu_count() or 1) < 2 or capacity is None:
            return
        for io in ("io_uring", "epoll"):
            servers = {}
            try:
                for workers, processors in ((1, "0"), (2, "0,1")):
                    servers[workers] = MeasuredGateway(
                        io, self.work, self.index, workers=workers, processors=processors
                    )
                for repeat in range(self.options.repeats + 1):
                    for workers in random.sample([1, 2], 2):
                        self.progress(f"workers: {io}, {workers}, repeat {repeat}")
                        server = servers[workers]
                        before = server.processor_nanoseconds()
                        reports = self.from_both(server, 25 * workers, 0.1 * capacity * workers)
                        spent, requests = server.processor_nanoseconds() - before, sum(
                            report["requests"] for report in reports
                        )
                        if repeat > 0:
                            samples.append(
                                {
                                    "io": io,
                                    "workers": workers,
                                    "repeat": repeat - 1,
                                    "requests": requests,
                                    "cpu_ns_per_request": spent / requests,
                                }
                            )
            finally:
                for server in servers.values():
                    server.stop()
        self.results["two_workers"] = {
            "rate_of_each_worker": round(0.2 * capacity),
            "connections_of_each_worker": 50,
            "samples": samples,
        }

    def from_both(self, server, connections, rate):
        """The reports of two generators that run at once, one on each of the first two processors."""
        reports = {}

        def load(processor):
            reports[processor] = OapBench("hot", processor).open(server, connections, 16, self.seconds, rate)

        threads = [threading.Thread(target=load, args=(processor,)) for processor in ("0", "1")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if len(reports) != 2:
            raise PeerProblem("a generator has failed while two loaded one gateway; its message stands above")
        return list(reports.values())

    # ---- connections --------------------------------------------------------------------------------------------

    def memory(self):
        """Growth of a fresh, warmed-up server's own memory when so many connections open and say nothing."""
        lines, _ = write_records(self.work, 1000)
        index = os.path.join(self.work, "small")
        import_index(lines, index)
        rows, servers = [], []
        try:
            backend = Floor("epoll", self.work, GENERATOR_PROCESSOR)
            servers.append(backend)
            plan = [
                ("gateway io_uring", lambda: MeasuredGateway("io_uring", self.work, index), [IDLE_ALL, IDLE_GATEWAY]),
                ("gateway epoll", lambda: MeasuredGateway("epoll", self.work, index), [IDLE_ALL, IDLE_GATEWAY]),
                ("floor io_uring", lambda: Floor("io_uring", self.work), [IDLE_ALL]),
                ("floor epoll", lambda: Floor("epoll", self.work), [IDLE_ALL]),
                ("redis", lambda: Redis(self.work, lines), [IDLE_ALL]),
                ("nginx return", lambda: Nginx(self.work), [IDLE_ALL]),
                ("nginx stream", lambda: Nginx(self.work, backend.port), [IDLE_ALL]),
                ("haproxy http", lambda: HAProxy(self.work), [IDLE_ALL]),
                ("haproxy tcp", lambda: HAProxy(self.work, backend.port), [IDLE_ALL]),
            ]
            for name, make, counts in plan:
                if not self.has(name):
                    continue
                for count in counts:
                    self.progress(f"memory of {count:,} connections: {name}")
                    server = make()
                    servers.append(server)
                    subject = next(subject for subject in self.subjects if subject.server.name == name)
                    subject.generator.closed(server, 50, 1, 0.3)
                    time.sleep(0.3)
                    before = anonymous_bytes(server.pid)
                    clients = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(count)]
                    time.sleep(0.7)
                    rows.append(
                        {
                            "server": name,
                            "connections": count,
                            "bytes_each": (anonymous_bytes(server.pid) - before) / count,
                        }
                    )
                    for client in clients:
                        client.close()
                    server.stop()
                    servers.remove(server)
        except OSError as problem:
            raise PeerProblem(
                f"opening idle connections: {problem}; raise the limit of descriptors (ulimit -Hn)"
            ) from None
        finally:
            for server in servers:
                server.stop()
        self.results["memory"] = rows

    # Closes what it holds when it reads a line. A process that is killed instead closes all in one stretch in the
    # kernel, where nobody preempts it: that would measure the generator's wait for a processor.
    # It opens no more than 2,500 a second: the gateway accepts 4,096, and the reserve of 16,384 is spent after a few repeats.
    HOLDER = """import os, socket, sys, time
port, count = map(int, sys.argv[1:])
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
held = []
for _ in range(count):
    held.append(socket.create_connection(("127.0.0.1", port)))
    if len(held) % 250 == 0:
        time.sleep(0.1)
print("open", flush=True)
if sys.stdin.readline():
    for one in held:
        one.close()
    print("closed", flush=True)
    sys.stdin.readline()
"""

    def closing(self):
        """p99 of 50 busy connections at 2,000/s for a second: with 10,000 idle ones, and when the process with half of
        them closes them all in the middle. It yields to everybody else: what is seen is the server's work.
        """
        samples = []
        for io in ("io_uring", "epoll"):
            server = self.subject(f"gateway {io} hot")
            if server is None:
                continue
            server = server.server
            for repeat in range(self.repeats):
                for closes in random.sample([False, True], 2):
                    self.progress(f"closing {CLOSED_AT_ONCE:,} connections: {io}, repeat {repeat + 1}")
                    samples.append({"io": io, "closes": closes, "repeat": repeat, **self.closing_once(server, closes)})
        self.results["closing"] = {"idle": IDLE_GATEWAY, "closed": CLOSED_AT_ONCE, "rate": 2000, "samples": samples}

    def closing_once(self, server, closes):
        holders = []
        try:
            for _ in range(2):
                holders.append(
                    subprocess.Popen(
                        pinned(
                            GENERATOR_PROCESSOR,
                            [sys.executable, "-c", self.HOLDER, str(server.port), str(CLOSED_AT_ONCE)],
                        ),
                        stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                        text=True,
                    )
                )
                if holders[-1].stdout.readline().strip() != "open":
                    raise PeerProblem(
                        f"{CLOSED_AT_ONCE:,} idle connections could not be opened; raise the descriptor limit (ulimit -Hn)"
                    )
            timer = threading.Timer(0.6, lambda: print(file=holders[0].stdin, flush=True))
            if closes:
                timer.start()
            report = OapBench("hot", urgent=True).open(server, 50, 16, 1.0, 2000)
            if closes:
                timer.join()
                if holders[0].stdout.readline().strip() != "closed":
                    raise PeerProblem("the process that was to close its connections has ended early")
            return {
                "p99_us": report["latency_us"]["p99"],
                "max_us": report["latency_us"]["max"],
                "requests": report["requests"],
                "ok": report["ok"],
            }
        finally:
            for holder in holders:
                holder.kill()
                holder.wait()
                holder.stdin.close()
                holder.stdout.close()
            time.sleep(0.3)
