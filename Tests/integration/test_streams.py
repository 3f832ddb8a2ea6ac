"""Streams as server-sent events and as lines of JSON: their form, how they begin, resume, stay alive and end."""

import json
import os
import re
import select
import signal
import subprocess
import time

import httpx
import httpx_sse
import pytest
import requests
import sseclient

from client import CURSOR, FOREIGN_CURSOR, Api, Stream, eventually, request


def path(topics, **parameters):
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    return f"/v1/topics/{topics}/messages" + (f"?{query}" if query else "")


def test_the_head_says_what_a_proxy_and_a_client_need(server, topic):
    with Stream(server, path(topic)) as stream:
        assert stream.status == 200
        assert stream.headers["content-type"] == "text/event-stream"
        assert stream.headers["cache-control"] == "no-store"
        assert stream.headers["x-accel-buffering"] == "no"
        assert CURSOR.match(stream.headers["cursor"])
        assert "content-length" not in stream.headers


def test_the_first_event_tells_the_position(server, api, topic):
    api.publish(topic, "before")
    with Stream(server, path(topic, since="latest")) as stream:
        event = stream.event()
        assert event.name == "position"
        assert json.loads(event.data) == {"cursor": event.id}
        assert event.id == stream.headers["cursor"]
    # A client that saw nothing else resumes there.
    api.publish(topic, "meanwhile")
    with Stream(server, path(topic, since="latest"), f"Last-Event-ID: {event.id}") as stream:
        assert stream.message()["data"] == "meanwhile"


def test_retry_is_told(server, topic):
    with Stream(server, path(topic)) as stream:
        assert stream.line() == "retry: 2000"


def test_a_message_is_what_a_poll_gives(server, api, topic):
    api.publish(topic, "line one\nline two\r\nline three\rend\u2028", Attr_Kind="x", Message_Key="k")
    api.publish_json(topic, {"a": [1, 2.50, "ä"]})
    api.publish(topic, b"\xff\x00", "application/octet-stream")
    with Stream(server, path(topic)) as stream:
        assert stream.messages(3) == api.messages(topic)


def test_lines_hold_one_message_each(server, api, topic):
    for number in range(3):
        api.publish(topic, f"a\nb {number}")
    with Stream(server, path(topic, format="ndjson"), sse=False) as stream:
        assert stream.headers["content-type"] == "application/x-ndjson"
        assert [json.loads(stream.line()) for _ in range(3)] == api.messages(topic)
        last = api.publish(topic, "live").json()["cursor"]
        assert json.loads(stream.line())["cursor"] == last


@pytest.mark.parametrize(
    "accept, format, expected",
    [
        ("text/event-stream", None, "text/event-stream"),
        ("application/x-ndjson", None, "application/x-ndjson"),
        ("*/*", None, "application/json"),
        ("text/*", None, "text/event-stream"),
        ("application/*", None, "application/json"),
        ("application/json;q=0.5, text/event-stream", None, "text/event-stream"),
        ("application/json, text/event-stream", None, "application/json"),
        ("application/json;q=0, application/x-ndjson;q=0.1", None, "application/x-ndjson"),
        ("application/json", "sse", "text/event-stream"),
        ("text/event-stream", "json", "application/json"),
        ("text/event-stream", "ndjson", "application/x-ndjson"),
    ],
)
def test_the_form_is_what_is_asked_for(server, topic, accept, format, expected):
    target = path(topic, **({"format": format} if format else {}))
    with Stream(server, target, f"Accept: {accept}", sse=False) as stream:
        assert stream.headers["content-type"] == expected


@pytest.mark.parametrize(
    "target, headers, status, code, parameter",
    [
        ("?format=xml", [], 400, "invalid_parameter", "format"),
        ("?wait=3s", [], 400, "invalid_parameter", "wait"),
        ("?limit=3", [], 400, "invalid_parameter", "limit"),
        ("?after=x", [], 400, "invalid_cursor", "after"),
        ("", ["Last-Event-ID: x"], 400, "invalid_cursor", "Last-Event-ID"),
        ("", ["Last-Event-ID: " + FOREIGN_CURSOR, "Last-Event-ID: " + FOREIGN_CURSOR], 400, "invalid_cursor", "Last-Event-ID"),
        ("?since=yesterday", [], 400, "invalid_parameter", "since"),
        ("?gap=tell", [], 400, "invalid_parameter", "gap"),
        ("?filter=", [], 400, "invalid_filter", "filter"),
        ("?filter=:eu", [], 400, "invalid_filter", "filter"),
    ],
)
def test_what_a_stream_may_not_ask(server, topic, target, headers, status, code, parameter):
    with Stream(server, path(topic) + target, *headers) as stream:
        assert (stream.status, stream.problem["code"], stream.problem["parameter"]) == (status, code, parameter)


