"""Publishers and pollers on all loops at once: per-topic order kept, nothing lost, nothing twice."""

import collections
import itertools
import threading

import pytest

from client import Api

TOPICS = 3
PUBLISHERS = 6
EACH = 300


def follow(server, selection, count, barrier):
    """Reads `count` messages by long poll, each behind the last."""
    api, got, parameters = Api(server), [], {}
    barrier.wait(30)
    while len(got) < count:
        reply = api.read(selection, wait="10s", **parameters).json()
        assert reply["messages"], f"only {len(got)} of {count} messages came"
        got += reply["messages"]
        parameters = {"after": reply["next"]}
    assert api.read(selection, after=parameters["after"]).json()["messages"] == []
    return got


def publish_all(server, publisher, barrier, style):
    """Sends numbered messages round the topics, in a way of its own."""
    api = Api(server)
    barrier.wait(30)
    sent = [(f"busy.{number % TOPICS}", {"publisher": publisher, "number": number}) for number in range(EACH)]
    if style == "batch":
        for start in range(0, EACH, 10):
            assert (
                api.batch(*[{"topic": topic, "data": data} for topic, data in sent[start : start + 10]]).status_code
                == 201
            )
    else:
        for topic, data in sent:
            headers = {"Idempotency_Key": f"{publisher}-{data['number']}"} if style == "keys" else {}
            assert api.publish_json(topic, data, **headers).status_code == 201
            if style == "keys" and data["number"] % 5 == 0:
                assert api.publish_json(topic, data, **headers).status_code == 200


@pytest.mark.parametrize("loops", ["1", "2", "4"])
def test_nothing_is_lost_doubled_or_out_of_order(serve, background, loops):
    server = serve("--loops", loops)
    selections = ["busy.*", "busy.**", "busy.0,busy.1,busy.2", *[f"busy.{number}" for number in range(TOPICS)]] * 2
    total = PUBLISHERS * EACH
    barrier = threading.Barrier(len(selections) + PUBLISHERS)
    readers = [
        (
            selection,
            background(
                follow,
                server,
                selection,
                total // TOPICS if selection[-1].isdigit() and "," not in selection else total,
                barrier,
            ),
        )
        for selection in selections
    ]
    writers = [
        background(publish_all, server, publisher, barrier, style)
        for publisher, style in zip(range(PUBLISHERS), itertools.cycle(["raw", "batch", "keys"]))
    ]
    for writer in writers:
        writer.result(120)
    orders = collections.defaultdict(list)
    for selection, reader in readers:
        got = reader.result(120)
        cursors = [message["cursor"] for message in got]
        assert cursors == sorted(set(cursors)), f"{selection}: twice, or out of order"
        for publisher in range(PUBLISHERS):
            numbers = [m["data"]["number"] for m in got if m["data"]["publisher"] == publisher]
            assert numbers == sorted(numbers), f"{selection}: publisher {publisher} out of order"
        for message in got:
            message_topic = message["topic"]
            assert message_topic == f"busy.{message['data']['number'] % TOPICS}"
        for topic in {message["topic"] for message in got}:
            orders[topic].append([message["cursor"] for message in got if message["topic"] == topic])
    for topic, seen in orders.items():
        assert all(order == seen[0] for order in seen), f"{topic}: readers saw different orders"
        assert len(seen[0]) == total // TOPICS
    assert server.metric("postern_messages_published_total") == total
    server.waits_for("postern_poll_waiters", 0)
    server.gets_all_arenas_back()


def test_one_key_published_from_everywhere_is_stored_once(server, api, topic, background):
    barrier = threading.Barrier(16)

    def publish():
        mine = Api(server)
        barrier.wait(30)
        return [mine.publish(topic, "x", Idempotency_Key=f"key-{number}").status_code for number in range(50)]

    statuses = [future.result(60) for future in [background(publish) for _ in range(16)]]
    for number in range(50):
        assert sorted(each[number] for each in statuses) == [200] * 15 + [201]
    assert len(api.messages(topic, limit=1000)) == 50


def test_polls_that_come_and_go_while_messages_flow_leave_nothing_behind(server, api, topic, background, stop_flag):
    def publish():
        mine = Api(server)
        while not stop_flag.is_set():
            mine.publish(f"{topic}.a", "x", TTL="1")

    def come_and_go(number):
        for round in range(40):
            connection = server.connect()
            connection.get(f"/v1/topics/{topic}.{'a' if number % 2 else '*'}/messages?wait=30s&since=latest")
            if round % 3 == 0:
                assert connection.reply().status == 200
            connection.reset() if round % 2 else connection.close()

    publishers = [background(publish) for _ in range(2)]
    for future in [background(come_and_go, number) for number in range(8)]:
        future.result(60)
    stop_flag.set()
    for future in publishers:
        future.result(10)
