"""HTTP/1.1 as RFC 9110 and RFC 9112 have it, over raw sockets and through curl."""

import json
import socket

import pytest

from client import CURSOR, RawConnection, request


def publish(topic, body=b"hello", *headers, version="HTTP/1.1"):
    return request("POST", f"/v1/topics/{topic}/messages", *headers, body=body, version=version)


class TestHead:
    @pytest.mark.parametrize(
        "path",
        [
            "/livez",
            "/readyz",
            "/metrics",
            "/openapi.yaml",
            "/v1/topics",
            "/v1/topics/none",
            "/v1/topics/a/messages",
            "/nothing",
            "/v1/topics/a/messages?wiat=1",
        ],
    )
    def test_it_gives_get_s_head_without_a_body(self, server, path):
        with server.connect() as connection:
            got = connection.get(path).reply()
            head = connection.send(request("HEAD", path)).reply(to="HEAD")
            assert head.status == got.status
            assert head.headers["content-type"] == got.headers["content-type"]
            if path != "/metrics":
                assert head.headers["content-length"] == got.headers["content-length"]
            # A body would now be taken for the head of the next reply.
            assert connection.get("/livez").reply().status == 200

    def test_it_never_waits(self, server, topic):
        with server.connect(timeout=5) as connection:
            head = connection.send(request("HEAD", f"/v1/topics/{topic}/messages?wait=30s")).reply(to="HEAD")
            assert head.status == 200
            assert CURSOR.match(head.headers["cursor"])
            assert connection.get("/livez").reply().status == 200


class TestKeepAlive:
    def test_many_requests_share_a_connection(self, server, topic):
        with server.connect() as connection:
            for _ in range(50):
                assert connection.send(publish(topic)).reply().status == 201

    def test_connection_close_is_honoured(self, server):
        with server.connect() as connection:
            reply = connection.get("/livez", "Connection: close").reply()
            assert reply.headers["connection"].lower() == "close"
            assert connection.is_closed_by_server()

    def test_http_1_0_closes_unless_asked(self, server):
        with server.connect() as connection:
            connection.send(request("GET", "/livez", version="HTTP/1.0", host=None))
            assert connection.reply().status == 200
            assert connection.is_closed_by_server()

    def test_http_1_0_may_keep_alive(self, server):
        with server.connect() as connection:
            for _ in range(2):
                connection.send(request("GET", "/livez", "Connection: keep-alive", version="HTTP/1.0"))
                assert connection.reply().status == 200

    def test_an_error_in_a_body_that_was_read_keeps_the_connection(self, server, topic):
        with server.connect() as connection:
            reply = connection.send(publish(topic, b"{", "Content-Type: application/json")).reply()
            assert reply.status == 400
            assert connection.send(publish(topic)).reply().status == 201


class TestPipelining:
    def test_replies_come_in_the_order_of_requests(self, server, topic):
        with server.connect() as connection:
            connection.send(b"".join(publish(topic, str(number).encode()) for number in range(100)))
            cursors = [json.loads(connection.reply().body)["cursor"] for _ in range(100)]
        assert cursors == sorted(cursors)

    def test_a_request_behind_a_parked_poll_waits_its_turn(self, server, api, topic):
        with server.connect() as connection:
            connection.send(request("GET", f"/v1/topics/{topic}/messages?wait=30s"), request("GET", "/livez"))
            server.waits_for("postern_poll_waiters", 1)
            api.publish(topic, "x")
            assert json.loads(connection.reply().body)["messages"][0]["data"] == "x"
            assert connection.reply().status == 200

    def test_two_parked_polls_in_a_row(self, server, api, topic):
        with server.connect() as connection:
            connection.send(request("GET", f"/v1/topics/{topic}/messages?wait=30s&since=latest") * 2)
            server.waits_for("postern_poll_waiters", 1)
            api.publish(topic, "one")
            assert json.loads(connection.reply().body)["messages"][0]["data"] == "one"
            server.waits_for("postern_poll_waiters", 1)
            api.publish(topic, "two")
            assert json.loads(connection.reply().body)["messages"][0]["data"] == "two"

    def test_a_request_split_at_every_byte_is_the_same_request(self, server, topic):
        whole = publish(topic, b"split", "Attr-K: v")
        with server.connect() as connection:
            for at in range(1, len(whole)):
                connection.send(whole[:at])
                connection.send(whole[at:])
                assert connection.reply().status == 201

    def test_a_request_sent_byte_by_byte_is_the_same_request(self, server, topic):
        with server.connect() as connection:
            for byte in publish(topic, b"slow"):
                connection.send(bytes([byte]))
            assert connection.reply().status == 201