def test_nothing_that_can_be_served(server, topic):
    with Stream(server, path(topic), "Accept: text/html", sse=False) as stream:
        assert stream.status == 406


def test_head_tells_of_the_stream_without_it(server, topic):
    with server.connect() as connection:
        reply = connection.send(request("HEAD", path(topic), "Accept: text/event-stream")).reply(to="HEAD")
        assert (reply.status, reply.headers["content-type"]) == (200, "text/event-stream")
    assert server.metric("postern_streams") == 0


def test_a_client_of_http_1_0_gets_no_chunks(server, api, topic):
    api.publish(topic, "one")
    with Stream(server, path(topic), version="HTTP/1.0") as stream:
        assert not stream.is_chunked and stream.headers["connection"] == "close"
        assert stream.message()["data"] == "one"
        api.publish(topic, "two")
        assert stream.message()["data"] == "two"


# Where it begins


def test_last_event_id_beats_after_which_beats_since(server, api, topic):
    cursors = [api.publish(topic, str(number)).json()["cursor"] for number in range(4)]
    for parameters, headers, first in [
        ({}, [], "0"),
        ({"since": "earliest"}, [], "0"),
        ({"after": cursors[0], "since": "latest"}, [], "1"),
        ({"after": cursors[0]}, [f"Last-Event-ID: {cursors[1]}"], "2"),
        ({"after": cursors[0], "since": "latest"}, [f"Last-Event-ID: {cursors[2]}"], "3"),
        ({"after": cursors[1]}, ["Last-Event-ID:"], "2"),
    ]:
        with Stream(server, path(topic, **parameters), *headers) as stream:
            assert stream.message()["data"] == first


def test_since_reaches_back(server, api, topic):
    api.publish(topic, "old")
    time.sleep(1.1)
    api.publish(topic, "new")
    with Stream(server, path(topic, since="1s")) as stream:
        assert stream.message()["data"] == "new"
    with Stream(server, path(topic, since="10m")) as stream:
        assert stream.message()["data"] == "old"
    with Stream(server, path(topic, since="latest")) as stream:
        stream.event()
        api.publish(topic, "newest")
        assert stream.message()["data"] == "newest"


@pytest.mark.parametrize("selection", ["{0}.a", "{0}.*", "{0}.**", "{0}.a,{0}.b", "*.{0},{0}.a"])
def test_patterns_select(server, api, topic, selection):
    base = topic.replace(".", "-")
    with Stream(server, path(selection.format(base), since="latest")) as stream:
        stream.event()
        api.publish(f"{base}.a", "wanted")
        api.publish(f"x{base}.a", "not")
        api.publish(f"{base}.a", "wanted too")
        assert [m["data"] for m in stream.messages(2)] == ["wanted", "wanted too"]


# Losses


def test_another_log_s_cursor_is_a_gap_for_an_event_source(server, api, topic):
    api.publish(topic, "kept")
    with Stream(server, path(topic), f"Last-Event-ID: {FOREIGN_CURSOR}") as stream:
        position, gap, message = stream.events(3)
        assert (position.name, gap.name, message.name) == ("position", "gap", "message")
        assert json.loads(gap.data) == {"after": FOREIGN_CURSOR, "earliest": gap.id}
        assert json.loads(message.data)["data"] == "kept"


def test_another_log_s_cursor_is_refused_in_lines(server, api, topic):
    cursor = api.publish(topic, "kept").json()["cursor"]
    with Stream(server, path(topic, format="ndjson", after=FOREIGN_CURSOR), sse=False) as stream:
        assert (stream.status, stream.problem["code"]) == (410, "cursor_gone")
        earliest = stream.problem["earliest"]
    with Stream(server, path(topic, format="ndjson", after=FOREIGN_CURSOR, gap="skip"), sse=False) as stream:
        assert json.loads(stream.line()) == {"event": "gap", "after": FOREIGN_CURSOR, "earliest": earliest}
        assert json.loads(stream.line())["cursor"] == cursor


