"""Half-open, slow, resetting and garbage-sending clients cost bounded memory and never disturb others."""

import contextlib
import json
import os
import random
import resource
import signal
import socket
import threading
import time

import pytest

from client import Api, eventually, request


@pytest.fixture
def bystander(server, stop_flag):
    """Publishes and reads all the while; the test fails where it is disturbed."""
    api, slowest, errors, rounds = Api(server), [0.0], [], [0]

    def go_on():
        number = 0
        try:
            while not stop_flag.is_set():
                number += 1
                began = time.monotonic()
                cursor = api.publish("bystander", str(number)).json()["cursor"]
                [message] = [m for m in api.messages("bystander", since="1m", limit=1000)[-1:]]
                assert (message["data"], message["cursor"]) == (str(number), cursor)
                slowest[0] = max(slowest[0], time.monotonic() - began)
                rounds[0] += 1
                if number % 500 == 0:
                    api.request("DELETE", "/v1/topics/bystander")
        except Exception as error:  # Reported below, in the test's own thread.
            errors.append(error)

    api.request("DELETE", "/v1/topics/bystander")
    thread = threading.Thread(target=go_on)
    thread.start()
    eventually(lambda: rounds[0] or errors)
    yield
    before = rounds[0]
    eventually(lambda: rounds[0] > before + 2 or errors, what="the bystander is still served")
    stop_flag.set()
    thread.join()
    assert not errors, errors
    assert slowest[0] < 3, f"the bystander waited {slowest[0]:.1f} s"


def test_clients_that_stop_in_the_head(server, bystander):
    with contextlib.ExitStack() as connections:
        for _ in range(200):
            connections.enter_context(server.connect()).send(
                "POST /v1/topics/t/messages HTTP/1.1\r\nHost: a\r\nContent-"
            )
        eventually(lambda: server.metric("postern_connections") >= 200)
    eventually(lambda: server.metric("postern_connections") < 50)


def test_clients_that_stop_in_the_body(server, bystander):
    with contextlib.ExitStack() as connections:
        for _ in range(100):
            head = request("POST", "/v1/topics/t/messages", "Content-Length: 100000")
            connections.enter_context(server.connect()).send(head, b"x" * 5000)
        eventually(lambda: server.metric("postern_connections") >= 100)
    eventually(lambda: server.metric("postern_connections") < 50)


def test_clients_that_reset_in_the_middle(server, bystander):
    for part in [
        b"",
        b"POST /v1/top",
        request("POST", "/v1/topics/t/messages", "Content-Length: 100000") + b"x" * 50_000,
        request("GET", "/v1/topics/reset/messages?wait=30s"),
        request("GET", "/metrics") * 50,
    ]:
        for _ in range(30):
            server.connect().send(part).reset()


def test_clients_that_send_garbage(server, bystander):
    seed = random.randrange(1 << 32)
    print("seed", seed)
    source = random.Random(seed)
    for _ in range(200):
        with server.connect() as connection, contextlib.suppress(OSError, EOFError):
            connection.send(source.randbytes(source.randrange(1, 3000)), b"\r\n\r\n")
            assert connection.reply().status >= 400


def test_clients_that_send_a_good_request_with_a_byte_changed(server, bystander):
    seed = random.randrange(1 << 32)
    print("seed", seed)
    source = random.Random(seed)
    whole = request(
        "POST",
        "/v1/messages",
        "Content-Type: application/json",
        body=b'{"messages":[{"topic":"mutated","data":{"a":[1,2,{"b":"\\u00fc"}]},"key":"k","ttl":1}]}',
    )
    for _ in range(500):
        mutated = bytearray(whole)
        for _ in range(source.randrange(1, 4)):
            mutated[source.randrange(len(mutated))] = source.randrange(256)
        with server.connect() as connection, contextlib.suppress(OSError, EOFError):
            connection.socket.settimeout(0.5)
            assert connection.send(mutated).reply().status != 500


def test_a_client_that_sends_a_byte_at_a_time(server, bystander):
    with server.connect() as connection:
        for byte in request("POST", "/v1/topics/t/messages", body=b"x" * 300):
            connection.send(bytes([byte]))
            time.sleep(0.002)
        assert connection.reply().status == 201


