"""Attacks of many clients at a time: what they cost a bystander who publishes meanwhile, and the server in memory.

The figures are printed as a table; ATTACK_FIGURES=FILE.json keeps them.
"""

import contextlib
import json
import os
import random
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import collisions
from attacks import MEBIBYTE, attack, fill, many_descriptors, table, write
from client import RawConnection, eventually, request, serving

KIBIBYTE = 1 << 10
# How long attackers go on, seconds: some hundred rounds of the bystander.
SECONDS = 1.5
POST = "/v1/topics/attacked/messages"
# What requests may gather at a time where an attack is one on their memory: --arena-budget-bytes.
BUDGET = 64 * MEBIBYTE
# What a quiet connection may cost: its entry and, where it sent half a head, a stash of a kibibyte and the pages' slack.
QUIET_CONNECTION = 4 * KIBIBYTE
# What any attack may cost beside what it is about: arenas of requests under way, output of a turn, the allocator's slack.
SLACK = 12 * MEBIBYTE
# All output of one loop that waits for slow readers: EventLoopConfiguration.maximumPendingBytesPerLoop and the largest
# replies on their way to it.
PENDING = 72 * MEBIBYTE


@pytest.fixture(scope="module")
def figures(tmp_path_factory):
    kept = []
    yield kept
    print(f"\n{table(kept)}")
    path = Path(os.environ.get("ATTACK_FIGURES") or tmp_path_factory.mktemp("attacks") / "figures.json")
    write(kept, path)


@pytest.fixture(scope="module", autouse=True)
def descriptors():
    many_descriptors()


def at_once(count, work):
    """Runs `work(number)` in so many threads; raises what any of them raised."""
    with ThreadPoolExecutor(max_workers=count) as executor:
        return list(executor.map(work, range(count)))


def for_a_while(seconds=SECONDS):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield


def flood(under, sent, replies, clients=8, seconds=SECONDS, to="GET"):
    """Sends the same again and again and takes the replies. Returns how often each status came."""
    counts = {}

    def go_on(_):
        [connection] = under.clients(1)
        for _ in for_a_while(seconds):
            connection.send(sent)
            for _ in range(replies):
                status = connection.reply(to).status
                counts[status] = counts.get(status, 0) + 1

    at_once(clients, go_on)
    return counts


def again(under, sent, clients=8, seconds=SECONDS):
    """Sends the same again and again, each on a new connection that the server ends. Returns the statuses that came."""
    statuses = set()

    def go_on(_):
        for _ in for_a_while(seconds):
            with under.server.connect() as connection:
                with contextlib.suppress(OSError):
                    connection.send(sent)
                statuses.add(connection.reply().status)
                assert connection.is_closed_by_server()

    at_once(clients, go_on)
    under.figures.clients += clients
    return statuses


def drip(connections, seconds=SECONDS, byte=b"x", pause=0.2):
    """A byte from each, round after round. Returns how many had been cut off."""
    cut = set()
    for _ in for_a_while(seconds):
        for number, connection in enumerate(connections):
            if number not in cut:
                try:
                    connection.send(byte)
                except OSError:
                    cut.add(number)
        time.sleep(pause)
    return len(cut)


# Slow clients


