"""Topics as resources: figures, retention, creation, removal, listing."""

import pytest

from client import TIME, eventually


def test_a_topic_that_does_not_exist_gets_404(api, topic):
    missing = api.get(f"/v1/topics/{topic}")
    assert (missing.status_code, missing.json()["code"]) == (404, "topic_not_found")


def test_reading_does_not_create_a_topic(api, topic):
    api.read(topic)
    assert api.get(f"/v1/topics/{topic}").status_code == 404


def test_the_first_publish_creates_it(api, topic):
    receipt = api.publish(topic, "hello").json()
    found = api.get(f"/v1/topics/{topic}")
    assert found.status_code == 200
    described = found.json()
    assert described["topic"] == topic
    assert described["messages"] == 1
    assert described["bytes"] > 5
    assert described["earliest"] == described["latest"] == receipt["cursor"]
    assert TIME.match(described["created"])
    assert described["retention"] == {}


def test_earliest_and_latest_are_messages_cursors(api, topic):
    cursors = [api.publish(topic, str(number)).json()["cursor"] for number in range(3)]
    described = api.get(f"/v1/topics/{topic}").json()
    assert (described["earliest"], described["latest"], described["messages"]) == (cursors[0], cursors[2], 3)


class TestPut:
    def put(self, api, topic, settings):
        return api.request("PUT", f"/v1/topics/{topic}", json=settings)

    def test_it_creates_and_then_updates(self, api, topic):
        created = self.put(api, topic, {"retention": {"count": 5}})
        assert created.status_code == 201
        assert created.json()["retention"] == {"count": 5}
        assert created.json()["messages"] == 0
        assert "earliest" not in created.json()
        updated = self.put(api, topic, {"retention": {"age": "1h", "bytes": 100_000}})
        assert updated.status_code == 200
        assert updated.json()["retention"] == {"age_seconds": 3600, "bytes": 100_000}
        assert api.get(f"/v1/topics/{topic}").json()["retention"] == updated.json()["retention"]

    def test_an_empty_object_creates_a_topic_without_bounds(self, api, topic):
        assert self.put(api, topic, {}).json()["retention"] == {}
        assert api.get(f"/v1/topics/{topic}").status_code == 200

    @pytest.mark.parametrize("age, seconds", [(90, 90), ("90", 90), ("90s", 90), ("10m", 600), ("7d", 604_800)])
    def test_ages_are_seconds_or_carry_a_unit(self, api, topic, age, seconds):
        assert self.put(api, topic, {"retention": {"age": age}}).json()["retention"]["age_seconds"] == seconds

    def test_it_keeps_the_messages(self, api, topic):
        api.publish(topic, "x")
        self.put(api, topic, {"retention": {"count": 5}})
        assert len(api.messages(topic)) == 1

    def test_a_count_holds_from_now_on(self, api, topic):
        self.put(api, topic, {"retention": {"count": 3}})
        for number in range(10):
            api.publish(topic, str(number))
        eventually(lambda: [m["data"] for m in api.messages(topic)] == ["7", "8", "9"], timeout=5)
        assert api.get(f"/v1/topics/{topic}").json()["messages"] == 3

    def test_an_age_drops_what_is_older(self, api, topic):
        self.put(api, topic, {"retention": {"age": 1}})
        api.publish(topic, "x")
        assert len(api.messages(topic)) == 1
        eventually(lambda: api.messages(topic) == [], timeout=5)

    def test_bytes_bound_what_is_kept(self, api, topic):
        self.put(api, topic, {"retention": {"bytes": 5000}})
        for _ in range(10):
            api.publish(topic, "x" * 1000)
        eventually(lambda: 1 <= api.get(f"/v1/topics/{topic}").json()["messages"] <= 5, timeout=5)

    def test_one_topic_s_retention_leaves_others_alone(self, api, topic):
        self.put(api, f"{topic}.short", {"retention": {"count": 1}})
        for number in range(5):
            api.publish(f"{topic}.short", str(number))
            api.publish(f"{topic}.long", str(number))
        assert len(api.messages(f"{topic}.long")) == 5

    @pytest.mark.parametrize(
        "body, parameter",
        [
            ('{"retention":{"age":"soon"}}', "retention.age"),
            ('{"retention":{"age":-1}}', "retention.age"),
            ('{"retention":{"bytes":"many"}}', "retention.bytes"),
            ('{"retention":{"bytes":0}}', "retention.bytes"),
            ('{"retention":{"count":1.5}}', "retention.count"),
            ('{"retention":{"count":99999999999999999999999}}', "retention.count"),
            ('{"retention":{"colour":1}}', "retention"),
            ('{"retention":[]}', "retention"),
            ('{"colour":1}', None),
        ],
    )
    def test_wrong_settings_are_refused_by_name(self, api, topic, body, parameter):
        refused = api.request("PUT", f"/v1/topics/{topic}", data=body, headers={"Content-Type": "application/json"})
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_settings")
        assert refused.json().get("parameter") == parameter
        assert api.get(f"/v1/topics/{topic}").status_code == 404

    @pytest.mark.parametrize("body", ["{", "{}x", '{"retention":{"count":1}'])
    def test_malformed_json_is_refused(self, api, topic, body):
        refused = api.request("PUT", f"/v1/topics/{topic}", data=body, headers={"Content-Type": "application/json"})
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_json")

    def test_another_media_type_gets_415(self, api, topic):
        refused = api.request("PUT", f"/v1/topics/{topic}", data="{}", headers={"Content-Type": "text/plain"})
        assert refused.status_code == 415

    def test_a_bad_name_is_refused(self, api):
        assert self.put(api, "a..b", {}).json()["code"] == "invalid_topic"


