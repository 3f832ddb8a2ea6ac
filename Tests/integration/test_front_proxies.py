"""Behind nginx and HAProxy, as deploy/ configures them: everything works, and nobody smuggles a request past them."""

import contextlib
import itertools
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import threading
import time

import pytest

from client import ROOT, Api, RawConnection, Server, Stream, eventually, request, serving
from smuggling import NAMES, attempts, head, hidden

NGINX_AROUND = """
error_log stderr;
pid {directory}/pid;
worker_processes 1;
{user}
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    include {directory}/postern.conf;
}}
"""


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def put(text, old, new):
    """`text` with the one line's part `old` in the kept example changed."""
    assert text.count(old) >= 1, f"{old!r} is not in the example any more"
    return text.replace(old, new)


class Proxy:
    """nginx or HAProxy on a free loopback port in front of another one, by the example in deploy/."""

    def __init__(self, kind, upstream, directory):
        self.kind, self.host, self.port = kind, "127.0.0.1", free_port()
        self.url = f"http://{self.host}:{self.port}"
        self.credentials = {}
        command = shutil.which(kind) or f"/usr/sbin/{kind}"
        if kind == "nginx":
            site = (ROOT / "deploy/nginx.conf").read_text()
            site = put(site, "server 127.0.0.1:8080;", f"server 127.0.0.1:{upstream};")
            site = put(site, "listen 80;", f"listen 127.0.0.1:{self.port};")
            (directory / "postern.conf").write_text(site)
            user = "user root;" if os.geteuid() == 0 else ""
            (directory / "nginx.conf").write_text(NGINX_AROUND.format(directory=directory, user=user))
            arguments = ["-p", directory, "-c", directory / "nginx.conf", "-g", "daemon off;"]
        else:
            text = (ROOT / "deploy/haproxy.cfg").read_text()
            text = put(text, "server postern 127.0.0.1:8080", f"server postern 127.0.0.1:{upstream}")
            text = put(text, "bind :80", f"bind 127.0.0.1:{self.port}")
            # One thread, so that all clients share its connections.
            text = put(text, "maxconn 20000", "maxconn 500\n    nbthread 1")
            (directory / "haproxy.cfg").write_text(put(text, "maxconn 15000", "maxconn 400"))
            arguments = ["-db", "-f", directory / "haproxy.cfg"]
        self.log = open(directory / "log", "w+b")
        self.process = subprocess.Popen([command, *arguments], stdout=self.log, stderr=self.log)
        try:
            eventually(self.answers, what=f"{kind} listens")
        except BaseException:
            self.end()
            raise

    def answers(self):
        assert self.process.poll() is None, f"{self.kind} ended: {self.said()}"
        with contextlib.suppress(OSError):
            return bool(socket.create_connection((self.host, self.port), 1).close() or True)

    def said(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def connect(self, timeout=10):
        return RawConnection(self.host, self.port, timeout)

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


@pytest.fixture(scope="module")
def postern():
    server = Server("--loops", "1")
    yield server
    assert server.terminate() == 0, server.standard_error()


@pytest.fixture(scope="module", params=["nginx", "haproxy"])
def proxy(request, postern, tmp_path_factory):
    proxy = Proxy(request.param, postern.port, tmp_path_factory.mktemp(request.param))
    yield proxy
    proxy.end()


@pytest.fixture
def through(proxy):
    return Api(proxy)


numbers = itertools.count(1)


# What clients do


@pytest.mark.parametrize("command, arguments", [("nginx", ["-t"]), ("haproxy", ["-c", "-q", "-f"])])
def test_the_examples_are_well_formed(command, arguments, tmp_path):
    if command == "haproxy":
        arguments = [*arguments, ROOT / "deploy/haproxy.cfg"]
    else:
        (tmp_path / "postern.conf").write_text((ROOT / "deploy/nginx.conf").read_text())
        (tmp_path / "nginx.conf").write_text(NGINX_AROUND.format(directory=tmp_path, user=""))
        arguments = [*arguments, "-p", tmp_path, "-c", tmp_path / "nginx.conf"]
    done = subprocess.run([shutil.which(command) or f"/usr/sbin/{command}", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_publishes_and_polls(through, topic):
    receipt = through.publish(topic, "hello", Idempotency_Key="one", Attr_Colour="blue")
    assert receipt.status_code == 201, receipt.text
    assert through.publish(topic, "hello", Idempotency_Key="one").status_code == 200
    message = through.only_message(topic)
    assert (message["data"], message["attributes"]) == ("hello", {"colour": "blue"})
    assert message["cursor"] == receipt.json()["cursor"]
    problem = through.read(topic, wiat="30s")
    assert problem.status_code == 400 and problem.headers["content-type"] == "application/problem+json"


def test_the_largest_body_passes(through, topic):
    body = "x" * (1 << 20)
    assert through.publish(topic, body).status_code == 201
    assert through.only_message(topic)["data"] == body
    assert through.publish(topic, body + "x").status_code == 413


def test_a_body_sent_in_chunks_passes(through, topic):
    reply = through.request("POST", f"/v1/topics/{topic}/messages", data=iter([b"in ", b"chunks"]))
    assert reply.status_code == 201
    assert through.only_message(topic)["data"] == "in chunks"


def test_a_long_poll_is_answered_at_once(through, postern, topic, background):
    poll = background(lambda: through.read(topic, wait="30s"))
    postern.waits_for("postern_poll_waiters", 1)
    began = time.monotonic()
    Api(postern).publish(topic, "news")
    assert [message["data"] for message in poll.result(10).json()["messages"]] == ["news"]
    assert time.monotonic() - began < 2


def test_a_long_poll_whose_client_leaves_is_ended(proxy, postern, topic):
    with proxy.connect() as connection:
        connection.get(f"/v1/topics/{topic}/messages?wait=60s")
        postern.waits_for("postern_poll_waiters", 1)
    postern.waits_for("postern_poll_waiters", 0)


@pytest.mark.parametrize("sse", [True, False], ids=["server-sent events", "NDJSON"])
def test_a_stream_is_not_gathered(proxy, postern, topic, sse):
    """Each message comes while the next is not even published, and at once."""
    accept = [] if sse else ["Accept: application/x-ndjson"]
    stream = Stream(proxy, f"/v1/topics/{topic}/messages", *accept, sse=sse)
    with contextlib.closing(stream):
        assert stream.status == 200
        api, times = Api(postern), []
        for number in range(20):
            began = time.monotonic()
            api.publish(topic, str(number))
            if sse:
                assert stream.message()["data"] == str(number)
            else:
                assert json.loads(next(line for line in iter(stream.line, None) if line))["data"] == str(number)
            times.append(time.monotonic() - began)
        assert statistics.median(times) < 0.1, times
    postern.waits_for("postern_streams", 0)


def test_connections_to_postern_are_kept_and_shared(proxy, through, postern):
    for _ in range(3):
        through.get("/livez")
    before = postern.metric("postern_connections_accepted_total")
    for _ in range(50):
        with proxy.connect() as connection:
            assert connection.get("/livez").reply().status == 200
    # The look at the metrics came over a connection of its own.
    assert postern.metric("postern_connections_accepted_total") - before <= 5


def test_metrics_are_not_for_everybody(through):
    assert through.get("/metrics").status_code == 404


@pytest.mark.parametrize("kind", ["nginx", "haproxy"])
def test_the_clients_address_is_forwarded(kind, tmp_path):
    """What Postern is sent, as a bare socket in its place sees it. What a client says of itself is not passed on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        proxy = Proxy(kind, listener.getsockname()[1], tmp_path)
        try:
            client = RawConnection.__new__(RawConnection)
            client.held = b""
            client.socket = socket.create_connection((proxy.host, proxy.port), 10, source_address=("127.0.0.77", 0))
            client.get("/livez", "X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: gopher")
            upstream, _ = listener.accept()
            with upstream:
                upstream.settimeout(10)
                seen = b""
                while b"\r\n\r\n" not in seen:
                    seen += upstream.recv(65536)
                upstream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                assert client.reply().status == 200
            client.close()
        finally:
            proxy.end()
    fields = [line.lower() for line in seen.decode("latin-1").split("\r\n")]
    assert [field for field in fields if field.startswith("x-forwarded-for:")] == ["x-forwarded-for: 127.0.0.77"]
    assert [field for field in fields if field.startswith("x-forwarded-proto:")] == ["x-forwarded-proto: http"]
    assert "host: postern.test" in fields
    assert fields[0] == "get /livez http/1.1"


# What smugglers do


def everything(connection, seconds=0.25):
    """What comes until the peer closes or is silent for so long; and whether it closed."""
    said = b""
    connection.socket.settimeout(seconds)
    while True:
        try:
            more = connection.socket.recv(65536)
        except TimeoutError:
            return said, False
        except OSError:
            return said, True
        if not more:
            return said, True
        said += more
        connection.socket.settimeout(0.05)


def send(connection, sent):
    """The peer may close before all of it is sent."""
    with contextlib.suppress(OSError):
        connection.send(sent)


def is_there(postern, canary):
    with postern.connect() as connection:
        status = connection.get(f"/v1/topics/{canary}").reply().status
    assert status in (200, 404)
    return status == 200


def visit(server):
    """A victim: somebody else, who must get the reply to what he asked, and no other."""
    own = f"victim-{next(numbers)}"
    with server.connect() as connection:
        reply = connection.send(request("POST", f"/v1/topics/{own}/messages", body=own.encode())).reply()
        assert reply.status == 201 and json.loads(reply.body)["topic"] == own, reply
        reply = connection.get(f"/v1/topics/{own}/messages").reply()
        assert [message["data"] for message in json.loads(reply.body)["messages"]] == [own], reply


def test_the_canary_sings():
    """The checks below can fail: a proxy that reads the length where Postern reads the chunks is seen by both."""
    with serving("--loops", "1") as server:
        # The proxy took all of this for one request, and sends the next victim's behind it.
        with server.connect() as upstream:
            upstream.send(head("Transfer-Encoding: chunked"), b"0\r\n\r\n", hidden("canary"))
            upstream.get("/livez")
            assert upstream.reply().status == 201
            assert json.loads(upstream.reply().body)["topic"] == "canary", "the victim's reply"
        assert is_there(server, "canary")


@pytest.mark.parametrize("name", NAMES)
def test_no_attempt_gets_past_a_proxy(proxy, postern, name):
    canary = f"canary-{next(numbers)}"
    sent, _ = attempts(canary)[name]
    visit(proxy)
    with proxy.connect() as smuggler:
        send(smuggler, sent)
        said, _ = everything(smuggler)
        # Others use the connections to Postern while the smuggler is still there, and after he left.
        visit(proxy)
    for _ in range(2):
        visit(proxy)
    assert not is_there(postern, canary), said
    assert said.count(b"HTTP/1.1 2") <= 1 + said.count(b"HTTP/1.1 100"), "two requests were served"


@pytest.mark.parametrize("name", NAMES)
def test_each_attempt_has_one_reading(postern, name):
    """It is refused and the connection closed, or read as the standard says and the next request is one's own."""
    canary = f"canary-{next(numbers)}"
    sent, status = attempts(canary)[name]
    with postern.connect() as connection:
        send(connection, sent)
        said, closed = everything(connection)
        answers = [int(code) for code in re.findall(rb"HTTP/1\.1 (\d{3}) ", said)]
        assert answers and answers[0] != 100 or answers[1:], f"no answer, {said!r}"
        first = [answer for answer in answers if answer != 100]
        assert len(first) == 1, said
        if status is not None:
            assert first[0] == status, said
        if first[0] in (400, 413, 417, 431, 501, 505) and name != "body: a topic that may not be":
            assert closed, "refused, and the connection goes on"
        if not closed and name != "body of a stream":
            connection.held = b""
            connection.socket.settimeout(5)
            own = f"next-{next(numbers)}"
            reply = connection.send(request("POST", f"/v1/topics/{own}/messages", body=b"x")).reply()
            assert json.loads(reply.body)["topic"] == own, reply
    assert not is_there(postern, canary)


def test_attempts_in_a_row_on_one_connection(proxy, postern):
    """Many smugglers at a time, with victims among them."""
    stopped, wrong = threading.Event(), []

    def victims():
        while not stopped.is_set():
            try:
                visit(proxy)
            except Exception as error:
                wrong.append(error)
                return

    threads = [threading.Thread(target=victims) for _ in range(4)]
    for thread in threads:
        thread.start()
    canaries = []
    try:
        for name in NAMES:
            canaries.append(f"canary-{next(numbers)}")
            with proxy.connect() as smuggler:
                send(smuggler, attempts(canaries[-1])[name][0])
                everything(smuggler, 0.02)
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
    assert not wrong, wrong
    assert not [canary for canary in canaries if is_there(postern, canary)]
