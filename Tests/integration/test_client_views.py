"""`postern topics`, `status`, `bench` and `health`."""

import fcntl
import json
import os
import pty
import re
import resource
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import time

import pytest

from certificates import Authority
from client import BINARY, Api, environment, eventually
from command_client import Answering, Client, is_one_line
from test_access import new_token


@pytest.fixture
def postern(server):
    return Client(server.url)


class TestTopics:
    def test_a_table_and_lines(self, serve):
        server = serve()
        client, api = Client(server.url), Api(server)
        for number in range(3):
            api.publish(f"a.{number}", "x")
        api.publish("b", "x")
        rows = client("topics").out.splitlines()
        assert [row.split()[0] for row in rows] == ["TOPIC", "a.0", "a.1", "a.2", "b"]
        assert [json.loads(line)["topic"] for line in client("topics", "a.", "--format", "json").out.splitlines()] == ["a.0", "a.1", "a.2"]

    def test_all_pages(self, serve):
        server = serve()
        for begin in range(0, 2300, 500):
            Api(server).batch(*({"topic": f"t{n:05}", "data": 1} for n in range(begin, min(begin + 500, 2300))))
        names = [json.loads(line)["topic"] for line in Client(server.url)("topics", "--format", "json").out.splitlines()]
        assert names == [f"t{n:05}" for n in range(2300)]


class TestStatus:
    def test_once_where_nobody_watches(self, serve):
        server = serve()
        Api(server).batch(*({"topic": "t", "data": n} for n in range(1000)))
        done = Client(server.url)("status")
        assert done.returncode == 0 and "\x1b" not in done.out
        assert re.search(r"^  published +1,000$", done.out, re.M)

    def test_live_on_a_terminal(self, serve):
        server = serve()
        api = Api(server)
        with Screen(server.url) as screen:
            deadline = time.monotonic() + 10
            while not re.search(rb"published +[1-9]\d* +[1-9]\d* /s", screen.seen) and time.monotonic() < deadline:
                api.publish("t", "x")
                screen.look()
            assert re.search(rb"published +[1-9]\d* +[1-9]\d* /s", screen.seen)
            screen.process.send_signal(signal.SIGINT)
            assert screen.process.wait(10) == 0
            screen.wait_for(b"\x1b[?1049l")
        assert screen.seen.startswith(b"\x1b[?1049h")

    def test_q_ends_it_and_the_terminal_is_as_it_was(self, serve):
        with Screen(serve().url) as screen:
            before = termios.tcgetattr(screen.slave)
            screen.wait_for(b"open files")
            assert not termios.tcgetattr(screen.slave)[3] & (termios.ECHO | termios.ICANON)
            os.write(screen.master, b"xq")
            assert screen.process.wait(10) == 0
            screen.wait_for(b"\x1b[?1049l")
            assert termios.tcgetattr(screen.slave) == before
        assert b"x" not in screen.seen.split(b"open files")[-1]

    def test_it_fits_a_small_terminal(self, serve):
        with Screen(serve().url, rows=24, columns=60) as screen:
            screen.wait_for(b" /s")
            os.write(screen.master, b"q")
            assert screen.process.wait(10) == 0
            screen.wait_for(b"\x1b[?1049l")
        for shown in screen.seen.split(b"\x1b[H")[1:]:
            lines = shown.split(b"\x1b[J")[0].split(b"\r\n")
            assert len(lines) <= 24 and b"open files" in lines[-1], lines
            assert all(len(line.removeprefix(b"\x1b[K")) <= 60 for line in lines), lines

    def test_a_restart_is_seen_to_its_end(self, serve):
        server = serve()
        with Screen(server.url) as screen:
            screen.wait_for(b"open files")
            server.kill()
            screen.wait_for(b"no newer figures: ")
            again = serve("--listen", f"127.0.0.1:{server.port}")
            Api(again).publish("t", "x")
            screen.wait_for(b"delivered")
            eventually(lambda: screen.look() or b"no newer" not in screen.seen.split(b"\x1b[H")[-2], what="new figures")
            os.write(screen.master, b"q")
            assert screen.process.wait(10) == 0


class Screen:
    """`postern status` on a terminal."""

    def __init__(self, url, rows=40, columns=100):
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.seen = b""
        self.process = subprocess.Popen(
            [BINARY, "status", "--every", "100ms"], stdin=self.slave, stdout=self.slave, stderr=self.slave,
            env=environment(POSTERN_URL=url, TERM="xterm"), start_new_session=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)

    def look(self):
        """Reads what was shown since, if anything."""
        if select.select([self.master], [], [], 0.2)[0]:
            self.seen += os.read(self.master, 65536)

    def wait_for(self, text):
        """Until it is shown anew."""
        begin = len(self.seen)
        eventually(lambda: self.look() or text in self.seen[begin:], what=text)


@pytest.fixture
def elsewhere():
    """A folder that everybody may look into."""
    with tempfile.TemporaryDirectory() as path:
        os.chmod(path, 0o755)
        yield path


