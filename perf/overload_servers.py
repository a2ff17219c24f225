"""The servers of the overload scenarios: gateways that are limited by permits, by a quota or by their processor, and HAProxy in
front of a service as slow as the gateway's index."""

import json, os, subprocess, urllib.request
from harness import ROOT, cpu_nanoseconds, end, free_port, tool, wait_ready
from peers import GENERATOR_PROCESSOR, SERVER_PROCESSOR, Peer, PeerProblem, need, pinned

SLOW_GATEWAY = os.path.join(ROOT, "Benchmarks", ".build", "release", "slow-index-gateway")
PROGRAMS = os.path.join(ROOT, ".build", "overload")
DELAY_MICROSECONDS = 2000
# Quotas that are finite and never reached, as in the comparison: every check of production is made.
QUOTAS_NEVER_REACHED = """[quota.global]
requests_per_second = 10000000
burst = 10000000
[quota.tenant]
requests_per_second = 10000000
burst = 10000000
[quota.connection]
frames_per_second = 10000000
burst = 10000000
"""


def program(name):
    path = os.path.join(PROGRAMS, name)
    if not os.path.exists(path):
        raise PeerProblem(f"{path} is missing; 'make overload' builds it")
    return path


def urgent():
    """A prefix for a process that runs whenever it wants to, where the kernel permits that."""
    if subprocess.run(["chrt", "-f", "10", "true"], capture_output=True).returncode == 0:
        return ["chrt", "-f", "10"]
    return []


def resident_bytes(pid, field="RssAnon:"):
    with open(f"/proc/{pid}/status") as file:
        return next((int(line.split()[1]) * 1024 for line in file if line.startswith(field)), 0)


class SlowGateway:
    """slow-index-gateway with one worker: so many permits, an index of 2 ms, and nothing else that limits it."""

    def __init__(self, io, permits, *more, delay=DELAY_MICROSECONDS):
        if not os.path.exists(SLOW_GATEWAY):
            raise PeerProblem(f"{SLOW_GATEWAY} is missing; 'make overload' builds it")
        self.name = f"slow-index-gateway {io}"
        command = [SLOW_GATEWAY, "--io", io, "--concurrency", str(permits), "--delay", str(delay), *more]
        self.process = subprocess.Popen(pinned(SERVER_PROCESSOR, command), stdout=subprocess.PIPE, text=True)
        first = self.process.stdout.readline()
        if not first:
            raise PeerProblem(f"{' '.join(command)} ended with status {self.process.wait()} before it served")
        said = json.loads(first)
        self.port, self.memory_ceiling, self.pid = said["port"], said["memory_ceiling_bytes"], self.process.pid
        self.outcome = None

    def processor_nanoseconds(self):
        if self.process.poll() is not None:
            raise PeerProblem(f"{self.name} ended with status {self.process.returncode} while it was measured")
        return cpu_nanoseconds(self.pid)

    def stop(self):
        """Ends it, and keeps what it says of itself in `outcome`."""
        if self.outcome is None:
            end(self.process, 15)
            self.outcome = json.loads(self.process.stdout.read() or "{}")
            self.process.stdout.close()


class EdgeGateway:
    """svc-gateway with one worker and the embedded index; `binary` may be another build of it."""

    def __init__(self, name, io, work, index, settings="", binary=None, quotas=QUOTAS_NEVER_REACHED, group=None):
        self.name, self.port, self.metrics = name, free_port(), free_port()
        config = os.path.join(work, f"{name.replace(' ', '-')}-{self.port}.toml")
        with open(config, "w") as file:
            file.write(
                settings + '[limits]\nmax_inflight = 128\nconnections_max = 16384\nidle_timeout = "1h"\n' + quotas
            )
        command = [
            binary or tool("svc-gateway"),
            *("--workers", "1", "--io", io, "--oap-addr", str(self.port), "--metrics-addr", str(self.metrics)),
            *("--index-path", index, "--log-level", "error", "--config", config, "--control-socket", ""),
        ]
        self.process = subprocess.Popen(
            pinned(SERVER_PROCESSOR, command), cwd=work, stdout=subprocess.DEVNULL, preexec_fn=group and group.enter
        )
        self.pid = self.process.pid
        wait_ready(self.process, self.metrics)

    def processor_nanoseconds(self):
        if self.process.poll() is not None:
            raise PeerProblem(f"{self.name} ended with status {self.process.returncode} while it was measured")
        return cpu_nanoseconds(self.pid)

    def metric(self, name):
        """The value of a family's first series."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}/metrics", timeout=5) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith((name + " ", name + "{")):
                    return float(line.rsplit(" ", 1)[1])
        raise PeerProblem(f"/metrics has no {name}")

    def stop(self):
        end(self.process, 15)


class QueueingHAProxy:
    """HAProxy in `mode http`, as many connections to the slow service as the gateway has permits, and a queue in front of them."""

    QUEUE_MILLISECONDS = 100

    def __init__(self, work, permits):
        service = free_port()
        self.service = Peer(
            "slow http service",
            work,
            # Its 2 ms are to be 2 ms, beside a generator on the same processor.
            [*urgent(), program("slow-http"), str(service), str(DELAY_MICROSECONDS)],
            service,
            GENERATOR_PROCESSOR,
        )
        port, config = free_port(), os.path.join(work, "haproxy-queue.cfg")
        with open(config, "w") as file:
            file.write(f"""global
  nbthread 1
  maxconn 9000
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout http-keep-alive 1h
  timeout queue {self.QUEUE_MILLISECONDS}ms
listen service
  bind 127.0.0.1:{port} backlog 4096
  http-reuse always
  server slow 127.0.0.1:{service} maxconn {permits}
""")
        try:
            self.peer = Peer("haproxy queue", work, [need("haproxy", "haproxy"), "-db", "-q", "-f", config], port)
        except PeerProblem:
            self.service.stop()
            raise
        self.name, self.port, self.pid = "haproxy queue", port, self.peer.pid

    def processor_nanoseconds(self):
        return self.peer.processor_nanoseconds()

    def stop(self):
        self.peer.stop()
        self.service.stop()