@pytest.mark.slow
def test_a_head_that_does_not_arrive_gets_408(server, bystander):
    with server.connect(timeout=20) as connection:
        connection.send("GET /livez HTTP/1.1\r\n")
        reply = connection.reply()
        assert reply.status == 408
        assert connection.is_closed_by_server()


@pytest.mark.slow
def test_a_slow_head_is_not_kept_alive_by_dripping(server, bystander):
    """One byte a second keeps a connection busy; the time for a head is bounded as a whole."""
    began = time.monotonic()
    with server.connect(timeout=30) as connection:
        with contextlib.suppress(OSError):
            for byte in b"GET /livez HTTP/1.1\r\nX: " + b"v" * 40:
                connection.send(bytes([byte]))
                connection.socket.settimeout(0.7)
                with contextlib.suppress(TimeoutError):
                    if connection.socket.recv(1, 2):  # MSG_PEEK
                        break
    assert time.monotonic() - began < 25


def test_a_reader_that_does_not_read_costs_bounded_memory(serve):
    server = serve("--loops", "1")
    api = Api(server)
    for _ in range(4):
        api.publish("large", "x" * 900_000)
    api.read("large")
    before = server.resident_bytes()
    with contextlib.ExitStack() as connections:
        for _ in range(4):
            connection = connections.enter_context(server.connect())
            connection.socket.settimeout(1)
            with contextlib.suppress(TimeoutError, OSError):
                connection.send(request("GET", "/v1/topics/large/messages?limit=1") * 2000)
        assert api.publish("t", "still here").status_code == 201
        grown = server.resident_bytes() - before
        assert grown < 48 << 20, f"{grown >> 20} MiB for four readers that do not read"
    assert api.publish("t", "and after").status_code == 201


def narrow(server):
    """A connection that takes little at a time."""
    connection = server.connect(timeout=30)
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 10)
    return connection


@pytest.mark.parametrize("ending", ["stays", "finishes sending"])
def test_a_client_that_asks_faster_than_it_reads_gets_every_reply(serve, ending):
    server = serve("--loops", "1")
    api, requests = Api(server), 600
    api.publish("large", "x" * 200_000)
    before = server.resident_bytes()
    with narrow(server) as connection:
        asking = threading.Thread(
            target=lambda: [
                connection.send(request("GET", f"/v1/topics/large/messages?limit={number + 1}"))
                for number in range(requests)
            ]
            + ([connection.socket.shutdown(socket.SHUT_WR)] if ending != "stays" else [])
        )
        asking.start()
        eventually(lambda: server.metric("postern_pending_output_bytes") > 0)
        # What waits for the client is a reply or two, whatever it asks for.
        assert server.metric("postern_pending_output_bytes") < 2 << 20
        for _ in range(requests):
            assert len(connection.reply().body) > 200_000
        asking.join()
        if ending == "stays":
            assert connection.get("/livez").reply().status == 200
        else:
            assert connection.is_closed_by_server()
    grown = server.resident_bytes() - before
    assert grown < 16 << 20, f"{grown >> 20} MiB for {requests * 200_000 >> 20} MiB of replies"
    assert server.metric("postern_connections_closed_total", reason="slow_reader") == 0


def test_requests_sent_while_a_reply_waits_are_served_behind_it(serve):
    server = serve("--loops", "1")
    api = Api(server)
    for _ in range(5):
        api.publish("large", "x" * 900_000)
    with narrow(server) as connection:
        connection.send(request("GET", "/v1/topics/large/messages?limit=1") * 6)
        eventually(lambda: server.metric("postern_pending_output_bytes") > 0)
        body = b"z" * 300_000
        late = threading.Thread(
            target=lambda: connection.send(
                request("POST", "/v1/topics/late/messages", body=body), request("GET", "/v1/topics/late/messages?wait=5s")
            )
        )
        late.start()
        assert [connection.reply().status for _ in range(8)] == [200] * 6 + [201, 200]
        late.join()
    assert api.only_message("late")["data"] == body.decode()


