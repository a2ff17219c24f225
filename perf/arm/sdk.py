"""The aarch64 SDK: a Debian chroot with the compiler, an arm64 sysroot of the same suite, a Swift SDK bundle, and a guest's kernel.

Everything comes from the Debian mirror that this machine's own apt sources name, through an apt of its own beside them, and every
index is verified against Debian's archive keys. It is made once, into the cache, and used until its recipe changes.
"""
import hashlib, json, os, re, shutil, subprocess, sys, time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CACHE = os.path.abspath(os.environ.get("ARM_CACHE") or os.path.join(ROOT, ".build", "arm"))
SDK = os.path.join(CACHE, "sdk")
CHROOT, SYSROOT, KERNEL = (os.path.join(SDK, name) for name in ("chroot", "sysroot", "kernel"))
BUNDLES = os.path.join(SDK, "bundles")
BUNDLE = "aarch64-debian"
TRIPLE = "aarch64-unknown-linux-gnu"
STAMP = os.path.join(SDK, "stamp.json")

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# Counted up when it is made in another way.
RECIPE_VERSION = 1
COMPILER_SUITE, KERNEL_SUITE = "sid", "trixie"
# The version of GCC whose C++ library the compiler can read.
GCC = "15"
# What the gateway links, and what builds for the machine itself need beside it.
LIBRARIES = ["libc6-dev", "linux-libc-dev", f"libstdc++-{GCC}-dev", "liburing-dev", "liblmdb-dev", "libtomlplusplus-dev"]
# Foundation's networking, which FlyingFox imports, wants curl and libxml2 when it is linked statically.
FOUNDATION = ["libcurl4-openssl-dev", "libxml2-dev", "zlib1g-dev"]
CHROOT_PACKAGES = ["swiftlang", "git", "pkgconf", *LIBRARIES, *FOUNDATION]
GUEST_PACKAGES = ["python3-minimal", "libpython3-stdlib", "strace"]
SYSROOT_PACKAGES = [*LIBRARIES, *FOUNDATION, *GUEST_PACKAGES]
SWIFT = "usr/libexec/swift"
# Not needed to build: debuggers, editors' servers, documentation. A gigabyte.
UNUSED = ["usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info"]


class Unavailable(Exception):
    """The SDK cannot be had, and why."""


def note(text):
    print(f"arm: {text}", flush=True)


def run(command, **options):
    """Runs a command that must succeed; what it said is shown when it does not."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode != 0:
        sys.stderr.write(done.stdout[-6000:])
        raise Unavailable(f"{os.path.basename(command[0])} ended with status {done.returncode}")
    return done.stdout


def mirror():
    """The address of the Debian archive in this machine's apt sources, which are only read."""
    output = subprocess.run(["apt-get", "indextargets", "--format", "$(CREATED_BY) $(SITE)"], stdout=subprocess.PIPE, text=True)
    sites = [line.split(" ", 1)[1] for line in output.stdout.splitlines() if line.startswith("Packages ")]
    for site in sites:
        if re.search(r"/debian/?$", site):
            return site
    raise Unavailable("the apt sources of this machine name no Debian archive")


def source(site, suite, architectures):
    return f"deb [arch={architectures} signed-by={KEYRING}] {site} {suite} main"


def recipe():
    """What the SDK is made from, as a fingerprint: a cache of another recipe is not used."""
    parts = (RECIPE_VERSION, COMPILER_SUITE, KERNEL_SUITE, GCC, CHROOT_PACKAGES, SYSROOT_PACKAGES, UNUSED)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def cached():
    """The stamp of an SDK that is there and of this recipe, or None."""
    try:
        with open(STAMP) as file:
            stamp = json.load(file)
    except (OSError, ValueError):
        return None
    return stamp if stamp.get("recipe") == recipe() else None


def require(*tools):
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        raise Unavailable(f"not installed: {', '.join(missing)}; .ci/setup arm installs what is needed")
    if os.geteuid() != 0:
        raise Unavailable("making a chroot needs root: sudo make arm")


