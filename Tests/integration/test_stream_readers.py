"""Readers of streams that are slow, stall, leave in the middle or come in great numbers; and what the others see."""

import contextlib
import json
import select
import socket
import subprocess
import threading
import time

import pytest

from client import Api, Stream, eventually, request

TARGET = "/v1/topics/t/messages"


def test_one_that_takes_nothing_is_cut_off_and_the_others_go_on(serve):
    server = serve("--loops", "1", "--stall-timeout", "1s")
    api = Api(server)
    before = server.resident_bytes()
    stalled = [Stream(server, TARGET, narrow=True) for _ in range(50)]
    fast = [Stream(server, TARGET) for _ in range(20)]
    count, size, slowest = 400, 20_000, 0.0
    for number in range(count):
        began = time.monotonic()
        assert api.publish("t", f"{number:05}" + "x" * size).status_code == 201
        slowest = max(slowest, time.monotonic() - began)
        for stream in fast:
            assert stream.message()["data"].startswith(f"{number:05}")
    assert slowest < 1, "no publish waited for a stalled reader"
    eventually(lambda: server.metric("postern_stream_closes_total", reason="stalled") == 50)
    assert server.metric("postern_streams") == 20
    # The log itself is 8 MB of these; what was held for each of the fifty is a write and no queue.
    grown = server.resident_bytes() - before
    assert grown < (8 + 50 * 0.25) * (1 << 20), f"{grown >> 20} MiB"
    for stream in stalled + fast:
        stream.close()


def test_one_that_lags_behind_retention_is_told_of_the_gap(serve):
    server = serve("--loops", "1", "--retention-bytes", "1MiB")
    api = Api(server)
    with Stream(server, TARGET, narrow=True) as stream:
        first = api.publish("t", "first").json()["cursor"]
        assert stream.message()["data"] == "first"
        for number in range(500):
            api.publish("t", f"{number}" + "x" * 20_000)
        last = api.publish("t", "last").json()["cursor"]
        seen, gaps = [first], []
        while seen[-1] != last:
            event = stream.event()
            if event.name == "gap":
                told = json.loads(event.data)
                assert told["earliest"] == event.id and seen[-1] <= told["after"] < told["earliest"]
                gaps.append((told["after"], told["earliest"]))
            else:
                assert event.name == "message"
            seen.append(event.id)
        assert gaps, "half of it was lost"
        assert seen == sorted(seen) and len(set(seen) - {g for _, g in gaps}) <= 502


def test_one_that_reads_a_byte_at_a_time_gets_every_byte(serve):
    server = serve("--loops", "1", "--stall-timeout", "1s")
    api = Api(server)
    with Stream(server, TARGET, narrow=True, timeout=30) as stream:
        for number in range(60):
            api.publish("t", f"{number}:" + "y" * 5_000)
        until = time.monotonic() + 2.5
        while time.monotonic() < until:
            stream.held += stream.socket.recv(1)
            time.sleep(0.01)
        # It took little, but it took some: it is not cut off.
        assert [m["data"].split(":")[0] for m in stream.messages(60)] == [str(n) for n in range(60)]
    assert server.metric("postern_stream_closes_total", reason="stalled") == 0


@pytest.mark.parametrize("accept", ["text/event-stream", "application/x-ndjson"])
def test_leaving_after_every_byte_leaves_nothing_behind(server, api, topic, accept):
    api.publish(topic, "some text")
    ask = request("GET", f"/v1/topics/{topic}/messages", f"Accept: {accept}")
    for cut in range(len(ask) + 1):
        with server.connect() as connection:
            connection.send(ask[:cut])
    with server.connect() as connection:
        whole = len(connection.send(ask).socket.recv(65536))
    for taken in range(0, whole + 1, 7):
        with server.connect() as connection:
            connection.send(ask)
            with contextlib.suppress(TimeoutError):
                while taken > 0:
                    taken -= len(connection.socket.recv(taken))
            connection.reset()
    eventually(lambda: server.metric("postern_streams") == 0)
    server.gets_all_arenas_back()


def test_a_client_that_shuts_its_side_is_taken_to_have_left(server, topic):
    with Stream(server, f"/v1/topics/{topic}/messages") as stream:
        stream.event()
        stream.socket.shutdown(socket.SHUT_WR)
        assert stream.held == b"" and stream.is_closed_by_server()
    eventually(lambda: server.metric("postern_streams") == 0)


def test_what_is_sent_behind_a_stream_s_request_is_not_served(server, topic):
    with Stream(server, f"/v1/topics/{topic}/messages") as stream:
        stream.send(request("GET", "/livez") * 10)
        Api(server).publish(topic, "x")
        assert stream.message()["data"] == "x"
        with contextlib.suppress(TimeoutError, ConnectionError):
            stream.socket.settimeout(0.5)
            for _ in range(2000):
                stream.send(b"z" * 65536)
        assert server.metric("postern_streams") == 1


