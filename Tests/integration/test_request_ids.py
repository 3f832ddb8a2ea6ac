"""X-Request-Id in and out, and traceparent as an attribute where that is asked for."""

import re

import pytest

from client import Api, Server, eventually, request

PATH = "/v1/topics/{}/messages"


class TestRequestIDs:
    @pytest.mark.parametrize("name", ["a", "7f3a-1", "Root=1-67891233-abcdef012345678912345678", "a/b+c=d@e.f:g_h", "x" * 128])
    def test_a_client_s_name_comes_back(self, api, topic, name):
        for reply in (
            api.publish(topic, "x", X_Request_Id=name),
            api.get(PATH.format(topic), headers={"X-Request-Id": name}),
            api.get("/v1/topics", headers={"x-request-id": name}),
            api.get("/nowhere", headers={"X-Request-Id": name}),
            api.get("/livez", headers={"X-Request-Id": name}),
        ):
            assert reply.headers["X-Request-Id"] == name

    def test_without_one_a_success_says_none(self, api, topic):
        assert "X-Request-Id" not in api.publish(topic, "x").headers

    def test_a_problem_has_one_in_any_case(self, api):
        names = {api.get("/nowhere").headers["X-Request-Id"] for _ in range(20)}
        assert len(names) == 20 and all(re.fullmatch(r"[0-9a-f]{16}-\d+", name) for name in names)

    @pytest.mark.parametrize("name", ["", "x" * 129, "a b", "a\tb", "<script>", "a;b", "é", 'a"b'])
    def test_what_is_no_sane_name_is_not_given_back(self, server, name):
        with server.connect() as connection:
            reply = connection.send(request("GET", "/livez", f"X-Request-Id: {name}")).reply()
            assert reply.status in (200, 400)
            assert reply.headers.get("x-request-id", "none") != name
            if reply.status == 200:
                assert "x-request-id" not in reply.headers

    def test_two_names_are_none(self, server):
        with server.connect() as connection:
            reply = connection.send(request("GET", "/livez", "X-Request-Id: a", "X-Request-Id: b")).reply()
            assert "x-request-id" not in reply.headers

    def test_it_does_not_stick_to_the_next_request(self, server, topic):
        with server.connect() as connection:
            assert connection.get("/livez", "X-Request-Id: mine").reply().headers["x-request-id"] == "mine"
            assert "x-request-id" not in connection.get("/livez").reply().headers
            both = connection.send(request("GET", "/livez", "X-Request-Id: one"), request("GET", "/livez"))
            assert both.reply().headers["x-request-id"] == "one"
            assert "x-request-id" not in both.reply().headers

    def test_a_body_that_comes_in_pieces_keeps_its_name(self, server, topic):
        with server.connect() as slow, server.connect() as other:
            slow.send(request("POST", PATH.format(topic), "X-Request-Id: slow", "Content-Length: 5") + b"he")
            assert other.get("/livez", "X-Request-Id: other").reply().headers["x-request-id"] == "other"
            reply = slow.send(b"llo").reply()
            assert (reply.status, reply.headers["x-request-id"]) == (201, "slow")

    def test_polls_that_wait_keep_theirs_apart(self, server, api, topic):
        with server.connect() as one, server.connect() as two, server.connect() as three:
            one.get(PATH.format(topic) + "?wait=10", "X-Request-Id: first-of-all")
            two.get(PATH.format(topic) + "?wait=10", "X-Request-Id: 2")
            three.get(PATH.format(topic) + "?wait=10")
            eventually(lambda: server.metric("postern_poll_waiters") == 3, what="all wait")
            api.publish(topic, "news")
            replies = [connection.reply() for connection in (one, two, three)]
            assert [reply.headers.get("x-request-id") for reply in replies] == ["first-of-all", "2", None]
            assert len({reply.body for reply in replies}) == 1
            # And none is left for the next.
            assert "x-request-id" not in one.get("/livez").reply().headers

    def test_a_wait_that_is_over_says_its_name(self, api, topic):
        reply = api.read(topic, wait="50ms")
        assert "X-Request-Id" not in reply.headers
        reply = api.get(PATH.format(topic), params={"wait": "50ms"}, headers={"X-Request-Id": "patient"})
        assert reply.headers["X-Request-Id"] == "patient"

    def test_a_stream_too(self, server, topic):
        reply = server.curl("-m", "1", "-H", "X-Request-Id: s", PATH.format(topic) + "?format=json")
        assert reply.headers["x-request-id"] == "s"


GOOD = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture(scope="module")
def traced():
    server = Server("--trace-attribute", "on")
    yield Api(server)
    server.kill()


class TestTraceContext:
    @pytest.mark.parametrize("value", [GOOD, "01" + GOOD[2:], "cc" + GOOD[2:] + "-what-the-future-brings"])
    def test_it_is_kept(self, traced, topic, value):
        traced.publish(topic, "x", traceparent=value)
        assert traced.only_message(topic)["attributes"] == {"traceparent": value[:55]}
        assert len(traced.messages(topic, filter=f"traceparent:{value[:20]}*")) == 1

    @pytest.mark.parametrize(
        "value",
        [
            "", "00", GOOD[:-1], GOOD + "-x", "ff" + GOOD[2:], GOOD.upper(), GOOD.replace("-", "_"), GOOD.replace("7", "g"),
            "00-" + "0" * 32 + GOOD[35:], GOOD[:36] + "0" * 16 + "-01", "cc" + GOOD[2:] + "x",
        ],
    )
    def test_what_is_none_is_ignored(self, traced, topic, value):
        assert traced.publish(topic, "x", traceparent=value).status_code == 201
        assert "attributes" not in traced.only_message(topic)

    def test_a_publisher_s_own_word_stands(self, traced, topic):
        traced.publish(topic, "x", traceparent=GOOD, Attr_Traceparent="mine", Attr_A="b")
        assert traced.only_message(topic)["attributes"] == {"traceparent": "mine", "a": "b"}

    @pytest.mark.parametrize("count, kept", [(31, True), (32, False)])
    def test_it_is_one_of_thirty_two(self, traced, topic, count, kept):
        attributes = {f"Attr_N{n}": "x" for n in range(count)}
        assert traced.publish(topic, "x", traceparent=GOOD, **attributes).status_code == 201
        assert ("traceparent" in traced.only_message(topic)["attributes"]) == kept

    def test_batches(self, traced, topic):
        messages = [
            {"topic": topic, "data": 1},
            {"topic": topic, "data": 2, "attributes": {}},
            {"topic": topic, "data": 3, "attributes": {"a": "b"}},
            {"topic": topic, "data": 4, "attributes": {"traceparent": "mine"}},
            {"topic": topic, "data": 5, "attributes": {f"n{n}": "x" for n in range(32)}},
        ]
        reply = traced.request("POST", "/v1/messages", json={"messages": messages}, headers={"traceparent": GOOD})
        assert reply.status_code == 201
        found = [message.get("attributes", {}).get("traceparent") for message in traced.messages(topic)]
        assert found == [GOOD, GOOD, GOOD, "mine", None]
        assert traced.messages(topic)[2]["attributes"] == {"a": "b", "traceparent": GOOD}
        assert len(traced.messages(topic, filter="traceparent:00-*")) == 3

    def test_it_is_left_alone_unless_asked_for(self, api, topic):
        api.publish(topic, "x", traceparent=GOOD)
        assert "attributes" not in api.only_message(topic)
