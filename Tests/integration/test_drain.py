"""SIGTERM and SIGINT: stop accepting, answer parked polls with their cursor, finish what is under way, exit 0."""

import json
import signal
import time

import pytest

from client import Api, RawConnection, request
from disk import Disk, build


def park(server, topic, count):
    connections = [server.connect().get(f"/v1/topics/{topic}/messages?wait=60s") for _ in range(count)]
    server.waits_for("postern_poll_waiters", count)
    return connections


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_parked_polls_are_answered_at_once_with_their_cursor(serve, number):
    server = serve("--loops", "2")
    cursor = Api(server).publish("elsewhere", "x").json()["cursor"]
    connections = [server.connect().get(f"/v1/topics/t/messages?after={cursor}&wait=60s") for _ in range(20)]
    server.waits_for("postern_poll_waiters", 20)
    began = time.monotonic()
    server.process.send_signal(number)
    for connection in connections:
        reply = connection.reply()
        assert reply.status == 200
        assert json.loads(reply.body) == {"messages": [], "next": cursor}
        assert reply.headers["cursor"] == cursor
        assert reply.headers["connection"].lower() == "close"
    assert time.monotonic() - began < 2
    assert server.process.wait(5) == 0


def test_a_server_without_connections_ends_at_once(serve):
    server = serve()
    began = time.monotonic()
    assert server.terminate() == 0
    assert time.monotonic() - began < 0.4


def test_a_request_that_was_on_its_way_to_an_idle_connection_is_served(serve):
    server = serve()
    with server.connect() as connection:
        assert connection.get("/livez").reply().status == 200
        server.process.send_signal(signal.SIGTERM)
        until_refused(server)
        reply = connection.send(request("POST", "/v1/topics/t/messages", body=b"x")).reply()
        assert (reply.status, reply.headers["connection"].lower()) == (201, "close")
        assert connection.is_closed_by_server()
    assert server.process.wait(5) == 0


def test_an_idle_connection_has_half_a_second(serve):
    server = serve()
    with server.connect() as connection:
        assert connection.get("/livez").reply().status == 200
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert connection.is_closed_by_server()
        assert 0.4 < time.monotonic() - began < 2
        # Our side alone is shut: what the client sends now is not answered, and is not met with a reset either.
        connection.send(request("GET", "/livez"))
    assert server.process.wait(5) == 0


def test_a_reply_that_promised_another_request_is_not_followed_by_the_end(serve, tmp_path, directory):
    """It was written before draining began, and waited for the disk."""
    slow = Disk(build(tmp_path), tmp_path / "disk")
    server = serve("--data-dir", str(directory), env=slow.env)
    publish = request("POST", "/v1/topics/t/messages", body=b"x")
    with server.connect() as connection:
        with slow.held():
            connection.send(publish)
            slow.waits()
            server.process.send_signal(signal.SIGTERM)
            until_refused(server)
        reply = connection.reply()
        assert reply.status == 201 and "connection" not in reply.headers
        time.sleep(0.1)
        assert connection.send(publish).reply().status == 201
    assert server.process.wait(5) == 0


def test_an_idle_server_ends_at_once(serve):
    server = serve()
    with server.connect() as idle:
        assert idle.get("/livez").reply().status == 200
        began = time.monotonic()
        assert server.terminate() == 0
        assert time.monotonic() - began < 3


def test_a_request_under_way_is_finished(serve):
    server = serve()
    whole = request("POST", "/v1/topics/t/messages", body=b"x" * 1000)
    with server.connect() as connection:
        connection.send(whole[:-500])
        server.waits_for("postern_connections", 2)
        server.process.send_signal(signal.SIGTERM)
        until_refused(server)
        reply = connection.send(whole[-500:]).reply()
        assert reply.status == 201
        assert reply.headers["connection"].lower() == "close"
    assert server.process.wait(5) == 0


def test_readiness_is_refused_while_draining(serve):
    server = serve()
    whole = request("GET", "/readyz")
    with server.connect() as connection:
        connection.send(whole[:-2])
        server.waits_for("postern_connections", 2)
        server.process.send_signal(signal.SIGTERM)
        until_refused(server)
        reply = connection.send(whole[-2:]).reply()
        assert reply.status == 503
        assert json.loads(reply.body)["code"] == "draining"
    assert server.process.wait(5) == 0


def test_a_client_that_never_finishes_is_given_up_at_the_drain_timeout(serve):
    server = serve("--drain-timeout", "1s")
    with server.connect() as connection:
        connection.send(request("POST", "/v1/topics/t/messages", body=b"x" * 1000)[:-500])
        server.waits_for("postern_connections", 2)
        began = time.monotonic()
        assert server.terminate() == 0
        assert 0.5 < time.monotonic() - began < 4


def test_a_second_signal_does_no_harm(serve):
    server = serve("--drain-timeout", "1s")
    park(server, "t", 3)
    server.process.send_signal(signal.SIGTERM)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(5) in (0, -signal.SIGTERM)


def until_refused(server):
    """Draining has begun when the port takes nobody any more. The loops close their ends of it one after the other: a
    connection that was on its way to the first is reset while the second still takes others."""
    deadline = time.monotonic() + 5
    refused = 0
    while time.monotonic() < deadline:
        try:
            RawConnection(server.host, server.port, timeout=1).close()
            refused = 0
        except ConnectionRefusedError:
            refused += 1
            if refused == 3:
                return
        except OSError:
            refused = 0
        time.sleep(0.005)
    raise AssertionError("the port still takes connections")