def test_a_stream_that_is_asked_for_behind_other_requests_begins_behind_their_replies(server, api, topic):
    api.publish(topic, "x")
    ask = request("GET", f"/v1/topics/{topic}/messages", "Accept: text/event-stream")
    with server.connect() as connection:
        connection.send(request("GET", "/livez") * 3 + ask)
        assert [connection.reply().status for _ in range(3)] == [200] * 3
        head = connection._until(b"\r\n\r\n")
        assert b"text/event-stream" in head


def test_a_thousand_fast_readers_and_fifty_that_stall(serve):
    server = serve("--stall-timeout", "30s")
    stalled = [Stream(server, TARGET, narrow=True) for _ in range(50)]
    fast = [Stream(server, TARGET) for _ in range(1000)]
    api, count, delays = Api(server), 40, []
    received = {stream.socket: 0 for stream in fast}
    mark = b'"data":"'
    poller = select.epoll()
    by_number = {stream.socket.fileno(): stream for stream in fast}
    for number in by_number:
        poller.register(number, select.EPOLLIN)
    publisher = threading.Thread(target=lambda: publish_slowly(api, count, delays))
    publisher.start()
    until = time.monotonic() + 60
    while sum(received.values()) < count * len(fast) and time.monotonic() < until:
        for number, _ in poller.poll(1):
            stream = by_number[number]
            stream.held += stream.socket.recv(1 << 20)
            received[stream.socket] += stream.held.count(mark)
            # A mark that is cut in two is found with the rest.
            stream.held = stream.held[-len(mark) + 1 :] if mark not in stream.held[-len(mark) + 1 :] else b""
    publisher.join()
    assert set(received.values()) == {count}
    assert sorted(delays)[len(delays) // 2] < 0.5, "publishing does not wait for readers"
    for stream in stalled + fast:
        stream.close()


def publish_slowly(api, count, delays):
    for _ in range(count):
        began = time.monotonic()
        assert api.publish("t", "x" * 50_000).status_code == 201
        delays.append(time.monotonic() - began)
        time.sleep(0.02)


def test_a_busy_topic_does_not_starve_another_topic_s_publisher(serve):
    server = serve("--loops", "1")
    streams = [Stream(server, TARGET) for _ in range(2000)]
    stop, api = threading.Event(), Api(server)

    def flood():
        busy = Api(server)
        while not stop.is_set():
            busy.publish("t", "x")

    def drain():
        poller = select.epoll()
        for stream in streams:
            poller.register(stream.socket.fileno(), select.EPOLLIN)
        by_number = {stream.socket.fileno(): stream.socket for stream in streams}
        while not stop.is_set():
            for number, _ in poller.poll(0.1):
                by_number[number].recv(1 << 18)

    threads = [threading.Thread(target=flood), threading.Thread(target=drain)]
    for thread in threads:
        thread.start()
    try:
        delays = []
        for _ in range(200):
            began = time.monotonic()
            assert api.publish("bystander", "x").status_code == 201
            delays.append(time.monotonic() - began)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    # Each of its turns is at most a few hundred deliveries; Python's own threads take most of this.
    assert sorted(delays)[int(len(delays) * 0.99)] < 0.5
    for stream in streams:
        stream.close()


def test_deliveries_of_a_turn_are_gathered(serve, tmp_path):
    """A burst of messages costs each subscriber few writes: those of a turn go in one."""
    server = serve("--loops", "1")
    subscribers, messages = 20, 500
    streams = [Stream(server, TARGET) for _ in range(subscribers)]
    for stream in streams:
        stream.event()
    trace = tmp_path / "trace"
    tracer = subprocess.Popen(["strace", "-f", "-c", "-e", "trace=sendto", "-o", trace, "-p", str(server.pid)], stderr=subprocess.PIPE)
    tracer.stderr.readline()
    api = Api(server)
    api.batch(*({"topic": "t", "data": "x"} for _ in range(messages)))
    for stream in streams:
        stream.messages(messages)
    tracer.send_signal(2)
    tracer.wait()
    [row] = [line.split() for line in trace.read_text().splitlines() if line.endswith("sendto")]
    # One batch is one turn: the messages are 64 KiB and a bit, so two writes for each, and the publisher's reply.
    assert int(row[3]) <= subscribers * 2 + 1


@pytest.mark.parametrize("selection", ["t", "t,other.*", "t?filter=a:b"])
def test_a_pattern_s_or_filter_s_subscribers_share_what_is_written(server, selection, topic):
    target = "/v1/topics/" + selection.replace("t", topic, 1).replace("?", "/messages?")
    target += "" if "?" in target else "/messages"
    streams = [Stream(server, target) for _ in range(10)]
    Api(server).publish(topic, "x", Attr_A="b")
    assert {stream.message()["data"] for stream in streams} == {"x"}
    for stream in streams:
        stream.close()
