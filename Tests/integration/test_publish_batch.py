"""Publishing envelopes: many messages, any topics, all or none."""

import base64
import json

import pytest

from client import CURSOR, eventually


def test_each_envelope_gets_a_receipt_in_its_place(api, topic):
    reply = api.batch({"topic": f"{topic}.b", "data": 1}, {"topic": f"{topic}.a", "data": "x"})
    assert reply.status_code == 201
    assert set(reply.json()) == {"messages"}
    receipts = reply.json()["messages"]
    assert [receipt["topic"] for receipt in receipts] == [f"{topic}.b", f"{topic}.a"]
    assert all(CURSOR.match(receipt["cursor"]) for receipt in receipts)
    assert receipts[0]["cursor"] < receipts[1]["cursor"]


def test_everything_an_envelope_says_travels(api, topic):
    api.batch(
        {
            "topic": topic,
            "data": {"order": 4711},
            "content_type": "application/vnd.order+json",
            "key": "customer-9",
            "attributes": {"Region": "eu"},
            "id": "order-4711",
            "ttl": "10m",
        }
    )
    message = api.only_message(topic)
    del message["cursor"], message["time"]
    assert message == {
        "topic": topic,
        "id": "order-4711",
        "key": "customer-9",
        "attributes": {"region": "eu"},
        "content_type": "application/vnd.order+json",
        "data": {"order": 4711},
    }


@pytest.mark.parametrize("data", [None, True, 0, -1.5e300, "", "text \u0000 🚪", [], {}, [[{"a": None}]]])
def test_any_json_value_is_a_message(api, topic, data):
    assert api.batch({"topic": topic, "data": data}).status_code == 201
    assert api.only_message(topic)["data"] == data


def test_base64_is_delivered_as_the_same_bytes(api, topic):
    data = bytes(range(256))
    api.batch({"topic": topic, "data_base64": base64.b64encode(data).decode(), "content_type": "image/png"})
    message = api.only_message(topic)
    assert base64.b64decode(message["data_base64"]) == data
    assert message["content_type"] == "image/png"


def test_members_may_come_in_any_order(api, topic):
    body = f'{{"messages":[{{"ttl":5,"attributes":{{"k":"v"}},"id":"1","data":"x","key":"k","topic":"{topic}"}}]}}'
    assert (
        api.request("POST", "/v1/messages", data=body, headers={"Content-Type": "application/json"}).status_code == 201
    )
    assert api.only_message(topic)["key"] == "k"


def test_escaped_member_names_and_topics_are_decoded(api, topic):
    body = f'{{"\\u006dessages":[{{"t\\u006fpic":"{topic}","data":"\\ud83d\\udeaa"}}]}}'
    assert (
        api.request("POST", "/v1/messages", data=body, headers={"Content-Type": "application/json"}).status_code == 201
    )
    assert api.only_message(topic)["data"] == "🚪"


def test_a_thousand_messages_are_taken_and_one_more_is_not(api, topic):
    assert api.batch(*[{"topic": topic, "data": number} for number in range(1000)]).status_code == 201
    assert [message["data"] for message in api.messages(topic, limit=1000)] == list(range(1000))
    refused = api.batch(*[{"topic": topic, "data": number} for number in range(1001)])
    assert (refused.status_code, refused.json()["code"], refused.json()["limit"]) == (413, "payload_too_large", 1000)
    assert len(api.messages(topic, limit=1000)) == 1000


def test_a_ttl_may_be_a_number_of_seconds(api, topic):
    api.batch({"topic": topic, "data": "brief", "ttl": 1}, {"topic": topic, "data": "lasting"})
    assert len(api.messages(topic)) == 2
    eventually(lambda: [message["data"] for message in api.messages(topic)] == ["lasting"], timeout=3)


