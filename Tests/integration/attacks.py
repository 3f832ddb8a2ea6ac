"""What an attack does to others: a bystander in a process of its own, and what the server's memory comes to."""

import contextlib
import itertools
import json
import re
import resource
import select
import socket
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from client import RawConnection, eventually, request, serving

MEBIBYTE = 1 << 20
# What the log keeps. It is filled before anything is measured, so that messages an attack stores take no more.
RETENTION = 8 * MEBIBYTE
# Memory is looked at so often, seconds; a look at the proportional size walks all pages, so it is rarer.
LOOK, WALK = 0.02, 0.25
# What may stay behind an attack, and how long the server may take to come back to it, seconds. Arenas kept idle follow
# a decaying percentile of use (64 of 16 KiB is a mebibyte, each with what recent requests made it grow to); tables of
# connections, waiters and topics keep the size they once grew to; the allocator keeps freed pages that lie between
# pages in use. All of these are bounded and none adds up from one attack to the next.
STAYS = 12 * MEBIBYTE
RETURN = 60
# What the bystander may wait at most in 99 of 100 rounds, and in any, seconds: so little that it is not starved, and no
# promise. Where it came to less than a hundred rounds, the 99 of 100 are all.
STARVED, STARVED_ONCE = 1, 5

columns = (
    "attack",
    "clients",
    "before",
    "during",
    "after",
    "pss before",
    "pss during",
    "pss after",
    "p50",
    "p99",
    "max",
    "p99 alone",
)


def many_descriptors():
    """Thousands of clients need descriptors of the tests' own."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


# The server's memory, from outside


def resident(pid):
    """Bytes of RSS, from /proc/PID/status; 0 where the process is gone."""
    return _kibibytes(pid, "status", "VmRSS") << 10


def proportional(pid):
    """Bytes of PSS: pages shared with others count for our part of them."""
    return _kibibytes(pid, "smaps_rollup", "Pss") << 10


def _kibibytes(pid, file, name):
    with contextlib.suppress(OSError):
        found = re.search(rf"^{name}:\s+(\d+) kB", Path(f"/proc/{pid}/{file}").read_text(), re.MULTILINE)
        return int(found[1]) if found else 0
    return 0


class MemoryWatch(threading.Thread):
    """Looks at the server's memory until told to stop; keeps the largest it saw."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.resident, self.proportional, self.stopped = pid, 0, 0, threading.Event()

    def run(self):
        walked = 0.0
        while not self.stopped.wait(LOOK):
            self.resident = max(self.resident, resident(self.pid))
            if time.monotonic() - walked > WALK:
                self.proportional = max(self.proportional, proportional(self.pid))
                walked = time.monotonic()

    def end(self):
        self.stopped.set()
        self.join()
        self.resident = max(self.resident, resident(self.pid))
        self.proportional = max(self.proportional, proportional(self.pid))


# The bystander


