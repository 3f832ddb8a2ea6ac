"""Reading by poll: one JSON form, cursors that belong to the client, patterns over topics."""

import datetime
import time
import urllib.parse

import pytest

from client import CURSOR, FOREIGN_CURSOR, TIME, Api


def data(messages):
    return [message["data"] for message in messages]


def following_link(reply):
    """The reply's `Link` with rel="next", which is relative to the request."""
    return urllib.parse.urljoin(reply.url, reply.links["next"]["url"])


def test_a_topic_that_does_not_exist_reads_as_empty(api, topic):
    reply = api.read(topic)
    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.json()["messages"] == []
    assert CURSOR.match(reply.json()["next"])


def test_the_first_read_begins_at_the_earliest_message(api, topic):
    for number in range(3):
        api.publish(topic, str(number))
    assert data(api.messages(topic)) == ["0", "1", "2"]


def test_messages_read_as_the_contract_has_them(api, topic):
    api.publish(topic, "x")
    message = api.only_message(topic)
    assert CURSOR.match(message["cursor"])
    assert TIME.match(message["time"])
    published = datetime.datetime.fromisoformat(message["time"].replace("Z", "+00:00"))
    assert abs(published.timestamp() - time.time()) < 5


def test_a_read_takes_nothing_away(api, topic):
    api.publish(topic, "x")
    assert api.messages(topic) == api.messages(topic) != []


def test_reading_on_from_next_gives_each_message_once_in_order(api, topic):
    for number in range(25):
        api.publish(topic, str(number))
    got, parameters = [], {}
    while True:
        reply = api.read(topic, limit=7, **parameters).json()
        if not reply["messages"]:
            break
        got += data(reply["messages"])
        parameters = {"after": reply["next"]}
    assert got == [str(number) for number in range(25)]


def test_after_starts_behind_the_message_that_carries_the_cursor(api, topic):
    cursors = [api.publish(topic, str(number)).json()["cursor"] for number in range(3)]
    assert data(api.messages(topic, after=cursors[0])) == ["1", "2"]
    assert data(api.messages(topic, after=cursors[2])) == []


def test_a_cursor_serves_for_any_topic(api, topic):
    cursor = api.publish(f"{topic}.a", "a").json()["cursor"]
    api.publish(f"{topic}.b", "b")
    assert data(api.messages(f"{topic}.b", after=cursor)) == ["b"]
    assert data(api.messages(f"{topic}.a", after=cursor)) == []


def test_next_stays_the_same_where_there_is_nothing(api, topic):
    following = api.publish(topic, "x").json()["cursor"]
    assert api.read(topic, after=following).json() == {"messages": [], "next": following}


def test_headers_say_what_the_body_says(api, topic):
    api.publish(topic, "one")
    reply = api.read(topic, limit=5)
    following = reply.json()["next"]
    assert reply.headers["Cursor"] == following
    api.publish(topic, "two")
    assert data(api.session.get(following_link(reply)).json()["messages"]) == ["two"]


def test_the_link_keeps_what_was_asked(api, topic):
    link = following_link(api.read(f"{topic}.*,{topic}", limit=5, since="latest", wait="1s", gap="skip"))
    assert "wait=1" in link and "gap=skip" in link
    for number in range(8):
        api.publish(topic, str(number))
    assert data(api.session.get(link).json()["messages"]) == ["0", "1", "2", "3", "4"]


class TestLimits:
    def test_a_hundred_messages_where_nothing_is_asked(self, api, topic):
        api.batch(*[{"topic": topic, "data": number} for number in range(150)])
        assert data(api.messages(topic)) == list(range(100))

    @pytest.mark.parametrize("limit", [1, 2, 149, 150, 1000])
    def test_as_many_as_asked(self, api, topic, limit):
        api.batch(*[{"topic": topic, "data": number} for number in range(150)])
        assert data(api.messages(topic, limit=limit)) == list(range(min(limit, 150)))

    def test_about_a_mebibyte_a_reply(self, api, topic):
        for _ in range(5):
            api.publish(topic, "x" * 400_000)
        assert len(api.messages(topic)) == 2

    def test_one_message_even_where_it_alone_is_larger(self, api, topic):
        text = "\u0001" * 400_000  # Each becomes six bytes of JSON.
        api.publish(topic, text)
        api.publish(topic, "next")
        assert data(api.messages(topic)) == [text]


