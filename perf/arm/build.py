"""Builds the gateway, its tools and the tests of the data path for aarch64, and the gateway for x86-64 with the same compiler.

The packages are resolved by the machine's own Swift, outside the chroot; inside there is no network and nothing is resolved. The three builds run at
once, for optimising a whole module keeps one processor busy only.
"""
import concurrent.futures, os, shutil, sys, time
import sdk
from sdk import BUNDLE, BUNDLES, CACHE, ROOT, note

PARTS = ("programs", "tests", "x86")
PRODUCTS = ("svc-gateway", "ronctl", "oap-bench")
CROSS = ["--swift-sdks-path", BUNDLES, "--swift-sdk", BUNDLE]
# The same for both architectures.
RELEASE = ["-c", "release", "--static-swift-stdlib", "--disable-index-store"]
# The tests of the data path, a package of their own: the whole package's take far longer to build. What CI runs is less again.
TESTS_PACKAGE = os.path.join(CACHE, "tests")
SMOKE_ROOMS = ["OAPTests", "ReactorConformanceTests"]
# Those that meet no kernel run in QEMU's user mode, which is faster than its whole machine; the others in the guest.
USER_ROOMS = ["OAPTests", "AdmissionTests", "ForwardingTests", "GatewayTests"]
GUEST_ROOMS = ["ReactorConformanceTests", "IndexStoreTests", "GatewayRuntimeTests"]
ROOMS = USER_ROOMS + GUEST_ROOMS
SOURCES = ["CLibURing", "CLMDB", "CIngress", "OAP", "Admission", "Telemetry", "Forwarding", "Reactor", "IndexStore", "Gateway",
           "GatewayRuntime", "GatewayTesting"]
REDUCED = """
let kept: Set = [%s]
package.targets.removeAll { !kept.contains($0.name) }
package.products = []
package.dependencies = []
for target in package.targets {
    // A tool that the tests run; it comes from the release build.
    target.dependencies.removeAll { "\\($0)".contains("ronctl") }
}
"""


def scratch(part):
    return os.path.join(CACHE, f"build-{part}")


def arm(name):
    """A program of the release build for aarch64."""
    return os.path.join(scratch("programs"), sdk.TRIPLE, "release", name)


def tests(part="tests"):
    """The program that runs the tests of the data path."""
    return os.path.join(scratch(part), sdk.TRIPLE, "debug" if part == "smoke" else "release", "svc-gatewayPackageTests.xctest")


def x86(name):
    return os.path.join(scratch("x86"), "release", name)


def x86_loader():
    """The start of a command that runs an x86-64 program on this machine, with the C library that it was linked for."""
    libraries = os.path.join(sdk.CHROOT, "usr/lib/x86_64-linux-gnu")
    return [os.path.join(libraries, "ld-linux-x86-64.so.2"), "--library-path", libraries]


def build(parts):
    """Builds some of PARTS, and returns the seconds that each took."""
    note(f"building {', '.join(parts)} with Swift {sdk.cached()['swift']}")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return dict(pool.map(lambda part: (part, timed(part)), parts))


def timed(part):
    start = time.monotonic()
    {"programs": build_programs, "tests": build_tests, "x86": build_x86, "smoke": build_smoke}[part]()
    seconds = round(time.monotonic() - start, 1)
    note(f"built {part} in {seconds:.0f} s")
    return seconds


def build_programs():
    resolve(scratch("programs"))
    for product in PRODUCTS:
        swift_build("programs", [*CROSS, *RELEASE, "--product", product], is_cross=True)


def build_x86():
    resolve(scratch("x86"))
    # The newest GCC in the chroot is the one that Swift pulls in, without C++; take the one of the sysroot, as the bundle does.
    gcc = f"--gcc-install-dir=/usr/lib/gcc/x86_64-linux-gnu/{sdk.GCC}"
    flags = ["-Xcc", gcc, "-Xcxx", gcc, "-Xswiftc", "-Xclang-linker", "-Xswiftc", gcc]
    for product in ("svc-gateway", "ronctl"):
        swift_build("x86", [*RELEASE, *flags, "--product", product], is_cross=False)


def build_tests():
    # Optimised as what ships is: an emulated processor takes ten times as long for the simulations of a debug build.
    build_reduced("tests", ROOMS, ["-c", "release", "-Xswiftc", "-enable-testing"])


def build_smoke():
    build_reduced("smoke", SMOKE_ROOMS, [])


def build_reduced(part, rooms, options):
    """Builds the tests of some rooms as a package of their own, beside links to the checkout."""
    package = os.path.join(CACHE, part)
    os.makedirs(package, exist_ok=True)
    for name in ("Sources", "Tests", "configs"):
        link = os.path.join(package, name)
        if not os.path.islink(link):
            os.symlink(os.path.join(ROOT, name), link)
    with open(os.path.join(ROOT, "Package.swift")) as file:
        manifest = file.read() + REDUCED % ", ".join(f'"{name}"' for name in (*rooms, *SOURCES))
    path = os.path.join(package, "Package.swift")
    if not os.path.exists(path) or open(path).read() != manifest:
        with open(path, "w") as file:
            file.write(manifest)
    # Debian's package has the overlay's module and not its library.
    overlay = ["-Xswiftc", "-Xfrontend", "-Xswiftc", "-disable-cross-import-overlays"]
    swift_build(part, [*CROSS, *options, "--package-path", package, "--build-tests", "--disable-xctest", *overlay], is_cross=True)


def swift_build(part, options, is_cross):
    """Runs SwiftPM in the chroot. The flags of C libraries are those of the target, which its sysroot describes."""
    environment = [("GATEWAY_COMMIT", os.environ.get("GATEWAY_COMMIT", "unknown"))]
    if is_cross:
        environment.append(("PKG_CONFIG_PATH", os.path.join(sdk.SYSROOT, "usr/lib/aarch64-linux-gnu/pkgconfig")))
    sdk.run(sdk.in_chroot(["swift-build", "--scratch-path", scratch(part), "--disable-automatic-resolution", *options],
                          environment))


def resolve(directory):
    """The checkouts, made by the machine's own Swift."""
    if os.path.exists(os.path.join(directory, "workspace-state.json")):
        return
    if shutil.which("swift") is None:
        raise sdk.Unavailable("no 'swift' in PATH, which resolves the packages")
    sdk.run(["swift", "package", "--scratch-path", directory, "resolve"], cwd=ROOT)


if __name__ == "__main__":
    try:
        sdk.make()
        build(sys.argv[1:] or PARTS)
    except sdk.Unavailable as reason:
        sys.exit(f"arm: {reason}")
