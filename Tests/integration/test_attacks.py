"""Attacks by slow, idle, impatient and resetting clients, many at a time: what they cost a bystander who publishes
meanwhile, and the server in memory.

The figures are printed as a table; ATTACK_FIGURES=FILE.json keeps them.
"""

import contextlib
import random
import socket
import threading
import time

import pytest

from attacks import MEBIBYTE, Disturbed, Swollen, attack
from client import eventually, request, serving
from floods import KIBIBYTE, POST, QUIET_CONNECTION, SECONDS, SLACK, at_once, drip, flood, for_a_while

# What requests may gather at a time where an attack is one on their memory: --arena-budget-bytes.
BUDGET = 64 * MEBIBYTE
# All output of one loop that waits for slow readers: EventLoopConfiguration.maximumPendingBytesPerLoop and the largest
# replies on their way to it.
PENDING = 72 * MEBIBYTE


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
                    status = None
                    with contextlib.suppress(EOFError, ConnectionError):
                        try:
                            status = connection.reply().status
                        except TimeoutError:
                            connection.send(piece)
                            continue
                    times[name] = (time.monotonic() - began, status)
                    return

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


def test_small_bodies_that_spend_the_budget(figures):
    """What is still to come must not take all room from what is there: a part of the budget is for whole requests."""
    head = request("POST", POST, f"Content-Length: {MEBIBYTE}")
    with attack(
        "budget spent", "--arena-budget-bytes", str(BUDGET), during=BUDGET + 2 * SLACK, returns=1, keep=figures
    ) as under:
        under.clients(5000, head + b"x" * 100)
        time.sleep(SECONDS)


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
    with attack("slow readers, polls", during=PENDING + 2 * SLACK, stays=PENDING, keep=figures) as under:
        publish_large(under)
        sip([narrow(under, "/v1/topics/large/messages", count=50) for _ in range(200)])


def test_slow_readers_of_streams(figures):
    """A stream whose client does not read holds the rest of one piece, whatever is published meanwhile."""
    clients = 300
    with attack("slow readers, streams", during=PENDING + 2 * SLACK, stays=PENDING, keep=figures) as under:
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
    one = (
        request("POST", POST, body=b"x")
        if what == "publishes"
        else request("GET", "/v1/topics/attacked/messages?limit=1")
    )
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


def expect(under, clients):
    """100 Continue is asked for, and nothing is sent."""
    head = request("POST", POST, "Content-Length: 1000", "Expect: 100-continue")

    def ask(_):
        for _ in range(clients // 8):
            [connection] = under.clients(1, head)
            assert connection.reply().status == 100

    at_once(8, ask)


def test_a_flood_of_expectations(figures):
    clients = 4000
    with attack("Expect floods", during=clients * 24 * KIBIBYTE, stays=clients * 6 * KIBIBYTE, keep=figures) as under:
        expect(under, clients)


@pytest.mark.parametrize("what", ["arenas", "output"])
def test_memory_of_a_spike_goes_back_to_the_system(figures, what):
    with attack(f"spike of {what}", during=150 * MEBIBYTE, returns=1, keep=figures) as under:
        if what == "arenas":
            expect(under, 4000)
        else:
            publish_large(under)
            for _ in range(200):
                narrow(under, "/v1/topics/large/messages", count=50)
            eventually(lambda: under.server.metric("postern_pending_output_bytes") > 25 * MEBIBYTE)


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
            for _ in for_a_while(1.5 * SECONDS):
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


# Last, so that the time was used


@pytest.mark.parametrize(
    "what, least, most", [("head", 9, 14), ("body", 25, 40), ("chunks", 25, 40), ("chunk extension", 25, 40)]
)
def test_clients_that_drip_are_cut_off(cut_off, what, least, most):
    """10 s for a head; for a body 30 s and a second for each 500 bytes."""
    eventually(lambda: what in cut_off, timeout=most + 5, what="the client is cut off")
    seconds, status = cut_off[what]
    print(f"{what}: {status} after {seconds:.1f} s")
    assert least < seconds < most
    assert status in (408, None)
