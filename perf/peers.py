"""The servers that are measured side by side, each as its own people would set it up for one core, and pinned to it.

Every server has `name`, `port`, `pid` (the process that serves), `processor_nanoseconds()` and `stop()`. Settings that
matter are in README.md; change both together.
"""

import os, shutil, socket, struct, subprocess, time
from harness import ROOT, Gateway, cpu_nanoseconds, end, free_port

SERVER_PROCESSOR, GENERATOR_PROCESSOR = ("0", "1") if (os.cpu_count() or 1) > 1 else ("0", "0")
# The answer of the HTTP peers: as long as a record of the index.
RECORD = (
    b'{"key":"name:000000000001","manifest":null,"providers":[{"id":"node-001.example","region":"eu-west","score":0.5},'
    b'{"id":"node-002.example","region":"us-east","score":0.25}],"etag":"5f0c6d3a1b2e4f78"}'
)
# Quotas and limits that are finite and never reached, so that every check of production is made and none refuses.
GATEWAY_SETTINGS = """oap_concurrency = 100000
[limits]
max_inflight = 128
connections_max = 16384
idle_timeout = "1h"
[quota.global]
requests_per_second = 10000000
burst = 10000000
[quota.tenant]
requests_per_second = 10000000
burst = 10000000
[quota.connection]
frames_per_second = 10000000
burst = 10000000
"""


class PeerProblem(Exception):
    """A peer that could not be measured; the message says which, what happened and what to do."""


def pinned(processor, command):
    return ["taskset", "-c", processor, *command]


def need(program, package):
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin:/usr/local/sbin")
    if path is None:
        raise PeerProblem(f"{program} is missing; install it with '.ci/setup perf' (Debian package {package})")
    return path


class Peer:
    """A process that listens on `port`; what it prints goes to a log in `work` that is shown when it fails."""

    def __init__(self, name, work, command, port, processor=SERVER_PROCESSOR):
        self.name, self.port = name, port
        self.log = os.path.join(work, f"{name.replace(' ', '-')}-{port}.log")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                pinned(processor, command), stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        self.pid = self.process.pid
        for _ in range(400):
            if self.process.poll() is not None:
                raise PeerProblem(
                    f"{name} ended with status {self.process.returncode} before it listened:\n{self.tail()}"
                )
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                return
            except OSError:
                time.sleep(0.02)
        self.stop()
        raise PeerProblem(f"{name} does not listen on 127.0.0.1:{port} after 8 s:\n{self.tail()}")

    def tail(self):
        with open(self.log, errors="replace") as log:
            return "".join(log.readlines()[-10:])

    def processor_nanoseconds(self):
        if self.process.poll() is not None:
            raise PeerProblem(
                f"{self.name} ended with status {self.process.returncode} while it was measured:\n{self.tail()}"
            )
        return cpu_nanoseconds(self.pid)

    def stop(self):
        end(self.process, 5)


class MeasuredGateway(Gateway):
    def __init__(self, io, work, index, workers=1, processors=SERVER_PROCESSOR):
        config = os.path.join(work, "svc-gateway.toml")
        with open(config, "w") as file:
            file.write(GATEWAY_SETTINGS)
        super().__init__(io, index, prefix=pinned(processors, []), workers=workers, config=config)
        self.name, self.pid = f"gateway {io}", self.process.pid

    def processor_nanoseconds(self):
        if self.process.poll() is not None:
            raise PeerProblem(f"svc-gateway ended with status {self.process.returncode} while it was measured")
        return cpu_nanoseconds(self.pid)


class Floor(Peer):
    """One of the C servers of Benchmarks/floors, which `make floors` builds."""

    def __init__(self, io, work, processor=SERVER_PROCESSOR):
        binary = os.path.join(ROOT, ".build", "floors", {"io_uring": "uring-floor", "epoll": "epoll-floor"}[io])
        if not os.path.exists(binary):
            raise PeerProblem(f"{binary} is missing; build it with 'make floors'")
        port = free_port()
        super().__init__(f"floor {io}", work, [binary, str(port)], port, processor)
        try:
            self.prove()
        except (OSError, AssertionError) as problem:
            self.stop()
            raise PeerProblem(f"{self.name} does not speak OAP/1: {problem or 'a wrong answer'}") from None

    @staticmethod
    def frame(flags, code, app, payload, corr, version=1):
        return (
            struct.pack(">IHHHH16sHQ", 38 + len(payload), version, flags, code, app, bytes(15) + b"\5", 0, corr)
            + payload
        )

    def prove(self):
        """A floor that skipped its work would prove nothing: split and pipelined frames, and one it must refuse."""
        ping, answer = self.frame(1, 1, 0, b"floor", 7), self.frame(0x12, 200, 0, b"floor", 7)
        with socket.create_connection(("127.0.0.1", self.port), 5) as client:
            client.settimeout(5)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for cut in range(1, len(ping)):
                client.sendall(ping[:cut])
                time.sleep(0.0002)
                client.sendall(ping[cut:] + ping)
                assert self.read(client, 2 * len(answer)) == 2 * answer, f"PING split after {cut} bytes"
            keys = [b"name:%06d" % number for number in range(500)]
            client.sendall(b"".join(self.frame(1, 0, 0x101, key, number) for number, key in enumerate(keys)))
            for number, key in enumerate(keys):
                header = self.read(client, 38)
                assert header[4:] == self.frame(0x12, 200, 0x101, b"", number)[4:], "the header of a resolve's answer"
                record = self.read(client, struct.unpack(">I", header[:4])[0] - 38)
                assert record.startswith(b'{"key":"' + key + b'",') and record.endswith(b"}"), "the record of a resolve"
            client.sendall(self.frame(1, 1, 0, b"", 1, version=2))
            assert client.recv(1) == b"", "a header of version 2 was not refused"

    @staticmethod
    def read(client, count):
        data = b""
        while len(data) < count:
            more = client.recv(count - len(data))
            assert more, "the connection ended"
            data += more
        return data