def make():
    """Makes the SDK, or takes the cached one; its stamp."""
    stamp = cached()
    if stamp is not None:
        note(f"SDK of {stamp['made']} from {CACHE}: Swift {stamp['swift']}")
        return stamp
    require("unshare", "mmdebstrap", "apt-get", "dpkg-deb")
    start = time.monotonic()
    shutil.rmtree(SDK, ignore_errors=True)
    os.makedirs(SDK)
    site = mirror()
    note("making the SDK: compiler, sysroot and kernel from the machine's Debian mirror (some 1.5 GB)")
    compiler = bootstrap(site, "amd64", "apt", CHROOT_PACKAGES, CHROOT)
    sysroot = bootstrap(site, "arm64", "extract", SYSROOT_PACKAGES, SYSROOT)
    packages = download(site)
    # Beside the sysroot, which mmdebstrap wants empty.
    swift = os.path.join(SDK, "swift")
    unpack(packages["swiftlang_"], swift, "--exclude=*/swift/host", *[f"./{SWIFT}/lib/{name}" for name in ("swift", "swift_static", "clang")])
    unpack(packages["libswiftlang_"], swift, f"./{SWIFT}/lib/swift/linux")
    unpack_kernel(packages["linux-image-"])
    for process, name in ((sysroot, "sysroot"), (compiler, "compiler")):
        output = process.communicate()[0]
        if process.returncode != 0:
            sys.stderr.write(output[-6000:])
            raise Unavailable(f"mmdebstrap of the {name} ended with status {process.returncode}")
    merge_swift()
    write_bundle()
    for path in packages.values():
        os.remove(path)
    stamp = {"recipe": recipe(), "made": time.strftime("%Y-%m-%d"), "swift": swift_version(),
             "kernel": os.listdir(KERNEL)[0].removeprefix("vmlinuz-"), "seconds": round(time.monotonic() - start),
             "packages": versions(site)}
    with open(STAMP, "w") as file:
        json.dump(stamp, file, indent=1)
    note(f"SDK made in {stamp['seconds']} s: Swift {stamp['swift']}, Linux {stamp['kernel']}")
    return stamp


def bootstrap(site, architecture, variant, packages, directory):
    """Starts mmdebstrap; `extract` unpacks and runs nothing, which a foreign architecture could not."""
    # What it mounts nobody else sees: a copy of the tree made meanwhile would go through /proc and keep it busy.
    command = ["unshare", "--mount", "mmdebstrap", "--quiet", "--mode=root", f"--variant={variant}", f"--architectures={architecture}",
               f"--include={','.join(packages)}", "--aptopt=Acquire::Check-Valid-Until \"false\"",
               "--aptopt=APT::Install-Recommends \"false\"", "--aptopt=Acquire::Languages \"none\"",
               *[f"--dpkgopt=path-exclude=/{path}/*" for path in UNUSED],
               "--skip=check/qemu", COMPILER_SUITE, directory, source(site, COMPILER_SUITE, architecture)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def apt_environment(site):
    """An apt with sources, indexes and status of its own."""
    base = os.path.join(SDK, "apt")
    for directory in ("etc/preferences.d", "lists/partial", "archives/partial", "parts"):
        os.makedirs(os.path.join(base, directory), exist_ok=True)
    with open(os.path.join(base, "sources.list"), "w") as file:
        file.write(source(site, COMPILER_SUITE, "arm64") + "\n" + source(site, KERNEL_SUITE, "arm64") + "\n")
    open(os.path.join(base, "status"), "w").close()
    path = os.path.join(base, "apt.conf")
    with open(path, "w") as file:
        file.write(f'''Dir "{base}"; Dir::Etc "{base}/etc"; Dir::Etc::Parts "{base}/parts"; Dir::Etc::SourceParts "{base}/parts";
Dir::Etc::SourceList "{base}/sources.list"; Dir::State "{base}"; Dir::State::Lists "{base}/lists"; Dir::State::Status "{base}/status";
Dir::Cache "{base}"; APT::Architecture "arm64"; APT::Architectures {{"arm64";}}; APT::Sandbox::User "root";
Acquire::Check-Valid-Until "false"; Acquire::Languages "none";
''')
    return dict(os.environ, APT_CONFIG=path)


def download(site):
    """Packages of which only a part is unpacked: the target's Swift libraries and the guest's kernel."""
    environment = apt_environment(site)
    directory = os.path.join(SDK, "apt", "archives")
    run(["apt-get", "update", "-qq"], env=environment)
    depends = run(["apt-cache", "show", "linux-image-arm64"], env=environment)
    kernel = re.search(r"linux-image-6\.12[^\s,(]*-arm64", depends)
    if kernel is None:
        raise Unavailable(f"{KERNEL_SUITE} has no linux-image-arm64 6.12")
    run(["apt-get", "download", "-qq", f"swiftlang/{COMPILER_SUITE}", f"libswiftlang/{COMPILER_SUITE}",
         f"{kernel.group(0)}/{KERNEL_SUITE}"], env=environment, cwd=directory)
    names = os.listdir(directory)
    return {prefix: os.path.join(directory, next(name for name in names if name.startswith(prefix)))
            for prefix in ("swiftlang_", "libswiftlang_", "linux-image-")}


def unpack(package, directory, *members):
    """Parts of a package's tree."""
    os.makedirs(directory, exist_ok=True)
    archive = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE)
    tar = subprocess.run(["tar", "-x", "-C", directory, *members], stdin=archive.stdout)
    archive.stdout.close()
    if tar.returncode != 0 or archive.wait() != 0:
        raise Unavailable(f"{os.path.basename(package)} does not unpack")