class TestDuplicates:
    def test_a_repeated_batch_gets_200_and_stores_nothing(self, api, topic):
        envelopes = [{"topic": topic, "data": number, "id": f"id-{number}"} for number in range(3)]
        first, again = api.batch(*envelopes), api.batch(*envelopes)
        assert (first.status_code, again.status_code) == (201, 200)
        assert again.json()["messages"] == [receipt | {"duplicate": True} for receipt in first.json()["messages"]]
        assert len(api.messages(topic)) == 3

    def test_a_batch_with_something_new_gets_201(self, api, topic):
        api.batch({"topic": topic, "data": 1, "id": "old"})
        reply = api.batch({"topic": topic, "data": 1, "id": "old"}, {"topic": topic, "data": 2, "id": "new"})
        assert reply.status_code == 201
        assert [receipt.get("duplicate", False) for receipt in reply.json()["messages"]] == [True, False]
        assert [message["data"] for message in api.messages(topic)] == [1, 2]

    def test_a_key_repeated_within_one_batch_is_stored_once(self, api, topic):
        reply = api.batch({"topic": topic, "data": 1, "id": "same"}, {"topic": topic, "data": 2, "id": "same"})
        assert [receipt.get("duplicate", False) for receipt in reply.json()["messages"]] == [False, True]
        assert [message["data"] for message in api.messages(topic)] == [1]

    def test_header_and_envelope_share_their_keys(self, api, topic):
        assert api.publish(topic, "x", Idempotency_Key="k").status_code == 201
        assert api.batch({"topic": topic, "data": "x", "id": "k"}).status_code == 200


class TestLines:
    def post(self, api, text):
        return api.request("POST", "/v1/messages", data=text, headers={"Content-Type": "application/x-ndjson"})

    @pytest.mark.parametrize("ending", ["\n", "\r\n"])
    @pytest.mark.parametrize("last", ["", "\n"])
    def test_one_envelope_a_line(self, api, topic, ending, last):
        lines = [json.dumps({"topic": topic, "data": number}) for number in range(3)]
        reply = self.post(api, ending.join(lines) + last)
        assert reply.status_code == 201
        assert len(reply.json()["messages"]) == 3
        assert [message["data"] for message in api.messages(topic)] == [0, 1, 2]

    def test_empty_lines_are_skipped(self, api, topic):
        line = json.dumps({"topic": topic, "data": 1})
        assert self.post(api, f"\n{line}\n\n{line}\n\n").status_code == 201
        assert len(api.messages(topic)) == 2

    def test_one_bad_line_refuses_them_all_and_is_named(self, api, topic):
        good = json.dumps({"topic": topic, "data": 1})
        refused = self.post(api, f'{good}\n{good}\n{{"topic":"{topic}","data":1,"colour":2}}\n')
        assert (refused.status_code, refused.json()["code"]) == (400, "unknown_field")
        assert refused.json()["path"] == "messages[2].colour"
        assert api.messages(topic) == []

    def test_a_line_that_is_no_json_is_refused_with_its_offset(self, api, topic):
        good = json.dumps({"topic": topic, "data": 1})
        refused = self.post(api, f"{good}\n{{]\n")
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_json")
        assert refused.json()["offset"] == len(good) + 2
        assert api.messages(topic) == []

    def test_two_envelopes_on_one_line_are_refused(self, api, topic):
        good = json.dumps({"topic": topic, "data": 1})
        assert self.post(api, f"{good} {good}\n").status_code == 400

    @pytest.mark.parametrize("nothing", ["", "\n\n"])
    def test_no_line_at_all_is_refused(self, api, nothing):
        refused = self.post(api, nothing)
        assert (refused.status_code, refused.json()["code"]) == (400, "empty_batch")