class TestBench:
    def test_publish(self, serve):
        server = serve()
        done = Client(server.url)("bench", "publish", "--messages", "2000", "--connections", "4", "--size", "200", "-q", "--format", "json")
        result = json.loads(done.out)
        assert done.returncode == 0 and done.err == ""
        assert result["published"] == result["delivered"] == 2000
        latency = result["latency_microseconds"]
        assert 0 < latency["p50"] <= latency["p90"] <= latency["p99"] <= latency["p99.9"] <= latency["max"]
        assert server.metric("postern_messages_published_total") == 2000
        assert Api(server).get("/v1/topics").json()["topics"] == []

    @pytest.mark.parametrize("kind, form", [("fanout", "ndjson"), ("poll", "poll")])
    def test_delivery(self, serve, kind, form):
        server = serve()
        done = Client(server.url)("bench", kind, "--readers", "20", "--messages", "50", "--rate", "200", "-q", "--format", "json")
        result = json.loads(done.out)
        assert done.returncode == 0, done.err
        assert (result["published"], result["delivered"], result["expected"]) == (50, 1000, 1000)
        assert (result["duplicates"], result["out_of_order"]) == (0, 0)
        assert server.metric("postern_messages_delivered_total", form=form) == 1000

    def test_progress_is_shown(self, postern):
        done = postern("bench", "publish", "--duration", "1s", "--rate", "50")
        assert re.search(r"\d+ s: \d+ published", done.err)
        assert re.search(r"^published +5\d in [01]\.\d{3} s", done.out, re.M)

    def test_what_is_lost_is_noticed(self, serve):
        """Retention takes what the readers have not read: the bench must not call that good."""
        server = serve("--retention-count", "5")
        done = Client(server.url)("bench", "publish", "--messages", "100", "-q")
        assert done.returncode == 3 and is_one_line(done.err) and "100 messages were to arrive, and 5 did" in done.err
        assert "the server keeps too few" in done.err

    @pytest.mark.parametrize("kind", ["publish", "fanout", "poll"])
    def test_an_interrupt_ends_it_and_tells_what_was_measured(self, serve, kind):
        server = serve()
        process = Client(server.url).start("bench", kind, "-q", "--rate", "200")
        eventually(lambda: server.metric("postern_messages_published_total") > 50)
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=15)
        assert (process.returncode, error) == (0, b"")
        assert re.search(rb"^published +\d\d", out, re.M) and not re.search(rb"^p50 +0\.000 ms", out, re.M)

    def test_a_token_that_may_not_read(self, serve, tmp_path):
        """Then nothing is known of what arrived, and that is what it says."""
        token, line = new_token("writer", "--publish", "**")
        (tmp_path / "tokens").write_text(line + "\n")
        (tmp_path / "tokens").chmod(0o600)
        server = serve("--tokens", str(tmp_path / "tokens"))
        client = Client(server.url, POSTERN_TOKEN=token)
        done = client("bench", "publish", "--messages", "10", "-q")
        assert done.returncode == 0 and "delivered   not known: the token may not read bench-" in done.out
        result = json.loads(client("bench", "publish", "--messages", "10", "-q", "--format", "json").out)
        assert result["published"] == 10 and "delivered" not in result and "may not read" in result["unchecked"]

    def test_more_readers_than_threads_can_be_had(self, server, elsewhere):
        """Root may start as many as it likes, so that it has to be somebody else."""
        binary = shutil.copy(BINARY, elsewhere)

        def as_nobody():
            resource.setrlimit(resource.RLIMIT_NPROC, (20, 20))
            if os.geteuid() == 0:
                os.setgroups([])
                os.setuid(65534)

        done = subprocess.run(
            [binary, "bench", "fanout", "--readers", "100", "-q"], env=environment(POSTERN_URL=server.url), text=True,
            capture_output=True, timeout=30, preexec_fn=as_nobody,
        )
        assert done.returncode == 75 and is_one_line(done.stderr), done
        assert re.search(r"only \d+ of 100 threads could be started", done.stderr)


class TestHealth:
    def test_a_server_that_is_well(self, postern):
        done = postern("health")
        assert (done.returncode, done.out) == (0, "well\n")
        assert postern("health", "--ready").returncode == 0

    def test_it_finds_its_own(self, serve):
        server = serve()
        for address in (f"0.0.0.0:{server.port}", f"127.0.0.1:{server.port}", f"localhost:{server.port}"):
            done = subprocess.run([BINARY, "health"], env=environment(POSTERN_LISTEN=address), capture_output=True)
            assert done.returncode == 0, done.stderr

    def test_one_that_speaks_tls(self, serve, tmp_path):
        certificate, key = Authority(tmp_path).issue("localhost")
        server = serve("--tls-cert", str(certificate), "--tls-key", str(key))
        done = subprocess.run(
            [BINARY, "health"], env=environment(POSTERN_LISTEN=f"0.0.0.0:{server.port}"), capture_output=True
        )
        assert done.returncode == 0, done.stderr

    def test_one_that_is_not_well(self):
        with Answering(b"HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n") as url:
            done = Client(url)("health")
        assert done.returncode == 1 and is_one_line(done.err)