class TestExpect:
    def test_the_body_is_asked_for_before_it_is_sent(self, server, topic):
        with server.connect() as connection:
            head, _, body = publish(topic, b"hello", "Expect: 100-continue").partition(b"\r\n\r\n")
            assert connection.send(head, b"\r\n\r\n").reply().status == 100
            assert connection.send(body).reply().status == 201

    def test_a_body_over_the_limit_is_not_asked_for(self, server, topic):
        with server.connect() as connection:
            connection.send(
                request("POST", f"/v1/topics/{topic}/messages", "Expect: 100-continue", "Content-Length: 9999999")
            )
            assert connection.reply().status == 413

    def test_a_body_that_is_there_already_needs_no_asking(self, server, topic):
        with server.connect() as connection:
            connection.send(publish(topic, b"hello", "Expect: 100-continue"))
            reply = connection.reply()
            assert (connection.reply() if reply.status == 100 else reply).status == 201

    def test_another_expectation_gets_417(self, server, topic):
        with server.connect() as connection:
            assert connection.send(publish(topic, b"x", "Expect: the-unexpected")).reply().status == 417

    def test_curl_asks_for_large_bodies(self, server, api, topic):
        text = b"x" * (1 << 20)
        reply = server.curl(
            "-H",
            "Expect: 100-continue",
            "-H",
            "Content-Type: text/plain",
            "--data-binary",
            "@-",
            f"/v1/topics/{topic}/messages",
            stdin=text,
        )
        assert reply.status == 201
        assert api.only_message(topic)["data"].encode() == text


class TestChunked:
    def test_curl_uploads_a_pipe(self, server, api, topic):
        reply = server.curl(
            "-X", "POST", "-T", "-", "-H", "Content-Type: text/plain", f"/v1/topics/{topic}/messages", stdin=b"piped"
        )
        assert reply.status == 201
        assert api.only_message(topic)["data"] == "piped"

    def test_curl_sends_chunks_when_told(self, server, api, topic):
        reply = server.curl("-H", "Transfer-Encoding: chunked", "-d", "chunky", f"/v1/topics/{topic}/messages")
        assert reply.status == 201
        assert api.only_message(topic)["data"] == "chunky"

    def test_chunks_extensions_and_trailers(self, server, api, topic):
        body = b'5\r\nhello\r\n1;name=value\r\n,\r\n00A;q="x"\r\n wide worl\r\n1\r\nd\r\n0\r\nTrailer: ignored\r\n\r\n'
        with server.connect() as connection:
            connection.send(request("POST", f"/v1/topics/{topic}/messages", "Transfer-Encoding: chunked"), body)
            assert connection.reply().status == 201
            assert connection.get("/livez").reply().status == 200
        assert api.only_message(topic)["data"] == "hello, wide world"

    def test_json_in_chunks_of_one_byte(self, server, api, topic):
        text = b'{"messages":[{"topic":"' + topic.encode() + b'","data":"x"}]}'
        chunks = b"".join(b"1\r\n" + bytes([byte]) + b"\r\n" for byte in text) + b"0\r\n\r\n"
        with server.connect() as connection:
            connection.send(
                request("POST", "/v1/messages", "Transfer-Encoding: chunked", "Content-Type: application/json"), chunks
            )
            assert connection.reply().status == 201
        assert api.only_message(topic)["data"] == "x"

    @pytest.mark.parametrize(
        "body",
        [
            b"x\r\n",
            b"-1\r\n",
            b"5\nhello",
            b"5\r\nhelloX\r\n",
            b"FFFFFFFFFFFFFFFFFF\r\n",
            b" 5\r\n",
            b"5 \r\nhello\r\n",
            b"\r\n",
            b"0x5\r\nhello\r\n",
            b"5\r\nhello\n0\r\n\r\n",
        ],
    )
    def test_bad_chunks_are_refused_and_the_connection_closed(self, server, api, topic, body):
        with server.connect() as connection:
            connection.send(request("POST", f"/v1/topics/{topic}/messages", "Transfer-Encoding: chunked"), body)
            assert connection.reply().status in (400, 413)
            assert connection.is_closed_by_server()
        assert api.messages(topic) == []


