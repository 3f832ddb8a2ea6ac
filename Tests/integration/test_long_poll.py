"""Long polls: parked without cost, woken at once, answered when the wait is over."""

import statistics
import time

import pytest

from client import eventually


def data(reply):
    return [message["data"] for message in reply.json()["messages"]]


def parked(api, background, topic, count=1, **parameters):
    """Starts reads that wait, and returns when they are parked."""
    parameters = {"wait": "30s"} | parameters
    before = api.server.metric("postern_poll_waiters")
    reads = [background(type(api)(api.server).read, topic, **parameters) for _ in range(count)]
    api.server.waits_for("postern_poll_waiters", before + count)
    return reads


def test_what_is_there_is_answered_at_once(api, topic):
    api.publish(topic, "x")
    began = time.monotonic()
    assert data(api.read(topic, wait="30s")) == ["x"]
    assert time.monotonic() - began < 1


def test_a_publish_wakes_a_parked_poll(api, background, topic):
    [read] = parked(api, background, topic)
    receipt = api.publish(topic, "hello").json()
    reply = read.result(timeout=5)
    assert data(reply) == ["hello"]
    assert reply.json()["next"] == receipt["cursor"] == reply.headers["Cursor"]


def test_it_wakes_within_milliseconds(api, background, topic):
    delays = []
    for _ in range(15):
        [read] = parked(api, background, topic, since="latest")
        woken = []
        read.add_done_callback(lambda _: woken.append(time.monotonic()))
        published = time.monotonic()
        api.publish(topic, "x")
        read.result(timeout=5)
        eventually(lambda: woken)
        delays.append(woken[0] - published)
    assert statistics.median(delays) < 0.05, delays


def test_a_batch_wakes_it_once_with_all_of_it(api, background, topic):
    [read] = parked(api, background, topic)
    api.batch(*[{"topic": topic, "data": number} for number in range(50)])
    assert data(read.result(timeout=5)) == list(range(50))


def test_every_waiter_gets_the_message(api, background, topic):
    reads = parked(api, background, topic, count=20)
    api.publish(topic, "all")
    assert [data(read.result(timeout=5)) for read in reads] == [["all"]] * 20


def test_a_pattern_waits_for_topics_that_do_not_exist_yet(api, background, topic):
    [read] = parked(api, background, f"{topic}.*.created,{topic}.other")
    api.publish(f"{topic}.eu", "no match")
    api.publish(f"{topic}.eu.created", "match")
    assert data(read.result(timeout=5)) == ["match"]


def test_other_topics_do_not_wake_it(api, background, topic):
    [read] = parked(api, background, topic)
    api.publish(f"{topic}.other", "x")
    api.publish(f"{topic}x", "x")
    assert api.server.metric("postern_poll_waiters") == 1
    assert not read.done()
    api.publish(topic, "mine")
    assert data(read.result(timeout=5)) == ["mine"]


def test_since_latest_waits_for_what_comes(api, background, topic):
    api.publish(topic, "old")
    [read] = parked(api, background, topic, since="latest")
    api.publish(topic, "new")
    assert data(read.result(timeout=5)) == ["new"]


def test_a_wait_that_is_over_gives_an_empty_list_and_the_same_next(api, topic):
    cursor = api.publish(topic, "x").json()["cursor"]
    began = time.monotonic()
    reply = api.read(topic, after=cursor, wait="300ms")
    waited = time.monotonic() - began
    assert reply.status_code == 200
    assert reply.json() == {"messages": [], "next": cursor}
    assert 0.29 <= waited < 2


@pytest.mark.parametrize("wait, seconds", [("1", 1), ("1s", 1), ("250ms", 0.25), ("0", 0), ("0s", 0)])
def test_waits_are_seconds_or_carry_a_unit(api, topic, wait, seconds):
    began = time.monotonic()
    assert api.read(topic, wait=wait).json()["messages"] == []
    assert seconds - 0.02 <= time.monotonic() - began < seconds + 1


def test_messages_that_come_between_two_polls_are_not_missed(api, topic):
    """However fast publishes come, a reader that follows `next` sees each once."""
    following = api.read(topic).json()["next"]
    got = []
    for number in range(50):
        api.publish(topic, str(number))
        reply = api.read(topic, after=following, wait="5s", limit=3).json()
        got += [message["data"] for message in reply["messages"]]
        following = reply["next"]
    assert got == [str(number) for number in range(50)]


def test_a_client_that_leaves_frees_its_waiter(server, topic):
    connections = [server.connect().get(f"/v1/topics/{topic}/messages?wait=60s") for _ in range(10)]
    server.waits_for("postern_poll_waiters", 10)
    for connection in connections[:5]:
        connection.close()
    server.waits_for("postern_poll_waiters", 5)
    for connection in connections[5:]:
        connection.reset()
    server.waits_for("postern_poll_waiters", 0)


def test_a_parked_poll_holds_no_arena(api, background, topic):
    reads = parked(api, background, topic, count=20)
    assert api.server.held_arenas() == 0
    api.publish(topic, "x")
    for read in reads:
        read.result(timeout=5)


def test_a_deleted_topic_does_not_strand_its_waiter(api, background, topic):
    api.request("PUT", f"/v1/topics/{topic}", json={})
    [read] = parked(api, background, topic)
    assert api.request("DELETE", f"/v1/topics/{topic}").status_code == 204
    api.publish(topic, "after")
    assert data(read.result(timeout=5)) == ["after"]


def test_a_time_to_live_that_ends_while_nobody_looks_wakes_nobody_wrongly(api, background, topic):
    [read] = parked(api, background, topic, wait="2s", since="latest")
    api.publish(topic, "x", TTL="1")
    assert data(read.result(timeout=5)) == ["x"]
