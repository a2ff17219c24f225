#!/usr/bin/env python3
"""Where a gateway under load spends its time: perf samples of its stacks as a flame graph in one SVG, kernel included.

Starts a gateway with one worker on the sample index, unless --pid names one that runs, loads it with oap-bench in a closed loop, and
samples all its threads by the processor's clock. Width is time; hover for the share, click to zoom, click the bottom row to go back.
The SVG goes to perf/results/flamegraph-IO-DATE.svg, or to --output.

With --pid the load is your own, unless --server says where oap-bench shall send to. Needs perf: `.ci/setup flamegraph`.
"""
import argparse, datetime, os, re, shutil, subprocess, sys, tempfile
from callgrind import demangled, require
from flamesvg import render
from harness import ROOT, Gateway, import_index, tool

# Loads while it samples, and a second on each side of it.
MARGIN_SECONDS = 1
FREQUENCY = 1997


def folded(script):
    """{(thread, outermost, …, innermost): samples} from `perf script`."""
    stacks, thread, frames = {}, None, []

    def finish():
        if thread is not None and frames:
            # One name for all workers of a kind: their numbers say nothing about where time goes.
            stack = (re.sub(r"-\d+$", "", thread), *reversed(frames))
            stacks[stack] = stacks.get(stack, 0) + 1

    for line in script.splitlines():
        if not line.strip():
            finish()
            thread, frames = None, []
        elif not line[0].isspace():
            thread = line.split()[0]
        else:
            match = re.match(r"\s+([0-9a-f]+) (.*?)(?: \(([^()]*)\))?$", line)
            if match is None:
                continue
            name, place = re.sub(r"\+0x[0-9a-f]+$", "", match.group(2)), match.group(3) or ""
            if name == "[unknown]":
                name = f"[{os.path.basename(place).strip('[]') or 'unknown'}]"
            # The kernel's frames are marked as other readers of perf mark them.
            frames.append(name + ("_[k]" if "kernel" in place or place.startswith("[k") or place.endswith(".ko") else ""))
    finish()
    return stacks


def readable(stacks):
    """The same with Swift names as a person reads them."""
    names = demangled(frame for stack in stacks for frame in stack)
    result = {}
    for stack, count in stacks.items():
        key = tuple(names[frame] for frame in stack)
        result[key] = result.get(key, 0) + count
    return result


def record(pid, seconds, path):
    command = ["perf", "record", "-q", "-e", "cpu-clock", "-F", str(FREQUENCY), "-g", "-p", str(pid), "-o", path, "--", "sleep",
               str(seconds)]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode != 0 or not os.path.exists(path):
        try:
            with open("/proc/sys/kernel/perf_event_paranoid") as file:
                paranoid = file.read().strip()
        except OSError:
            paranoid = "not there: this kernel has no perf events"
        sys.exit(f"flamegraph: perf may not sample process {pid}: {result.stdout.strip()}\n"
                 f"  kernel.perf_event_paranoid is {paranoid}. Run as root, or: sysctl kernel.perf_event_paranoid=1\n"
                 "  In a container perf_event_open needs the capability CAP_PERFMON (docker run --cap-add PERFMON).")
    script = subprocess.run(["perf", "script", "-F", "comm,ip,sym,dso", "-i", path], check=True, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True, errors="replace").stdout
    return folded(script)


def start_load(server, seconds, connections, depth, workload):
    return subprocess.Popen([tool("oap-bench"), "--server", server, "--closed", "--connections", str(connections), "--depth",
                             str(depth), "--duration", f"{seconds}s", "--workload", workload], cwd=ROOT, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--pid", type=int, help="a gateway that runs already")
    arguments.add_argument("--server", metavar="HOST:PORT", help="with --pid: load this address while sampling")
    arguments.add_argument("--io", choices=("io_uring", "epoll"), default="io_uring")
    arguments.add_argument("--seconds", type=int, default=5, help="how long to sample (default 5)")
    arguments.add_argument("--connections", type=int, default=50)
    arguments.add_argument("--depth", type=int, default=16)
    arguments.add_argument("--workload", default="resolve")
    arguments.add_argument("--output", metavar="FILE")
    options = arguments.parse_args()
    require(("perf", "linux-perf"))
    directory, gateway, load = tempfile.mkdtemp(prefix="flamegraph-"), None, None
    label = "running" if options.pid else options.io
    try:
        if options.pid is None:
            index = os.path.join(directory, "index")
            import_index(os.path.join(ROOT, "configs", "sample-index.jsonl"), index)
            gateway = Gateway(options.io, index)
        elif not os.path.exists(f"/proc/{options.pid}"):
            sys.exit(f"flamegraph: there is no process {options.pid}")
        server = options.server or (gateway and f"127.0.0.1:{gateway.port}")
        if server:
            load = start_load(server, options.seconds + 2 * MARGIN_SECONDS, options.connections, options.depth, options.workload)
            subprocess.run(["sleep", str(MARGIN_SECONDS)])
        stacks = record(options.pid or gateway.process.pid, options.seconds, os.path.join(directory, "perf.data"))
        if load:
            report = load.communicate(timeout=60)[0]
            if load.returncode != 0:
                sys.exit(f"flamegraph: oap-bench ended with status {load.returncode}\n{report}")
    finally:
        if load and load.poll() is None:
            load.kill()
        if gateway:
            gateway.stop()
        shutil.rmtree(directory, ignore_errors=True)
    samples = sum(stacks.values())
    if samples == 0:
        sys.exit("flamegraph: no sample: the process did nothing meanwhile. Load it, or give --server HOST:PORT")
    date = datetime.date.today().isoformat()
    output = options.output or os.path.join(ROOT, "perf", "results", f"flamegraph-{label}-{date}.svg")
    what = f"svc-gateway, {label}" + (f", {options.workload}, {options.connections} connections, depth {options.depth}" if server else "")
    with open(output, "w") as file:
        file.write(render(readable(stacks), f"{what}: {samples:,} samples in {options.seconds} s"))
    print(f"flamegraph: {samples:,} samples, {os.path.getsize(output) / 1024:.0f} kB: {output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
