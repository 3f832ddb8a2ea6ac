"""A Postern process and the clients that the tests speak to it with: requests, curl and raw sockets."""

import contextlib
import json
import os
import re
import select
import signal
import socket
import subprocess
import tempfile
import time
from collections import namedtuple
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("POSTERN_BINARY", ROOT / ".build/release/postern"))
# Where the servers of all tests keep their messages, but for those that say so themselves: memory or disk.
LOG = os.environ.get("TEST_LOG", "memory")

CURSOR = re.compile(r"^[0-9a-v]{23}$")
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
FOREIGN_CURSOR = "00000000010000000000001"

Reply = namedtuple("Reply", "status headers body")


def eventually(probe, timeout=10.0, what="it"):
    """Waits until `probe` returns something true, and returns that."""
    deadline = time.monotonic() + timeout
    while True:
        result = probe()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come to pass within {timeout} s: {result!r}")
        time.sleep(0.005)


def environment(**variables):
    """The environment without any POSTERN_ variable but those given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("POSTERN_")}
    return kept | variables


class Server:
    """A server on a free loopback port, stopped by its own process id."""

    def __init__(self, *arguments, env=None, preexec=None, listen="127.0.0.1:0"):
        self.log = tempfile.TemporaryFile()
        options = ["--listen", listen] if listen else []
        self.directory = None
        if LOG == "disk" and "--data-dir" not in arguments:
            self.directory = tempfile.TemporaryDirectory(prefix="postern-test-")
            options += ["--data-dir", self.directory.name]
        self.process = subprocess.Popen(
            [BINARY, "serve", *options, *arguments],
            stdout=subprocess.PIPE,
            stderr=self.log,
            env=environment(**(env or {})),
            preexec_fn=preexec,
        )
        try:
            line = self._first_line(timeout=10)
            match = re.fullmatch(r"postern: listening on (https?://([^/]+):(\d+))\n", line)
            assert match, f"first line {line!r}, standard error {self.standard_error()!r}"
        except BaseException:
            self.kill()
            raise
        self.url, self.host, self.port = match[1], match[2], int(match[3])
        # What requests needs for each call: whom to trust, what to show.
        self.credentials = {}

    def next_line(self, timeout=10):
        """What the server says next on standard output."""
        return self._first_line(timeout)

    def _first_line(self, timeout):
        line = b""
        descriptor = self.process.stdout.fileno()
        deadline = time.monotonic() + timeout
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([descriptor], [], [], max(0, deadline - time.monotonic()))
            assert ready, "the server did not say where it listens"
            byte = os.read(descriptor, 1)
            if not byte:
                break
            line += byte
        return line.decode()

    @property
    def pid(self):
        return self.process.pid

    def standard_error(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def terminate(self, timeout=15):
        """Asks the server to drain, and returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout)
        self.process.stdout.close()
        return status

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    # Looks from outside

    def metrics(self):
        """Every sample of /metrics by its full name with labels."""
        text = requests.get(self.url + "/metrics", timeout=10, **self.credentials).text
        samples = {}
        for line in text.splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                samples[name] = float(value)
        return samples

    def metric(self, name, **labels):
        """The sum of a metric's samples that carry these labels."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        found = [
            value
            for sample, value in self.metrics().items()
            if sample.split("{")[0] == name and all(label in sample for label in wanted)
        ]
        assert found, f"there is no metric {name} with {labels}"
        return sum(found)

    def held_arenas(self):
        """Arenas that requests hold, but for the one of the request that asks."""
        return self.metric("postern_arena_pool_in_use") - 1

    def gets_all_arenas_back(self):
        eventually(lambda: self.held_arenas() == 0, what="every arena comes back")

    def waits_for(self, name, value, **labels):
        eventually(lambda: self.metric(name, **labels) == value, what=f"{name} {labels} == {value}")

    def resident_bytes(self):
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    # Clients

    def curl(self, *arguments, stdin=None):
        """What curl got. Paths that begin with a slash are this server's."""
        arguments = [self.url + part if str(part).startswith("/") else part for part in arguments]
        with tempfile.TemporaryDirectory() as folder:
            head, body = Path(folder) / "head", Path(folder) / "body"
            done = subprocess.run(
                ["curl", "-sS", "--max-time", "60", "-D", head, "-o", body, *arguments],
                input=stdin,
                capture_output=True,
            )
            assert done.returncode == 0, done.stderr.decode()
            last = head.read_bytes().decode("latin-1").strip().split("\r\n\r\n")[-1]
            lines = last.split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
            return Reply(int(lines[0].split()[1]), headers, body.read_bytes() if body.exists() else b"")

    def connect(self, timeout=10):
        return RawConnection(self.host, self.port, timeout)


