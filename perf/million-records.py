#!/usr/bin/env python3
"""A million records, imported and resolved at random over 50 connections on both backends; ready within 2 s of the start.

Needs `make build`. Exit status 1 when an answer was not a 200 or readiness came late.
"""
import os, shutil, sys, tempfile, time
from harness import Gateway, import_index, write_records

READY_SECONDS_MAX = 2.0


def main():
    work = tempfile.mkdtemp(prefix="million-records-")
    late = False
    try:
        lines, keys = write_records(work, 1_000_000)
        index = os.path.join(work, "index")
        start = time.monotonic()
        import_index(lines, index)
        print(f"imported 1,000,000 records in {time.monotonic() - start:.1f} s")
        for io in ("io_uring", "epoll"):
            gateway = Gateway(io, index)
            late = late or gateway.ready_seconds > READY_SECONDS_MAX
            report = gateway.bench(3, 50, 16, keys)
            gateway.stop()
            print(f"{io:<9} ready after {gateway.ready_seconds * 1000:.0f} ms; {report['requests']:,} resolved, all of them 200")
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