@pytest.fixture(scope="module", autouse=True)
def cut_off():
    """Clients that drip a byte every two seconds from here on: after how many seconds each is cut off.

    They go on beside the other tests, since the times in question are long.
    """
    head = b"POST /v1/topics/slow/messages HTTP/1.1\r\nHost: a\r\n"
    starts = {
        "head": (b"GET /livez HTTP/1.1\r\nX: ", b"x"),
        "body": (head + b"Content-Length: 1000\r\n\r\n", b"x"),
        "chunks": (head + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        "chunk extension": (head + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x"),
    }
    times, stopped = {}, threading.Event()
    with serving("--loops", "1") as server:

        def go_on(name):
            start, piece = starts[name]
            began = time.monotonic()
            with server.connect() as connection:
                connection.send(start)
                while not stopped.is_set():
                    connection.socket.settimeout(2)
                    with contextlib.suppress(TimeoutError):
                        try:
                            status = connection.reply().status
                        except (EOFError, OSError):
                            status = None
                            if time.monotonic() - began < 0.5:
                                raise
                        times[name] = (time.monotonic() - began, status)
                        return
                    with contextlib.suppress(OSError):
                        connection.send(piece)

        threads = [threading.Thread(target=go_on, args=(name,), daemon=True) for name in starts]
        for thread in threads:
            thread.start()
        yield times
        stopped.set()
        for thread in threads:
            thread.join(10)


def test_slow_heads(figures):
    clients = 3000
    with attack("slow heads", during=clients * QUIET_CONNECTION + SLACK, keep=figures) as under:
        drip(under.clients(clients, b"POST /v1/topics/slow/messages HTTP/1.1\r\nX-Padding: "))


def test_slow_bodies(figures):
    """What each holds is an arena's first chunk: 16 KiB, however much it announced."""
    clients = 1500
    head = request("POST", POST, f"Content-Length: {MEBIBYTE}")
    with attack("slow bodies", during=clients * 24 * KIBIBYTE + SLACK, keep=figures) as under:
        drip(under.clients(clients, head + b"x" * 100))


def test_slow_chunked_bodies(figures):
    clients = 1500
    head = request("POST", POST, "Transfer-Encoding: chunked")
    with attack("slow chunked bodies", during=clients * 24 * KIBIBYTE + SLACK, keep=figures) as under:
        drip(under.clients(clients, head), byte=b"1\r\nx\r\n")


def test_large_bodies_that_lack_their_last_byte(figures):
    """All of them together want more than the budget. Their memory is bounded, and a small publish finds room."""
    head = request("POST", POST, f"Content-Length: {MEBIBYTE}")
    with attack(
        "large bodies held", "--arena-budget-bytes", str(BUDGET), during=BUDGET + 2 * SLACK, keep=figures
    ) as under:
        connections = under.clients(150)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.send(head, b"x" * (MEBIBYTE - 100_000))
        drip(connections)


def narrow(under, target, *headers, count=1):
    """A reader with the smallest receive window, that has asked and reads nothing."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    sock.settimeout(10)
    sock.connect((under.server.host, under.server.port))
    under.held.callback(sock.close)
    under.figures.clients += 1
    with contextlib.suppress(TimeoutError, OSError):
        sock.settimeout(0.2)
        sock.sendall(request("GET", target, *headers) * count)
    return sock


def sip(sockets, seconds=SECONDS):
    """Takes a byte of each, round after round."""
    for _ in for_a_while(seconds):
        for sock in sockets:
            sock.settimeout(0)
            with contextlib.suppress(OSError):
                sock.recv(1)
        time.sleep(0.05)


def publish_large(under, topic="large", count=6):
    with under.server.connect() as connection:
        for _ in range(count):
            connection.send(request("POST", f"/v1/topics/{topic}/messages", body=b"x" * 900_000))
            assert connection.reply().status == 201


def test_slow_readers_of_polls(figures):
    with attack("slow readers, polls", during=PENDING + 2 * SLACK, keep=figures) as under:
        publish_large(under)
        sip([narrow(under, "/v1/topics/large/messages", count=50) for _ in range(200)])


def test_slow_readers_of_streams(figures):
    """A stream whose client does not read holds the rest of one piece, whatever is published meanwhile."""
    clients = 300
    with attack("slow readers, streams", during=PENDING + 2 * SLACK, keep=figures) as under:
        sockets = [
            narrow(under, "/v1/topics/large/messages?since=latest", "Accept: text/event-stream") for _ in range(clients)
        ]
        eventually(lambda: under.server.metric("postern_streams") == clients)
        publish_large(under)
        sip(sockets)


def test_idle_connections_from_one_address(figures):
    clients = 5000
    with attack("idle, one address", during=clients * QUIET_CONNECTION + SLACK, keep=figures) as under:
        under.clients(clients)
        time.sleep(SECONDS)
        assert under.server.metric("postern_connections") > clients


def test_idle_connections_from_many_addresses(figures):
    clients = 5000
    with attack("idle, 50 addresses", during=clients * QUIET_CONNECTION + SLACK, keep=figures) as under:
        for last in range(2, 52):
            under.clients(clients // 50, request("GET", "/livez"), source=f"127.0.0.{last}")
        time.sleep(SECONDS)
        assert under.server.metric("postern_connections") > clients


# Floods


@pytest.mark.parametrize("what", ["publishes", "reads"])
def test_pipelining_floods(figures, what):
    one = request("POST", POST, body=b"x") if what == "publishes" else request("GET", "/v1/topics/attacked/messages?limit=1")
    with attack(f"pipelined {what}", during=4 * SLACK, keep=figures) as under:
        counts = flood(under, one * 500, 500)
        print(counts)
        assert set(counts) == {201 if what == "publishes" else 200}


def test_pipelining_without_reading(figures):
    """Replies that are not taken stop the requests behind them."""
    with attack("pipelined, unread", during=PENDING + SLACK, keep=figures) as under:
        pipelined = request("GET", "/openapi.yaml") * 200

        def push(_):
            [connection] = under.clients(1, timeout=0.3)
            for _ in for_a_while():
                with contextlib.suppress(OSError):
                    connection.send(pipelined)

        at_once(32, push)


def test_a_flood_of_expectations(figures):
    """100 Continue is asked for and nothing is sent."""
    head = request("POST", POST, "Content-Length: 1000", "Expect: 100-continue")
    with attack("Expect floods", during=100 * MEBIBYTE, keep=figures) as under:

        def expect(_):
            for _ in for_a_while():
                [connection] = under.clients(1, head)
                assert connection.reply().status == 100

        at_once(8, expect)


RESETS = {
    "nothing": b"",
    "head": b"POST /v1/topics/a",
    "body": request("POST", POST, "Content-Length: 100000") + b"x" * 50_000,
    "replies": request("GET", "/openapi.yaml") * 20,
    "parked poll": request("GET", "/v1/topics/never/messages?wait=60s"),
    "stream": request("GET", "/v1/topics/never/messages", "Accept: text/event-stream"),
}


def test_reset_storms(figures):
    """Connections that are reset at once, and in the midst of heads, bodies, replies, waits and streams."""
    with attack("reset storms", during=3 * SLACK, keep=figures) as under:

        def storm(number):
            source = random.Random(number)
            for _ in for_a_while(2 * SECONDS):
                with contextlib.suppress(OSError):
                    connection = under.server.connect()
                    connection.send(RESETS[source.choice([*RESETS])])
                    if source.random() < 0.5:
                        connection.socket.settimeout(0.02)
                        with contextlib.suppress(OSError):
                            connection.socket.recv(100)
                    connection.reset()

        at_once(16, storm)
        under.figures.clients = int(under.server.metric("postern_connections_accepted_total"))
        for name in ("postern_poll_waiters", "postern_streams"):
            under.server.waits_for(name, 0)
    assert under.figures.clients > 300


# What is kept in tables


def batch(envelopes):
    """A publish of many messages."""
    lines = "\n".join(json.dumps(envelope) for envelope in envelopes)
    return request("POST", "/v1/messages", "Content-Type: application/x-ndjson", body=lines.encode())


def test_topics_up_to_the_limit(figures):
    """Then 503, room again once their messages are gone, and others publish all the while."""
    limit = 50_000
    with attack("topics", "--max-topics", str(limit), during=limit * 600 + SLACK, keep=figures) as under:
        [connection] = under.clients(1)
        for start in range(0, limit + 2000, 1000):
            connection.send(batch({"topic": f"t{number}.{'x' * 200}", "data": 1} for number in range(start, start + 1000)))
            reply = connection.reply()
            if reply.status != 201:
                break
        assert reply.status == 503 and json.loads(reply.body)["code"], reply
        assert under.server.metric("postern_interned_topics") <= limit
        connection.send(request("POST", "/v1/topics/bystander/messages", body=b"x" * 10))
        # The bystander would see a message of somebody else's as its own.
        assert connection.reply().status == 201
        fill(under.server)
        assert under.server.metric("postern_interned_topics") < limit
        connection.send(request("POST", "/v1/topics/one-more/messages", body=b"x"))
        assert connection.reply().status == 201


def test_patterns_of_many_parked_polls(figures):
    """Sixteen alternatives each, no two the same."""
    clients = 1500
    with attack("patterns", during=clients * 24 * KIBIBYTE + SLACK, keep=figures) as under:
        for number in range(clients):
            patterns = ",".join(f"a{number}.*.b{other}.**" for other in range(16))
            under.clients(1, request("GET", f"/v1/topics/{patterns}/messages?since=latest&wait=60s"))
        eventually(lambda: under.server.metric("postern_poll_waiters") == clients)
        counts = flood(under, batch({"topic": f"a{n}.x.c.y.z", "data": 1} for n in range(1000)), 1, clients=2)
        assert set(counts) == {201}


def test_patterns_that_branch_at_every_token(figures):
    """A topic of the right form runs through all of them at once, and through none to its end."""
    clients, depth = 1024, 14
    with attack("branching patterns", during=clients * 48 * KIBIBYTE + SLACK, keep=figures) as under:
        every = [
            ".".join("a" if number >> bit & 1 else "*" for bit in range(depth)) + ".z" for number in range(1 << depth)
        ]
        for start in range(0, len(every), 16):
            patterns = ",".join(every[start : start + 16])
            under.clients(1, request("GET", f"/v1/topics/{patterns}/messages?since=latest&wait=60s"))
        eventually(lambda: under.server.metric("postern_poll_waiters") == len(every) // 16)
        topic = ".".join(["a"] * depth) + ".y"
        counts = flood(under, request("POST", f"/v1/topics/{topic}/messages", body=b"x"), 1, clients=2)
        print(counts)
        assert set(counts) == {201}


# What is in a head


def fields(count, size):
    return [f"X-{number}: {'v' * size}" for number in range(count)]


AT_THE_LIMIT = {
    # Host and Content-Length are two of them.
    "100 fields": fields(98, 1),
    "16 KiB": fields(15, 1060),
    "32 attributes": [f"Attr-{number}-{'n' * 55}: {'v' * 380}" for number in range(32)],
}
OVER_THE_LIMIT = {
    "101 fields": (fields(99, 1), 431),
    "16 KiB and more": (fields(17, 1000), 431),
    "a field of 64 KiB": (fields(1, 64 * KIBIBYTE), 431),
    "a field's name of 64 KiB": (["N" * 64 * KIBIBYTE + ": v"], 431),
    "10,000 fields": (fields(10_000, 1), 431),
}
REFUSED = {
    "33 attributes": ([f"Attr-{number}: v" for number in range(33)], 400),
    "an attribute's name of 65 bytes": ([f"Attr-{'n' * 65}: v"], 400),
    "an attribute of 1025 bytes": ([f"Attr-N: {'v' * 1025}"], 400),
}


@pytest.mark.parametrize("what", AT_THE_LIMIT)
def test_fields_at_the_limit(figures, what):
    with attack(f"at the limit: {what}", during=2 * SLACK, keep=figures) as under:
        assert set(flood(under, request("POST", POST, *AT_THE_LIMIT[what], body=b"x") * 20, 20, seconds=0.7)) == {201}


def test_fields_over_the_limit(figures):
    with attack("fields over the limit", during=2 * SLACK, keep=figures) as under:
        for what, (headers, status) in OVER_THE_LIMIT.items():
            assert again(under, request("POST", POST, *headers, body=b"x"), seconds=0.3) == {status}, what
        for what, (headers, status) in REFUSED.items():
            counts = flood(under, request("POST", POST, *headers, body=b"x"), 1, seconds=0.3)
            assert set(counts) == {status}, (what, counts)


# What is in a body

JSON = "Content-Type: application/json"
LARGE = MEBIBYTE - KIBIBYTE
BOMBS = {
    "open brackets": (b"[" * LARGE, 400),
    "nested lists": (b"[" * 500_000 + b"]" * 500_000, 400),
    "nested objects": (b'{"a":' * 150_000 + b"1" + b"}" * 150_000, 400),
    "lists 64 deep": (b"[" + b",".join([b"[" * 60 + b"]" * 60] * 8000) + b"]", 201),
    "a number of a mebibyte": (b"9" * LARGE, 201),
    "an exponent of a mebibyte": (b"1e" + b"9" * LARGE, 201),
    "a string of a mebibyte": (b'"' + b"x" * (LARGE - 2) + b'"', 201),
    "a string never closed": (b'"' + b"x" * LARGE, 400),
    "170,000 escapes": (b'"' + b"\\u0041" * (LARGE // 6 - 2) + b'"', 201),
    "escapes of half a character": (b'"' + b"\\ud800" * (LARGE // 6 - 2) + b'"', 400),
    "120,000 keys": (b"{" + b",".join(b'"%d":1' % number for number in range(90_000)) + b"}", 201),
    "170,000 times one key": (b"{" + b",".join([b'"a":1'] * (LARGE // 6 - 2)) + b"}", None),
    "500,000 list entries": (b"[" + b",".join([b"1"] * 500_000) + b"]", 201),
    "blanks": (b" " * (LARGE - 1) + b"1", 201),
}


@pytest.mark.parametrize("way", ["message", "envelope"])
def test_json_bombs(figures, way):
    """As a message, which is checked; as an envelope's data, which is decoded."""
    with attack(f"JSON bombs, {way}", during=6 * SLACK, keep=figures) as under:
        slowest = {}

        def throw(item):
            what, (body, status) = item
            if way == "envelope":
                body = b'{"messages":[{"topic":"attacked","data":' + body + b"}]}"
            target = POST if way == "message" else "/v1/messages"
            for _ in range(3):
                with under.server.connect(timeout=30) as connection:
                    began = time.monotonic()
                    reply = connection.send(request("POST", target, JSON, body=body)).reply()
                    slowest[what] = max(slowest.get(what, 0), time.monotonic() - began)
                    if way == "message" and status:
                        assert reply.status == status, (what, reply)
                    assert reply.status in (201, 400, 413), (what, reply)

        with ThreadPoolExecutor(max_workers=8) as executor:
            list(executor.map(throw, BOMBS.items()))
        under.figures.clients = 8
        print({what: f"{seconds * 1000:.0f} ms" for what, seconds in slowest.items()})


HASHES = {"DJB2": collisions.djb2, "FNV-1a": collisions.fnv1a, "FNV-1a, 32 of 64 bits": collisions.fnv1a_low}


def plain(names):
    """As many names of the same length, that nobody chose."""
    source = random.Random(1)
    return ["".join(source.choices(collisions.LETTERS, k=len(names[0]))) for _ in names]


def flooded_seconds(under, names, prefix):
    """How long it takes to use the names as topics, keys of both kinds, attributes, keys of JSON and reads."""
    began = time.monotonic()
    [connection] = under.clients(1, timeout=60)
    for start in range(0, len(names), 500):
        some = names[start : start + 500]
        connection.send(
            batch(
                {"topic": f"{prefix}{name}", "data": 1, "id": prefix + name, "key": name, "attributes": {name[:64]: "v"}}
                for name in some
            )
        )
        reply = connection.reply()
        assert reply.status == 201, reply
    for _ in range(4):
        connection.send(request("POST", POST, JSON, body=json.dumps(dict.fromkeys(names[:8000], 1)).encode()))
        assert connection.reply().status == 201
    targets = [f"/v1/topics/{prefix}{name}/messages?limit=1" for name in names[:4000]]
    for start in range(0, len(targets), 200):
        connection.send(b"".join(request("GET", target) for target in targets[start : start + 200]))
        assert {connection.reply().status for _ in targets[start : start + 200]} == {200}
    return time.monotonic() - began


@pytest.mark.parametrize("simple", HASHES)
def test_hash_flooding(figures, simple):
    """Names that collide cost what others cost: tables hash under a key that nobody knows.

    Sixteen thousand names in one slot would be 130 million comparisons; the factor leaves room for a busy machine.
    """
    names = HASHES[simple](16_000)
    with attack(f"colliding names, {simple}", during=4 * SLACK, keep=figures) as under:
        usual = flooded_seconds(under, plain(names), "a")
        colliding = flooded_seconds(under, names, "b")
        print(f"{usual:.2f} s for names that nobody chose, {colliding:.2f} s for those that collide")
        assert colliding < 3 * usual + 0.5


# Bodies' framing


def chunked(*pieces):
    return request("POST", POST, "Transfer-Encoding: chunked") + b"".join(pieces) + b"0\r\n\r\n"


def test_chunks_of_one_byte(figures):
    body = chunked(b"1\r\nx\r\n" * 100_000)
    with attack("one-byte chunks", during=6 * SLACK, keep=figures) as under:
        assert set(flood(under, body, 1)) == {201}


def test_chunk_extensions(figures):
    """What extensions a body may have is bounded; those within the bound are passed over."""
    within = chunked(b"1;a=b\r\nx\r\n" * 100)
    without_end = request("POST", POST, "Transfer-Encoding: chunked") + b"1;" + b"e" * 100_000
    on_each = chunked(b"1;" + b"e" * 200 + b"\r\nx\r\n" * 1) [:-5] + (b"1;" + b"e" * 200 + b"\r\nx\r\n") * 1000
    with attack("chunk extensions", during=2 * SLACK, keep=figures) as under:
        assert set(flood(under, within * 10, 10, seconds=0.5)) == {201}
        assert again(under, without_end, seconds=0.5) == {400}
        assert again(under, on_each, seconds=0.5) == {400}


def test_trailers_without_end(figures):
    body = chunked(b"1\r\nx\r\n")[:-2] + b"X-Trailer: v\r\n" * 10_000
    with attack("trailers", during=2 * SLACK, keep=figures) as under:
        assert again(under, body, seconds=0.7) == {400}


@pytest.mark.parametrize("length", ["1048577", "18446744073709551616", "9" * 1000], ids=len)
def test_claims_of_huge_bodies(figures, length):
    head = request("POST", POST, f"Content-Length: {length}")
    with attack(f"Content-Length of {len(length)} digits", during=SLACK, keep=figures) as under:
        assert again(under, head, seconds=0.7) == {413}


def test_claims_within_the_limit(figures):
    """A claim takes no memory: what comes does."""
    clients = 2000
    head = request("POST", POST, f"Content-Length: {MEBIBYTE}")
    with attack("claims of a mebibyte", during=clients * 24 * KIBIBYTE + SLACK, keep=figures) as under:
        under.clients(clients, head)
        time.sleep(SECONDS)


# Last, so that the time was used


@pytest.mark.parametrize("what, least, most", [("head", 9, 14), ("body", 25, 40), ("chunks", 25, 40), ("chunk extension", 25, 40)])
def test_clients_that_drip_are_cut_off(cut_off, what, least, most):
    """10 s for a head; for a body 30 s and a second for each 500 bytes."""
    eventually(lambda: what in cut_off, timeout=most + 5, what="the client is cut off")
    seconds, status = cut_off[what]
    print(f"{what}: {status} after {seconds:.1f} s")
    assert least < seconds < most
    assert status in (408, None)