class Bystander:
    """Publishes steadily over one connection, in a process of its own, so that attackers take no time from it."""

    def __init__(self, server):
        self.process = subprocess.Popen(
            [sys.executable, __file__, server.host, str(server.port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout.readline() == "ready\n"

    def end(self):
        """Its rounds as (time it began, seconds it took), and what went wrong."""
        # It may have ended by itself, after an error.
        out, _ = self.process.communicate("end\n", timeout=60)
        report = json.loads(out)
        return report["rounds"], report["errors"]


def stand_by(host, port):
    """What the bystander's process does: publish, now and then read back, until a line comes on standard input."""
    rounds, errors, last = [], [], ""
    connection = RawConnection(host, port, timeout=30)
    print("ready", flush=True)
    for number in itertools.count():
        if select.select([sys.stdin], [], [], 0.004)[0]:
            break
        began = time.monotonic()
        try:
            body = b"%d" % number
            reply = connection.send(request("POST", "/v1/topics/bystander/messages", body=body)).reply()
            assert reply.status == 201, reply
            receipt = json.loads(reply.body)
            assert receipt["topic"] == "bystander" and receipt["cursor"] > last, receipt
            if number % 16 == 15:
                reply = connection.get(f"/v1/topics/bystander/messages?after={last}").reply()
                assert [message["data"] for message in json.loads(reply.body)["messages"]] == [str(number)], reply
            last = receipt["cursor"]
        except Exception as error:
            errors.append(f"round {number}: {error!r}")
            break
        rounds.append((began, time.monotonic() - began))
    json.dump({"rounds": rounds, "errors": errors}, sys.stdout)


# An attack


class Disturbed(AssertionError):
    """The bystander got an error, or starved."""


class Swollen(AssertionError):
    """The server's memory did not come back."""


@dataclass
class Figures:
    """Bytes and seconds."""

    attack: str
    clients: int = 0
    resident_before: int = 0
    resident_during: int = 0
    resident_after: int = 0
    proportional_before: int = 0
    proportional_during: int = 0
    proportional_after: int = 0
    seconds: float = 0
    return_seconds: float = 0
    bystander_rounds: int = 0
    bystander_p50: float = 0
    bystander_p99: float = 0
    bystander_max: float = 0
    bystander_p99_alone: float = 0

    def row(self):
        sizes = (
            self.resident_before, self.resident_during, self.resident_after,
            self.proportional_before, self.proportional_during, self.proportional_after,
        )  # fmt: skip
        times = (self.bystander_p50, self.bystander_p99, self.bystander_max, self.bystander_p99_alone)
        return (
            self.attack,
            str(self.clients),
            *(f"{size / MEBIBYTE:.1f}" for size in sizes),
            *(f"{seconds * 1000:.1f}" for seconds in times),
        )


def table(figures):
    """The figures as a Markdown table: memory in MiB (RSS, then PSS), the bystander's times in ms."""
    lines = [columns, ("---",) * len(columns), *(each.row() for each in figures)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def percentile(times, part):
    """The smallest time that `part` of all do not exceed."""
    return sorted(times)[min(len(times) - 1, int(len(times) * part))]


def fill(server, retention=RETENTION):
    """Fills the log, so that it is as large as it will be, and everything that was in it is gone."""
    with server.connect() as connection:
        publish = request("POST", "/v1/topics/filling/messages", body=b"x" * 8000)
        for _ in range(2 * retention // (8000 * 20)):
            connection.send(publish * 20)
            assert [connection.reply().status for _ in range(20)] == [201] * 20


class Attack:
    """A server under attack, and what becomes of it. `over` is asserted once the attackers are gone."""

    def __init__(self, name, server):
        self.server, self.figures = server, Figures(name)

    def clients(self, count, send=b"", source=None, timeout=10):
        """Connections that have sent `send`, closed with the attack; some thousand a second."""
        made = []
        for _ in range(count):
            connection = RawConnection.__new__(RawConnection)
            connection.held = b""
            connection.socket = socket.create_connection(
                (self.server.host, self.server.port), timeout, source_address=(source, 0) if source else None
            )
            self.held.callback(connection.close)
            if send:
                connection.send(send)
            made.append(connection)
        self.figures.clients += count
        return made


@contextlib.contextmanager
def attack(name, *arguments, during, stays=STAYS, returns=RETURN, keep=None, retention=RETENTION):
    """A server of its own, attacked in the block. One loop, so that attackers and bystander always share it.

    Asserts that the server lives, that the bystander got no error and never starved, that memory grew by no more than
    `during` bytes meanwhile, and came back to within `stays` bytes of where it was in `returns` seconds. Figures go to
    the list `keep`.
    """
    options = ("--loops", "1", "--retention-bytes", str(retention), *arguments)
    with serving(*options) as server:
        fill(server, retention)
        bystander = Bystander(server)
        try:
            time.sleep(0.4)
            under = Attack(name, server)
            figures = under.figures
            figures.resident_before, figures.proportional_before = resident(server.pid), proportional(server.pid)
            watch, began = MemoryWatch(server.pid), time.monotonic()
            watch.start()
            with contextlib.ExitStack() as under.held:
                yield under
                watch.end()
            ended = time.monotonic()
            # What is freed at once is seen at once; the rest has its time.
            with contextlib.suppress(AssertionError):
                eventually(lambda: resident(server.pid) - figures.resident_before < stays // 4, timeout=0.5)
            with contextlib.suppress(AssertionError):
                eventually(lambda: resident(server.pid) - figures.resident_before < stays, timeout=returns)
            figures.return_seconds = time.monotonic() - ended
            figures.resident_after, figures.proportional_after = resident(server.pid), proportional(server.pid)
        finally:
            rounds, errors = bystander.end()
        figures.resident_during, figures.proportional_during = watch.resident, watch.proportional
        figures.seconds = ended - began
        alone = [took for at, took in rounds if at + took < began]
        # A round that was under way when the attack began or ended belongs to it.
        disturbed = [took for at, took in rounds if at + took >= began and at <= ended]
        figures.bystander_rounds = len(disturbed)
        if disturbed:
            figures.bystander_p50 = statistics.median(disturbed)
            figures.bystander_p99, figures.bystander_max = percentile(disturbed, 0.99), max(disturbed)
        figures.bystander_p99_alone = percentile(alone, 0.99)
        if keep is not None:
            keep.append(figures)
        print(table([figures]))
        assert server.process.poll() is None, f"the server died: {server.standard_error()}"
        starved = figures.bystander_max >= STARVED_ONCE or (figures.bystander_p99 >= STARVED and len(disturbed) >= 100)
        if errors or not disturbed or starved:
            raise Disturbed(errors or f"{len(disturbed)} rounds, p99 {figures.bystander_p99:.2f} s")
        grown = figures.resident_during - figures.resident_before
        assert grown < during, f"{grown / MEBIBYTE:.1f} MiB during"
        left = figures.resident_after - figures.resident_before
        if left >= stays:
            raise Swollen(f"{left / MEBIBYTE:.1f} MiB stay")


def write(figures, path):
    """The figures for programs, beside a table of them."""
    path.write_text(json.dumps([asdict(each) for each in figures], indent=1) + "\n")
    path.with_suffix(".md").write_text(table(figures) + "\n")


if __name__ == "__main__":
    stand_by(sys.argv[1], int(sys.argv[2]))