def test_messages_lost_to_retention_are_told(server, api, topic):
    api.request("PUT", f"/v1/topics/{topic}", json={"retention": {"count": 2}})
    cursors = [api.publish(topic, str(number)).json()["cursor"] for number in range(6)]
    with Stream(server, path(topic, after=cursors[0])) as stream:
        stream.event()
        gap = stream.event()
        assert gap.name == "gap"
        assert json.loads(gap.data) == {"after": cursors[0], "earliest": cursors[3]} and gap.id == cursors[3]
        assert [m["data"] for m in stream.messages(2)] == ["4", "5"]
    with Stream(server, path(topic, after=cursors[0], format="ndjson"), sse=False) as stream:
        assert (stream.status, stream.problem["earliest"]) == (410, cursors[3])
    with Stream(server, path(topic, after=cursors[0], format="ndjson", gap="skip"), sse=False) as stream:
        assert json.loads(stream.line()) == {"event": "gap", "after": cursors[0], "earliest": cursors[3]}
        assert json.loads(stream.line())["data"] == "4"
    # The earliest, a time, and a cursor with nothing lost behind it know no gap.
    for parameters in [{"since": "earliest"}, {"since": "10m"}, {"after": cursors[3]}]:
        with Stream(server, path(topic, **parameters)) as stream:
            assert [m["data"] for m in stream.messages(2)] == ["4", "5"]


# Filters, on streams and polls alike


FILTERS = [
    ([], "abcd"),
    (["region:eu"], "ab"),
    (["Region:eu"], "ab"),
    (["region:e*"], "ab"),
    (["region:*"], "abc"),
    (["region"], "abc"),
    (["region!eu"], "cd"),
    (["region!u*"], "abd"),
    (["region!*"], "d"),
    (["region:eu", "kind:new"], "a"),
    (["region:eu", "kind!new"], "b"),
    (["absent"], ""),
    (["region:EU"], ""),
    (["region:"], ""),
    (["note:a%20%22b%22%20%5C%0A%C3%A4"], "b"),
    (["note:a%20%22*"], "b"),
]


@pytest.mark.parametrize("filters, expected", FILTERS)
@pytest.mark.parametrize("selection", ["{0}", "{0}.**,{0}"])
def test_filters(server, api, topic, filters, expected, selection):
    attributes = {"a": {"Region": "eu", "kind": "new"}, "b": {"region": "eu", "note": 'a "b" \\\nä'}, "c": {"region": "us"}, "d": {}}
    api.batch(*({"topic": topic, "data": data, "attributes": given} for data, given in attributes.items()))
    target = path(selection.format(topic)) + "?" + "&".join(f"filter={each}" for each in filters)
    polled = requests.get(server.url + target, timeout=10).json()["messages"]
    assert "".join(m["data"] for m in polled) == expected
    with Stream(server, target) as stream:
        assert "".join(m["data"] for m in stream.messages(len(expected))) == expected
        # What comes while it is open is filtered too.
        api.batch(*({"topic": topic, "data": data.upper(), "attributes": given} for data, given in attributes.items()))
        assert "".join(m["data"] for m in stream.messages(len(expected))) == expected.upper()


def test_the_link_of_a_filtered_poll_asks_the_same_again(server, api, topic):
    target = path(topic) + '?wait=100ms&filter=note:a%20"b"%5C%0A%C3%A4*&filter=region!eu&filter=kind&limit=7'
    for _ in range(2):
        reply = server.curl(target)
        assert reply.status == 200, reply.body
        link = re.fullmatch(r'<(\?[^>]*)>; rel="next"', reply.headers["link"])[1]
        assert sorted(link[1:].split("&")) == sorted(
            [
                "after=" + reply.headers["cursor"],
                "wait=100ms",
                "limit=7",
                "filter=note:a%20%22b%22%5C%0A%C3%A4*",
                "filter=region!eu",
                "filter=kind",
            ]
        )
        api.publish(topic, "x", Attr_Kind="y")
        target = path(topic) + link


def test_a_long_poll_wakes_for_what_its_filter_lets_through(server, api, topic, background):
    poll = background(api.read, topic, wait="20s", filter="region:eu")
    eventually(lambda: server.metric("postern_poll_waiters") == 1)
    api.publish(topic, "no", Attr_Region="us")
    api.publish(topic, "yes", Attr_Region="eu")
    assert [m["data"] for m in poll.result().json()["messages"]] == ["yes"]


