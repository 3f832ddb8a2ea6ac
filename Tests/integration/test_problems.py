"""What bad input gets: RFC 9457 problems with a stable code that name what is wrong."""

import contextlib
import json
import subprocess

import pytest
import yaml

from client import ROOT, eventually, request

CODES = yaml.safe_load((ROOT / "openapi.yaml").read_text())["components"]["schemas"]["ProblemCode"]["enum"]


def problem(reply, status, code):
    """Checks a problem's form, and returns it."""
    assert reply.status_code == status, reply.text
    assert reply.headers["Content-Type"] == "application/problem+json"
    body = reply.json()
    assert {"type", "title", "status", "detail", "code"} <= set(body)
    assert body["status"] == status
    assert body["code"] == code
    assert code in CODES
    return body


class TestMalformedJSON:
    @pytest.mark.parametrize(
        "text, offset",
        [
            ("{", 1),
            ("[1,]", 3),
            ('{"a" 1}', 5),
            ("tru", 3),
            ("01", 1),
            ("1 2", 2),
            ('"\\x"', 2),
            ('"a\nb"', 2),
            ('{"a":1,}', 7),
            ("", 0),
            ("[" * 65 + "]" * 65, 64),
            ("nul", 3),
            ("[1}", 2),
            ('"\\ud800"', 7),
            ("-", 1),
            ("1.", 2),
        ],
    )
    def test_it_is_refused_with_the_offset_at_which_it_broke(self, api, topic, text, offset):
        refused = problem(api.publish(topic, text, "application/json"), 400, "invalid_json")
        assert abs(refused["offset"] - offset) <= 3
        assert api.messages(topic) == []

    def test_bytes_that_are_no_utf_8_are_refused(self, api, topic):
        refused = problem(api.publish(topic, b'"caf\xe9"', "application/json"), 400, "invalid_json")
        assert refused["offset"] == 4

    def test_depth_64_is_taken(self, api, topic):
        assert api.publish(topic, "[" * 64 + "]" * 64, "application/json").status_code == 201


class TestParameters:
    @pytest.mark.parametrize(
        "name, value",
        [
            ("limit", "0"),
            ("limit", "1001"),
            ("limit", "many"),
            ("limit", ""),
            ("limit", "-5"),
            ("limit", "1e2"),
            ("wait", "61s"),
            ("wait", "2m"),
            ("wait", "soon"),
            ("wait", ""),
            ("wait", "-1"),
            ("wait", "1.5"),
            ("wait", "60001ms"),
            ("since", "yesterday"),
            ("since", ""),
            ("since", "2026-13-01T00:00:00Z"),
            ("since", "10x"),
            ("format", "xml"),
            ("format", "html"),
            ("format", ""),
            ("gap", "jump"),
            ("gap", ""),
        ],
    )
    def test_a_wrong_value_is_refused_by_name(self, api, topic, name, value):
        refused = problem(api.read(topic, **{name: value}), 400, "invalid_parameter")
        assert refused["parameter"] == name

    @pytest.mark.parametrize(
        "name, meant",
        [
            ("wiat", "wait"),
            ("limt", "limit"),
            ("afetr", "after"),
            ("sinc", "since"),
            ("Wait", "wait"),
            ("limits", "limit"),
        ],
    )
    def test_an_unknown_one_is_refused_with_a_suggestion(self, api, topic, name, meant):
        refused = problem(api.read(topic, **{name: "30s"}), 400, "unknown_parameter")
        assert (refused["parameter"], refused["suggestion"]) == (name, meant)

    def test_nothing_is_suggested_where_nothing_is_near(self, api, topic):
        assert "suggestion" not in problem(api.read(topic, colour="red"), 400, "unknown_parameter")

    @pytest.mark.parametrize(
        "method, path",
        [
            ("GET", "/v1/topics?prefx=a"),
            ("GET", "/v1/topics/a?x=1"),
            ("PUT", "/v1/topics/a?x=1"),
            ("DELETE", "/v1/topics/a?x"),
            ("POST", "/v1/topics/a/messages?ttl=5"),
            ("POST", "/v1/messages?x=1"),
            ("GET", "/v1/topics/a/messages?fliter=k:v"),
            ("GET", "/v1/topics/a/messages?format=sse&x=1"),
            ("GET", "/v1/stats?x=1"),
            ("GET", "/?x=1"),
            ("GET", "/livez?x=1"),
            ("GET", "/readyz?x=1"),
            ("GET", "/metrics?x=1"),
            ("GET", "/openapi.yaml?x=1"),
        ],
    )
    def test_every_operation_refuses_unknown_ones(self, api, method, path):
        body = {"json": {}} if method in ("PUT", "POST") else {}
        problem(api.request(method, path, **body), 400, "unknown_parameter")

    def test_one_given_twice_is_refused(self, api, topic):
        refused = problem(api.get(f"/v1/topics/{topic}/messages?limit=1&limit=2"), 400, "invalid_parameter")
        assert refused["parameter"] == "limit"

    def test_values_may_be_percent_encoded(self, api, topic):
        assert api.get(f"/v1/topics/{topic}/messages?wait=0%73&since=earli%65st").status_code == 200

    @pytest.mark.parametrize("encoded", ["%", "%2", "%zz"])
    def test_broken_percent_encoding_is_refused(self, server, topic, encoded):
        with server.connect() as connection:
            reply = connection.get(f"/v1/topics/{topic}/messages?wait={encoded}").reply()
        assert reply.status == 400


