"""What the measuring scripts share: records, ports, and a gateway under measurement."""
import glob, json, os, signal, socket, subprocess, sys, time, urllib.error, urllib.request

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


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


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


class Gateway:
    """svc-gateway with one worker. `ready_seconds` is the time from its start to the first 200 of /readyz."""

    def __init__(self, io, index, prefix=(), environment=None):
        self.name, self.port, self.metrics = io, free_port(), free_port()
        start = time.monotonic()
        self.process = subprocess.Popen(
            [*prefix, tool("svc-gateway"), "--workers", "1", "--io", io, "--oap-addr", str(self.port), "--metrics-addr",
             str(self.metrics), "--index-path", index, "--oap-concurrency", "8192", "--log-level", "warning"],
            cwd=os.path.dirname(index), env=environment)
        while time.monotonic() - start < 20:
            if self.process.poll() is not None:
                sys.exit(f"svc-gateway ended with status {self.process.returncode} before it was ready")
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}/readyz", timeout=1).close()
                self.ready_seconds = time.monotonic() - start
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.01)
        sys.exit("svc-gateway is not ready after 20 s")

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
        return json.loads(output.stdout)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(15) != 0:
            sys.exit(f"svc-gateway ended with status {self.process.returncode}")
