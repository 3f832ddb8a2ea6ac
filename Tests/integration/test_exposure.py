"""Who reaches the server without being asked who they are."""

import subprocess

import pytest

from client import BINARY, Api, RawConnection, environment, request


def start(*arguments, **variables):
    return subprocess.Popen(
        [BINARY, "serve", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment(**variables))


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0"])
def test_beyond_this_machine_is_refused_without_a_word_of_consent(address):
    process = start("--listen", address)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 78 and out == ""
    assert f"{address} is reached from beyond this machine" in err
    assert "--open on" in err and "127.0.0.1" in err


@pytest.mark.parametrize("address", ["0.0.0.0:0"])
def test_it_is_done_with_consent_and_a_warning(address):
    for process in (start("--listen", address, "--open", "on"), start("--listen", address, POSTERN_OPEN="on")):
        assert process.stdout.readline().startswith("postern: listening on http://")
        process.terminate()
        _, err = process.communicate(timeout=20)
        assert "anyone who reaches this address may publish and read" in err
        assert process.returncode == 0


def test_nor_is_the_operators_address(tmp_path):
    process = start("--listen", "127.0.0.1:0", "--admin-listen", "0.0.0.0:0")
    out, err = process.communicate(timeout=20)
    assert process.returncode == 78 and out == ""
    assert "0.0.0.0:0 (--admin-listen) is reached from beyond this machine" in err
    process = start("--listen", "127.0.0.1:0", "--admin-listen", "0.0.0.0:0", "--open", "on")
    assert process.stdout.readline().startswith("postern: listening on http://")
    process.terminate()
    assert "anyone who reaches this address is an operator" in process.communicate(timeout=20)[1]


@pytest.mark.parametrize("address", ["127.0.0.1:0", "localhost:0", "[::1]:0", "127.1.2.3:0"])
def test_this_machine_alone_needs_none(address):
    process = start("--listen", address)
    assert process.stdout.readline().startswith("postern: listening on http://")
    process.terminate()
    _, err = process.communicate(timeout=20)
    assert "anyone" not in err


class TestOperators:
    @pytest.fixture
    def addresses(self, serve):
        server = serve("--admin-listen", "127.0.0.1:0", "--loops", "2")
        port = int(server.next_line().rsplit(":", 1)[1])
        return server, port

    OPERATORS = [("GET", "/metrics"), ("GET", "/v1/stats"), ("GET", "/"), ("PUT", "/v1/topics/t"), ("DELETE", "/v1/topics/t")]
    CLIENTS = [("GET", "/livez"), ("GET", "/readyz"), ("GET", "/v1/topics"), ("GET", "/v1/topics/t/messages")]

    def test_clients_are_not_served_what_is_theirs(self, addresses):
        server, port = addresses
        with RawConnection(server.host, server.port) as clients, RawConnection("127.0.0.1", port) as operators:
            for method, path in self.OPERATORS:
                body = b"{}" if method == "PUT" else b""
                refused = clients.send(request(method, path, body=body)).reply()
                assert refused.status == 403 and b'"code":"forbidden"' in refused.body, path
                assert operators.send(request(method, path, body=body)).reply().status in (200, 201, 204), path
            for method, path in self.CLIENTS:
                assert clients.send(request(method, path)).reply().status == 200, path
                assert operators.send(request(method, path)).reply().status == 200, path

    def test_both_see_the_same_messages(self, addresses):
        server, port = addresses
        assert Api(server).publish("seen", "by both").status_code == 201
        with RawConnection("127.0.0.1", port) as operators:
            assert b"by both" in operators.get("/v1/topics/seen/messages").reply().body


class TestOrigins:
    """What a browser is told of pages from elsewhere."""

    PATH = "/v1/topics/cors/messages"

    @pytest.fixture
    def listed(self, serve):
        return serve("--cors-origin", "https://app.example,http://localhost:3000", "--cors-max-age", "5m")

    def preflight(self, connection, origin, *headers):
        return connection.send(
            request("OPTIONS", self.PATH, f"Origin: {origin}", "Access-Control-Request-Method: POST", *headers)).reply()

    def test_a_preflight_of_a_listed_origin(self, listed):
        with listed.connect() as connection:
            reply = self.preflight(
                connection, "https://app.example", "Access-Control-Request-Headers: authorization,attr-kind")
            assert reply.status == 204
            assert reply.headers["access-control-allow-origin"] == "https://app.example"
            assert reply.headers["access-control-allow-methods"] == "GET, HEAD, POST"
            assert reply.headers["access-control-allow-headers"] == "authorization,attr-kind"
            assert reply.headers["access-control-max-age"] == "300"
            assert reply.headers["vary"] == "Origin"

    @pytest.mark.parametrize("origin", ["https://evil.example", "https://app.example.evil", "null", "https://app.example:8443"])
    def test_others_are_refused(self, listed, origin):
        with listed.connect() as connection:
            reply = self.preflight(connection, origin)
            assert reply.status == 403 and "access-control-allow-origin" not in reply.headers
            # What needs no preflight is refused where it would change something.
            reply = connection.send(request("POST", self.PATH, f"Origin: {origin}", "Content-Type: text/plain", body=b"x")).reply()
            assert reply.status == 403 and b"origin_not_allowed" in reply.body
            reply = connection.send(request("GET", self.PATH, f"Origin: {origin}")).reply()
            assert reply.status == 200 and b'"messages":[]' in reply.body
            assert "access-control-allow-origin" not in reply.headers

    def test_every_reply_says_so(self, listed, background):
        origin = "Origin: http://localhost:3000"
        allowed = {"access-control-allow-origin": "http://localhost:3000", "vary": "Origin"}
        with listed.connect() as connection, listed.connect() as other:
            publish = request("POST", self.PATH, origin, body=b"x")
            for reply in (
                connection.send(publish).reply(),
                connection.send(request("GET", self.PATH, origin)).reply(),
                connection.send(request("GET", "/nothing", origin)).reply(),
                connection.send(request("GET", self.PATH + "?wiat=1", origin)).reply(),
                connection.send(request("GET", self.PATH + "?since=latest&wait=10ms", origin)).reply(),
                connection.send(request("DELETE", "/v1/topics/none", origin)).reply(),
            ):
                assert allowed.items() <= reply.headers.items(), reply
                assert "Cursor" in reply.headers["access-control-expose-headers"]
            # Two that wait together, of which one is a page of elsewhere.
            waiting = request("GET", self.PATH + "?since=latest&wait=20s", origin)
            connection.send(waiting)
            other.send(request("GET", self.PATH + "?since=latest&wait=20s"))
            listed.waits_for("postern_poll_waiters", 2)
            Api(listed).publish("cors", "news")
            theirs, ours = connection.reply(), other.reply()
            assert allowed.items() <= theirs.headers.items()
            assert "access-control-allow-origin" not in ours.headers
            assert theirs.body == ours.body

    def test_a_stream_says_so(self, listed):
        with listed.connect() as connection:
            connection.send(request("GET", self.PATH, "Origin: https://app.example", "Accept: text/event-stream"))
            head = connection._until(b"\r\n\r\n").decode()
            assert "Access-Control-Allow-Origin: https://app.example" in head

    def test_all_origins(self, serve):
        server = serve("--cors-origin", "*")
        with server.connect() as connection:
            reply = self.preflight(connection, "https://anyone.example")
            assert reply.status == 204 and reply.headers["access-control-allow-origin"] == "*"

    def test_a_page_of_the_server_itself_needs_no_list(self, serve):
        server = serve()
        with server.connect() as connection:
            own = f"127.0.0.1:{server.port}"
            publish = request("POST", self.PATH, f"Origin: http://{own}", body=b"x", host=own)
            assert connection.send(publish).reply().status == 201
            publish = request("POST", self.PATH, "Origin: http://elsewhere.example", body=b"x", host=own)
            assert connection.send(publish).reply().status == 403

    @pytest.mark.parametrize("origins", ["app.example", "https://app.example/", "https://", "*,https://a.example", "https://A.example", "https://a b"])
    def test_what_is_no_origin_is_refused_at_start(self, origins):
        done = subprocess.run(
            [BINARY, "serve", "--cors-origin", origins], capture_output=True, text=True, timeout=20, env=environment())
        assert done.returncode == 64 and "--cors-origin" in done.stderr, done.stderr