class TestSince:
    def test_earliest_gives_everything(self, api, topic):
        api.publish(topic, "x")
        assert data(api.messages(topic, since="earliest")) == ["x"]

    def test_latest_gives_what_comes_from_now_on(self, api, topic):
        api.publish(topic, "old")
        reply = api.read(topic, since="latest").json()
        assert reply["messages"] == []
        api.publish(topic, "new")
        assert data(api.messages(topic, after=reply["next"])) == ["new"]

    def test_a_duration_goes_back_from_now(self, api, topic):
        api.publish(topic, "old")
        time.sleep(1.2)
        api.publish(topic, "new")
        assert data(api.messages(topic, since="600ms")) == ["new"]
        assert data(api.messages(topic, since="1h")) == ["old", "new"]
        assert data(api.messages(topic, since="3600")) == ["old", "new"]
        assert data(api.messages(topic, since="0s")) == []

    def test_a_time_begins_with_the_first_message_not_older(self, api, topic):
        api.publish(topic, "old")
        time.sleep(0.01)
        new = api.publish(topic, "new").json()["time"]
        assert data(api.messages(topic, since=new)) == ["new"]
        assert data(api.messages(topic, since="2001-01-01T00:00:00Z")) == ["old", "new"]
        assert data(api.messages(topic, since="2200-01-01T00:00:00Z")) == []

    def test_a_time_may_carry_an_offset(self, api, topic):
        api.publish(topic, "old")
        time.sleep(0.01)
        new = datetime.datetime.fromisoformat(api.publish(topic, "new").json()["time"].replace("Z", "+00:00"))
        there = new.astimezone(datetime.timezone(datetime.timedelta(hours=5, minutes=30)))
        assert data(api.messages(topic, since=there.isoformat())) == ["new"]

    def test_together_with_after_it_is_refused(self, api, topic):
        cursor = api.publish(topic, "x").json()["cursor"]
        refused = api.read(topic, after=cursor, since="earliest")
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_parameter")


class TestPatterns:
    @pytest.fixture
    def house(self, api, topic):
        for name in ["a", "a.b", "a.c", "a.b.c", "ab", "d.b"]:
            api.publish(f"{topic}.{name}", name)
        return topic

    @pytest.mark.parametrize(
        "pattern, expected",
        [
            ("a", ["a"]),
            ("*", ["a", "ab"]),
            ("a.*", ["a.b", "a.c"]),
            ("*.b", ["a.b", "d.b"]),
            ("a.*.c", ["a.b.c"]),
            ("a.**", ["a.b", "a.c", "a.b.c"]),
            ("**", ["a", "a.b", "a.c", "a.b.c", "ab", "d.b"]),
            ("*.**", ["a.b", "a.c", "a.b.c", "d.b"]),
            ("nothing.*", []),
        ],
    )
    def test_tokens_match_tokens(self, api, house, pattern, expected):
        assert data(api.messages(f"{house}.{pattern}")) == expected

    def test_commas_join_patterns_and_no_message_comes_twice(self, api, house):
        assert data(api.messages(f"{house}.a.*,{house}.*.b,{house}.a")) == ["a", "a.b", "a.c", "d.b"]

    def test_a_percent_encoded_comma_and_star_are_the_same(self, api, house):
        assert data(api.messages(f"{house}.a.%2A%2C{house}.a")) == ["a", "a.b", "a.c"]

    def test_sixteen_are_taken_and_seventeen_are_not(self, api, topic):
        names = [f"{topic}.{number}" for number in range(17)]
        api.publish(names[15], "x")
        assert data(api.messages(",".join(names[:16]))) == ["x"]
        refused = api.read(",".join(names))
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_pattern")

    def test_messages_of_all_topics_come_in_the_order_of_their_cursors(self, api, topic):
        for number in range(20):
            api.publish(f"{topic}.{number % 3}", str(number))
        messages = api.messages(f"{topic}.*")
        assert data(messages) == [str(number) for number in range(20)]
        assert [m["cursor"] for m in messages] == sorted(m["cursor"] for m in messages)

    @pytest.mark.parametrize(
        "pattern", ["a*", "*a", "**.a", "a.**.b", "***", "a,,b", ",a", "a,", "$sys", "a..b", "a.*b"]
    )
    def test_bad_patterns_are_refused(self, api, pattern):
        refused = api.read(pattern)
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_pattern")


