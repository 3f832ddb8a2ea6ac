"""How much each client may do: addresses, tokens, and what proxies say of them."""

import json
import socket
import struct
import subprocess
import time

import pytest

from client import BINARY, Api, RawConnection, environment, eventually, request
from test_access import ask, code, new_token

PATH = "/v1/topics/limits/messages"


def proxy_header(source, port=4711, local=False):
    """PROXY protocol, version 2."""
    command = 0x20 if local else 0x21
    if ":" in source:
        family, addresses = 0x21, socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, "::1")
    else:
        family, addresses = 0x11, socket.inet_aton(source) + socket.inet_aton("127.0.0.1")
    body = addresses + struct.pack("!HH", port, 80)
    return b"\r\n\r\n\x00\r\nQUIT\n" + struct.pack("!BBH", command, family, len(body)) + body


def statuses(connection, count, *headers, method="GET", path=PATH, body=b""):
    return [connection.send(request(method, path, *headers, body=body)).reply().status for _ in range(count)]


class TestRequests:
    def test_so_many_and_no_more(self, serve):
        server = serve("--limit-address", "requests=1/m:5")
        with server.connect() as connection:
            for left in (4, 3, 2, 1, 0):
                reply = connection.get(PATH).reply()
                assert reply.status == 200
                assert reply.headers["ratelimit"].startswith(f'"requests";r={left};t=')
            reply = connection.get(PATH).reply()
            assert reply.status == 429 and code(reply) == "rate_limited"
            assert json.loads(reply.body)["limited_by"] == "requests"
            assert 1 <= int(reply.headers["retry-after"]) <= 60
        # It is the address that counts, not the connection.
        with server.connect() as connection:
            assert connection.get(PATH).reply().status == 429

    def test_after_the_time_told_it_goes_on(self, serve):
        server = serve("--limit-address", "requests=4/s:4")
        with server.connect() as connection:
            assert statuses(connection, 4) == [200] * 4
            refused = connection.get(PATH).reply()
            assert refused.status == 429
            time.sleep(int(refused.headers["retry-after"]))
            assert connection.get(PATH).reply().status == 200

    def test_a_refused_body_is_not_taken(self, serve):
        server = serve("--limit-address", "requests=1/m:1")
        with server.connect() as connection:
            assert statuses(connection, 1) == [200]
            connection.send(f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n")
            assert connection.reply().status == 429
            assert connection.is_closed_by_server()

    def test_bytes(self, serve):
        server = serve("--limit-address", "bytes=1KiB/m:100KiB")
        with server.connect() as connection:
            assert statuses(connection, 3, method="POST", body=b"x" * 30_000) == [201] * 3
            assert statuses(connection, 1, method="POST", body=b"x" * 30_000) == [429]
            chunked = b"POST %s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" % PATH.encode()
            connection.send(chunked + b"7530\r\n" + b"x" * 30_000 + b"\r\n0\r\n\r\n")
            assert connection.reply().status == 429

    def test_messages_of_a_batch(self, serve):
        server = serve("--limit-address", "messages=1/m:10")
        batch = lambda count: json.dumps({"messages": [{"topic": "b", "data": n} for n in range(count)]}).encode()
        with server.connect() as connection:
            kind = "Content-Type: application/json"
            assert statuses(connection, 1, kind, method="POST", path="/v1/messages", body=batch(8)) == [201]
            assert statuses(connection, 1, kind, method="POST", path="/v1/messages", body=batch(3)) == [429]
            assert statuses(connection, 2, method="POST", body=b"x") == [201] * 2
            assert statuses(connection, 1, method="POST", body=b"x") == [429]
        assert len(Api(server).messages("b")) == 8, "a batch that is refused leaves nothing"

    def test_topics_that_come_into_being(self, serve):
        server = serve("--limit-address", "topics=1/m:3")
        with server.connect() as connection:
            post = lambda topic: statuses(connection, 1, method="POST", path=f"/v1/topics/{topic}/messages", body=b"x")[0]
            assert [post(f"t{n}") for n in range(4)] == [201, 201, 201, 429]
            assert [post("t0") for _ in range(5)] == [201] * 5
            assert statuses(connection, 1, method="PUT", path="/v1/topics/new", body=b"{}") == [429]


class TestAtATime:
    def test_connections(self, serve):
        server = serve("--limit-address", "connections=3", "--loops", "2")
        held = [server.connect() for _ in range(3)]
        for connection in held:
            assert connection.get("/livez").reply().status == 200
        over = server.connect()
        reply = over.reply()
        assert reply.status == 429 and json.loads(reply.body)["limited_by"] == "connections"
        assert over.is_closed_by_server()
        held.pop().close()

        def fits():
            with server.connect() as connection:
                return connection.get("/livez").reply().status == 200

        eventually(fits, what="a place is given back")

    def test_polls_and_streams(self, serve):
        # One loop, so that the third is the third.
        server = serve("--limit-address", "polls=2,streams=1", "--loops", "1")
        polls = [server.connect() for _ in range(3)]
        for connection in polls:
            connection.get(PATH + "?wait=30s")
        refused = polls[2].reply()
        assert refused.status == 429 and json.loads(refused.body)["limited_by"] == "polls"
        streams = [server.connect() for _ in range(2)]
        streams[0].get(PATH, "Accept: text/event-stream")
        streams[0]._until(b"event: position")
        assert streams[1].get(PATH, "Accept: text/event-stream").reply().status == 429
        # An answered poll and an ended stream make room.
        Api(server).publish("limits", "x")
        assert polls[0].reply().status == 200 and polls[1].reply().status == 200
        polls[2].get(PATH + "?wait=30s&since=latest")
        server.waits_for("postern_poll_waiters", 1)
        streams[0].close()
        server.waits_for("postern_streams", 0)
        streams[1].get(PATH, "Accept: text/event-stream")
        streams[1]._until(b"event: position")

    def test_nothing_is_left_counted(self, serve):
        server = serve("--limit-address", "connections=8,polls=4,streams=4", "--loops", "2")
        for _ in range(30):
            connections = [server.connect() for _ in range(4)]
            for n, connection in enumerate(connections):
                connection.get(PATH + ("?wait=30s" if n % 2 else ""), *([] if n % 2 else ["Accept: text/event-stream"]))
            server.waits_for("postern_poll_waiters", 2)
            server.waits_for("postern_streams", 2)
            for n, connection in enumerate(connections):
                connection.reset() if n < 2 else connection.close()
            server.waits_for("postern_poll_waiters", 0)
            server.waits_for("postern_streams", 0)


def test_tokens_have_limits_of_their_own(serve, tmp_path):
    made = {name: new_token(name, "--publish", "**", "--subscribe", "**") for name in ("one", "two")}
    path = tmp_path / "tokens"
    path.write_text("\n".join(line for _, line in made.values()))
    server = serve("--tokens", str(path), "--limit-token", "requests=1/m:3", "--limit-address", "requests=1/m:12")
    one, two = made["one"][0], made["two"][0]
    assert [ask(server, "GET", PATH, one).status for _ in range(4)] == [200, 200, 200, 429]
    assert [ask(server, "GET", PATH, two).status for _ in range(3)] == [200] * 3
    # Guesses are counted on the address.
    assert [ask(server, "GET", PATH, "pst_" + "A" * 43).status for _ in range(6)] == [401] * 5 + [429]


class TestProxies:
    LIMIT = ["--limit-address", "requests=1/m:2"]

    def test_only_named_ones_are_believed(self, serve):
        server = serve(*self.LIMIT)
        with server.connect() as connection:
            assert [statuses(connection, 1, f"X-Forwarded-For: 192.0.2.{n}")[0] for n in range(4)] == [200, 200, 429, 429]

    def test_the_client_is_whom_they_name(self, serve):
        server = serve(*self.LIMIT, "--trusted-proxies", "127.0.0.0/8,10.0.0.0/8")
        with server.connect() as connection:
            one, two = "X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: 6.6.6.6, 192.0.2.2, 10.1.2.3"
            assert statuses(connection, 3, one) == [200, 200, 429]
            assert statuses(connection, 3, two) == [200, 200, 429]
            # What stands left of the client the client wrote itself.
            assert statuses(connection, 1, "X-Forwarded-For: 7.7.7.7, 192.0.2.2") == [429]
            # All of an IPv6 /64 is one client.
            assert statuses(connection, 1, "X-Forwarded-For: 2001:db8::1") == [200]
            assert statuses(connection, 1, "X-Forwarded-For: 2001:db8::ffff:2") == [200]
            assert statuses(connection, 1, "X-Forwarded-For: 2001:db8:0:0:3::3") == [429]
            assert statuses(connection, 1, "X-Forwarded-For: 2001:db8:0:1::3") == [200]

    def test_the_proxy_protocol(self, serve):
        server = serve(*self.LIMIT, "--trusted-proxies", "127.0.0.1", "--proxy-protocol", "on")
        for source, expected in [
            ("192.0.2.1", [200, 200, 429]), ("192.0.2.1", [429]), ("192.0.2.2", [200, 200, 429]),
            ("2001:db8::1", [200, 200, 429]), ("2001:db8::2", [429]),
        ]:
            with server.connect() as connection:
                connection.send(proxy_header(source))
                assert statuses(connection, len(expected)) == expected, source

    def test_its_header_in_pieces_and_together_with_a_request(self, serve):
        server = serve("--trusted-proxies", "127.0.0.1", "--proxy-protocol", "on")
        with server.connect() as connection:
            for byte in proxy_header("192.0.2.9"):
                connection.send(bytes([byte]))
                time.sleep(0.002)
            assert statuses(connection, 2) == [200, 200]
        with server.connect() as connection:
            connection.send(proxy_header("192.0.2.9") + request("GET", PATH))
            assert connection.reply().status == 200
        with server.connect() as connection:
            connection.send(proxy_header("192.0.2.9", local=True) + request("GET", PATH))
            assert connection.reply().status == 200

    @pytest.mark.parametrize(
        "header", [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n",
                   proxy_header("192.0.2.1")[:12] + b"\x31\x11\x00\x0c" + b"x" * 12,
                   proxy_header("192.0.2.1")[:14] + b"\xff\xff" + b"x" * 50])
    def test_what_is_no_header_is_closed(self, serve, header):
        server = serve("--trusted-proxies", "127.0.0.1", "--proxy-protocol", "on")
        with server.connect() as connection:
            connection.send(header)
            assert connection.is_closed_by_server()

    def test_a_header_of_somebody_else_is_closed(self, serve):
        server = serve("--trusted-proxies", "192.0.2.1", "--proxy-protocol", "on")
        with server.connect() as connection:
            connection.send(proxy_header("192.0.2.7") + request("GET", PATH))
            assert connection.is_closed_by_server()


@pytest.mark.parametrize(
    "arguments,named",
    [
        (["--limit-address", "requests"], "requests"), (["--limit-address", "request=1/s"], "request=1/s"),
        (["--limit-address", "requests=0/s"], "requests=0/s"), (["--limit-token", "bytes=1/x"], "bytes=1/x"),
        (["--limit-address", "polls=0"], "polls=0"), (["--trusted-proxies", "10.0.0.0/33"], "trusted-proxies"),
        (["--trusted-proxies", "here"], "trusted-proxies"), (["--proxy-protocol", "on"], "--trusted-proxies"),
    ],
)
def test_what_is_wrong_is_named(arguments, named):
    done = subprocess.run([BINARY, "serve", *arguments], capture_output=True, text=True, timeout=20, env=environment())
    assert done.returncode == 64 and named in done.stderr, done.stderr


def test_refusals_are_counted(serve):
    server = serve("--limit-address", "requests=1/m:2", "--admin-listen", "127.0.0.1:0")
    port = int(server.next_line().rsplit(":", 1)[1])
    with server.connect() as connection:
        assert statuses(connection, 4) == [200, 200, 429, 429]
    with RawConnection("127.0.0.1", port) as operators:
        assert statuses(operators, 5) == [200] * 5, "operators have no limits"
        assert b'postern_rate_limited_total{limit="requests"} 2' in operators.get("/metrics").reply().body