@pytest.mark.parametrize(
    "filter, offset",
    [("", 0), (":x", 0), ("a%20b:x", 1), ("a.b", 1), ("n" * 65, 64), ("a:" + "v" * 1025, 2), ("a:%FF", 2), ("ä:x", 0)],
)
def test_a_malformed_filter_is_refused_with_its_place(api, topic, filter, offset):
    reply = api.get(path(topic) + f"?filter={filter}")
    problem = reply.json()
    assert (reply.status_code, problem["code"], problem["parameter"]) == (400, "invalid_filter", "filter")
    assert problem["offset"] == offset


def test_filters_at_their_limit(api, topic):
    assert api.get(path(topic) + "?" + "&".join(["filter=a:b"] * 8)).status_code == 200
    reply = api.get(path(topic) + "?" + "&".join(["filter=a:b"] * 9))
    assert (reply.status_code, reply.json()["limit"]) == (400, 8)
    assert api.get(path(topic) + "?filter=" + "n" * 64 + ":" + "v" * 1024).status_code == 200


# Time


def test_a_quiet_stream_gives_signs_of_life(serve):
    server = serve("--stream-heartbeat", "200ms")
    with Stream(server, path("quiet")) as stream:
        stream.event()
        began = time.monotonic()
        assert [stream.line() for _ in range(5)] == [":"] * 5
        assert 0.7 < time.monotonic() - began < 3
    with Stream(server, path("quiet", format="ndjson"), sse=False) as stream:
        assert [stream.line() for _ in range(3)] == [""] * 3


def test_a_stream_with_messages_needs_no_signs_of_life(serve):
    server = serve("--stream-heartbeat", "500ms")
    api = Api(server)
    with Stream(server, path("busy")) as stream:
        stream.event()
        for _ in range(12):
            api.publish("busy", "x")
            time.sleep(0.1)
        lines = [stream.line() for _ in range(12 * 3)]
        assert lines.count(":") == 0


def test_a_filter_that_lets_nothing_through_moves_on_all_the_same(serve):
    server = serve("--stream-heartbeat", "200ms")
    api = Api(server)
    api.request("PUT", "/v1/topics/t", json={"retention": {"count": 2}})
    with Stream(server, path("t", filter="wanted")) as stream:
        first = stream.event()
        cursors = [api.publish("t", "x").json()["cursor"] for _ in range(5)]
        position = stream.event()
        assert position.name == "position" and first.id < position.id <= cursors[-1]
        last = position.id
        while last < cursors[-1]:
            last = stream.event().id
    # Nothing that it wanted was lost.
    with Stream(server, path("t", filter="wanted"), f"Last-Event-ID: {last}") as stream:
        api.publish("t", "y", Attr_Wanted="1")
        assert stream.message()["data"] == "y"


@pytest.mark.parametrize("form", ["sse", "ndjson"])
def test_a_stream_ends_at_its_age_and_is_resumed_without_loss(serve, form):
    server = serve("--stream-lifetime", "1s")
    api = Api(server)
    began = time.monotonic()
    with Stream(server, path("t", format=form), sse=False) as stream:
        api.publish("t", "one")
        if form == "sse":
            assert stream.message()["data"] == "one"
            end = stream.event()
            assert end.name == "end"
            told = json.loads(end.data)
            assert told["cursor"] == end.id
        else:
            assert json.loads(stream.line())["data"] == "one"
            told = json.loads(stream.line())
            assert told.pop("event") == "end"
        assert told["reason"] == "lifetime"
        assert 0.8 < time.monotonic() - began < 3
        # The stream ends as HTTP wants it, and the connection with it.
        assert stream.line() is None and stream.is_closed_by_server()
    api.publish("t", "two")
    with Stream(server, path("t", format=form, after=told["cursor"]), sse=False) as stream:
        data = stream.message()["data"] if form == "sse" else json.loads(stream.line())["data"]
        assert data == "two"
    assert server.metric("postern_stream_closes_total", reason="lifetime") == 1


def test_a_lifetime_of_zero_is_none(serve):
    server = serve("--stream-lifetime", "0", "--stream-heartbeat", "100ms")
    with Stream(server, path("t")) as stream:
        stream.event()
        assert [stream.line() for _ in range(20)] == [":"] * 20


