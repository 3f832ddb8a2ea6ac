"""In steady state a request, a delivery and a second's maintenance take no memory from the heap or the system: zero."""

import mmap
import struct
import subprocess
import time
from pathlib import Path

import pytest

from client import Stream, eventually, request

REQUESTS = 2000
WARM_UP = 4000
POLLERS = 100
ROUNDS = 20


@pytest.fixture(scope="session")
def hook(tmp_path_factory):
    """The library that counts, made for this run."""
    library = tmp_path_factory.mktemp("hook") / "malloc_count.so"
    source = Path(__file__).with_name("malloc_count.c")
    subprocess.run(["gcc", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, source], check=True)
    return library


class Counters:
    """What the server counts, seen from outside."""

    def __init__(self, path):
        path.write_bytes(bytes(mmap.PAGESIZE))
        with path.open("r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 32)

    def taken(self):
        """Calls of malloc and its kin, and of mmap."""
        return struct.unpack_from("=QQ", self.memory, 0)

    def report(self, count):
        struct.pack_into("=q", self.memory, 24, count)


@pytest.fixture
def counted(serve, hook, tmp_path):
    """A server of one loop whose log is so small that its segments have served before, and its counters."""
    counters = Counters(tmp_path / "counters")
    server = serve(
        *("--loops", "1", "--retention-bytes", "1MiB"),
        env={"LD_PRELOAD": str(hook), "MALLOC_COUNT_FILE": str(tmp_path / "counters")},
    )
    assert counters.taken()[0] > 0, "the hook does not count"
    server.counters = counters
    return server


@pytest.fixture
def counted_on_disk(serve, hook, tmp_path):
    """The same with its messages on disk, once the file for the next segment is made as well."""
    counters = Counters(tmp_path / "counters")
    (tmp_path / "log").mkdir()
    server = serve(
        *("--loops", "1", "--data-dir", str(tmp_path / "log")),
        env={"LD_PRELOAD": str(hook), "MALLOC_COUNT_FILE": str(tmp_path / "counters")},
    )
    server.counters = counters
    eventually(lambda: server.metric("postern_storage_file_bytes") > 0, what="the next segment's file is there")
    return server


def assert_takes_nothing(server, work, mappings=0):
    """- mappings: so many are expected: memory for messages, a mebibyte at a time."""
    before = server.counters.taken()
    server.counters.report(3)
    work()
    server.counters.report(0)
    taken = tuple(now - then for now, then in zip(server.counters.taken(), before))
    assert taken[0] == 0 and taken[1] <= mappings, f"{taken[0]} allocations and {taken[1]} mappings: {server.standard_error()}"


def publish(body, content_type="text/plain", *headers, topic="steady.topic"):
    return request("POST", f"/v1/topics/{topic}/messages", f"Content-Type: {content_type}", *headers, body=body)


def envelopes(separator, start, end, count=10):
    lines = [b'{"topic":"steady.%d","data":{"n":%d},"key":"k","attributes":{"a":"b"}}' % (n % 3, n) for n in range(count)]
    return start + separator.join(lines) + end


def with_idempotency(number):
    return publish(b"hello", "text/plain", f"Idempotency-Key: key-{number % 3000}", "Attr-Kind: x", "Message-Key: m")


KINDS = {
    "text": lambda _: publish(b"x" * 100),
    "large text": lambda _: publish(b"x" * 30_000),
    "bytes": lambda _: publish(bytes(range(256)), "application/octet-stream"),
    "JSON": lambda _: publish(b'{"temp":21.5,"unit":"C","tags":["a","b"]}', "application/json"),
    "idempotency key, attributes and key": with_idempotency,
    "batch": lambda _: request(
        "POST", "/v1/messages", "Content-Type: application/json", body=envelopes(b",", b'{"messages":[', b"]}")
    ),
    "NDJSON batch": lambda _: request(
        "POST", "/v1/messages", "Content-Type: application/x-ndjson", body=envelopes(b"\n", b"", b"\n")
    ),
    "poll of a topic": lambda _: request("GET", "/v1/topics/steady.topic/messages?limit=10"),
    "poll of a pattern": lambda _: request("GET", "/v1/topics/steady.*/messages?limit=10"),
    "poll that finds nothing": lambda _: request("GET", "/v1/topics/steady.topic/messages?since=latest"),
    "topic": lambda _: request("GET", "/v1/topics/steady.topic"),
    "liveness": lambda _: request("GET", "/livez"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_request_allocates_nothing(counted, kind):
    make = KINDS[kind]
    with counted.connect() as connection:

        def run(numbers):
            for number in numbers:
                reply = connection.send(make(number)).reply()
                assert reply.status in (200, 201), reply

        # There is something to read, and enough came that the log has given back segments.
        for _ in range(60):
            assert connection.send(publish(b"x" * 30_000)).reply().status == 201
        run(range(WARM_UP))
        assert_takes_nothing(counted, lambda: run(range(WARM_UP, WARM_UP + REQUESTS)))


@pytest.mark.parametrize("kind", ["text", "JSON", "idempotency key, attributes and key", "batch", "NDJSON batch"])
def test_a_durable_publish_allocates_nothing(counted_on_disk, kind):
    make = KINDS[kind]
    # All of it goes into one segment: a segment's end is not a publish's.
    count = 100 if "batch" in kind else 1000
    with counted_on_disk.connect() as connection:

        def run(numbers):
            for number in numbers:
                reply = connection.send(make(number)).reply()
                assert reply.status in (200, 201), reply

        run(range(count))
        assert_takes_nothing(counted_on_disk, lambda: run(range(count, 2 * count)), mappings=1)
        assert counted_on_disk.metric("postern_storage_commit_duration_seconds_count") >= count


def test_bodies_that_come_in_pieces_allocate_nothing(counted):
    whole = publish(b"x" * 5000)
    chunked = request("POST", "/v1/topics/t/messages", "Transfer-Encoding: chunked") + b"5\r\nhello\r\n0\r\n\r\n"
    with counted.connect() as connection:

        def run(count):
            for _ in range(count):
                for bytes_ in (whole, chunked):
                    cut = len(bytes_) - 10
                    # The interim reply shows that the head arrived by itself.
                    head, _, body = bytes_[:cut].partition(b"\r\n\r\n")
                    connection.send(head + b"\r\nExpect: 100-continue\r\n\r\n")
                    assert connection.reply().status == 100
                    connection.send(body)
                    connection.send(bytes_[cut:])
                    assert connection.reply().status == 201

        run(WARM_UP // 4)
        assert_takes_nothing(counted, lambda: run(REQUESTS // 4))


def test_pipelined_requests_allocate_nothing(counted):
    burst = publish(b"x" * 100) * 50
    with counted.connect() as connection:

        def run(count):
            for _ in range(count):
                connection.send(burst)
                for _ in range(50):
                    assert connection.reply().status == 201

        run(WARM_UP // 50)
        assert_takes_nothing(counted, lambda: run(REQUESTS // 50))


def test_output_that_waits_for_its_peer_allocates_nothing(counted):
    """Half a mebibyte a reply: the socket does not take it all while nobody reads."""
    page = request("GET", "/v1/topics/steady.topic/messages?limit=15")
    with counted.connect() as connection:
        for _ in range(60):
            assert connection.send(publish(b"x" * 30_000)).reply().status == 201

        def run(rounds, wait):
            for _ in range(rounds):
                connection.send(page * 8)
                wait()
                for _ in range(8):
                    assert len(connection.reply().body) > 15 * 30_000

        run(ROUNDS, lambda: eventually(lambda: counted.metric("postern_pending_output_bytes") > 0, what="output waits"))
        assert_takes_nothing(counted, lambda: run(ROUNDS, lambda: time.sleep(0.02)))


@pytest.mark.parametrize("target", ["woken", "woken,other.*", "woken?filter=a:b", "woken?format=ndjson"])
def test_deliveries_to_streams_allocate_nothing(counted, target):
    topics, _, query = target.partition("?")
    streams = [
        Stream(counted, f"/v1/topics/{topics}/messages?since=latest&{query}", sse="format" not in query)
        for _ in range(POLLERS)
    ]
    with counted.connect() as publisher:

        def run(rounds):
            for number in range(rounds):
                assert publisher.send(publish(b"now", "text/plain", "Attr-A: b", topic="woken")).reply().status == 201
                for stream in streams:
                    while '"data":"now"' not in stream.line():
                        pass

        run(WARM_UP // POLLERS)
        # Segments have served before.
        for _ in range(80):
            assert publisher.send(publish(b"x" * 30_000)).reply().status == 201
        run(ROUNDS)
        assert_takes_nothing(counted, lambda: run(ROUNDS))
    for stream in streams:
        stream.close()


@pytest.mark.parametrize("selection", ["woken", "woken,other.*"])
def test_parked_polls_and_their_deliveries_allocate_nothing(counted, selection):
    poll = request("GET", f"/v1/topics/{selection}/messages?wait=30s&since=latest")
    connections = [counted.connect() for _ in range(POLLERS)]
    with counted.connect() as publisher:

        def run(rounds):
            for _ in range(rounds):
                for connection in connections:
                    connection.send(poll)
                # What was sent before is served before; since=latest leaves it nothing but to park.
                assert publisher.send(publish(b"now", topic="woken")).reply().status == 201
                for connection in connections:
                    reply = connection.reply()
                    assert reply.status == 200 and b'"data":"now"' in reply.body

        run(ROUNDS)
        assert_takes_nothing(counted, lambda: run(ROUNDS))
    for connection in connections:
        connection.close()


def test_waits_that_end_allocate_nothing(counted):
    with counted.connect() as connection:

        def run(count):
            for _ in range(count):
                connection.get("/v1/topics/silent/messages?wait=1ms")
                assert connection.reply().status == 200

        run(300)
        assert_takes_nothing(counted, lambda: run(300))


def test_maintenance_allocates_nothing(counted):
    """Three seconds of requests: what is done once a second is done three times."""
    with counted.connect() as connection:

        def run(seconds):
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                assert connection.send(publish(b"x" * 100)).reply().status == 201
                assert connection.get("/v1/topics/steady.topic/messages?limit=5").reply().status == 200

        run(2)
        assert_takes_nothing(counted, lambda: run(3.2))