class TestCursors:
    @pytest.mark.parametrize(
        "cursor", ["", "0", "x" * 23, "0" * 22, "0" * 24, "0000000001000000000000W", "é" * 23, "-1", "null"]
    )
    def test_one_that_never_was_a_cursor_gets_400(self, api, topic, cursor):
        refused = problem(api.read(topic, after=cursor), 400, "invalid_cursor")
        assert refused.get("parameter", "after") == "after"


class TestRoutes:
    @pytest.mark.parametrize(
        "path",
        [
            "//",
            "/v1",
            "/v1/",
            "/v2/topics",
            "/v1/topics/a/b",
            "/v1/topics/a/messages/1",
            "/v1/topic",
            "/metrics/",
            "/favicon.ico",
            "//v1/topics",
            "/V1/topics",
            "/v1/topics/a/messages/",
        ],
    )
    def test_an_unknown_path_gets_404(self, server, path):
        with server.connect() as connection:
            reply = connection.get(path).reply()
        assert reply.status == 404
        assert json.loads(reply.body)["code"] == "not_found"

    @pytest.mark.parametrize(
        "method, path, allowed",
        [
            ("DELETE", "/v1/topics/a/messages", "GET, HEAD, POST"),
            ("PUT", "/v1/topics/a/messages", "GET, HEAD, POST"),
            ("PATCH", "/v1/topics/a", "DELETE, GET, HEAD, PUT"),
            ("POST", "/v1/topics/a", "DELETE, GET, HEAD, PUT"),
            ("POST", "/v1/topics", "GET, HEAD"),
            ("GET", "/v1/messages", "POST"),
            ("HEAD", "/v1/messages", "POST"),
            ("POST", "/livez", "GET, HEAD"),
            ("DELETE", "/readyz", "GET, HEAD"),
            ("PUT", "/metrics", "GET, HEAD"),
            ("POST", "/openapi.yaml", "GET, HEAD"),
            ("BREW", "/v1/topics", "GET, HEAD"),
            ("get", "/v1/topics", "GET, HEAD"),
            ("TRACE", "/v1/topics", "GET, HEAD"),
        ],
    )
    def test_a_wrong_method_gets_405_with_allow(self, server, method, path, allowed):
        with server.connect() as connection:
            reply = connection.send(request(method, path, body=b"x" if method in ("POST", "PUT") else b"")).reply(
                to=method
            )
        assert reply.status == 405
        assert sorted(reply.headers["allow"].split(", ")) == allowed.split(", ")
        if method != "HEAD":
            assert json.loads(reply.body)["code"] == "method_not_allowed"