def test_draining_ends_streams_over_the_window_each_with_its_cursor(serve):
    server = serve("--drain-timeout", "2s")
    api = Api(server)
    cursor = api.publish("t", "one").json()["cursor"]
    streams = [Stream(server, path("t"), timeout=5) for _ in range(20)]
    for stream in streams:
        assert stream.message()["data"] == "one"
    began = time.monotonic()
    server.process.terminate()
    ends = []
    for stream in streams:
        end = stream.event()
        ends.append(time.monotonic() - began)
        assert end.name == "end" and end.id == cursor
        assert json.loads(end.data) == {"reason": "drain", "cursor": cursor}
        assert stream.line() is None
        stream.close()
    assert server.terminate() == 0
    assert max(ends) < 2, "they end within the window"


def test_draining_spreads_the_ends(serve):
    server = serve("--drain-timeout", "2s")
    streams = [Stream(server, path("t"), timeout=5) for _ in range(40)]
    began = time.monotonic()
    server.process.terminate()
    ends = []
    waiting = {stream.socket: stream for stream in streams}
    while waiting:
        for ready in select.select(list(waiting), [], [], 5)[0]:
            stream = waiting.pop(ready)
            while stream.event().name != "end":
                pass
            ends.append(time.monotonic() - began)
            stream.close()
    # Not all at once: a second and a half is there for them.
    assert max(ends) - min(ends) > 0.5


# Limits


def test_too_many_streams_are_told_when_to_come_back(serve):
    server = serve("--max-streams", "3")
    streams = [Stream(server, path("t")) for _ in range(3)]
    with Stream(server, path("t")) as refused:
        assert (refused.status, refused.problem["code"]) == (503, "overloaded")
        assert int(refused.headers["retry-after"]) >= 1
    # Polls go on, and a stream that ends makes room.
    assert Api(server).read("t").status_code == 200
    streams.pop().close()
    eventually(lambda: server.metric("postern_streams") == 2)
    with Stream(server, path("t")) as stream:
        assert stream.status == 200
    for stream in streams:
        stream.close()


# Clients of others' making


def test_sseclient_reads_it(server, api, topic):
    api.publish(topic, "one")
    with requests.get(server.url + path(topic), headers={"Accept": "text/event-stream"}, stream=True, timeout=10) as reply:
        events = sseclient.SSEClient(reply).events()
        assert next(events).event == "position"
        first = next(events)
        assert json.loads(first.data)["data"] == "one" and first.id == json.loads(first.data)["cursor"]
        api.publish(topic, "two")
        assert json.loads(next(events).data)["data"] == "two"


def test_httpx_sse_reads_it_and_hears_no_heartbeats(serve):
    server = serve("--stream-heartbeat", "100ms")
    api = Api(server)
    api.publish("t", "one")
    with httpx.Client(timeout=10) as client, httpx_sse.connect_sse(client, "GET", server.url + path("t")) as source:
        events = source.iter_sse()
        assert next(events).event == "position"
        assert next(events).json()["data"] == "one"
        time.sleep(0.5)
        api.publish("t", "two")
        assert next(events).json()["data"] == "two"


def test_curl_and_jq_follow_it(server, api, topic):
    command = f"curl -sN '{server.url}{path(topic, format='ndjson')}' | jq --unbuffered -r .data"
    with subprocess.Popen(["bash", "-c", command], stdout=subprocess.PIPE, text=True, start_new_session=True) as pipeline:
        api.publish(topic, "one")
        assert pipeline.stdout.readline() == "one\n"
        api.publish(topic, "two")
        assert pipeline.stdout.readline() == "two\n"
        os.killpg(pipeline.pid, signal.SIGTERM)


# Figures


def test_streams_and_their_deliveries_are_counted(serve):
    server = serve("--loops", "1")
    api = Api(server)
    with Stream(server, path("t")) as events, Stream(server, path("t", format="ndjson"), sse=False) as lines:
        assert server.metric("postern_streams") == 2
        for number in range(3):
            api.publish("t", str(number))
            events.message()
            lines.line()
        assert server.metric("postern_messages_delivered_total", form="sse") == 3
        assert server.metric("postern_messages_delivered_total", form="ndjson") == 3
        assert server.metric("postern_delivery_delay_seconds_count") == 6
        assert server.metric("postern_stream_lag_messages_count") == 6
    eventually(lambda: server.metric("postern_stream_closes_total", reason="client") == 2)
    assert server.metric("postern_streams") == 0
