"""What systemd and Postern say to each other, without a system that systemd has booted: the units, the datagrams of
sd_notify, inherited sockets, the watchdog, the journal. Tests/systemd has the rest."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from client import BINARY, ROOT, environment, eventually, request
from ptrace import Stopped
from restart_load import Load

UNITS = ("postern.service", "postern.socket")
FIRST_SOCKET = 3


# The units


@pytest.fixture
def units(tmp_path):
    """The units with the built binary in its place, since verify wants what it starts to exist."""
    for name in UNITS:
        text = (ROOT / "deploy" / name).read_text()
        (tmp_path / name).write_text(text.replace("/usr/bin/postern", str(BINARY)))
    assert str(BINARY) in (tmp_path / "postern.service").read_text()
    return tmp_path


def verify(*units):
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_systemd_finds_nothing_to_say_about_the_units(units):
    assert verify(*(units / name for name in UNITS)) == (0, "")


def systemd_version():
    text = subprocess.run(["systemd-analyze", "--version"], capture_output=True, text=True, check=True).stdout
    return int(re.match(r"systemd (\d+)", text)[1])


@pytest.mark.skipif(systemd_version() < 254, reason="it is for systemd 254 and later")
def test_nor_about_the_drop_in_that_waits_for_a_reload(units):
    text = (units / "postern.service").read_text()
    text += (ROOT / "deploy/postern.service.d/systemd-254.conf").read_text()
    (units / "postern.service").write_text(text)
    assert verify(units / "postern.service") == (0, "")


def test_exposure_is_under_one_and_a_half(units):
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", units / "postern.service"],
        capture_output=True,
        text=True,
    )
    exposure = float(re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)[1])
    assert exposure < 1.5, done.stdout


# What the service manager is told


class ServiceManager:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.settimeout(10)

    def next(self, timeout=10):
        """The variables of one datagram; None where none comes."""
        self.socket.settimeout(timeout)
        try:
            lines = self.socket.recv(65536).decode().splitlines()
        except TimeoutError:
            return None
        return dict(line.split("=", 1) for line in lines)

    def until(self, name, timeout=10):
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            told = self.next(left)
            if told and name in told:
                return told
        raise AssertionError(f"{name} was not told within {timeout} s")

    def signs_of_life(self, seconds):
        deadline = time.monotonic() + seconds
        count = 0
        while (left := deadline - time.monotonic()) > 0:
            count += "WATCHDOG" in (self.next(left) or {})
        return count


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    name = str(tmp_path / "notify")
    made = ServiceManager("\0" + name if request.param == "abstract" else name)
    made.name = "@" + name if request.param == "abstract" else name
    yield made
    made.socket.close()


def test_it_is_told_that_we_serve_read_settings_again_and_end(serve, manager):
    server = serve("--loops", "1", env={"NOTIFY_SOCKET": manager.name})
    ready = manager.until("READY")
    assert ready["READY"] == "1"
    assert ready["STATUS"].startswith(f"serving on 127.0.0.1:{server.port}, ")
    before = time.monotonic_ns() // 1000
    server.process.send_signal(signal.SIGHUP)
    reloading = manager.until("RELOADING")
    assert reloading["RELOADING"] == "1"
    # With Type=notify-reload systemd takes it for the answer to its own request by this.
    assert before <= int(reloading["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
    assert manager.until("READY")["READY"] == "1"
    server.process.terminate()
    assert manager.until("STOPPING") == {"STOPPING": "1", "STATUS": "draining"}
    assert server.process.wait(10) == 0


def test_the_status_has_the_figures_of_the_moment(serve, tmp_path):
    manager = ServiceManager(str(tmp_path / "notify"))
    server = serve(env={"NOTIFY_SOCKET": str(tmp_path / "notify")})
    assert manager.until("READY")["STATUS"].endswith("0 connections, 0 messages published")
    with server.connect() as connection:
        assert connection.send(request("POST", "/v1/topics/t/messages", body=b"x")).reply().status == 201
        eventually(
            lambda: manager.until("STATUS")["STATUS"].endswith(" 1 connections, 1 messages published"), timeout=20
        )


# The watchdog


def threads(server):
    """In the order they were started: the main thread, the log's writer and its upkeep, the loops, the reporter."""
    return sorted(int(name) for name in os.listdir(f"/proc/{server.pid}/task"))