class Redis(Peer):
    def __init__(self, work, lines):
        port = free_port()
        super().__init__(
            "redis",
            work,
            [
                need("redis-server", "redis-server"),
                "--port",
                str(port),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
                "--dir",
                work,
                "--daemonize",
                "no",
                "--maxclients",
                "19000",
            ],
            port,
        )
        pipe = subprocess.Popen(
            [need("redis-cli", "redis-tools"), "-p", str(port), "--pipe"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
        with open(lines, "rb") as file:
            for line in file:
                value = line.rstrip(b"\n")
                key = value[8 : value.index(b'"', 8)]
                pipe.stdin.write(b"*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n" % (len(key), key, len(value), value))
        pipe.stdin.close()
        if pipe.wait() != 0:
            self.stop()
            raise PeerProblem("loading redis failed")


def child_of(pid):
    """The one child of a process, once it is there."""
    for _ in range(200):
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            children = file.read().split()
        if children:
            return int(children[0])
        time.sleep(0.01)
    raise PeerProblem(f"process {pid} has started no worker")


class Nginx(Peer):
    """`return 200` when `backend` is None, else `stream` to that port."""

    def __init__(self, work, backend=None):
        program, port = need("nginx", "nginx"), free_port()
        name = "nginx return" if backend is None else "nginx stream"
        directory = os.path.join(work, name.replace(" ", "-"))
        os.makedirs(os.path.join(directory, "temp"), exist_ok=True)
        body = RECORD.decode()
        served = (
            f"""http {{
  access_log off; server_tokens off; tcp_nodelay on; default_type application/json;
  keepalive_requests 1000000000; keepalive_timeout 3600s;
  client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp; uwsgi_temp_path temp; scgi_temp_path temp;
  server {{ listen 127.0.0.1:{port} reuseport backlog=4096; location / {{ return 200 '{body}'; }} }}
}}"""
            if backend is None
            else f"""stream {{
  tcp_nodelay on; proxy_timeout 1h;
  server {{ listen 127.0.0.1:{port} reuseport backlog=4096; proxy_pass 127.0.0.1:{backend}; }}
}}"""
        )
        module = "/usr/lib/nginx/modules/ngx_stream_module.so"
        if backend is not None and not os.path.exists(module):
            raise PeerProblem(f"{module} is missing; install it with '.ci/setup perf' (libnginx-mod-stream)")
        load = "" if backend is None else f"load_module {module};"
        config = os.path.join(directory, "nginx.conf")
        with open(config, "w") as file:
            file.write(f"""{load}
daemon off; worker_processes 1; worker_rlimit_nofile 19000; error_log stderr crit; pid {directory}/nginx.pid;
events {{ worker_connections 19000; use epoll; multi_accept on; }}
{served}
""")
        super().__init__(name, work, [program, "-p", directory, "-c", config, "-e", "stderr"], port)
        self.pid = child_of(self.process.pid)


class HAProxy(Peer):
    """`mode http`, keep-alive, answering by itself when `backend` is None, else `mode tcp` to that port."""

    def __init__(self, work, backend=None):
        program, port = need("haproxy", "haproxy"), free_port()
        name = "haproxy http" if backend is None else "haproxy tcp"
        record, config = os.path.join(work, "record.json"), os.path.join(work, name.replace(" ", "-") + ".cfg")
        with open(record, "wb") as file:
            file.write(RECORD)
        served = (
            f"""frontend answers
  mode http
  option http-keep-alive
  bind 127.0.0.1:{port} backlog 4096
  http-request return status 200 content-type application/json file {record}
"""
            if backend is None
            else f"""listen forwards
  mode tcp
  bind 127.0.0.1:{port} backlog 4096
  server floor 127.0.0.1:{backend}
"""
        )
        with open(config, "w") as file:
            file.write(f"""global
  nbthread 1
  maxconn 9000
  no log
defaults
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout http-keep-alive 1h
{served}""".replace("  no log\n", ""))
        super().__init__(name, work, [program, "-db", "-q", "-f", config], port)
