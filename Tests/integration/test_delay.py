"""Messages that are delivered later: never early, once, over restarts."""

import datetime
import json
import re
import time

import pytest

from client import Api, eventually, serving


@pytest.fixture(params=["memory", "disk"])
def anywhere(request, tmp_path):
    """A server of a test's own, with either log."""
    (tmp_path / "log").mkdir()
    flags = ["--data-dir", str(tmp_path / "log")] if request.param == "disk" else []
    with serving(*flags) as server:
        yield server


def in_future(seconds):
    time_ = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return time_.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parsed(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def test_curl_delays_a_message(anywhere):
    before = time.time()
    reply = anywhere.curl("-d", "later", "-H", "Delay: 1500ms", "/v1/topics/d/messages")
    assert reply.status == 201, reply
    receipt = json.loads(reply.body)
    assert set(receipt) == {"topic", "id", "deliver_at"} and re.fullmatch("z[0-9a-v]{22}", receipt["id"])
    assert before + 1.4 < parsed(receipt["deliver_at"]) < time.time() + 1.6
    api = Api(anywhere)
    assert api.messages("d") == [] and api.get("/v1/topics/d").status_code == 404
    assert anywhere.metric("postern_scheduled_messages") == 1
    message = api.messages("d", wait="10s")[0]
    assert message["id"] == receipt["id"] and message["data"] == "later"
    assert parsed(receipt["deliver_at"]) <= parsed(message["time"]) < parsed(receipt["deliver_at"]) + 1.5
    assert anywhere.metric("postern_scheduled_messages") == 0
    assert anywhere.metric("postern_messages_scheduled_total") == 1


def test_a_time_and_a_batch(anywhere):
    api = Api(anywhere)
    due = in_future(1.2)
    receipts = api.batch(
        {"topic": "b", "data": 1, "deliver_at": due, "id": "mine"},
        {"topic": "b", "data": 2},
        {"topic": "b", "data": 3, "delay": "1s"},
        {"topic": "b", "data": 4, "delay": 0},
    ).json()["messages"]
    assert receipts[0]["id"] == "mine" and receipts[0]["deliver_at"] == due and "cursor" not in receipts[0]
    assert "cursor" in receipts[1] and "deliver_at" in receipts[2] and "cursor" in receipts[3]
    assert [m["data"] for m in api.messages("b")] == [2, 4]
    eventually(lambda: [m["data"] for m in api.messages("b")] == [2, 4, 3, 1], what="all are delivered")


def test_a_repeat_is_told(anywhere):
    api = Api(anywhere)
    first = api.publish("r", "x", Delay="1h", Idempotency_Key="k")
    again = api.publish("r", "x", Delay="1h", Idempotency_Key="k")
    assert first.status_code == 201 and again.status_code == 200
    assert again.json() == first.json() | {"duplicate": True}
    assert anywhere.metric("postern_scheduled_messages") == 1


def test_what_is_due_already_is_delivered_at_once(anywhere):
    api = Api(anywhere)
    assert "cursor" in api.publish("n", "a", Delay="0").json()
    assert "cursor" in api.publish("n", "b", Deliver_At="2020-01-01T00:00:00Z").json()
    assert len(api.messages("n")) == 2


@pytest.mark.parametrize("how", ["ended", "killed"])
def test_it_outlives_a_restart(tmp_path, how):
    (tmp_path / "log").mkdir()
    flags = ["--data-dir", str(tmp_path / "log")]
    with serving(*flags) as server:
        api = Api(server)
        receipt = api.publish("later", "kept", Delay="1s", Attr_Kind="x").json()
        api.publish("later", "taken back", Delay="1s")
        api.publish("gone", "x", Delay="1s")
        assert api.request("DELETE", "/v1/topics/gone").status_code == 204
        server.kill() if how == "killed" else server.terminate()
    time.sleep(max(0, parsed(receipt["deliver_at"]) - time.time()))
    with serving(*flags) as server:
        api = Api(server)
        eventually(lambda: len(api.messages("later")) == 2, what="it is delivered after the start")
        message = api.messages("later", filter="kind:x")[0]
        assert message["id"] == receipt["id"] and message["data"] == "kept"
        assert api.messages("gone") == []
        server.kill()
    with serving(*flags) as server:
        time.sleep(1.2)
        assert len(Api(server).messages("later")) == 2, "once"


@pytest.mark.parametrize(
    "headers, parameter",
    [
        ({"Delay": "soon"}, "Delay"),
        ({"Delay": "-1"}, "Delay"),
        ({"Delay": "8d"}, "Delay"),
        ({"Deliver-At": "tomorrow"}, "Deliver-At"),
        ({"Deliver-At": "2999-01-01T00:00:00Z"}, "Deliver-At"),
        ({"Delay": "1s", "Deliver-At": "2026-01-01T00:00:00Z"}, "Deliver-At"),
    ],
)
def test_bad_times_are_refused(api, topic, headers, parameter):
    reply = api.request("POST", f"/v1/topics/{topic}/messages", data="x", headers=headers)
    assert reply.status_code == 400 and reply.json()["code"] == "invalid_header"
    assert reply.json()["parameter"] == parameter


@pytest.mark.parametrize(
    "fields", [{"delay": "x"}, {"delay": -1}, {"delay": True}, {"deliver_at": "x"}, {"delay": "9d"},
               {"delay": 1, "deliver_at": "2026-01-01T00:00:00Z"}]
)
def test_bad_times_in_envelopes_are_refused(api, topic, fields):
    reply = api.batch({"topic": topic, "data": 1} | fields)
    assert reply.status_code == 400 and reply.json()["code"] == "invalid_envelope", reply.text
    assert reply.json()["path"].startswith("messages[0].del")


def test_the_bounds_are_the_operators():
    with serving("--max-scheduled", "2", "--max-delay", "1h") as server:
        api = Api(server)
        assert api.publish("f", "x", Delay="61m").json()["limit"] == 3600
        assert [api.publish("f", "x", Delay="1h").status_code for _ in range(2)] == [201, 201]
        full = api.publish("f", "x", Delay="1h")
        assert full.status_code == 503 and full.json()["code"] == "schedule_full" and full.headers["Retry-After"]
        assert api.publish("f", "x").status_code == 201
