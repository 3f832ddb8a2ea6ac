"""In steady state a request, a delivery and a second's maintenance take no memory from the heap or the system: zero."""

import mmap
import socket
import ssl
import struct
import subprocess
import time
from pathlib import Path

import jwt
import pytest

from certificates import Authority
from client import Stream, eventually, request
from test_access import new_token
from test_tls import SecureConnection, tls

REQUESTS = 2000
WARM_UP = 4000
POLLERS = 100
REPLIES = 20
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
            self.memory = mmap.mmap(file.fileno(), 48)

    def taken(self):
        """Calls of malloc and its kin, and of mmap."""
        return struct.unpack_from("=QQ", self.memory, 0)

    def openssl(self):
        """Those of malloc and its kin that OpenSSL made for itself."""
        return struct.unpack_from("=Q", self.memory, 32)[0]

    def report(self, count, openssl=0):
        struct.pack_into("=q", self.memory, 24, count)
        struct.pack_into("=q", self.memory, 40, openssl)


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
    server.counters.report(3, openssl=3)
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
        # Else the kernels on both sides take all of it.
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 256 << 10)
        for _ in range(60):
            assert connection.send(publish(b"x" * 30_000)).reply().status == 201

        def run(rounds, wait):
            for _ in range(rounds):
                connection.send(page * REPLIES)
                wait()
                for _ in range(REPLIES):
                    assert len(connection.reply().body) > 15 * 30_000

        run(ROUNDS, lambda: eventually(lambda: counted.metric("postern_pending_output_bytes") > 0, what="output waits"))
        # A reply's blocks are mapped once, if none was as long before, and kept.
        blocks = 1 + 15 * 31_000 // (16 << 10)
        assert_takes_nothing(counted, lambda: run(ROUNDS, lambda: time.sleep(0.02)), mappings=blocks)


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


@pytest.mark.parametrize("fields", [[], ["X-Request-Id: 0af7651916cd43dd8448eb211c80319c"]], ids=["nameless", "named"])
@pytest.mark.parametrize("selection", ["woken", "woken,other.*"])
def test_parked_polls_and_their_deliveries_allocate_nothing(counted, selection, fields):
    poll = request("GET", f"/v1/topics/{selection}/messages?wait=30s&since=latest", *fields)
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


SECRET = b"a secret of more than thirty-two bytes"
# Each of them is met by every request, and none is reached.
LIMITS = "requests=1000000/s,bytes=1GiB/s,messages=1000000/s,topics=1000/s,connections=100,polls=100,streams=100"


@pytest.fixture
def guarded(serve, hook, tmp_path):
    """Starts servers with tokens and limits, whose allocations are counted; with them, a token of either kind."""
    static, line = new_token("steady", "--publish", "steady.*", "--subscribe", "steady.*")
    (tmp_path / "tokens").write_text(line + "\n")
    (tmp_path / "secret").write_bytes(SECRET)
    for name in ("tokens", "secret"):
        (tmp_path / name).chmod(0o600)
    claims = {"exp": int(time.time()) + 3600, "sub": "steady", "postern": {"publish": ["steady.*"]}}
    tokens = {"static token": static, "JWT": jwt.encode(claims, SECRET, "HS256")}

    def start(*arguments):
        counters = Counters(tmp_path / "counters")
        server = serve(
            *("--loops", "1", "--retention-bytes", "1MiB", "--limit-address", LIMITS, "--limit-token", LIMITS),
            *("--tokens", str(tmp_path / "tokens"), "--jwt-secret", str(tmp_path / "secret"), *arguments),
            env={"LD_PRELOAD": str(hook), "MALLOC_COUNT_FILE": str(tmp_path / "counters")},
        )
        server.counters = counters
        return server, tokens

    return start


def publish_as(token, body=b"x" * 100):
    return publish(body, "text/plain", f"Authorization: Bearer {token}")


def publishes(connection, token, count):
    for _ in range(count):
        reply = connection.send(publish_as(token)).reply()
        assert reply.status == 201 and "ratelimit" in reply.headers, reply


def fill(connection, token):
    for _ in range(60):
        assert connection.send(publish_as(token, b"x" * 30_000)).reply().status == 201


@pytest.mark.parametrize("kind", ["static token", "JWT"])
def test_a_publish_with_a_token_and_limits_allocates_nothing(guarded, kind):
    """Nor does OpenSSL: a token that is known costs it nothing."""
    server, tokens = guarded()
    with server.connect() as connection:
        fill(connection, tokens[kind])
        publishes(connection, tokens[kind], WARM_UP)
        assert_takes_nothing(server, lambda: publishes(connection, tokens[kind], REQUESTS))
        assert server.counters.openssl() > 0, "the token was checked, and so OpenSSL is told apart"


# What OpenSSL 3.0 takes for each request, and gives back: a buffer to read a record into and one to write a record from
# (SSL_MODE_RELEASE_BUFFERS, without which an idle connection would keep 34 KB), and some bytes for each piece of a record
# that it puts together: two for a record that is written, and with TLS 1.3 one more a record, read or written.
OPENSSL_ALLOCATIONS_A_REQUEST = {ssl.TLSVersion.TLSv1_3: 6, ssl.TLSVersion.TLSv1_2: 4}


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2])
@pytest.mark.parametrize("kind", ["static token", "JWT"])
def test_a_publish_by_tls_with_a_token_and_limits_allocates_nothing_of_ours(guarded, tmp_path, kind, version):
    authority = Authority(tmp_path)
    server, tokens = guarded(*tls(authority.issue("localhost", "DNS:localhost")))
    context = ssl.create_default_context(cafile=str(authority.certificate))
    context.minimum_version = context.maximum_version = version
    with SecureConnection(server, context) as connection:
        fill(connection, tokens[kind])
        publishes(connection, tokens[kind], WARM_UP)
        before, openssl = server.counters.taken(), server.counters.openssl()
        server.counters.report(3)
        publishes(connection, tokens[kind], REQUESTS)
        server.counters.report(0)
        heap, mappings = (now - then for now, then in zip(server.counters.taken(), before))
        openssl = server.counters.openssl() - openssl
    assert heap - openssl == 0 and mappings == 0, f"{heap - openssl} and {mappings} mappings: {server.standard_error()}"
    assert openssl <= OPENSSL_ALLOCATIONS_A_REQUEST[version] * REQUESTS
