"""The gateway under callgrind: instructions by function and calls between functions, per request, exact and repeatable.

Callgrind executes the worker's instructions one by one and counts them, so that noise of the machine does not exist; what the
kernel does is not seen. Only the epoll backend runs there: Valgrind 3.19 starts io_uring and then sleeps through its wake-ups. The
code above the kernel's contract is the same on both.
"""
import collections, os, re, shutil, subprocess, sys
from harness import ROOT, end, free_port, tool
from oapload import Load, ready

# What counts a reference up or down. Those that the runtime calls itself, from one of these, are the same event.
RETAINS = {"swift_retain", "swift_retain_n", "swift_bridgeObjectRetain", "swift_bridgeObjectRetain_n",
           "swift_nonatomic_retain", "swift_unknownObjectRetain", "swift_retain_preservemost"}
RELEASES = {"swift_release", "swift_release_n", "swift_bridgeObjectRelease", "swift_bridgeObjectRelease_n",
            "swift_nonatomic_release", "swift_unknownObjectRelease", "swift_release_preservemost"}
ALLOCATIONS = {"malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc"}


def require(*names):
    """Ends with what to do when a tool is missing."""
    for name, package in names:
        if shutil.which(name) is None:
            sys.exit(f"{os.path.basename(sys.argv[0])}: no '{name}' in PATH; it is in the Debian package {package}; .ci/setup installs it")


class Profile:
    """One thread's counts: `own[function]` instructions, `calls[caller, callee, address]` and their number. The address is that of the
    call within the gateway's own binary; None in libraries."""

    def __init__(self, path):
        self.own = collections.Counter()
        self.calls = collections.Counter()
        names, function, callee, pending, is_gateway = {}, None, None, None, False

        def named(text, kind="fn"):
            match = re.match(r"\((\d+)\)(?: (.*))?", text)
            if match is None:
                return text
            if match.group(2) is not None:
                names[kind, match.group(1)] = match.group(2)
            return names[kind, match.group(1)]

        with open(path, errors="replace") as file:
            for line in file:
                if line.startswith("fn="):
                    function = named(line[3:].strip())
                elif line.startswith("cfn="):
                    callee = named(line[4:].strip())
                elif line.startswith("ob="):
                    is_gateway = named(line[3:].strip(), "ob").endswith("/svc-gateway")
                elif line.startswith("cob="):
                    named(line[4:].strip(), "ob")
                elif line.startswith("calls="):
                    pending = int(line[6:].split()[0])
                elif line.startswith("0x"):
                    fields = line.split()
                    # The line behind a call has its inclusive cost, which is its callee's own business.
                    if pending is not None:
                        self.calls[function, callee, int(fields[0], 16) if is_gateway else None] += pending
                        pending = None
                    elif function is not None:
                        self.own[function] += int(fields[2])

    @property
    def instructions(self):
        return sum(self.own.values())

    def counted(self, callees):
        """Calls of `callees` from outside them, as {(caller, callee, address): count}."""
        return collections.Counter({
            (caller, plain(callee), address): count for (caller, callee, address), count in self.calls.items()
            if plain(callee) in callees and plain(caller) not in callees})


def plain(name):
    """A function's name without callgrind's mark of recursion."""
    return (name or "").split("'")[0]


def prepare(directory, binary):
    """Paths of a copy of `binary` that Valgrind 3.19 can read, for which the debug sections have to go, and of the library to preload."""
    require(("valgrind", "valgrind"), ("vgdb", "valgrind"), ("strip", "binutils"), ("cc", "gcc"))
    copy, preload = os.path.join(directory, os.path.basename(binary)), os.path.join(directory, "callgrind-preload.so")
    subprocess.run(["strip", "-g", "-o", copy, binary], check=True)
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", preload, os.path.join(ROOT, "perf", "callgrind-preload.c"), "-ldl"],
                   check=True)
    return copy, preload


class ProfiledGateway:
    """svc-gateway with one worker on epoll under callgrind."""

    def __init__(self, directory, index, arguments=()):
        self.directory = directory
        binary, preload = prepare(directory, tool("svc-gateway"))
        self.port, metrics = free_port(), free_port()
        self.dumps = 0
        self.log = open(os.path.join(directory, "log"), "w+")
        self.process = subprocess.Popen(
            ["valgrind", "--tool=callgrind", "--separate-threads=yes", "--dump-instr=yes", "--compress-pos=no",
             f"--callgrind-out-file={directory}/profile", binary, "--workers", "1", "--io", "epoll", "--oap-addr",
             str(self.port), "--metrics-addr", str(metrics), "--index-path", index, "--oap-concurrency", "8192",
             # Callgrind is slow enough to be under pressure, of which a line tells that is no request's.
             "--log-level", "error", "--control-socket", "", *arguments],
            env=dict(os.environ, LD_PRELOAD=preload), cwd=directory, stdout=self.log, stderr=self.log)
        try:
            ready(self.process, self.port, seconds=60)
        except RuntimeError as error:
            self.stop()
            self.log.seek(0)
            sys.exit(f"svc-gateway under callgrind: {error}\n{self.log.read()[-3000:]}")

    def measure(self, frame, connections, depth, rounds):
        """The worker's profile of `rounds` bursts of `depth` frames on each of `connections`, and the requests in it."""
        load = Load(self.port, connections, depth, frame, pid=self.process.pid)
        load.run(2)
        self.monitor("zero")
        requests = load.run(rounds)
        self.monitor("dump")
        load.close()
        self.dumps += 1
        # The worker is the thread that did nearly everything between the two commands.
        files = [os.path.join(self.directory, name) for name in os.listdir(self.directory)
                 if re.fullmatch(rf"profile\.{self.dumps}-\d+", name)]
        if not files:
            sys.exit(f"callgrind wrote no profile into {self.directory}")
        return max((Profile(path) for path in files), key=lambda profile: profile.instructions), requests

    def monitor(self, command):
        subprocess.run(["vgdb", f"--pid={self.process.pid}", command], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=30)

    def lines(self, addresses):
        """Where in the source the compiler says that addresses are, innermost function first."""
        require(("addr2line", "binutils"))
        addresses = [address for address in addresses if address is not None]
        if not addresses:
            return {}
        output = subprocess.run(
            ["addr2line", "-i", "-a", "-e", os.path.realpath(tool("svc-gateway")), *map(hex, addresses)], check=True,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
        places, current = {}, None
        for line in output.splitlines():
            if line.startswith("0x"):
                current = places.setdefault(int(line, 16), [])
            elif "Sources/" in line:
                current.append("Sources/" + line.split("Sources/")[-1].split(" ")[0])
        return places

    def stop(self):
        end(self.process, 20)


def demangled(names):
    """Readable names of Swift functions, by mangled name."""
    names = sorted(set(names))
    output = subprocess.run(["swift", "demangle", "--compact", "--simplified"], input="\n".join(names), check=True,
                            stdout=subprocess.PIPE, text=True).stdout
    return dict(zip(names, output.splitlines()))