class TestWrongEnvelopes:
    """Each names its place, and nothing of the batch is stored."""

    wrong = [
        ('{"data":1}', "messages[3]", "invalid_envelope"),
        ('{"topic":7,"data":1}', "messages[3].topic", "invalid_envelope"),
        ('{"topic":null,"data":1}', "messages[3].topic", "invalid_envelope"),
        ('{"topic":"a..b","data":1}', "messages[3].topic", "invalid_topic"),
        ('{"topic":"$sys","data":1}', "messages[3].topic", "invalid_topic"),
        ('{"topic":"a.*","data":1}', "messages[3].topic", "invalid_topic"),
        ('{"topic":"t"}', "messages[3]", "invalid_envelope"),
        ('{"topic":"t","data":1,"data_base64":"AA=="}', "messages[3]", "invalid_envelope"),
        ('{"topic":"t","data_base64":"A"}', "messages[3].data_base64", "invalid_envelope"),
        ('{"topic":"t","data_base64":"A-_="}', "messages[3].data_base64", "invalid_envelope"),
        ('{"topic":"t","data_base64":1}', "messages[3].data_base64", "invalid_envelope"),
        ('{"topic":"t","data":1,"colour":"red"}', "messages[3].colour", "unknown_field"),
        ('{"topic":"t","data":1,"key":""}', "messages[3].key", "invalid_envelope"),
        ('{"topic":"t","data":1,"key":5}', "messages[3].key", "invalid_envelope"),
        ('{"topic":"t","data":1,"id":""}', "messages[3].id", "invalid_envelope"),
        ('{"topic":"t","data":1,"id":"ü"}', "messages[3].id", "invalid_envelope"),
        ('{"topic":"t","data":1,"id":5}', "messages[3].id", "invalid_envelope"),
        ('{"topic":"t","data":1,"ttl":"soon"}', "messages[3].ttl", "invalid_envelope"),
        ('{"topic":"t","data":1,"ttl":-1}', "messages[3].ttl", "invalid_envelope"),
        ('{"topic":"t","data":1,"ttl":true}', "messages[3].ttl", "invalid_envelope"),
        ('{"topic":"t","data":1,"attributes":[]}', "messages[3].attributes", "invalid_envelope"),
        ('{"topic":"t","data":1,"attributes":{"k":1}}', "messages[3].attributes", "invalid_envelope"),
        ('{"topic":"t","data":1,"attributes":{"a b":"v"}}', "messages[3].attributes", "invalid_envelope"),
        ('{"topic":"t","data":1,"content_type":5}', "messages[3].content_type", "invalid_envelope"),
        ('{"topic":"t","data":1,"topic":"t"}', "messages[3].topic", "invalid_envelope"),
        ('{"topic":"t","data":{"a":1,"a":2},"data":1}', "messages[3].data", "invalid_envelope"),
        ("7", "messages[3]", "invalid_envelope"),
        ("[]", "messages[3]", "invalid_envelope"),
    ]

    @pytest.mark.parametrize("envelope, path, code", wrong, ids=[entry[0] for entry in wrong])
    def test_it_is_refused_with_its_path(self, api, topic, envelope, path, code):
        good = json.dumps({"topic": topic, "data": 1})
        body = f'{{"messages":[{good},{good},{good},{envelope},{good}]}}'.encode()
        refused = api.request("POST", "/v1/messages", data=body, headers={"Content-Type": "application/json"})
        assert refused.status_code == 400
        problem = refused.json()
        assert problem["code"] == code
        assert problem["path"].startswith(path)
        assert api.messages(topic) == []

    @pytest.mark.parametrize(
        "body, code",
        [
            ("{}", "invalid_envelope"),
            ("[]", "invalid_envelope"),
            ("7", "invalid_envelope"),
            ('"x"', "invalid_envelope"),
            ('{"messages":{}}', "invalid_envelope"),
            ('{"messages":null}', "invalid_envelope"),
            ('{"message":[]}', "invalid_envelope"),
            ('{"messages":[]}', "empty_batch"),
            ('{"messages":[],"messages":[]}', "invalid_envelope"),
            ("", "invalid_json"),
            ("{", "invalid_json"),
            ('{"messages":[]', "invalid_json"),
            ('{"messages":[]} x', "invalid_json"),
        ],
    )
    def test_so_is_a_body_that_holds_no_batch(self, api, body, code):
        refused = api.request("POST", "/v1/messages", data=body, headers={"Content-Type": "application/json"})
        assert refused.status_code == 400
        assert refused.json()["code"] in (code, "invalid_envelope" if code == "empty_batch" else code)

    @pytest.mark.parametrize(
        "content_type",
        [
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/xml",
            "application/jsonx",
            "multipart/form-data",
        ],
    )
    def test_another_media_type_gets_415(self, api, topic, content_type):
        refused = api.request(
            "POST",
            "/v1/messages",
            data=json.dumps({"messages": [{"topic": topic, "data": 1}]}),
            headers={"Content-Type": content_type},
        )
        assert (refused.status_code, refused.json()["code"]) == (415, "unsupported_media_type")
        assert api.messages(topic) == []


def test_a_wrong_topic_s_offset_counts_within_the_topic_in_every_form(api):
    wrong = '{"topic":"b..c","data":"y"}'
    lines = '{"topic":"a","data":1}\n' + wrong
    for body, kind in [(lines, "application/x-ndjson"), ('{"messages":[{"topic":"a","data":1},%s]}' % wrong, "application/json")]:
        reply = api.request("POST", "/v1/messages", data=body, headers={"Content-Type": kind})
        problem = reply.json()
        assert (reply.status_code, problem["path"], problem["offset"]) == (400, "messages[1].topic", 2)