class Api:
    """The contract's operations, through requests."""

    def __init__(self, server):
        self.server = server
        self.session = requests.Session()
        self.session.trust_env = False

    def request(self, method, path, **options):
        options = {"timeout": 90} | self.server.credentials | options
        return self.session.request(method, self.server.url + path, **options)

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def publish(self, topic, data="", content_type=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if content_type:
            headers["Content-Type"] = content_type
        return self.request("POST", f"/v1/topics/{topic}/messages", data=data, headers=headers)

    def publish_json(self, topic, value, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("POST", f"/v1/topics/{topic}/messages", json=value, headers=headers)

    def batch(self, *envelopes):
        return self.request("POST", "/v1/messages", json={"messages": list(envelopes)})

    def read(self, topic, **parameters):
        return self.get(f"/v1/topics/{topic}/messages", params=parameters)

    def messages(self, topic, **parameters):
        reply = self.read(topic, **parameters)
        assert reply.status_code == 200, reply.text
        return reply.json()["messages"]

    def only_message(self, topic, **parameters):
        messages = self.messages(topic, **parameters)
        assert len(messages) == 1, messages
        return messages[0]


class RawConnection:
    """A socket, for bytes that no client library would send."""

    def __init__(self, host, port, timeout=10):
        self.socket = socket.create_connection((host, port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.held = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Closes with RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.socket.close()

    def send(self, *parts):
        for part in parts:
            self.socket.sendall(part.encode("latin-1") if isinstance(part, str) else part)
        return self

    def get(self, target, *headers):
        return self.send(request("GET", target, *headers))

    def _fill(self):
        try:
            more = self.socket.recv(65536)
        except ConnectionResetError:
            more = b""
        self.held += more
        return bool(more)

    def _until(self, mark):
        while mark not in self.held:
            if not self._fill():
                raise EOFError(f"the server closed after {self.held!r}")
        taken, _, self.held = self.held.partition(mark)
        return taken

    def _exactly(self, count):
        while len(self.held) < count:
            if not self._fill():
                raise EOFError(f"the server closed {count - len(self.held)} bytes early")
        taken, self.held = self.held[:count], self.held[count:]
        return taken

    def reply(self, to="GET"):
        """The next reply, an interim one included."""
        lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        status = int(lines[0].split()[1])
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            assert name.lower() not in headers, f"{name} stands twice in {lines}"
            headers[name.lower()] = value.strip()
        if status < 200 or status in (204, 304) or to == "HEAD":
            return Reply(status, headers, b"")
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(self._until(b"\r\n"), 16):
                body += self._exactly(size)
                assert self._exactly(2) == b"\r\n"
            assert self._until(b"\r\n") == b""
            return Reply(status, headers, body)
        return Reply(status, headers, self._exactly(int(headers["content-length"])))

    def is_closed_by_server(self):
        """Waits for the server to close; false when it says something more instead."""
        return not self.held and not self._fill()


def request(method, target, *headers, body=b"", host="postern.test", version="HTTP/1.1"):
    """A request's bytes; Content-Length is there where the body is not empty."""
    lines = [f"{method} {target} {version}", *([f"Host: {host}"] if host else []), *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


@contextlib.contextmanager
def serving(*arguments, **options):
    """A server of one's own, killed at the end where it still runs."""
    server = Server(*arguments, **options)
    try:
        yield server
    finally:
        server.kill()


Event = namedtuple("Event", "name id data")


class Stream(RawConnection):
    """A stream, read off the socket without any library between."""

    def __init__(self, server, target, *headers, version="HTTP/1.1", timeout=10, sse=True, narrow=False):
        self.held = b""
        self.socket = socket.socket()
        if narrow:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(timeout)
        self.socket.connect((server.host, server.port))
        accept = ["Accept: text/event-stream"] if sse else []
        self.send(request("GET", target, *accept, *headers, version=version))
        head = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        self.status = int(head[0].split()[1])
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        self.is_chunked = self.headers.get("transfer-encoding") == "chunked"
        self.text = b""
        self.has_ended = False
        if self.status != 200:
            self.problem = json.loads(self._exactly(int(self.headers["content-length"])))

    def _more(self):
        """One chunk more of the stream's text; False at its end."""
        if self.has_ended:
            return False
        if not self.is_chunked:
            if not self.held and not self._fill():
                self.has_ended = True
                return False
            self.text, self.held = self.text + self.held, b""
            return True
        size = int(self._until(b"\r\n"), 16)
        self.text += self._exactly(size)
        assert self._exactly(2) == b"\r\n"
        self.has_ended = size == 0
        return size > 0

    def line(self):
        """The next line; None at the end of the stream."""
        while b"\n" not in self.text:
            if not self._more():
                assert not self.text, f"the stream was cut in {self.text!r}"
                return None
        line, _, self.text = self.text.partition(b"\n")
        return line.decode()

    def event(self):
        """The next server-sent event, comments passed over; None at the end of the stream."""
        fields = {}
        while (line := self.line()) is not None:
            if line == "":
                if "data" in fields:
                    return Event(fields.get("event", "message"), fields.get("id"), fields["data"])
                fields = {}
            elif not line.startswith(":"):
                name, _, value = line.partition(": ")
                assert name in ("id", "data", "event", "retry") and name not in fields, line
                fields[name] = value
        assert not fields
        return None

    def events(self, count):
        return [self.event() for _ in range(count)]

    def message(self):
        """The next message; what comes before it is none of the events that tell of a loss or an end."""
        while True:
            event = self.event()
            if event is None:
                raise EOFError("the stream ended")
            if event.name == "message":
                message = json.loads(event.data)
                assert message["cursor"] == event.id
                return message
            assert event.name == "position", event

    def messages(self, count):
        return [self.message() for _ in range(count)]