class TestDelete:
    def test_it_drops_messages_and_settings(self, api, topic):
        api.request("PUT", f"/v1/topics/{topic}", json={"retention": {"count": 5}})
        api.publish(topic, "x")
        deleted = api.request("DELETE", f"/v1/topics/{topic}")
        assert (deleted.status_code, deleted.content) == (204, b"")
        assert api.get(f"/v1/topics/{topic}").status_code == 404
        assert api.messages(topic) == []

    def test_what_does_not_exist_gets_404(self, api, topic):
        assert api.request("DELETE", f"/v1/topics/{topic}").status_code == 404

    def test_a_topic_may_come_back_empty(self, api, topic):
        api.publish(topic, "old")
        api.request("DELETE", f"/v1/topics/{topic}")
        api.publish(topic, "new")
        assert [message["data"] for message in api.messages(topic)] == ["new"]
        assert api.get(f"/v1/topics/{topic}").json()["retention"] == {}

    def test_a_reader_of_the_deleted_topic_learns_that_messages_are_lost_or_reads_on(self, api, topic):
        cursor = api.publish(topic, "one").json()["cursor"]
        api.publish(topic, "two")
        api.request("DELETE", f"/v1/topics/{topic}")
        assert api.read(topic, after=cursor).status_code in (200, 410)


class TestList:
    def test_names_come_sorted_and_may_be_narrowed(self, api, topic):
        for name in ["b", "a", "c.d", "c"]:
            api.publish(f"{topic}.{name}", "x")
        listed = api.get("/v1/topics", params={"prefix": f"{topic}."}).json()
        assert [entry["topic"] for entry in listed["topics"]] == [f"{topic}.{name}" for name in ["a", "b", "c", "c.d"]]
        assert "next_page" not in listed

    def test_entries_are_what_the_topic_itself_says(self, api, topic):
        api.publish(topic, "x")
        [entry] = api.get("/v1/topics", params={"prefix": topic}).json()["topics"]
        assert entry == api.get(f"/v1/topics/{topic}").json()

    def test_pages_give_each_topic_once(self, api, topic):
        names = [f"{topic}.{number:02}" for number in range(11)]
        api.batch(*[{"topic": name, "data": 1} for name in names])
        got, page = [], {}
        for _ in range(4):
            listed = api.get("/v1/topics", params={"prefix": topic, "limit": 3} | page).json()
            got.append([entry["topic"] for entry in listed["topics"]])
            page = {"page": listed["next_page"]} if "next_page" in listed else None
        assert page is None
        assert got == [names[0:3], names[3:6], names[6:9], names[9:11]]

    def test_a_prefix_that_nothing_has_gives_an_empty_list(self, api):
        assert api.get("/v1/topics", params={"prefix": "no-such-thing"}).json() == {"topics": []}

    @pytest.mark.parametrize("limit", ["0", "1001", "-1", "x", "", "1.5"])
    def test_limits_have_a_range(self, api, limit):
        refused = api.get("/v1/topics", params={"limit": limit})
        assert (refused.status_code, refused.json()["parameter"]) == (400, "limit")
