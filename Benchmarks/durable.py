#!/usr/bin/env python3
"""The log on disk, measured: beside the log in memory, beside NATS JetStream and beside the disk itself.

    Benchmarks/durable.py [--rounds 5] [--seconds 3] [--only publish,nats,batch,single,log]

Expects the release binary (POSTERN, else .build/release/postern) and the load client that run.sh builds. Both sides of a
ratio run seconds apart in every round; figures are medians. Data stands in Benchmarks/.state on the real disk and is
removed at the end. Prints Markdown.
"""

import argparse
import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
STATE = HERE / ".state"
POSTERN = os.environ.get("POSTERN", str(HERE.parent / ".build/release/postern"))
LOAD = STATE / "fanload"
DATA = STATE / "durable"
GIB = 1 << 30
TOPICS = 8


class Server:
    """A Postern process, stopped by its own pid."""

    def __init__(self, *flags):
        self.process = subprocess.Popen(
            [POSTERN, "serve", "--listen", "127.0.0.1:0", *flags], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.port = int(self.process.stdout.readline().decode().rsplit(":", 1)[1])

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.wait()

    def memory_bytes(self):
        fields = {}
        for line in Path(f"/proc/{self.process.pid}/smaps_rollup").read_text().splitlines()[1:]:
            name, value = line.split(":")
            fields[name] = int(value.split()[0]) * 1024
        return fields["Rss"], fields["Pss"]


@contextlib.contextmanager
def serving(*flags):
    server = Server(*flags)
    try:
        yield server
    finally:
        server.stop()


def fresh(name):
    path = DATA / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def load(port, seconds, pid, *flags):
    arguments = [LOAD, "publish", "--port", str(port), "--duration", str(seconds), "--warmup", "0.4", "--quiet", *flags]
    if pid:
        arguments += ["--server-pid", str(pid)]
    done = subprocess.run([str(part) for part in arguments], capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    assert result["non2xx"] == 0 and result["failed"] == 0, result
    return result


HTTP = ["--topic", "bench", "--pub-path", "/v1/topics/{t}/messages", "--size", "100"]
BATCH = ["--pub-path", "/v1/messages", "--pub-header", "Content-Type: application/x-ndjson", "--size", "100",
         "--batch", "100", "--sep", "\n", "--body", "%B\n", "--item", '{"topic":"{t}","data":"%M"}', "--pubs", "16"]


def medians(rounds, *measures):
    """Each measure once a round, in turn; the medians of all."""
    found = [[] for _ in measures]
    for number in range(rounds):
        order = range(len(measures)) if number % 2 == 0 else reversed(range(len(measures)))
        for index in order:
            found[index].append(measures[index]())
    return found


def row(what, value, must, aim):
    print(f"| {what} | {value} | {must} | {aim} |", flush=True)


def spread(values, digits=2):
    return f"{statistics.median(values):,.{digits}f} ({min(values):,.{digits}f}–{max(values):,.{digits}f})"


def publish(arguments):
    for loops in (1, 2):
        with serving("--loops", str(loops)) as memory, serving(
            "--loops", str(loops), "--data-dir", str(fresh("publish")), "--retention-bytes", "4GiB"
        ) as disk:
            def run(server):
                return lambda: load(server.port, arguments.seconds, server.process.pid, "--pubs", 64, *HTTP)

            found = medians(arguments.rounds, run(memory), run(disk))
            ratios = [d["req_per_s"] / m["req_per_s"] for m, d in zip(*found)]
            rates = [d["req_per_s"] for d in found[1]]
            row(f"durable publish ÷ in memory, {loops} loop(s)", f"{spread(ratios, 3)}; {spread(rates, 0)} req/s", 0.6, 0.8)
            cpu = [r["server_cpu"] / r["req_per_s"] * 1e6 for r in found[1]]
            row(f"p99 of it, ms, {loops} loop(s)", spread([d["pub_us"]["p99"] / 1000 for d in found[1]]), 4, 2)
            row(f"server CPU of it, µs a request, {loops} loop(s)", spread(cpu), "–", "–")


def make_stream(port):
    """A JetStream stream in memory, as NATS' own tools would make it."""
    settings = {"name": "B", "subjects": ["js.>"], "storage": "memory", "retention": "limits", "discard": "old",
                "max_msgs": -1, "max_bytes": 1 << 30, "max_age": 0, "num_replicas": 1}
    text = json.dumps(settings).encode()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(
            b'CONNECT {"verbose":false}\r\nSUB _INBOX.c 1\r\nPUB $JS.API.STREAM.CREATE.B _INBOX.c %d\r\n%s\r\n'
            % (len(text), text)
        )
        connection.settimeout(2)
        reply = b""
        with contextlib.suppress(TimeoutError):
            while b"stream_create_response" not in reply:
                reply += connection.recv(65536)
        assert b"stream_create_response" in reply and b'"error"' not in reply, reply


def nats(arguments):
    binary = shutil.which("nats-server")
    if not binary:
        return row("durable publish ÷ NATS JetStream in memory", "nats-server is not installed", 1.0, 1.3)
    port = free_port()
    peer = subprocess.Popen(
        [binary, "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(fresh("nats"))], stderr=subprocess.DEVNULL
    )
    try:
        time.sleep(1)
        make_stream(port)
        for loops in (1, 2):
            with serving(
                "--loops", str(loops), "--data-dir", str(fresh("publish")), "--retention-bytes", "4GiB"
            ) as disk:
                found = medians(
                    arguments.rounds,
                    lambda: load(port, arguments.seconds, peer.pid, "--proto", "natsjs", "--pubs", 64, "--size", 100,
                                 "--topic", "js.bench"),
                    lambda: load(disk.port, arguments.seconds, disk.process.pid, "--pubs", 64, *HTTP),
                )
                ratios = [d["req_per_s"] / n["req_per_s"] for n, d in zip(*found)]
                theirs = [n["req_per_s"] for n in found[0]]
                row(f"durable publish ÷ NATS JetStream in memory, {loops} loop(s)",
                    f"{spread(ratios, 3)}; theirs {spread(theirs, 0)} a second", 1.0, 1.3)
    finally:
        peer.send_signal(signal.SIGTERM)
        peer.wait()


def batch(arguments):
    for loops in (1, 2):
        with serving("--loops", str(loops), "--data-dir", str(fresh("batch")), "--retention-bytes", "2GiB") as disk:
            found = medians(
                arguments.rounds,
                lambda: load(disk.port, arguments.seconds, disk.process.pid, "--topic", "b", *BATCH)["msg_per_s"] / 1000,
            )
            row(f"durable NDJSON batches of 100, thousand messages/s, {loops} loop(s)", spread(found[0], 0), 400, 800)


def disk_rate(seconds):
    """How often a second the disk makes 300 bytes durable, in a file that has its room."""
    path = fresh("disk") / "file"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    os.posix_fallocate(descriptor, 0, 16 << 20)
    os.fsync(descriptor)
    block, count, end = b"x" * 300, 0, time.monotonic() + seconds
    began = time.monotonic()
    while time.monotonic() < end:
        os.pwrite(descriptor, block, count * 300 % (16 << 20))
        os.fdatasync(descriptor)
        count += 1
    os.close(descriptor)
    return count / (time.monotonic() - began)


def single(arguments):
    with serving("--loops", "1", "--data-dir", str(fresh("publish"))) as disk:
        found = medians(
            arguments.rounds,
            lambda: disk_rate(arguments.seconds),
            lambda: load(disk.port, arguments.seconds, disk.process.pid, "--pubs", 1, *HTTP)["req_per_s"],
        )
        ratios = [ours / theirs for theirs, ours in zip(*found)]
        row("one connection, one at a time ÷ the disk's fdatasync rate",
            f"{spread(ratios, 3)}; {spread(found[1], 0)} of {spread(found[0], 0)} a second", 0.7, 0.9)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fill(directory):
    """A log of 1 GiB of 200-byte messages over several topics."""
    flags = ["--loops", "2", "--data-dir", str(directory), "--retention-bytes", "4GiB"]
    server = Server(*flags)
    data = "x" * 200
    lines = "\n".join(json.dumps({"topic": f"log.{n % TOPICS}", "data": data}) for n in range(1000)).encode()
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    count = 0
    while sum(path.stat().st_size for path in directory.glob("*.segment")) < GIB:
        connection.request("POST", "/v1/messages", lines, {"Content-Type": "application/x-ndjson"})
        reply = connection.getresponse()
        reply.read()
        assert reply.status == 201
        count += 1000
    connection.close()
    time.sleep(3)
    memory = server.memory_bytes()
    server.stop()
    return flags, count, memory


def start_milliseconds(flags):
    began = time.monotonic()
    server = Server(*flags)
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request("GET", "/v1/topics/log.1/messages?limit=1")
    assert connection.getresponse().status == 200
    taken = (time.monotonic() - began) * 1000
    connection.close()
    return taken, server


def replay(port):
    """Reads the whole log as a stream of lines: (bytes, seconds)."""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(b"GET /v1/topics/**/messages?format=ndjson&since=earliest HTTP/1.1\r\nHost: b\r\n\r\n")
    buffer, total = bytearray(1 << 20), 0
    began = last = time.monotonic()
    connection.settimeout(0.5)
    try:
        while count := connection.recv_into(buffer):
            total += count
            last = time.monotonic()
    except TimeoutError:
        pass
    connection.close()
    return total, last - began


def count_lines(port):
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(b"GET /v1/topics/**/messages?format=ndjson&since=earliest HTTP/1.1\r\nHost: b\r\n\r\n")
    connection.settimeout(0.5)
    found = 0
    try:
        while data := connection.recv(1 << 20):
            found += data.count(b'"cursor":')
    except TimeoutError:
        pass
    connection.close()
    return found


def log(arguments):
    directory = fresh("log")
    flags, count, filled = fill(directory)
    row("resident memory with a log of 1 GiB, just filled, MiB (RSS; PSS)",
        f"{filled[0] / 2**20:.0f}; {filled[1] / 2**20:.0f}", 64, 32)
    clean, killed = [], []
    for _ in range(arguments.rounds):
        taken, server = start_milliseconds(flags)
        clean.append(taken)
        load(server.port, 0.3, None, "--pubs", 8, *HTTP)
        server.stop(signal.SIGKILL)
        taken, server = start_milliseconds(flags)
        killed.append(taken)
        server.stop()
    row("start with it to the first answer, ms, after a clean end", spread(clean, 0), 1500, 300)
    row("the same after SIGKILL under load", spread(killed, 0), 1500, 300)
    with serving(*flags) as server:
        time.sleep(2)
        resident = server.memory_bytes()
        row("resident memory with it, idle after the start, MiB (RSS; PSS)",
            f"{resident[0] / 2**20:.0f}; {resident[1] / 2**20:.0f}", 64, 32)
        found = count_lines(server.port)
        assert found >= count, f"{found} of {count} messages"
        rates = []
        for _ in range(arguments.rounds):
            total, seconds = replay(server.port)
            rates.append(total / seconds / 1e6)
        row("full replay over NDJSON, MB/s", spread(rates, 0), 300, 800)
        replay_beside_publishers(arguments, server)


def replay_beside_publishers(arguments, server):
    def rate():
        return load(server.port, arguments.seconds, None, "--pubs", 64, "--rate", 5000, *HTTP)["pub_us"]["p99"]

    alone, beside = [], []
    for _ in range(arguments.rounds):
        alone.append(rate())
        readers = [subprocess.Popen(
            ["sh", "-c", "while :; do curl -sN --max-time 5 -o /dev/null "
             f"'http://127.0.0.1:{server.port}/v1/topics/**/messages?format=ndjson&since=earliest'; done"],
            start_new_session=True) for _ in range(3)]
        time.sleep(0.5)
        beside.append(rate())
        for reader in readers:
            os.killpg(reader.pid, signal.SIGTERM)
            reader.wait()
        time.sleep(0.5)
    ratios = [b / a for a, b in zip(alone, beside)]
    row("p99 of publish at 5,000 a second while three readers replay ÷ without",
        f"{spread(ratios)}; {spread(beside, 0)} µs ÷ {spread(alone, 0)} µs", 2, 1.3)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--only", default="publish,nats,batch,single,log")
    arguments = parser.parse_args()
    DATA.mkdir(parents=True, exist_ok=True)
    print("| what | measured | must | aim |\n|---|---|---|---|")
    try:
        for part in arguments.only.split(","):
            {"publish": publish, "nats": nats, "batch": batch, "single": single, "log": log}[part](arguments)
    finally:
        shutil.rmtree(DATA, ignore_errors=True)


if __name__ == "__main__":
    main()
