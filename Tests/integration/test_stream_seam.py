"""From history to live without a seam: nothing is lost, doubled or out of order, wherever and whenever a stream begins,
is cut and resumes."""

import json
import random
import threading

import pytest

from client import Api, Stream

SEEDS = range(24)
MESSAGES = 600


def publish_all(server, random_, topics, count, started):
    """Publishes numbered messages, some alone and some in batches, over several topics."""
    api, number = Api(server), 0
    while number < count:
        size = random_.choice([1, 1, 1, 7, 40])
        batch = [
            {"topic": random_.choice(topics), "data": number + index, "attributes": {"odd": str((number + index) % 2)}}
            for index in range(min(size, count - number))
        ]
        assert api.batch(*batch).status_code == 201
        number += len(batch)
        if number > count // 3:
            started.set()
    started.set()


@pytest.mark.parametrize("seed", SEEDS)
def test_every_message_comes_once_and_in_order(server, topic, seed):
    random_ = random.Random(seed)
    topics = [f"{topic}.{name}" for name in "abc"]
    selection, is_wanted = random_.choice(
        [
            (f"{topic}.**", lambda m: True),
            (",".join(topics), lambda m: True),
            (f"{topic}.a", lambda m: m["topic"] == topics[0]),
            (f"{topic}.**?filter=odd:1", lambda m: m["data"] % 2 == 1),
            (f"{topic}.b?filter=odd!1", lambda m: m["topic"] == topics[1] and m["data"] % 2 == 0),
        ]
    )
    target = "/v1/topics/" + selection.replace("?", "/messages?") + ("" if "?" in selection else "/messages")
    started = threading.Event()
    publisher = threading.Thread(target=publish_all, args=(server, random.Random(seed), topics, MESSAGES, started))
    publisher.start()
    if random_.random() < 0.7:
        started.wait(30)
    seen, position = [], None
    done = threading.Event()

    def follow(stream, limit):
        """Reads until `limit` events came or all is there; what came in half is not counted."""
        nonlocal position
        for _ in range(limit):
            event = stream.event()
            assert event.name in ("message", "position"), event
            position = event.id
            if event.name == "message":
                seen.append(json.loads(event.data))
            if seen and is_last(seen[-1]):
                return done.set()

    def is_last(message):
        return message["data"] == "last"

    marker = threading.Thread(target=lambda: (publisher.join(), mark_end(server, topics)))
    marker.start()
    while not done.is_set():
        headers = [f"Last-Event-ID: {position}"] if position else []
        with Stream(server, target, *headers, timeout=30) as stream:
            follow(stream, random_.choice([1, 3, 50, 200, 10**6]))
            # Half an event more may have come; the cut loses it, and resuming brings it back whole.
            if random_.random() < 0.3:
                stream.reset()
    marker.join()
    history = [m for m in read_all(server, topic) if m["data"] != "last"]
    assert len(history) == MESSAGES
    assert [m for m in seen if not is_last(m)] == [m for m in history if is_wanted(m)], f"seed {seed}"


def mark_end(server, topics):
    api = Api(server)
    for topic in topics:
        api.batch(*({"topic": topic, "data": "last", "attributes": {"odd": odd}} for odd in "10"))


def read_all(server, topic):
    api, after, messages = Api(server), {}, []
    while True:
        page = api.read(f"{topic}.**", limit=1000, **after).json()
        messages += page["messages"]
        if not page["messages"]:
            return messages
        after = {"after": page["next"]}


def test_many_streams_that_begin_under_load_all_see_the_same(server, topic):
    stop, cursors = threading.Event(), []

    def publish():
        api = Api(server)
        while not stop.is_set():
            cursors.append(api.publish(topic, "x").json()["cursor"])

    publisher = threading.Thread(target=publish)
    publisher.start()
    try:
        streams = [Stream(server, f"/v1/topics/{topic}/messages?since=earliest") for _ in range(60)]
    finally:
        stop.set()
        publisher.join()
    last = cursors[-1]
    for stream in streams:
        got = []
        while not got or got[-1] != last:
            got.append(stream.message()["cursor"])
        assert got == cursors
        stream.close()
