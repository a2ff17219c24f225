"""OAP/1 requests in exact numbers: bursts of frames whose answers are counted and checked, for what is counted per request."""
import os, signal, socket, struct, time

HEADER = struct.Struct(">IHHHH16sHQ")
REQUEST, END = 1, 16


def ping(correlation, payload=b"p" * 20):
    return HEADER.pack(38 + len(payload), 1, REQUEST, 1, 0, b"\0" * 15 + b"\1", 0, correlation) + payload


def resolve(keys):
    """A frame per call, the keys in turn."""
    def frame(correlation):
        key = keys[correlation % len(keys)]
        return HEADER.pack(38 + len(key), 1, REQUEST, 0, 0x0101, b"\0" * 15 + b"\1", 0, correlation) + key
    return frame


class Load:
    """Connections that send `depth` frames each and read as many answers, round by round. With `pid`, that process stands still while
    they send, so that one turn of it finds all of them ready: what saturation looks like, and the same each time."""

    def __init__(self, port, connections, depth, frame, pid=None):
        self.pid = pid
        self.sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(connections)]
        self.depth, self.frame, self.correlation = depth, frame, 0
        for connection in self.sockets:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(30)

    def run(self, rounds):
        """Returns the number of requests, each of which was answered with 200."""
        for _ in range(rounds):
            self.signal(signal.SIGSTOP)
            try:
                for connection in self.sockets:
                    connection.sendall(b"".join(self.frame(self.correlation + i) for i in range(self.depth)))
                    self.correlation += self.depth
            finally:
                self.signal(signal.SIGCONT)
            for connection in self.sockets:
                self.read(connection)
        return rounds * len(self.sockets) * self.depth

    def signal(self, number):
        if self.pid is not None:
            os.kill(self.pid, number)

    def read(self, connection):
        buffer, answers, offset = b"", 0, 0
        while answers < self.depth:
            more = connection.recv(1 << 20)
            if not more:
                raise RuntimeError("the gateway has closed a connection")
            buffer += more
            while len(buffer) - offset >= HEADER.size:
                length, _, _, status, *_ = HEADER.unpack_from(buffer, offset)
                if len(buffer) - offset < length:
                    break
                if status != 200:
                    raise RuntimeError(f"an answer has status {status}: {buffer[offset + 38:offset + length]!r}")
                offset += length
                answers += 1

    def close(self):
        for connection in self.sockets:
            connection.close()


def ready(process, port, seconds):
    """Waits until the gateway resolves; RuntimeError when it ends or takes longer."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"it ended with status {process.returncode}")
        try:
            load = Load(port, 1, 1, resolve([b"name:hello"]))
            try:
                load.run(1)
                return
            except RuntimeError:
                pass
            finally:
                load.close()
        except OSError:
            pass
        time.sleep(0.1)
    raise RuntimeError(f"it did not resolve within {seconds} s")