def unpack_kernel(package):
    unpack(package, os.path.join(SDK, "linux"), "--wildcards", "./boot/vmlinuz-*")
    os.rename(os.path.join(SDK, "linux", "boot"), KERNEL)
    shutil.rmtree(os.path.join(SDK, "linux"))


def merge_swift():
    """The target's Swift libraries at their place in the sysroot, and the links that installing would have made."""
    if not os.path.lexists(os.path.join(SYSROOT, "lib")):
        os.symlink("usr/lib", os.path.join(SYSROOT, "lib"))
    run(["cp", "-a", os.path.join(SDK, "swift", "usr"), SYSROOT])
    shutil.rmtree(os.path.join(SDK, "swift"))
    for name in ("swift", "swift_static"):
        link = os.path.join(SYSROOT, "usr", "lib", name)
        if not os.path.lexists(link):
            os.symlink(f"../libexec/swift/lib/{name}", link)


def write_bundle():
    """A Swift SDK bundle. Its paths are those within the chroot, where the SDK is mounted at its own path."""
    root = os.path.join(BUNDLES, f"{BUNDLE}.artifactbundle")
    target = os.path.join(root, BUNDLE, TRIPLE)
    os.makedirs(target)
    install = os.path.join(SYSROOT, "usr/lib/gcc/aarch64-linux-gnu", GCC)
    toolset = {"schemaVersion": "1.0", "rootPath": "/usr/libexec/swift/bin",
               "swiftCompiler": {"extraCLIOptions": ["-use-ld=lld", "-Xclang-linker", f"--gcc-install-dir={install}",
                                                     "-Xcc", f"--gcc-install-dir={install}"]},
               "cCompiler": {"extraCLIOptions": [f"--gcc-install-dir={install}"]},
               "cxxCompiler": {"extraCLIOptions": [f"--gcc-install-dir={install}"]}}
    sdk = {"schemaVersion": "4.0", "targetTriples": {TRIPLE: {
        "sdkRootPath": SYSROOT, "swiftResourcesPath": f"{SYSROOT}/{SWIFT}/lib/swift",
        "swiftStaticResourcesPath": f"{SYSROOT}/{SWIFT}/lib/swift_static", "toolsetPaths": ["toolset.json"]}}}
    info = {"schemaVersion": "1.0", "artifacts": {BUNDLE: {
        "type": "swiftSDK", "version": "1", "variants": [{"path": f"{BUNDLE}/{TRIPLE}"}]}}}
    for path, value in ((os.path.join(target, "toolset.json"), toolset), (os.path.join(target, "swift-sdk.json"), sdk),
                        (os.path.join(root, "info.json"), info)):
        with open(path, "w") as file:
            json.dump(value, file, indent=1)


def in_chroot(command, environment=()):
    """A command that runs `command` in the chroot, with the cache and the checkout at their own paths. Mounts
    are in a namespace of their own and end with it."""
    script = ["set -e", "mount --make-rprivate /"]
    for path in (CACHE, ROOT):
        inside = CHROOT + path
        script += [f"mkdir -p '{inside}'", f"mount --rbind '{path}' '{inside}'"]
    script += [f"mount -t proc proc '{CHROOT}/proc'", f"mount --rbind /dev '{CHROOT}/dev'",
               f"exec chroot '{CHROOT}' env -i HOME=/root PATH=/usr/libexec/swift/bin:/usr/bin:/bin LC_ALL=C.UTF-8 \"$@\""]
    return ["unshare", "--mount", "sh", "-c", "\n".join(script), "chroot", *[f"{key}={value}" for key, value in environment],
            "sh", "-c", f"cd '{ROOT}' && exec \"$@\"", "sh", *command]


def swift_version():
    text = run(in_chroot(["swiftc", "--version"]))
    return re.search(r"Swift version (\S+)", text).group(1)


def versions(site):
    """The versions of what the gateway links, as dpkg wrote them into the chroot."""
    text = run(["dpkg-query", f"--admindir={CHROOT}/var/lib/dpkg", "-W", "-f", "${Package} ${Version}\n"])
    found = dict(line.split() for line in text.splitlines())
    return {name: found[name] for name in ("swiftlang", "libc6-dev", "liburing-dev", "liblmdb-dev") if name in found}


if __name__ == "__main__":
    try:
        make()
    except Unavailable as reason:
        sys.exit(f"arm: {reason}")
