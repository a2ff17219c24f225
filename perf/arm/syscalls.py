"""System calls of the worker per request, on both backends, by strace, on the machine that runs it."""
import os, re, signal, subprocess, sys, tempfile, time
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import harness
from instructions import CONNECTIONS, sample_keys
from oapload import Load, resolve

DEPTHS = (1, 16)
ROUNDS = 10


def count(binaries, prefix=(), import_index=harness.import_index):
    """{backend: {depth: {"requests": …, "calls": {name: per request}}}}. Each round stops the gateway while the load sends, so that one
    turn of it finds all connections ready: the same on every machine, however fast."""
    harness.BIN = binaries
    with tempfile.TemporaryDirectory(prefix="arm-syscalls-") as directory:
        index = os.path.join(directory, "index")
        import_index(os.path.join(harness.ROOT, "configs", "sample-index.jsonl"), index)
        return {io: measured(io, index, directory, prefix) for io in ("io_uring", "epoll")}


def measured(io, index, directory, prefix):
    gateway = harness.Gateway(io, index, prefix=prefix)
    result = {}
    try:
        for depth in DEPTHS:
            load = Load(gateway.port, CONNECTIONS, depth, resolve(sample_keys()), pid=gateway.process.pid)
            load.run(2)
            path = os.path.join(directory, f"{io}-{depth}")
            tracer = subprocess.Popen(["strace", "-c", "-o", path, "-p", worker(gateway.process.pid)], stderr=subprocess.PIPE, text=True)
            # It says when it is attached.
            line = tracer.stderr.readline()
            if "attached" not in line:
                sys.exit(f"strace: {line}")
            requests = load.run(ROUNDS)
            tracer.send_signal(signal.SIGINT)
            tracer.wait(20)
            load.close()
            result[str(depth)] = {"requests": requests, "calls": {name: round(calls / requests, 4) for name, calls in summary(path)}}
            time.sleep(0.1)
    finally:
        gateway.stop()
    return result


def worker(pid):
    """The thread that serves: the one that has used the most processor time."""
    def used(thread):
        with open(f"/proc/{pid}/task/{thread}/schedstat") as file:
            return int(file.read().split()[0])
    named = []
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/comm") as file:
            if "worker" in file.read():
                named.append(thread)
    return max(named or os.listdir(f"/proc/{pid}/task"), key=used)


def summary(path):
    """Names and numbers of calls in strace's table."""
    rows = []
    with open(path) as file:
        for line in file:
            match = re.match(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", line)
            if match is not None and match.group(2) != "total":
                rows.append((match.group(2), int(match.group(1))))
    return rows


if __name__ == "__main__":
    import json
    print(json.dumps(count(sys.argv[1] if len(sys.argv) > 1 else harness.BIN), indent=1))
