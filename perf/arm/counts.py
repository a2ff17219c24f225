"""Instructions and system calls per request, for aarch64 beside x86-64, by one counter: QEMU's user mode with the plugin count.c.

Both programs come from the same compiler and the same suite of Debian; the index, the load and the path (epoll, for there is no io_uring in
QEMU's user mode) are the same. Instructions are those of user space, of the worker's thread only.
"""
import collections, os, re, subprocess, sys, tempfile, time
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import build, flamesvg, harness, sdk
from callgrind import demangled
from elf import Elf
from instructions import CONNECTIONS, production, sample_keys
from oapload import Load, ping, ready, resolve

DEPTHS = (1, 16, 64)
TOP = 10
# x86-64 would copy by `rep movsb`, of which QEMU counts every turn, were it told that the processor does so fast.
EMULATORS = {"aarch64": ["qemu-aarch64", "-cpu", "max"], "x86_64": ["qemu-x86_64", "-cpu", "max,-erms,-fsrm"]}
# The index is mapped with 64 GiB of address space, which QEMU's user mode has not got: as under Valgrind, it is made smaller.
PRELOAD = os.path.join(sdk.ROOT, "perf", "callgrind-preload.c")
COMPILERS = {"aarch64": "aarch64-linux-gnu-gcc", "x86_64": "cc"}
SYSCALLS = {"aarch64": {67: "pread64", 20: "epoll_create1", 21: "epoll_ctl", 22: "epoll_pwait", 62: "lseek", 63: "read", 64: "write", 98: "futex",
                        206: "sendto", 207: "recvfrom", 211: "sendmsg", 212: "recvmsg", 139: "rt_sigreturn", "clock_gettime": 113},
            "x86_64": {17: "pread64", 0: "read", 1: "write", 15: "rt_sigreturn", 44: "sendto", 45: "recvfrom", 46: "sendmsg", 47: "recvmsg",
                       202: "futex", "clock_gettime": 228, 232: "epoll_wait", 233: "epoll_ctl", 281: "epoll_pwait"}}


class Profile:
    """What the plugin counted between two commands: instructions by function and by path, and system calls by name."""

    def __init__(self, text, symbols, syscalls):
        self.functions, self.syscalls = collections.Counter(), collections.Counter()
        self.instructions = 0
        nodes = {}
        for line in text.splitlines():
            kind, *fields = line.split()
            if kind == "block":
                self.functions[symbols.name(int(fields[0], 16))] += int(fields[1])
                self.instructions += int(fields[1])
            elif kind == "path":
                nodes[int(fields[0])] = (int(fields[1]), int(fields[2], 16), int(fields[3]))
            elif int(fields[0]) != syscalls["clock_gettime"]:
                # A call only here: QEMU's user mode has no vDSO.
                self.syscalls[syscalls.get(int(fields[0]), f"syscall {fields[0]}")] += int(fields[1])
        self.stacks = collections.Counter()
        for node, (_, _, count) in nodes.items():
            if count:
                self.stacks[tuple(self.path(nodes, node, symbols))] += count

    @staticmethod
    def path(nodes, node, symbols):
        names = []
        while node != 0:
            parent, address, _ = nodes[node]
            names.append(symbols.name(address))
            node = parent
        return reversed(names)


class Symbols:
    """Names of the addresses of a program under QEMU, whose mappings are those of QEMU itself."""

    def __init__(self, pid):
        self.ranges, self.files = [], {}
        with open(f"/proc/{pid}/maps") as file:
            for line in file:
                match = re.match(r"(\w+)-(\w+) (\S+) (\w+) \S+ \d+\s+(/.*)", line)
                if match is not None:
                    start, end, _, offset, path = match.groups()
                    self.ranges.append((int(start, 16), int(end, 16), int(offset, 16), path))

    def name(self, address):
        for start, end, offset, path in self.ranges:
            if start <= address < end:
                if path not in self.files:
                    self.files[path] = Elf(path)
                elf = self.files[path]
                return elf.function(elf.address(offset + address - start)) or f"[{os.path.basename(path)}]"
        return "[start]"


def emulator(architecture, directory, libraries, *options):
    """The start of a command that runs a program of an architecture."""
    preload = os.path.join(directory, f"preload-{architecture}.so")
    if not os.path.exists(preload):
        sdk.run([COMPILERS[architecture], "-shared", "-fPIC", "-O2", "-o", preload, PRELOAD, "-ldl"])
    return [*EMULATORS[architecture], "-L", libraries, "-E", f"LD_PRELOAD={preload}", *options]


def import_index(lines, index):
    """LMDB's files are the same on both: the aarch64 tool makes the index."""
    with tempfile.TemporaryDirectory(prefix="arm-import-") as directory:
        sdk.run([*emulator("aarch64", directory, sdk.SYSROOT), build.arm("ronctl"), "index", "import", lines, "--index-path", index])