class TestRefused:
    """Where two parties could read a request differently, it is refused and the connection closed."""

    bad = {
        "length and chunked": b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "two lengths": b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "lengths in a list": b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 6\r\n\r\nhello",
        "a signed length": b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello",
        "a hexadecimal length": b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\nhello",
        "an empty length": b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\nhello",
        "chunked not last": b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
        "chunked twice": b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "chunked in HTTP/1.0": b"POST /v1/messages HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "an unknown coding": b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "a folded line": b"GET /livez HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
        "a bare CR": b"GET /livez HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
        "a bare LF": b"GET /livez HTTP/1.1\nHost: a\n\n",
        "a NUL": b"GET /livez HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
        "a space before the colon": b"GET /livez HTTP/1.1\r\nHost : a\r\n\r\n",
        "no host": b"GET /livez HTTP/1.1\r\n\r\n",
        "two hosts": b"GET /livez HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "a bad host": b"GET /livez HTTP/1.1\r\nHost: a/b\r\n\r\n",
        "a field without a name": b"GET /livez HTTP/1.1\r\nHost: a\r\n: v\r\n\r\n",
        "a field without a colon": b"GET /livez HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n",
        "two spaces": b"GET  /livez HTTP/1.1\r\nHost: a\r\n\r\n",
        "a space behind the version": b"GET /livez HTTP/1.1 \r\nHost: a\r\n\r\n",
        "no version": b"GET /livez\r\nHost: a\r\n\r\n",
        "an unknown version": b"GET /livez HTTP/2.0\r\nHost: a\r\n\r\n",
        "HTTP/2's preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "a lower-case version": b"GET /livez http/1.1\r\nHost: a\r\n\r\n",
        "no slash": b"GET livez HTTP/1.1\r\nHost: a\r\n\r\n",
        "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
    }

    @pytest.mark.parametrize("name", bad)
    def test_it_gets_an_error_and_the_connection_ends(self, server, name):
        with server.connect() as connection:
            reply = connection.send(self.bad[name]).reply()
            assert reply.status in (400, 501, 505)
            assert json.loads(reply.body)["status"] == reply.status
            assert connection.is_closed_by_server()

    @pytest.mark.parametrize(
        "target", [b"GET *", b"GET /caf\xe9", b"CONNECT example.org:443", b"GET /a#b", b"GET /a b"]
    )
    def test_a_target_that_makes_no_sense_gets_an_error(self, server, target):
        with server.connect() as connection:
            assert 400 <= connection.send(target, b" HTTP/1.1\r\nHost: a\r\n\r\n").reply().status < 506

    def test_what_follows_a_refused_request_is_never_served(self, server, api, topic):
        smuggled = publish(topic, b"smuggled")
        with server.connect() as connection:
            connection.send(self.bad["length and chunked"] + smuggled)
            connection.reply()
            assert connection.is_closed_by_server()
        assert api.messages(topic) == []


class TestTargets:
    def test_absolute_form_is_served(self, server):
        with server.connect() as connection:
            assert connection.get("http://example.org/livez").reply().status == 200
            assert connection.get("http://example.org/v1/topics?limit=1").reply().status == 200

    def test_options_asterisk_is_answered(self, server):
        with server.connect() as connection:
            reply = connection.send(request("OPTIONS", "*")).reply()
            assert reply.status in (200, 204, 405)

    def test_dots_and_double_slashes_are_no_other_path(self, server):
        with server.connect() as connection:
            assert connection.get("/v1/../livez").reply().status == 404
            assert connection.get("/v1//topics").reply().status == 404

    def test_an_empty_line_before_a_request_is_skipped(self, server):
        with server.connect() as connection:
            assert connection.send(b"\r\n").get("/livez").reply().status == 200

    def test_header_names_are_case_insensitive(self, server, api, topic):
        with server.connect() as connection:
            connection.send(publish(topic, b"x", "IDEMPOTENCY-KEY: k1", "message-key: k2", "ATTR-REGION: eu"))
            assert connection.reply().status == 201
        message = api.only_message(topic)
        assert (message["id"], message["key"], message["attributes"]) == ("k1", "k2", {"region": "eu"})

    def test_replies_carry_a_date(self, server):
        with server.connect() as connection:
            assert connection.get("/livez").reply().headers["date"].endswith(" GMT")


def test_both_halves_of_a_connection_live_their_own_life(server, api, topic):
    """A client that has sent all it will may still read its reply."""
    with server.connect() as connection:
        connection.send(publish(topic))
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.reply().status == 201


def test_connections_to_a_closed_port_are_refused_after_the_end(serve):
    server = serve()
    assert server.terminate() == 0
    with pytest.raises(ConnectionRefusedError):
        RawConnection(server.host, server.port)
