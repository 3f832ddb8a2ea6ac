"""Publishing one message: the body is the message, and what headers say travels with it."""

import base64
import json
import re

import pytest

from client import CURSOR, TIME, eventually, request


def test_a_new_message_gets_201_and_a_receipt(api, topic):
    reply = api.publish(topic, "hello")
    assert reply.status_code == 201
    receipt = reply.json()
    assert set(receipt) == {"topic", "id", "cursor", "time"}
    assert receipt["topic"] == topic
    assert CURSOR.match(receipt["cursor"])
    assert receipt["id"] == receipt["cursor"]
    assert TIME.match(receipt["time"])


def test_the_receipt_matches_the_stored_message(api, topic):
    receipt = api.publish(topic, "hello").json()
    message = api.only_message(topic)
    assert {name: message[name] for name in receipt} == receipt


@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "text/plain; charset=utf-8", "text/csv", "application/x-www-form-urlencoded"]
)
def test_text_is_delivered_as_a_string(api, topic, content_type):
    text = 'a "quoted" line\nand \\ another\twith ümläuts, 漢字 and 🚪\u0001'
    assert api.publish(topic, text.encode(), content_type).status_code == 201
    message = api.only_message(topic)
    assert message["data"] == text
    assert "data_base64" not in message


def test_curl_s_default_counts_as_plain_text(server, api, topic):
    server.curl("-d", "a=1&b=2", f"/v1/topics/{topic}/messages")
    message = api.only_message(topic)
    assert message["data"] == "a=1&b=2"
    assert message["content_type"].startswith("text/plain")


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "application/cloudevents+json", "APPLICATION/JSON"],
)
def test_json_is_delivered_as_json(api, topic, content_type):
    value = {"a": [1, 2.5, None, True, {"ü": "\u2028 🚪"}], "b": {}}
    assert api.publish(topic, json.dumps(value), content_type).status_code == 201
    assert api.only_message(topic)["data"] == value


@pytest.mark.parametrize("number", ["1e400", "12345678901234567890123456789", "0.1000", "-0", "1E+2"])
def test_numbers_pass_exactly_as_written(api, topic, number):
    assert api.publish(topic, f'{{"n": {number}}}', "application/json").status_code == 201
    assert re.search(rf"\"n\": ?{re.escape(number)}}}", api.read(topic).text)


def test_pretty_printed_json_stays_the_same_value(api, topic):
    value = {"a": [1, 2], "b": "line one\nline two"}
    api.publish(topic, json.dumps(value, indent=4).replace("\n", "\r\n"), "application/json")
    assert api.only_message(topic)["data"] == value


def test_bytes_come_back_as_base64(api, topic):
    data = bytes(range(256)) * 3
    assert api.publish(topic, data, "application/octet-stream").status_code == 201
    message = api.only_message(topic)
    assert base64.b64decode(message["data_base64"], validate=True) == data
    assert message["content_type"] == "application/octet-stream"
    assert "data" not in message


@pytest.mark.parametrize("length", range(0, 8))
def test_base64_is_right_for_every_remainder(api, topic, length):
    data = b"\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8"[:length]
    api.publish(topic, data, "image/png")
    message = api.only_message(topic)
    got = (
        base64.b64decode(message["data_base64"], validate=True)
        if "data_base64" in message
        else message["data"].encode()
    )
    assert got == data


def test_text_that_is_not_utf_8_comes_back_as_base64(api, topic):
    api.publish(topic, b"caf\xe9", "text/plain")
    assert base64.b64decode(api.only_message(topic)["data_base64"]) == b"caf\xe9"


def test_the_media_type_is_kept(api, topic):
    api.publish(topic, "<a/>", "application/xml; charset=utf-8")
    assert api.only_message(topic)["content_type"] == "application/xml; charset=utf-8"


def test_an_empty_message_is_a_message(api, topic):
    assert api.publish(topic, "").status_code == 201
    assert api.only_message(topic)["data"] == ""


def test_a_body_of_exactly_the_limit_is_taken(api, topic):
    text = "x" * (1 << 20)
    assert api.publish(topic, text).status_code == 201
    assert api.only_message(topic)["data"] == text


class TestIdempotency:
    def test_a_repeat_stores_nothing_and_answers_as_the_first_did(self, api, topic):
        first = api.publish(topic, "once", Idempotency_Key="order-1")
        again = api.publish(topic, "once", Idempotency_Key="order-1")
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json()["id"] == "order-1"
        assert "duplicate" not in first.json()
        assert again.json() == first.json() | {"duplicate": True}
        assert [message["id"] for message in api.messages(topic)] == ["order-1"]

    def test_keys_of_different_topics_do_not_meet(self, api, topic):
        assert api.publish(f"{topic}.a", "x", Idempotency_Key="k").status_code == 201
        assert api.publish(f"{topic}.b", "x", Idempotency_Key="k").status_code == 201

    def test_a_key_of_255_characters_is_taken_and_one_more_is_not(self, api, topic):
        assert api.publish(topic, "x", Idempotency_Key="k" * 255).status_code == 201
        refused = api.publish(topic, "x", Idempotency_Key="k" * 256)
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_header")
        assert refused.json()["parameter"].lower() == "idempotency-key"

    def test_printable_ascii_passes_unchanged(self, api, topic):
        key = "".join(map(chr, range(0x21, 0x7F)))
        api.publish(topic, "x", Idempotency_Key=key)
        assert api.only_message(topic)["id"] == key

    def test_a_key_that_is_not_ascii_is_refused(self, api, topic):
        assert api.publish(topic, "x", Idempotency_Key="schlüssel".encode()).status_code == 400