class TestAccept:
    @pytest.mark.parametrize(
        "accept",
        ["text/html", "image/*", "application/json;q=0", "*/*;q=0", "text/event-stream;q=0"],
    )
    def test_what_cannot_be_served_gets_406(self, api, topic, accept):
        problem(api.get(f"/v1/topics/{topic}/messages", headers={"Accept": accept}), 406, "not_acceptable")

    @pytest.mark.parametrize(
        "accept",
        [
            "*/*",
            "application/json",
            "application/*",
            "text/html, application/json;q=0.1",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "APPLICATION/JSON",
            "text/event-stream;q=0.1, */*",
            "application/json; charset=utf-8",
        ],
    )
    def test_whatever_lets_json_through_is_fine(self, api, topic, accept):
        assert api.get(f"/v1/topics/{topic}/messages", headers={"Accept": accept}).status_code == 200

    def test_format_beats_accept(self, api, topic):
        reply = api.get(f"/v1/topics/{topic}/messages?format=json", headers={"Accept": "text/html"})
        assert reply.status_code == 200


class TestSizes:
    def test_a_body_over_the_limit_gets_413_before_it_is_read(self, server, topic):
        with server.connect() as connection:
            connection.send(request("POST", f"/v1/topics/{topic}/messages", f"Content-Length: {(1 << 20) + 1}"))
            reply = connection.reply()
        assert reply.status == 413
        body = json.loads(reply.body)
        assert (body["code"], body["limit"]) == ("payload_too_large", 1 << 20)

    def test_an_absurd_length_gets_413_or_400(self, server, topic):
        for length in ["9223372036854775807", "9223372036854775808", "99999999999999999999999999"]:
            with server.connect() as connection:
                connection.send(request("POST", f"/v1/topics/{topic}/messages", f"Content-Length: {length}"))
                assert connection.reply().status in (400, 413)

    def test_a_chunked_body_over_the_limit_gets_413(self, server, topic):
        with server.connect() as connection:
            connection.send(request("POST", f"/v1/topics/{topic}/messages", "Transfer-Encoding: chunked"))
            chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
            try:
                for _ in range(17):
                    connection.send(chunk)
            except OSError:
                pass
            assert connection.reply().status == 413

    def test_curl_sees_413_for_a_large_upload(self, server, topic):
        reply = server.curl(
            "--data-binary",
            "@-",
            "-H",
            "Content-Type: application/octet-stream",
            f"/v1/topics/{topic}/messages",
            stdin=b"x" * (3 << 20),
        )
        assert reply.status == 413

    def test_a_smaller_limit_holds_too(self, serve):
        server = serve("--max-body-bytes", "2KiB")
        assert server.curl("-d", "x" * 2048, "/v1/topics/t/messages").status == 201
        refused = server.curl("-d", "x" * 2049, "/v1/topics/t/messages")
        assert (refused.status, json.loads(refused.body)["limit"]) == (413, 2048)

    def test_a_target_over_8_kib_gets_414(self, server):
        with server.connect() as connection:
            reply = connection.get("/v1/topics?prefix=" + "a" * 8192).reply()
        assert (reply.status, json.loads(reply.body)["code"]) == (414, "uri_too_long")

    def test_a_head_over_16_kib_gets_431(self, server):
        with server.connect() as connection:
            reply = connection.get("/livez", *[f"X-{number}: {'v' * 1000}" for number in range(17)]).reply()
        assert (reply.status, json.loads(reply.body)["code"]) == (431, "head_too_large")

    def test_more_than_100_fields_get_431(self, server):
        with server.connect() as connection:
            reply = connection.get("/livez", *[f"X-{number}: v" for number in range(101)]).reply()
        assert (reply.status, json.loads(reply.body)["code"]) == (431, "head_too_large")

    def test_100_fields_are_taken(self, server):
        with server.connect() as connection:
            assert connection.get("/livez", *[f"X-{number}: v" for number in range(99)]).reply().status == 200


