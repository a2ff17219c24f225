#!/usr/bin/env python3
"""User memory of 10,000 idle connections, on both backends: the goal is under 1 KiB each.

Counts the growth of anonymous memory (/proc/PID/smaps_rollup) from a warmed-up gateway to one with all connections open, and
checks that descriptors return to their number when the connections close. Exit status 1 when one of both fails.

Needs `make build`, and descriptors: fewer connections are opened where the hard limit is low, and it says so.
"""
import os, shutil, socket, sys, tempfile, time
from harness import ROOT, Gateway, anonymous_bytes, descriptors, import_index, raise_descriptor_limit

CONNECTIONS = 10_000
BYTES_MAX = 1024


def main():
    hard = raise_descriptor_limit()
    count = min(CONNECTIONS, hard - 512)
    if count < CONNECTIONS:
        print(f"{count:,} connections instead of {CONNECTIONS:,}: the hard limit of descriptors is {hard:,}")
    work = tempfile.mkdtemp(prefix="idle-connections-")
    failed = False
    try:
        index = os.path.join(work, "index")
        import_index(os.path.join(ROOT, "configs", "sample-index.jsonl"), index)
        for io in ("io_uring", "epoll"):
            gateway = Gateway(io, index)
            pid = gateway.process.pid
            gateway.bench(1, 50, 16)
            time.sleep(1)
            before, open_before = anonymous_bytes(pid), descriptors(pid)
            clients = [socket.create_connection(("127.0.0.1", gateway.port)) for _ in range(count)]
            time.sleep(1)
            each = (anonymous_bytes(pid) - before) / count
            for client in clients:
                client.close()
            for _ in range(100):
                if descriptors(pid) <= open_before:
                    break
                time.sleep(0.1)
            left = descriptors(pid) - open_before
            failed = failed or each > BYTES_MAX or left > 0
            print(f"{io:<9} {count:,} idle connections: {each:.0f} bytes of user memory each; descriptors left over: {max(left, 0)}")
            gateway.stop()
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