class TestMetadata:
    def test_key_and_attributes_travel_with_the_message(self, api, topic):
        api.publish(topic, "x", Message_Key="customer-9", Attr_Region="eu", Attr_Trace_Id="abc")
        message = api.only_message(topic)
        assert message["key"] == "customer-9"
        assert message["attributes"] == {"region": "eu", "trace-id": "abc"}

    def test_without_metadata_there_are_no_such_members(self, api, topic):
        api.publish(topic, "x")
        assert set(api.only_message(topic)) == {"cursor", "time", "topic", "id", "content_type", "data"}

    def test_attribute_values_are_utf_8(self, api, topic):
        api.publish(topic, "x", Attr_City="Zürich".encode())
        assert api.only_message(topic)["attributes"] == {"city": "Zürich"}

    def test_32_attributes_are_taken_and_33_are_not(self, api, topic):
        attributes = {f"Attr_N{number}": str(number) for number in range(32)}
        assert api.publish(topic, "x", **attributes).status_code == 201
        assert len(api.only_message(topic)["attributes"]) == 32
        refused = api.publish(topic, "x", **attributes, Attr_N32="32")
        assert refused.status_code == 400
        assert len(api.messages(topic)) == 1

    def test_a_value_of_1024_bytes_is_taken_and_one_more_is_not(self, api, topic):
        assert api.publish(topic, "x", Attr_Long="v" * 1024).status_code == 201
        refused = api.publish(topic, "x", Attr_Long="v" * 1025)
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_header")

    def test_a_name_of_64_bytes_is_taken_and_one_more_is_not(self, api, topic):
        assert api.publish(topic, "x", **{"Attr_" + "n" * 64: "v"}).status_code == 201
        assert api.publish(topic, "x", **{"Attr_" + "n" * 65: "v"}).status_code == 400

    def test_a_value_that_is_not_utf_8_is_refused(self, api, topic):
        assert api.publish(topic, "x", Attr_City=b"Z\xfcrich").status_code == 400


class TestRepeatedFields:
    """Which of two would count is a guess that two parties may make differently."""

    @pytest.mark.parametrize("name", ["Idempotency-Key", "Message-Key", "TTL", "Content-Type", "Attr-A"])
    def test_a_field_that_is_there_twice_is_refused(self, server, topic, name):
        value = "text/plain" if name == "Content-Type" else "5"
        fields = [f"{name}: {value}", f"{name.lower()}: {value}"]
        with server.connect() as connection:
            reply = connection.send(request("POST", f"/v1/topics/{topic}/messages", *fields, body=b"x")).reply()
        assert reply.status == 400


class TestTimeToLive:
    def test_a_message_is_gone_when_its_time_is_over(self, api, topic):
        api.publish(topic, "brief", TTL="1")
        api.publish(topic, "lasting")
        assert [message["data"] for message in api.messages(topic)] == ["brief", "lasting"]
        eventually(lambda: [message["data"] for message in api.messages(topic)] == ["lasting"], timeout=3)

    @pytest.mark.parametrize("time", ["1", "30s", "10m", "1h", "7d"])
    def test_seconds_and_units_are_understood(self, api, topic, time):
        assert api.publish(topic, "x", TTL=time).status_code == 201
        assert len(api.messages(topic)) == 1

    @pytest.mark.parametrize("time", ["soon", "-1", "1.5", "10 m", "10M", "", "99999999999999999999", "1w"])
    def test_anything_else_is_refused(self, api, topic, time):
        refused = api.publish(topic, "x", TTL=time)
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_header")
        assert refused.json()["parameter"].lower() == "ttl"


class TestTopicNames:
    @pytest.mark.parametrize("name", ["a", "A-b_9", ".".join("abcdefghijklmnop"), "x" * 255, "-", "_"])
    def test_good_names_are_taken(self, api, name):
        assert api.publish(name, "x").status_code == 201

    @pytest.mark.parametrize(
        "name",
        [
            "$sys",
            "a..b",
            ".a",
            "a.",
            "a b",
            "a*",
            "*",
            "**",
            "a.**",
            "a,b",
            "ä",
            "a%00b",
            "a%2Fb",
            "x" * 256,
            ".".join("abcdefghijklmnopq"),
            "a+b",
            "a:b",
            "%24sys",
        ],
    )
    def test_bad_names_are_refused(self, api, name):
        refused = api.publish(name, "x")
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_topic")

    def test_a_percent_encoded_name_is_the_same_name(self, api, topic):
        api.publish(topic.replace("t", "%74"), "x")
        assert api.only_message(topic)["topic"] == topic