class CountedGateway:
    """svc-gateway with one worker on epoll under QEMU's user mode."""

    def __init__(self, directory, architecture, binary, libraries, index):
        self.fifo = os.path.join(directory, "commands")
        self.architecture, self.dumps = architecture, 0
        os.mkfifo(self.fifo)
        self.port = harness.free_port()
        plugin = os.path.join(directory, "count.so")
        sdk.run(["cc", "-O2", "-shared", "-fPIC", "-pthread", "-o", plugin, os.path.join(os.path.dirname(__file__), "count.c")])
        self.log = open(os.path.join(directory, "log"), "w+")
        self.process = subprocess.Popen(
            [*emulator(architecture, directory, libraries, "-plugin", f"{plugin},fifo={self.fifo}"), binary, "--workers", "1", "--io",
             "epoll", "--oap-addr", str(self.port), "--metrics-addr", str(harness.free_port()), "--index-path", index,
             "--oap-concurrency", "8192", "--log-level", "warning", "--control-socket", "", *production(directory)],
            cwd=directory, stdout=self.log, stderr=self.log)
        try:
            ready(self.process, self.port, seconds=60)
        except RuntimeError as error:
            self.log.seek(0)
            said = self.log.read()[-3000:]
            self.stop()
            raise sdk.Unavailable(f"svc-gateway under {EMULATORS[architecture][0]}: {error}\n{said}") from None

    def measure(self, frame, depth, rounds):
        load = Load(self.port, CONNECTIONS, depth, frame, pid=self.process.pid)
        load.run(2)
        self.command("zero", self.fifo + ".zeroed")
        requests = load.run(rounds)
        self.dumps += 1
        path = f"{self.fifo}.{self.dumps}"
        self.command(f"dump {path}", path)
        load.close()
        with open(path) as file:
            return Profile(file.read(), Symbols(self.process.pid), SYSCALLS[self.architecture]), requests

    def command(self, text, done):
        with open(self.fifo, "w") as file:
            file.write(text + "\n")
        for _ in range(3000):
            if os.path.exists(done):
                break
            time.sleep(0.01)
        else:
            raise sdk.Unavailable("the plugin did not answer within 30 s")
        if done.endswith(".zeroed"):
            os.remove(done)

    def stop(self):
        harness.end(self.process, 20)
        self.log.close()


def sides():
    """Architecture, gateway, and where its libraries are."""
    return (("aarch64", build.arm("svc-gateway"), sdk.SYSROOT), ("x86_64", build.x86("svc-gateway"), sdk.CHROOT))


def count(depths=DEPTHS):
    """{architecture: [(workload, depth, requests, profile)]}, with the functions' names readable."""
    results = {}
    for architecture, binary, libraries in sides():
        with tempfile.TemporaryDirectory(prefix="arm-counts-") as directory:
            index = os.path.join(directory, "index")
            import_index(os.path.join(sdk.ROOT, "configs", "sample-index.jsonl"), index)
            gateway = CountedGateway(directory, architecture, binary, libraries, index)
            try:
                results[architecture] = [
                    (workload, depth, *reversed(gateway.measure(frame, depth, max(4, 3200 // (CONNECTIONS * depth)))))
                    for workload, frame in (("ping", ping), ("resolve", resolve(sample_keys()))) for depth in depths]
            finally:
                gateway.stop()
    return results


def table(results):
    """The comparison as a value: per workload and depth both architectures' totals, their ratio, and the top functions."""
    names = demangled({name for runs in results.values() for *_, profile in runs for name in profile.functions})
    rows = []
    for arm, x86 in zip(results["aarch64"], results["x86_64"]):
        workload, depth = arm[:2]
        each = {architecture: per_request(run, names) for architecture, run in (("aarch64", arm), ("x86_64", x86))}
        functions = collections.defaultdict(dict)
        for architecture, run in each.items():
            for name, value in run.pop("functions").items():
                functions[name][architecture] = value
        top = sorted(functions.items(), key=lambda item: -max(item[1].values()))[:TOP]
        rows.append({"workload": workload, "depth": depth, **each,
                     "ratio": round(each["aarch64"]["instructions"] / each["x86_64"]["instructions"], 3),
                     "functions": [{"name": name, **{key: value.get(key, 0) for key in ("aarch64", "x86_64")}} for name, value in top]})
    return rows


def per_request(run, names):
    _, _, requests, profile = run
    functions = collections.Counter()
    for name, value in profile.functions.items():
        functions[names.get(name, name)] += value
    return {"requests": requests, "instructions": round(profile.instructions / requests, 1),
            "syscalls": {name: round(calls / requests, 4) for name, calls in profile.syscalls.most_common()},
            "functions": {name: round(value / requests, 2) for name, value in functions.items()}}


def flame(results, architecture, workload="resolve", depth=16):
    """The flame graph of one run as SVG."""
    profile = next(run[3] for run in results[architecture] if run[:2] == (workload, depth))
    names = demangled({name for stack in profile.stacks for name in stack})
    stacks = collections.Counter()
    for stack, value in profile.stacks.items():
        stacks[tuple(names.get(name, name) for name in stack)] += value
    return flamesvg.render(
        stacks, f"svc-gateway on {architecture}, {workload}, depth {depth}: instructions of the worker in user space", "instructions",
        "instructions", "Orange: the gateway; green: libraries.")


def printed(rows):
    """The table as text."""
    lines = [f"{'':<18}{'aarch64':>10}{'x86-64':>10}{'ratio':>8}   instructions per request; system calls on epoll"]
    for row in rows:
        calls = [round(sum(row[name]["syscalls"].values()), 3) for name in ("aarch64", "x86_64")]
        lines.append(f"{row['workload']:<8} depth {row['depth']:<4}{row['aarch64']['instructions']:>10,.1f}"
                     f"{row['x86_64']['instructions']:>10,.1f}{row['ratio']:>8.3f}   {calls[0]} and {calls[1]}")
    return "\n".join(lines)


if __name__ == "__main__":
    rows = table(count())
    print(printed(rows))
    for row in rows:
        print(f"\n{row['workload']}, depth {row['depth']}")
        for function in row["functions"]:
            print(f"  {function['aarch64']:>9.1f} {function['x86_64']:>9.1f}  {function['name'][:100]}")
