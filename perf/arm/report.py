"""What `make arm` has found, as one value, as text, and as a page."""
import datetime, html, json, os

RATIO_MAX, HEADROOM_MIN = 1.15, 4
SECONDS_MAX, SECONDS_FIRST_MAX, DISK_BYTES_MAX = 360, 900, 6 * 10**9
CAVEAT = ("An emulated guest's times are a bound, not a prediction: QEMU translates every instruction, on the processors of this machine, which "
          "the load generator shares. Latencies on hardware are lower and capacities higher. Instructions and system calls do not depend on it.")


def check(name, limit, measured, passed, unit=""):
    return {"name": name, "limit": limit, "measured": measured, "passed": bool(passed), "unit": unit}


def document(found, files, times, versions, is_native, plan, disk):
    """The report; `passed` is over what the gateway promises, while the times of `make arm` itself are beside it."""
    baseline = next((json.loads(data) for name, data in files.items() if name.startswith("baseline-") and name.endswith(".json")), None)
    checks, backends = [], {}
    if "tests" in plan["steps"]:
        tests = found["tests"]
        checks.append(check("conformance tests", "all pass", f"{tests.get('tests', 0)} tests: {tests.get('summary') or tests.get('error')}",
                            tests.get("passed")))
    if "baseline" in plan["steps"]:
        if baseline is None:
            checks.append(check("baseline", "runs", f"status {found['baseline'].get('status')}", False))
        else:
            checks += baseline_checks(baseline, plan, backends)
    for row in found.get("counts", []):
        checks.append(check(f"instructions, {row['workload']}, depth {row['depth']}", RATIO_MAX, row["ratio"], row["ratio"] <= RATIO_MAX,
                            "aarch64 / x86-64"))
    if "syscalls" in plan["steps"] and not (found["syscalls"]["aarch64"] or {}).get("io_uring"):
        checks.append(check("system calls", "counted", str((found["syscalls"]["aarch64"] or {}).get("error")), False))
    limit = SECONDS_FIRST_MAX if times.get("sdk made now") else SECONDS_MAX
    return {"date": datetime.date.today().isoformat(), "passed": all(each["passed"] for each in checks), "checks": checks,
            "emulated": not is_native, "caveat": None if is_native else CAVEAT, "machine": found.get("facts"), "versions": versions,
            "options": {key: plan[key] for key in ("steps", "seconds", "records", "rooms")},
            "backends": backends, "tests": found.get("tests"), "import_seconds": (found.get("baseline") or {}).get("import_seconds"),
            "instructions": found.get("counts") or found.get("instructions"), "syscalls": found.get("syscalls"),
            "run": {"seconds": times, "seconds_max": limit, "within_time": times["all"] <= limit, "disk_bytes": disk,
                    "within_disk": disk <= DISK_BYTES_MAX}}


def baseline_checks(baseline, plan, backends):
    checks = []
    for run in baseline["runs"]:
        capacity = run["capacity"]
        for each in run["checks"]:
            checks.append(dict(each, name=f"{run['io']}: {each['name']}"))
        if run["status"] == 3:
            checks.append(check(f"{run['io']}: load generator", "keeps up", "; ".join(run["report"]["generator"]["bottlenecks"]), False))
        if plan["capacity"]:
            headroom = (capacity or {}).get("headroom") or 0
            checks.append(check(f"{run['io']}: capacity", HEADROOM_MIN, headroom, headroom >= HEADROOM_MIN, "times 500 requests/s"))
        backends[run["io"]] = run
    for io in ("io_uring", "epoll"):
        if io not in backends:
            checks.append(check(f"{io}: baseline", "ran", "no", False))
    return checks


def shown(value, unit):
    if isinstance(value, str):
        return value
    if unit == "us":
        return f"{value / 1000:.2f} ms"
    if unit == "bytes":
        return f"{value / (1 << 20):,.0f} MiB"
    return f"{value:,.3f}".rstrip("0").rstrip(".")


def bound(each):
    """The limit, with how it is compared."""
    if isinstance(each["limit"], str):
        return each["limit"]
    name = each["name"].split(": ")[-1]
    sign = {"errors": "=", "achieved rate": "≥", "capacity": "≥", "p95": "<", "p99": "<"}.get(name, "≤")
    return f"{sign} {shown(each['limit'], each['unit'])}"


def show(document):
    """The verdict on the terminal."""
    for each in document["checks"]:
        print(f"  {'ok  ' if each['passed'] else 'FAIL'}  {each['name']:<34}{shown(each['measured'], each['unit']):>14}   {bound(each)}"
              + (f" {each['unit']}" if each["unit"] not in ("us", "bytes", "requests") else ""))
    run = document["run"]
    print(f"  {'ok  ' if run['within_time'] else 'late'}  {'time of all this':<34}{run['seconds']['all']:>12,.0f} s   ≤ {run['seconds_max']} s")
    print(f"  {'ok  ' if run['within_disk'] else 'much'}  {'disk':<34}{run['disk_bytes'] / 1e9:>11,.1f} GB   ≤ 6 GB")


def write(document, files, directory, date):
    """arm-<date>.json, .html, the load generator's page of each backend, and the flame graphs."""
    base = os.path.join(directory, f"arm-{date}")
    pages = {}
    for name, data in files.items():
        if name.startswith("flame-") or (name.startswith("baseline-") and name.endswith(".html")):
            pages[name] = f"arm-{date}-" + (name if name.startswith("flame-") else name.removeprefix(f"baseline-{date}-"))
            with open(os.path.join(directory, pages[name]), "wb") as file:
                file.write(data)
    with open(base + ".json", "w") as file:
        json.dump(document, file, indent=1)
        file.write("\n")
    with open(base + ".html", "w") as file:
        file.write(page(document, sorted(pages.values())))
    print(f"report: {os.path.relpath(base, os.getcwd())}.json and .html")


STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1c1c1c;background:#fdfdfb}
table{border-collapse:collapse;margin:1rem 0}td,th{padding:.2rem .8rem;border-bottom:1px solid #ddd;text-align:left}
td.n{text-align:right;font-variant-numeric:tabular-nums}.ok{color:#1a7f37}.no{color:#b3261e;font-weight:bold}
code{font:13px ui-monospace,Menlo,Consolas,monospace;overflow-wrap:anywhere}img{width:100%;border:1px solid #ddd}
@media(prefers-color-scheme:dark){body{background:#161616;color:#ddd}td,th{border-color:#444}.ok{color:#56d364}.no{color:#ff7b72}}"""


def rows(cells, head=None):
    """A table; cells that are numbers stand to the right."""
    def cell(value, tag="td"):
        is_number = isinstance(value, (int, float))
        text = f"{value:,.4f}".rstrip("0").rstrip(".") if is_number else html.escape(str(value))
        return f"<{tag}{' class=n' if is_number else ''}>{text}</{tag}>"
    top = "<tr>" + "".join(cell(value, "th") for value in head) + "</tr>" if head else ""
    return "<table>" + top + "".join("<tr>" + "".join(cell(value) for value in row) + "</tr>" for row in cells) + "</table>"


def page(document, pages):
    verdict = "passed" if document["passed"] else "FAILED"
    machine, versions = document["machine"] or {}, document["versions"]
    parts = [f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
             f"<title>ARM64, {document['date']}: {verdict}</title><style>{STYLE}</style><h1>svc-gateway on ARM64: "
             f"<span class={'ok' if document['passed'] else 'no'}>{verdict}</span></h1>"]
    where = "in a QEMU guest" if document["emulated"] else "natively"
    parts.append(f"<p>{document['date']}, {where}.</p>")
    if document["caveat"]:
        parts.append(f"<p><strong>{html.escape(document['caveat'])}</strong></p>")
    facts = [("kernel", versions["kernel"]), ("QEMU", versions["qemu"]), ("compiler", f"Swift {versions['swift']}"),
             *[(name, value) for name, value in versions["packages"].items()],
             *[(key.replace("_", " "), value) for key, value in machine.items() if key not in ("kernel",)]]
    parts.append(rows([(key, str(value)) for key, value in facts if value is not None]))
    parts.append("<h2>Checks</h2>" + rows(
        [("ok" if each["passed"] else "FAIL", each["name"], shown(each["measured"], each["unit"]), bound(each), each["unit"])
         for each in document["checks"]], ("", "what", "measured", "limit", "unit")))
    parts.append("".join(f"<p><a href='{html.escape(name)}'>{html.escape(name)}</a></p>" for name in pages if name.endswith(".html")))
    tests = document["tests"] or {}
    parts.append("".join(f"<p>Not run when emulated: <code>{html.escape(name)}</code>: {html.escape(why)}.</p>"
                         for name, why in tests.get("skipped", {}).items()))
    parts.append("".join(f"<p class=no>{html.escape(issue)}</p>" for issue in tests.get("issues", [])))
    parts.append(counted(document))
    for name in pages:
        if name.endswith(".svg"):
            parts.append(f"<h3>{html.escape(name)}</h3><a href='{html.escape(name)}'><img alt='flame graph' src='{html.escape(name)}'></a>")
    run = document["run"]
    parts.append("<h2>The run</h2>" + rows([(key, value) for key, value in run["seconds"].items()], ("step", "seconds")))
    return "\n".join(parts) + "</html>\n"


def counted(document):
    """The tables of instructions and system calls."""
    parts, table = [], document["instructions"]
    if isinstance(table, list) and table:
        parts.append("<h2>Instructions per request</h2><p>User space, the worker's thread, epoll, counted by QEMU's user mode for both.</p>")
        parts.append(rows([(row["workload"], row["depth"], row["aarch64"]["instructions"], row["x86_64"]["instructions"], row["ratio"],
                            sum(row["aarch64"]["syscalls"].values()), sum(row["x86_64"]["syscalls"].values())) for row in table],
                          ("request", "depth", "aarch64", "x86-64", "ratio", "system calls, aarch64", "x86-64")))
        for row in table:
            parts.append(f"<h3>{row['workload']}, depth {row['depth']}: top ten functions</h3>" + rows(
                [(each["name"], each["aarch64"], each["x86_64"]) for each in row["functions"]], ("function", "aarch64", "x86-64")))
    syscalls = document["syscalls"]
    if syscalls:
        cells = []
        for architecture, backends in syscalls.items():
            for io, depths in (backends or {}).items():
                for depth, each in depths.items() if isinstance(depths, dict) else []:
                    names = ", ".join(f"{name} {value:g}" for name, value in each["calls"].items())
                    cells.append((io, int(depth), architecture, sum(each["calls"].values()), names))
        parts.append("<h2>System calls per resolve</h2><p>By strace, on both backends; 16 connections in lock step.</p>"
                     + rows(sorted(cells), ("backend", "depth", "architecture", "calls", "which")))
    return "".join(parts)
