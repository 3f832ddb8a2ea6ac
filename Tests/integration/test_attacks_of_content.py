"""Attacks by what requests say: topics, patterns, heads, JSON, names that collide, framing of bodies. What they cost a
bystander who publishes meanwhile, and the server in memory.
"""

import json
import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import collisions
from attacks import MEBIBYTE, attack, fill
from client import eventually, request
from floods import KIBIBYTE, POST, SECONDS, SLACK, again, flood


# What is kept in tables


def batch(envelopes):
    """A publish of many messages."""
    lines = "\n".join(json.dumps(envelope) for envelope in envelopes)
    return request("POST", "/v1/messages", "Content-Type: application/x-ndjson", body=lines.encode())


def test_topics_up_to_the_limit(figures):
    """Then 503, room again once their messages are gone, and others publish all the while."""
    limit, retention = 30_000, 32 * MEBIBYTE
    with attack(
        "topics",
        "--max-topics",
        str(limit),
        during=limit * 600 + SLACK,
        # Tables of topics keep the size that they grew to.
        stays=limit * 600,
        retention=retention,
        keep=figures,
    ) as under:
        [connection] = under.clients(1)
        for start in range(0, limit + 2000, 1000):
            connection.send(
                batch({"topic": f"t{number}.{'x' * 200}", "data": 1} for number in range(start, start + 1000))
            )
            reply = connection.reply()
            if reply.status != 201:
                break
        assert reply.status == 503 and json.loads(reply.body)["code"], reply
        assert under.server.metric("postern_interned_topics") <= limit
        fill(under.server, retention)
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
            assert again(under, request("POST", POST, *headers, body=b"x"), seconds=0.2) == {status}, what
        for what, (headers, status) in REFUSED.items():
            counts = flood(under, request("POST", POST, *headers, body=b"x"), 1, seconds=0.2)
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
            for _ in range(6):
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
                {
                    "topic": f"{prefix}{name}",
                    "data": 1,
                    "id": prefix + name,
                    "key": name,
                    "attributes": {name[:64]: "v"},
                }
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

    Eight thousand names in one slot would be 32 million comparisons; the factor leaves room for a busy machine.
    """
    names = HASHES[simple](8_000)
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
    on_each = chunked(b"1;" + b"e" * 200 + b"\r\nx\r\n" * 1)[:-5] + (b"1;" + b"e" * 200 + b"\r\nx\r\n") * 1000
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