def test_a_client_that_asks_for_much_at_once_gives_way_to_others(serve):
    """What others asked at the same moment is served before the rest of it."""
    server = serve("--loops", "1")
    api = Api(server)
    for _ in range(5):
        api.publish("t", "x" * 60_000)
    greedy, other = server.connect(), server.connect()
    # All replies find room, so that it is not the socket that makes it wait.
    greedy.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    for connection in (greedy, other):
        connection.send(request("GET", "/livez"))
        assert connection.reply().status == 200
    server.process.send_signal(signal.SIGSTOP)
    greedy.send(request("GET", "/v1/topics/t/messages") * 4)
    other.send(request("POST", "/v1/topics/t/messages", body=b"x"))
    server.process.send_signal(signal.SIGCONT)
    assert other.reply().status == 201
    assert [len(json.loads(greedy.reply().body)["messages"]) for _ in range(4)] == [5, 6, 6, 6]


def test_the_largest_message_reaches_a_client_that_takes_little_at_a_time(serve):
    server = serve("--loops", "1")
    api = Api(server)
    # Each byte is six characters of JSON; more of them go over what one request may take.
    body = "\x01" * 800_000
    assert api.publish("large", body).status_code == 201
    with narrow(server) as connection:
        connection.send(request("GET", "/v1/topics/large/messages") * 3)
        for _ in range(3):
            assert json.loads(connection.reply().body)["messages"][0]["data"] == body


def test_half_sent_bodies_cost_what_they_sent(serve):
    """A Content-Length is a claim: memory follows what came."""
    server = serve("--loops", "1")
    before = server.resident_bytes()
    with contextlib.ExitStack() as connections:
        for _ in range(100):
            head = request("POST", "/v1/topics/t/messages", f"Content-Length: {1 << 20}")
            connections.enter_context(server.connect()).send(head, b"x")
        eventually(lambda: server.metric("postern_connections") >= 100)
        grown = server.resident_bytes() - before
        assert grown < 24 << 20, f"{grown >> 20} MiB for 100 bytes"
    server.gets_all_arenas_back()


def test_claims_of_bodies_do_not_spend_the_budget(serve):
    """A head of a hundred bytes that promises a mebibyte must not take a mebibyte from everybody else."""
    server = serve("--loops", "1")
    with contextlib.ExitStack() as connections:
        for _ in range(400):
            head = request("POST", "/v1/topics/t/messages", f"Content-Length: {1 << 20}")
            connections.enter_context(server.connect()).send(head, b"x")
        api = Api(server)
        assert api.get("/livez").status_code == 200
        assert server.metric("postern_connections") >= 400
        for size in (10, 10_000, 500_000):
            assert api.publish("t", "x" * size).status_code == 201


def test_connections_over_the_limit_do_not_disturb_those_within(serve):
    server = serve("--loops", "1", "--max-connections", "8")
    with contextlib.ExitStack() as connections:
        held = [connections.enter_context(server.connect()) for _ in range(8)]
        for connection in held:
            assert connection.get("/livez").reply().status == 200
        for _ in range(20):
            extra = connections.enter_context(server.connect(timeout=1))
            with contextlib.suppress(OSError, EOFError):
                assert extra.get("/livez").reply().status == 503
        for connection in held:
            assert connection.get("/livez").reply().status == 200
    eventually(lambda: answers(server))


def test_running_out_of_descriptors_neither_spins_nor_kills(serve):
    few = 40
    server = serve("--loops", "1", preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (few, few)))
    with contextlib.ExitStack() as connections:
        for _ in range(few * 2):
            connections.enter_context(server.connect())
        time.sleep(0.5)
        began = server.cpu_seconds()
        time.sleep(1)
        assert server.cpu_seconds() - began < 0.3, "accepting spins"
        assert server.process.poll() is None
    eventually(lambda: answers(server))
    assert len(os.listdir(f"/proc/{server.pid}/fd")) < few


def answers(server):
    try:
        with server.connect(timeout=1) as connection:
            return connection.get("/livez").reply().status == 200
    except (OSError, EOFError):
        return False