class TestRetention:
    """A cursor that fell behind retention, or that another log gave out."""

    @pytest.fixture
    def short(self, serve):
        return Api(serve("--retention-count", "10"))

    def test_a_trimmed_cursor_gets_410_and_where_to_go_on(self, short):
        cursors = [short.publish("t", str(number)).json()["cursor"] for number in range(30)]
        gone = short.read("t", after=cursors[0])
        assert gone.status_code == 410
        assert gone.headers["Content-Type"] == "application/problem+json"
        assert gone.json()["code"] == "cursor_gone"
        kept = short.read("t", after=gone.json()["earliest"])
        assert kept.status_code == 200
        got = data(kept.json()["messages"])
        assert got == [str(number) for number in range(30 - len(got), 30)]
        assert len(got) >= 1

    def test_skip_reads_on_and_reports_the_gap(self, short):
        cursors = [short.publish("t", str(number)).json()["cursor"] for number in range(30)]
        reply = short.read("t", after=cursors[0], gap="skip")
        assert reply.status_code == 200
        assert reply.json()["gap"]["after"] == cursors[0]
        assert reply.json()["gap"]["earliest"] == short.read("t", after=cursors[0]).json()["earliest"]
        assert data(reply.json()["messages"])[-1] == "29"

    def test_skip_without_a_loss_says_nothing(self, short):
        cursor = short.publish("t", "x").json()["cursor"]
        assert "gap" not in short.read("t", after=cursor, gap="skip").json()

    def test_no_more_than_the_count_is_kept(self, short):
        for number in range(30):
            short.publish("t", str(number))
        got = data(short.messages("t"))
        assert got == [str(number) for number in range(20, 30)]

    def test_a_foreign_cursor_gets_410(self, api, topic):
        api.publish(topic, "x")
        gone = api.read(topic, after=FOREIGN_CURSOR)
        assert (gone.status_code, gone.json()["code"]) == (410, "cursor_gone")
        assert data(api.messages(topic, after=gone.json()["earliest"])) == ["x"]

    def test_a_foreign_cursor_is_led_to_one_that_is_good(self, short):
        for number in range(30):
            short.publish("t", str(number))
        earliest = short.read("t", after=FOREIGN_CURSOR).json()["earliest"]
        assert data(short.messages("t", after=earliest))[-1] == "29"

    def test_a_cursor_from_before_a_restart_gets_410(self, serve):
        first = Api(serve())
        cursor = first.publish("t", "x").json()["cursor"]
        first.server.terminate()
        second = Api(serve())
        second.publish("t", "y")
        assert second.read("t", after=cursor).status_code == 410
        skipped = second.read("t", after=cursor, gap="skip").json()
        assert data(skipped["messages"]) == ["y"]
        assert skipped["gap"]["after"] == cursor

    def test_410_comes_at_once_even_where_a_wait_was_asked(self, api, topic):
        began = time.monotonic()
        assert api.read(topic, after=FOREIGN_CURSOR, wait="30s").status_code == 410
        assert time.monotonic() - began < 5