class TestOverload:
    def test_a_spent_budget_gets_503_with_retry_after_and_recovers(self, serve):
        server = serve(
            "--loops", "1", "--max-body-bytes", "512KiB", "--arena-max-bytes", "1MiB", "--arena-budget-bytes", "1MiB"
        )
        body = b"x" * (400 << 10)
        head = request("POST", "/v1/topics/t/messages", f"Content-Length: {len(body)}")
        held = [server.connect().send(head, body[:-1]) for _ in range(4)]
        with server.connect() as connection:
            reply = connection.send(head, body).reply()
        refused = [reply] if reply.status == 503 else []
        for connection in held:
            try:
                answer = connection.send(body[-1:]).reply()
            except OSError:
                continue
            if answer.status == 503:
                refused.append(answer)
        assert refused, "five bodies of 400 KiB fit a budget of 1 MiB"
        for answer in refused:
            assert int(answer.headers["retry-after"]) >= 1
            assert json.loads(answer.body)["code"] == "overloaded"
        for connection in held:
            connection.close()
        server.gets_all_arenas_back()
        assert server.curl("-d", "again", "/v1/topics/t/messages").status == 201
        refusals = [f"postern_arena_{kind}_failures_total" for kind in ("acquire", "growth")]
        assert sum(map(server.metric, refusals)) == len(refused)

    def test_probes_and_reads_go_on_while_memory_is_spent(self, serve):
        server = serve("--loops", "1", "--arena-max-bytes", "4MiB", "--arena-budget-bytes", "4MiB")
        assert server.curl("-d", "before", "/v1/topics/t/messages").status == 201
        body = b"x" * (700 << 10)
        head = request("POST", "/v1/topics/t/messages", f"Content-Length: {len(body)}")
        held = [server.connect() for _ in range(12)]
        for connection in held:
            with contextlib.suppress(OSError):
                connection.send(head, body[:-1])
        eventually(lambda: server.metric("postern_arena_growth_failures_total") > 0)
        for path in ["/livez", "/readyz", "/metrics", "/v1/topics", "/v1/topics/t", "/v1/topics/t/messages"]:
            assert server.curl(path).status == 200, path
        for connection in held:
            connection.close()
        server.gets_all_arenas_back()
        assert server.curl("-d", "after", "/v1/topics/t/messages").status == 201

    def test_too_many_topics_get_503_and_old_ones_go_on(self, serve):
        server = serve("--max-topics", "5")
        replies = [server.curl("-d", "x", f"/v1/topics/t{number}/messages") for number in range(8)]
        assert [reply.status for reply in replies[:5]] == [201] * 5
        assert replies[-1].status == 503
        assert json.loads(replies[-1].body)["code"] == "too_many_topics"
        assert "retry-after" in replies[-1].headers
        assert server.curl("-d", "x", "/v1/topics/t0/messages").status == 201


def test_a_problem_never_breaks_its_own_json(server):
    """What a stranger sent is repeated in `parameter`: it must come escaped."""
    with server.connect() as connection:
        reply = connection.get("/v1/topics/a/messages?%22%5c%0a%ff%3cscript%3e=1").reply()
    assert reply.status == 400
    assert json.loads(reply.body)["code"] in ("unknown_parameter", "malformed_request")


def test_curl_f_notices_every_error(server):
    for path in ["/nothing", "/v1/topics/a..b/messages", "/v1/topics/none"]:
        done = subprocess.run(["curl", "-sf", "-o", "/dev/null", server.url + path])
        assert done.returncode == 22
