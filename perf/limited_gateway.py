"""A gateway under the baseline's limits: some processors, and a memory that it must not exceed."""
import json, os, subprocess, urllib.request
from harness import end, free_port, tool, wait_ready

CGROUP_ROOT = "/sys/fs/cgroup"


class MemoryGroup:
    """A cgroup (version 2) with a hard limit, where this process may make one; else nothing, and `reason` says why."""

    def __init__(self, bytes_max):
        self.path, self.reason = None, None
        path = os.path.join(CGROUP_ROOT, f"oap-baseline-{os.getpid()}")
        try:
            with open(os.path.join(CGROUP_ROOT, "cgroup.controllers")) as file:
                if "memory" not in file.read().split():
                    raise OSError("the memory controller is not there")
            os.mkdir(path)
            self.path = path
            with open(os.path.join(path, "memory.max"), "w") as file:
                file.write(str(bytes_max))
        except OSError as error:
            self.reason = "cgroup v2 is not mounted" if isinstance(error, FileNotFoundError) else error.strerror or str(error)
            self.close()

    def enter(self):
        """In the child, before it becomes the gateway."""
        if self.path is not None:
            with open(os.path.join(self.path, "cgroup.procs"), "w") as file:
                file.write(str(os.getpid()))

    def peak(self):
        """Most bytes that were charged to it, page cache included; None where the kernel does not say."""
        try:
            with open(os.path.join(self.path, "memory.peak")) as file:
                return int(file.read())
        except (OSError, TypeError):
            return None

    def close(self):
        if self.path is not None:
            try:
                os.rmdir(self.path)
            except OSError:
                pass
            self.path = None


class LimitedGateway:
    """svc-gateway on `processors`, with as many workers, within `bytes_max`."""

    def __init__(self, io, index, processors, bytes_max):
        self.port, self.metrics = free_port(), free_port()
        self.group = MemoryGroup(bytes_max)

        def limit():
            os.sched_setaffinity(0, processors)
            self.group.enter()

        self.process = subprocess.Popen(
            [tool("svc-gateway"), "--io", io, "--workers", str(len(processors)), "--oap-addr", str(self.port),
             "--metrics-addr", str(self.metrics), "--index-path", index, "--log-level", "warning", "--control-socket", ""],
            cwd=os.path.dirname(index), preexec_fn=limit)
        wait_ready(self.process, self.metrics)

    @property
    def limits(self):
        """How the memory was limited, in words."""
        if self.group.path is not None:
            return "cgroup v2 memory.max"
        return f"measured only; no cgroup could be made ({self.group.reason})"

    def memory(self):
        """Most memory so far: resident, which includes the pages of the index that it has read, and what the cgroup counts."""
        with open(f"/proc/{self.process.pid}/status") as file:
            resident = next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM:"))
        return {"resident_peak_bytes": resident, "cgroup_peak_bytes": self.group.peak()}

    def io(self):
        """The kernel interface that it has chosen."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}/readyz", timeout=2) as answer:
            return json.load(answer)["details"]["io"]

    def stop(self):
        end(self.process, 15)
        self.group.close()
        return self.process.returncode
