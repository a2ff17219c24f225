"""The guest: 4 processors and 8 GiB of ARM64 in QEMU, under Debian's kernel, with everything in one initial RAM disk."""
import base64, glob, hashlib, json, os, re, shutil, subprocess
import build, harness, sdk
from elf import Elf
from sdk import CACHE, ROOT, SYSROOT, SWIFT, note

PROCESSORS, MEMORY = 4, "8G"
TREE, IMAGE = os.path.join(CACHE, "guest"), os.path.join(CACHE, "guest.cpio.zst")
LIBRARIES = [os.path.join(SYSROOT, "usr/lib/aarch64-linux-gnu"), os.path.join(SYSROOT, SWIFT, "lib/swift/linux")]
STRIP = "aarch64-linux-gnu-strip"
# Python's own tests and its parts for desktops.
UNUSED_MODULES = ("test", "idlelib", "tkinter", "turtledemo", "ensurepip", "lib2to3", "pydoc_data", "config-*")


def make(plan):
    """Writes the RAM disk for a plan; its size in bytes."""
    shutil.rmtree(TREE, ignore_errors=True)
    for directory in ("guest/bin", "guest/tests", "guest/lib", "guest/records", "usr/bin", "usr/lib", "proc", "sys", "dev", "tmp", "run"):
        os.makedirs(os.path.join(TREE, directory))
    os.symlink("usr/lib", os.path.join(TREE, "lib"))
    os.symlink("usr/bin", os.path.join(TREE, "bin"))
    here = os.path.dirname(os.path.abspath(__file__))
    sdk.run(["aarch64-linux-gnu-gcc", "-O2", "-static", "-o", os.path.join(TREE, "init"), os.path.join(here, "init.c")])
    shutil.copy(os.path.join(here, "inside.py"), os.path.join(TREE, "guest"))
    with open(os.path.join(TREE, "guest/plan.json"), "w") as file:
        json.dump(plan, file)
    programs = copy_programs(plan)
    copy_python()
    copy_checkout()
    copy_libraries(programs)
    if "baseline" in plan["steps"]:
        copy_index(plan["records"])
    sdk.run(["sh", "-c", "find . -print0 | cpio --null --quiet -o -H newc -R 0:0 | zstd -q -3 -T0 -f -o \"$1\"", "sh", IMAGE], cwd=TREE)
    shutil.rmtree(TREE)
    return os.path.getsize(IMAGE)


def copy_programs(plan):
    """Programs without their debugging sections; their paths in the guest's tree."""
    copies = {name: build.arm(name) for name in build.PRODUCTS}
    paths = [strip(source, os.path.join(TREE, "guest/bin", name)) for name, source in copies.items()]
    if "tests" in plan["steps"]:
        paths.append(strip(build.tests(), os.path.join(TREE, "guest/tests", os.path.basename(build.tests()))))
        # The index tests run ronctl, which they expect beside themselves.
        os.symlink("../bin/ronctl", os.path.join(TREE, "guest/tests/ronctl"))
    for name in ("strace", "python3"):
        source = os.path.realpath(os.path.join(SYSROOT, "usr/bin", name))
        paths.append(shutil.copy(source, os.path.join(TREE, "usr/bin", name)))
    return paths


def strip(source, target):
    sdk.run([STRIP, "-o", target, source])
    return target


def copy_python():
    """The standard library, and its modules in C."""
    library = sorted(glob.glob(os.path.join(SYSROOT, "usr/lib/python3.*")))[-1]
    shutil.copytree(library, os.path.join(TREE, "usr/lib", os.path.basename(library)), symlinks=True,
                    ignore=shutil.ignore_patterns(*UNUSED_MODULES, "__pycache__", "dist-packages"))


def copy_checkout():
    """What scripts and tests read of the checkout, at its own path."""
    for name in ("perf", "configs", "Benchmarks/scenarios"):
        shutil.copytree(os.path.join(ROOT, name), TREE + os.path.join(ROOT, name),
                        ignore=shutil.ignore_patterns("results", "__pycache__"))
    # The tests know their files by where they were compiled.
    os.makedirs(TREE + build.TESTS_PACKAGE, exist_ok=True)
    os.makedirs(TREE + os.path.join(ROOT, "Tests"), exist_ok=True)
    os.symlink(os.path.join(ROOT, "configs"), TREE + os.path.join(build.TESTS_PACKAGE, "configs"))


def copy_index(records):
    """The names' index, made by the x86-64 tool: LMDB's files are the same on both, and emulated the import takes minutes."""
    directory = os.path.join(TREE, "guest/records")
    lines, _ = harness.write_records(directory, records)
    sdk.run([*build.x86_loader(), build.x86("ronctl"), "index", "import", lines, "--index-path", os.path.join(directory, "index")])
    os.remove(lines)


def copy_libraries(programs):
    """Every shared library that programs and Python's modules need, and those that these need."""
    waiting = programs + glob.glob(os.path.join(TREE, "usr/lib/python3.*/lib-dynload/*.so"))
    # Loaded by name, at run time.
    done, names = set(), ["ld-linux-aarch64.so.1", "libgcc_s.so.1"]
    while waiting or names:
        while waiting:
            names += Elf(waiting.pop()).needed()
        name = names.pop() if names else None
        if name is None or name in done:
            continue
        done.add(name)
        for directory in LIBRARIES:
            source = os.path.join(directory, name)
            if os.path.exists(source):
                target = os.path.join(TREE, "usr/lib" if name.startswith("ld-linux") else "guest/lib", name)
                shutil.copy(os.path.realpath(source), target)
                waiting.append(target)
                break
        else:
            raise sdk.Unavailable(f"the sysroot has no {name}")


def qemu_version():
    return re.search(r"version (\S+)", sdk.run(["qemu-system-aarch64", "--version"])).group(1)


def run(seconds):
    """Boots the guest and shows what it says; {name: bytes} of what it sent. Ends it after so many seconds."""
    kernel = glob.glob(os.path.join(sdk.KERNEL, "vmlinuz-*"))[0]
    process = subprocess.Popen(
        ["timeout", str(seconds), "qemu-system-aarch64", "-M", "virt", "-cpu", "max,pauth-impdef=on", "-accel", "tcg,thread=multi", "-smp",
         str(PROCESSORS), "-m", MEMORY, "-nic", "none", "-nographic", "-no-reboot", "-kernel", kernel, "-initrd", IMAGE, "-append",
         "console=ttyAMA0 panic=-1 quiet loglevel=3"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    files, received, expected = {}, None, None
    for raw in process.stdout:
        line = raw.decode(errors="replace").rstrip("\r\n")
        if line.startswith("=== file "):
            expected, received = line.split()[2:], []
        elif line == "=== end" and received is not None:
            name, size, checksum = expected
            data = base64.b64decode("".join(received))
            if len(data) != int(size) or hashlib.sha256(data).hexdigest() != checksum:
                raise sdk.Unavailable(f"{name} came damaged out of the guest")
            files[name], received = data, None
        elif received is not None:
            received.append(line)
        else:
            print(f"  | {line}", flush=True)
    status = process.wait()
    if "guest.json" not in files:
        raise sdk.Unavailable(f"the guest ended without a result; qemu-system-aarch64 ended with status {status}"
                              + (f" after {seconds} s" if status == 124 else ""))
    return files
