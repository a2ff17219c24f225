"""What the measuring scripts share: records, ports, processor time, memory, and a gateway under measurement."""
import glob, json, os, platform, random, resource, signal, socket, subprocess, sys, time, urllib.error, urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BIN = os.path.join(ROOT, ".build", "release")


def tool(name):
    return os.path.join(BIN, name)


def records(count):
    """JSON lines of about 200 bytes; keys are spelled as redis-benchmark's __rand_int__ spells them."""
    for number in range(count):
        yield json.dumps({
            "key": f"name:{number:012d}", "manifest": None,
            "providers": [{"id": f"node-{number % 997:03d}.example", "region": "eu-west", "score": 0.5},
                          {"id": f"node-{number % 991:03d}.example", "region": "us-east", "score": 0.25}],
        }, separators=(",", ":"))


def write_records(directory, count):
    """Writes records and their keys, one a line, and returns both paths."""
    lines, keys = os.path.join(directory, "records.jsonl"), os.path.join(directory, "keys.txt")
    with open(lines, "w") as file, open(keys, "w") as names:
        for number, line in enumerate(records(count)):
            file.write(line + "\n")
            names.write(f"name:{number:012d}\n")
    return lines, keys


def import_index(lines, index):
    subprocess.run([tool("ronctl"), "index", "import", lines, "--index-path", index], check=True,
                   stdout=subprocess.DEVNULL)


given_ports = set()


def free_port():
    """A port below those that the kernel gives to clients, and not the same one twice."""
    for _ in range(1000):
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in given_ports:
            given_ports.add(port)
            return port
    sys.exit("no free port between 20,000 and 32,000 on 127.0.0.1")


def cpu_nanoseconds(pid):
    """User and system time of all threads."""
    total = 0
    for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        try:
            with open(path) as file:
                total += int(file.read().split()[0])
        except OSError:
            pass
    return total


def anonymous_bytes(pid):
    """Memory of the process that is its own: neither files nor the kernel's."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("Anonymous:"))


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def raise_descriptor_limit():
    """Raises the soft limit of this process and its children to the hard one, and returns it."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def environment():
    """The machine, as far as figures depend on it."""
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), platform.machine())
    with open("/proc/meminfo") as file:
        kibibytes = next(int(line.split()[1]) for line in file if line.startswith("MemTotal:"))
    with open("/proc/sys/net/ipv4/tcp_congestion_control") as file:
        congestion = file.read().strip()
    return {"kernel": platform.release(), "architecture": platform.machine(), "processor": model,
            "processors": os.cpu_count(), "memory_bytes": kibibytes * 1024, "tcp_congestion_control": congestion}


def percentile(distribution, wanted):
    """Microseconds of a distribution in a report; 0 when nothing was measured."""
    return next((row["microseconds"] for row in distribution["percentiles"] if row["percentile"] == wanted), 0.0)


def read_report(text):
    """oap-bench's JSON report, with the numbers that measuring scripts want most at the top."""
    report = json.loads(text)
    outcome, generator = report["outcome"], report["generator"]

    def times(distribution):
        return {"p50": percentile(distribution, 50), "p99": percentile(distribution, 99), "p99_9": percentile(distribution, 99.9),
                "max": distribution["max"]}

    return dict(report, requests=outcome["answers"], unsent=outcome["unsent"], duration_s=outcome["elapsedSeconds"],
                requests_per_s=outcome["answersPerSecond"], latency_us=times(report["latency"]), lag_us=times(report["scheduleLag"]),
                cpu={"user_us": generator["userMicroseconds"], "system_us": generator["systemMicroseconds"],
                     "us_per_request": generator["microsecondsPerRequest"]},
                bottlenecks=generator["bottlenecks"], ok=report["verdict"] == "passed")


def wait_ready(process, metrics):
    """Until /readyz on the port `metrics` is 200; the end when that is not within 20 s."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if process.poll() is not None:
            sys.exit(f"svc-gateway ended with status {process.returncode} before it was ready")
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{metrics}/readyz", timeout=1).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.01)
    process.kill()
    sys.exit("svc-gateway is not ready after 20 s")


def end(process, seconds):
    """Ends a process by SIGTERM, and by SIGKILL after so many seconds; False when it came to that."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return False
    return True


class Gateway:
    """svc-gateway, with one worker unless told; `ready_seconds` is from its start to the first 200 of /readyz."""

    def __init__(self, io, index, prefix=(), environment=None, workers=1, config=None):
        self.name, self.port, self.metrics = io, free_port(), free_port()
        start = time.monotonic()
        command = [*prefix, tool("svc-gateway"), "--workers", str(workers), "--io", io, "--oap-addr", str(self.port),
                   "--metrics-addr", str(self.metrics), "--index-path", index, "--log-level", "warning",
                   # Several run at once, and beside the machine's own.
                   "--control-socket", ""]
        # The working directory is not this checkout's: its configuration does not come in.
        command += ["--config", config] if config is not None else ["--oap-concurrency", "8192"]
        self.process = subprocess.Popen(command, cwd=os.path.dirname(index), env=environment)
        wait_ready(self.process, self.metrics)
        self.ready_seconds = time.monotonic() - start

    def bench(self, seconds, connections, depth, keys=None, prefix=()):
        """oap-bench's report; every answer must be a 200."""
        command = [*prefix, tool("oap-bench"), "--server", f"127.0.0.1:{self.port}", "--closed", "--connections",
                   str(connections), "--depth", str(depth), "--duration", f"{round(seconds * 1000)}ms", "--workload",
                   "resolve", "--format", "json"]
        if keys is not None:
            command += ["--keys", keys]
        output = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        if output.returncode != 0:
            sys.exit(f"oap-bench against {self.name}: exit {output.returncode}\n{output.stdout}")
        return read_report(output.stdout)

    def stop(self):
        if not end(self.process, 15):
            sys.exit("svc-gateway did not end within 15 s of SIGTERM")
        if self.process.returncode != 0:
            sys.exit(f"svc-gateway ended with status {self.process.returncode}")