@pytest.mark.parametrize("stuck", ["writer", "first loop", "second loop"])
def test_one_thread_that_is_stuck_ends_the_signs_of_life(serve, tmp_path, directory, stuck):
    manager = ServiceManager(str(tmp_path / "notify"))
    server = serve(
        *("--loops", "2", "--data-dir", str(directory)),
        env={"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "4000000"},
    )
    manager.until("READY")
    assert manager.signs_of_life(2.5) >= 2
    thread = threads(server)[{"writer": 1, "first loop": 3, "second loop": 4}[stuck]]
    with Stopped(thread):
        # Two seconds until it counts as stuck, and the last sign that was on its way.
        manager.signs_of_life(3.2)
        assert manager.signs_of_life(2.5) == 0
        assert "a thread is stuck" in server.standard_error()
    # It goes on: whoever was merely slow is not killed.
    manager.until("WATCHDOG", timeout=4)


def test_an_idle_server_feeds_the_watchdog_in_time(serve, tmp_path):
    manager = ServiceManager(str(tmp_path / "notify"))
    serve("--loops", "4", env={"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "2000000"})
    manager.until("READY")
    assert manager.signs_of_life(3) >= 5


def test_another_process_s_watchdog_is_not_ours(serve, tmp_path):
    manager = ServiceManager(str(tmp_path / "notify"))
    variables = {"WATCHDOG_USEC": "400000", "WATCHDOG_PID": "1"}
    serve(env={"NOTIFY_SOCKET": str(tmp_path / "notify")} | variables)
    manager.until("READY")
    assert manager.signs_of_life(1) == 0


# Inherited sockets


def listening(host="127.0.0.1", port=0, family=socket.AF_INET):
    made = socket.socket(family)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((host, port))
    made.listen(4096)
    return made


def inheriting(*arguments, sockets, names=None, process="$$", **options):
    """Starts the server as systemd does: with the sockets from descriptor 3 on."""
    variables = {"LISTEN_FDS": str(len(sockets))} | ({"LISTEN_FDNAMES": ":".join(names)} if names else {})
    numbers = [made.fileno() for made in sockets]
    # First out of the way of the numbers they are to have, then there.
    moves = " ".join(f"{60 + index}<&{number}" for index, number in enumerate(numbers))
    moves += " " + " ".join(f"{FIRST_SOCKET + index}<&{60 + index}" for index in range(len(numbers)))
    return subprocess.Popen(
        ["bash", "-c", f'export LISTEN_PID={process}; exec "$@" {moves}', "bash", BINARY, "serve", *arguments],
        pass_fds=numbers,
        env=environment(**variables),
        text=True,
        **({"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options),
    )


@contextlib.contextmanager
def running(process):
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def get(port, path="/livez", host="127.0.0.1"):
    with socket.create_connection((host, port), 10) as connection:
        connection.sendall(request("GET", path, "Connection: close"))
        text = b""
        while more := connection.recv(65536):
            text += more
    return int(text.split()[1])


def refused(process):
    out, error = process.communicate(timeout=10)
    assert out == ""
    return process.returncode, error


def test_the_names_say_what_a_socket_is_for():
    clients, operators, other = listening(), listening(), listening("::1", family=socket.AF_INET6)
    process = inheriting(sockets=[clients, operators, other], names=["clients", "operators", "postern.socket"])
    with running(process):
        ports = [made.getsockname()[1] for made in (clients, operators, other)]
        assert process.stdout.readline() == f"postern: listening on http://127.0.0.1:{ports[0]}\n"
        assert process.stdout.readline() == f"postern: operators are served on http://127.0.0.1:{ports[1]}\n"
        # Operators have an address, so that clients are not served their things.
        assert [get(ports[0], "/metrics"), get(ports[1], "/metrics")] == [403, 200]
        # What has another name is for clients, never for operators, of whom nothing is asked.
        assert [get(ports[2], "/livez", "::1"), get(ports[2], "/metrics", "::1")] == [200, 403]


def test_no_address_that_is_set_is_listened_on_besides():
    made, set_too = listening(), listening()
    process = inheriting("--listen", f"127.0.0.1:{set_too.getsockname()[1]}", sockets=[made])
    with running(process):
        assert process.stdout.readline().endswith(f":{made.getsockname()[1]}\n")


def test_sockets_that_are_another_process_s_are_left_alone():
    made = listening()
    process = inheriting("--listen", "127.0.0.1:0", sockets=[made], process="1")
    with running(process):
        assert not process.stdout.readline().endswith(f":{made.getsockname()[1]}\n")


def test_connections_to_the_one_socket_are_spread_over_the_loops():
    """One after the other: the system alone would wake the same loop each time."""
    made = listening()
    with running(inheriting("--loops", "2", sockets=[made])) as process:
        port = int(process.stdout.readline().rsplit(":", 1)[1])
        clients = []
        for _ in range(100):
            clients.append(socket.create_connection(("127.0.0.1", port), 10))
            time.sleep(0.002)
        shares = eventually(lambda: (found := watched(process.pid)) and sum(found) >= 100 and found)
        for client in clients:
            client.close()
    assert len(shares) == 2 and min(shares) >= 30, shares


def watched(pid):
    """How many descriptors each epoll of a process watches."""
    counts = [path.read_text().count("tfd:") for path in Path(f"/proc/{pid}/fdinfo").iterdir()]
    return [count for count in counts if count]


@pytest.mark.parametrize("name", ["clients", "operators"])
def test_an_inherited_socket_that_strangers_reach_wants_tokens_as_well(name):
    loopback, open_to_all = listening(), listening("0.0.0.0")
    status, error = refused(inheriting(sockets=[loopback, open_to_all], names=["clients", name]))
    assert status == 78
    assert f"0.0.0.0:{open_to_all.getsockname()[1]}" in error and "is reached from beyond this machine" in error


def udp():
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", 0))
    return made


def connected():
    made = socket.socket()
    made.bind(("127.0.0.1", 0))
    return made


def unix():
    made = socket.socket(socket.AF_UNIX)
    made.bind("\0postern-test-" + str(os.getpid()))
    made.listen()
    return made


@pytest.mark.parametrize(
    "make, word",
    [(udp, "no TCP socket"), (unix, "no TCP socket"), (connected, "does not listen"), (lambda: open("/dev/null"), "no socket")],
)
def test_what_cannot_be_listened_on_is_refused_in_words(make, word):
    status, error = refused(inheriting(sockets=[make()], names=["clients"]))
    assert status == 78
    assert "the inherited socket 3 'clients' cannot be served" in error and word in error


def test_a_redirect_wants_something_to_be_sent_to():
    status, error = refused(inheriting(sockets=[listening(), listening()], names=["clients", "redirect"]))
    assert (status, "'redirect' wants --tls-cert" in error) == (78, True)


def test_systemd_socket_activate_starts_it_with_the_first_connection():
    with listening() as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        ["systemd-socket-activate", f"--listen=127.0.0.1:{port}", "--fdname=clients", BINARY, "serve"],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with running(process):
        eventually(lambda: answers(port), what="the first connection is served")
        assert process.stdout.readline() == f"postern: listening on http://127.0.0.1:{port}\n"
        process.terminate()
        assert process.wait(10) == 0


def answers(port):
    try:
        return get(port) == 200
    except ConnectionRefusedError:
        return False


# Restarts


def test_restarts_under_load_fail_no_request_and_lose_no_message(directory):
    made = listening()
    arguments = ["--loops", "2", "--data-dir", str(directory)]
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = inheriting(*arguments, sockets=[made], names=["clients"], **streams)
    load = Load(f"127.0.0.1:{made.getsockname()[1]}")
    try:
        load.start()
        for _ in range(4):
            time.sleep(0.7)
            process.terminate()
            assert process.wait(10) == 0
            process = inheriting(*arguments, sockets=[made], names=["clients"], **streams)
        time.sleep(0.5)
        assert load.stop() == []
        assert len(load.acknowledged) > 200
    finally:
        process.kill()
        process.wait()


def test_while_it_drains_nobody_is_refused_and_the_next_one_serves_who_waits(serve):
    made = listening()
    port = made.getsockname()[1]
    with running(inheriting(sockets=[made], names=["clients"])) as process:
        process.stdout.readline()
        idle = socket.create_connection(("127.0.0.1", port), 10)
        idle.sendall(request("GET", "/livez"))
        assert idle.recv(65536).startswith(b"HTTP/1.1 200")
        process.terminate()
        time.sleep(0.1)
        replies = []
        waiting = threading.Thread(target=lambda: replies.append(get(port)))
        waiting.start()
        assert process.wait(10) == 0
        assert replies == []
    with running(inheriting(sockets=[made], names=["clients"])):
        waiting.join(10)
        assert replies == [200]
    idle.close()


# The journal


def test_without_a_journal_to_reach_levels_stand_before_the_lines():
    """As journald reads them off standard error (sd-daemon(3))."""
    if Path("/run/systemd/journal/socket").exists():
        pytest.skip("this machine has a journal; Tests/systemd looks at what it is told")
    reading, writing = os.pipe()
    status = os.fstat(writing)
    process = subprocess.Popen(
        [BINARY, "serve", "--listen", "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        stderr=writing,
        env=environment(JOURNAL_STREAM=f"{status.st_dev}:{status.st_ino}"),
        text=True,
    )
    os.close(writing)
    with running(process), open(reading) as lines:
        assert process.stdout.readline()
        process.terminate()
        process.wait(10)
        text = lines.read().splitlines()
    assert re.fullmatch(r"<6>serving address=127\.0\.0\.1:\d+ .*loops=\d+ .*", text[0])
    assert text[1].startswith("<5>draining")


def test_another_stream_s_journal_is_not_ours(serve):
    server = serve(env={"JOURNAL_STREAM": "1:2"})
    eventually(lambda: '"message":"serving"' in server.standard_error())


# What a person is told


def test_a_port_that_is_taken_is_named_with_how_to_find_who_has_it():
    with listening() as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [BINARY, "serve", "--listen", f"127.0.0.1:{port}"], env=environment(), capture_output=True, text=True
        )
    assert done.returncode == 69
    for word in (f"127.0.0.1:{port} is in use", "EADDRINUSE", f"ss -ltnp 'sport = :{port}'"):
        assert word in done.stderr


def test_too_few_descriptors_are_told_with_their_number_and_how_to_raise_it(serve):
    import resource

    server = serve(preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (500, 500)))
    eventually(lambda: "open_files_limit" in server.standard_error())
    for word in ('"open_files_limit":"500"', '"wanted":"15064"', "LimitNOFILE=", "ulimit -n"):
        assert word in server.standard_error(), server.standard_error()
