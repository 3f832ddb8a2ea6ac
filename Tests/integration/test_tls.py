"""TLS as clients see it: curl, openssl, requests and Python's ssl, and a scanner."""

import json
import os
import signal
import socket
import ssl
import subprocess
import time

import pytest

from certificates import Authority
from client import BINARY, Api, RawConnection, Server, environment, eventually, request


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def certificate(authority):
    return authority.issue("localhost", "DNS:localhost", "IP:127.0.0.1")


def tls(certificate):
    return ["--tls-cert", str(certificate[0]), "--tls-key", str(certificate[1])]


@pytest.fixture(scope="module")
def secure(authority, certificate):
    """A server with TLS that the tests of this file share."""
    server = Server("--loops", "2", *tls(certificate))
    server.credentials = {"verify": str(authority.certificate)}
    yield server
    assert server.terminate() == 0, server.standard_error()


def context(authority, **settings):
    made = ssl.create_default_context(cafile=str(authority.certificate))
    for name, value in settings.items():
        setattr(made, name, value)
    return made


class SecureConnection(RawConnection):
    """A raw connection inside TLS."""

    def __init__(self, server, context, name="localhost", timeout=10):
        super().__init__(server.host, server.port, timeout)
        self.socket = context.wrap_socket(self.socket, server_hostname=name)


def test_curl_publishes_and_polls(secure, authority, topic):
    ca = ["--cacert", str(authority.certificate)]
    url = f"https://localhost:{secure.port}/v1/topics/{topic}/messages"
    resolve = ["--resolve", f"localhost:{secure.port}:127.0.0.1"]
    published = subprocess.run(
        ["curl", "-sS", *ca, *resolve, "-d", "hello", url], capture_output=True, text=True, timeout=20)
    assert json.loads(published.stdout)["topic"] == topic, published.stderr
    polled = subprocess.run(["curl", "-sS", *ca, *resolve, url], capture_output=True, text=True, timeout=20)
    assert [m["data"] for m in json.loads(polled.stdout)["messages"]] == ["hello"]


@pytest.mark.parametrize("version", ["tls1_2", "tls1_3"])
def test_openssl_agrees_on_what_is_modern(secure, authority, version):
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{secure.port}", "-servername", "localhost", f"-{version}",
         "-CAfile", str(authority.certificate), "-verify_return_error", "-alpn", "h2,http/1.1", "-ign_eof"],
        input=b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", capture_output=True, timeout=20)
    text = done.stdout.decode(errors="replace")
    assert "Verify return code: 0 (ok)" in text, text
    assert "ALPN protocol: http/1.1" in text
    assert "GCM" in text or "CHACHA20" in text
    assert "HTTP/1.1 200 OK" in text and text.rstrip().endswith("closed") or "ok" in text


@pytest.mark.parametrize("version", ["tls1", "tls1_1"])
def test_old_versions_are_refused(secure, version):
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{secure.port}", f"-{version}", "-cipher", "ALL:@SECLEVEL=0"],
        input=b"", capture_output=True, timeout=20)
    assert b"Cipher is (NONE)" in done.stdout or b"no protocols available" in done.stderr


def test_who_speaks_no_protocol_of_ours_is_refused(secure, authority):
    made = context(authority)
    made.set_alpn_protocols(["h2"])
    with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
        SecureConnection(secure, made)


def test_plain_http_is_told_to_speak_tls(secure):
    with RawConnection(secure.host, secure.port) as connection:
        reply = connection.get("/livez").reply()
        assert reply.status == 400
        assert json.loads(reply.body)["code"] == "tls_wanted"
        assert connection.is_closed_by_server()


def test_garbage_ends_the_connection_and_nothing_else(secure, authority):
    before = secure.metric("postern_tls_handshakes_total", result="failed")
    for garbage in (b"\x16\x03\x01\xff\xff" + b"x" * 100, b"\x00" * 64, os.urandom(300), b"\x15\x03\x03\x00\x02\x02\x28"):
        with RawConnection(secure.host, secure.port) as connection:
            connection.send(garbage)
            connection.socket.shutdown(socket.SHUT_WR)
            while connection._fill():
                pass
    eventually(lambda: secure.metric("postern_tls_handshakes_total", result="failed") >= before + 3, what="it counts")


def test_sessions_are_resumed(secure, authority):
    made = context(authority, maximum_version=ssl.TLSVersion.TLSv1_3)
    first = SecureConnection(secure, made)
    first.get("/livez")
    assert first.reply().status == 200
    session = first.socket.session
    first.close()
    again = socket.create_connection((secure.host, secure.port), 10)
    again = made.wrap_socket(again, server_hostname="localhost", session=session)
    assert again.session_reused
    again.close()
    eventually(lambda: secure.metric("postern_tls_handshakes_total", result="resumed") > 0, what="it counts")


def test_requests_that_come_in_one_record_and_one_that_comes_in_many(secure, authority, topic):
    with SecureConnection(secure, context(authority)) as connection:
        publish = request("POST", f"/v1/topics/{topic}/messages", body=b"x" * 3000)
        connection.send(publish * 20)
        assert [connection.reply().status for _ in range(20)] == [201] * 20
        for byte in request("GET", f"/v1/topics/{topic}/messages?limit=1"):
            connection.send(bytes([byte]))
        assert connection.reply().status == 200


def test_a_large_body_and_a_large_reply(secure, authority, topic):
    api = Api(secure)
    text = os.urandom(300_000).hex()
    assert api.publish(topic, text).status_code == 201
    assert api.only_message(topic)["data"] == text


def test_a_client_that_takes_little_at_a_time_gets_all(secure, authority, topic):
    """Records are cut where the socket takes no more, and go on from there."""
    api = Api(secure)
    texts = [f"{n}:" + "y" * 60_000 for n in range(14)]
    for text in texts:
        api.publish(topic, text)
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.settimeout(20)
    plain.connect((secure.host, secure.port))
    connection = SecureConnection.__new__(SecureConnection)
    connection.held = b""
    connection.socket = context(authority).wrap_socket(plain, server_hostname="localhost")
    for _ in range(3):
        connection.get(f"/v1/topics/{topic}/messages")
    time.sleep(0.3)
    for _ in range(3):
        got = json.loads(connection.reply().body)["messages"]
        assert [m["data"] for m in got] == texts
        time.sleep(0.05)


def test_a_stream_and_a_long_poll(secure, authority, topic):
    made = context(authority)
    with SecureConnection(secure, made) as stream, SecureConnection(secure, made) as poll:
        stream.send(request("GET", f"/v1/topics/{topic}/messages", "Accept: text/event-stream"))
        assert stream._until(b"\r\n\r\n").startswith(b"HTTP/1.1 200")
        poll.get(f"/v1/topics/{topic}/messages?wait=20s")
        eventually(lambda: secure.metric("postern_poll_waiters") == 1, what="the poll is parked")
        Api(secure).publish(topic, "over TLS")
        assert json.loads(poll.reply().body)["messages"][0]["data"] == "over TLS"
        assert b'"data":"over TLS"' in stream._until(b"over TLS\"") + b'over TLS"'


def test_the_server_says_goodbye(secure, authority):
    """close_notify comes before the end, so that a client can tell it from a cut line."""
    with SecureConnection(secure, context(authority)) as connection:
        connection.get("/livez", "Connection: close")
        assert connection.reply().status == 200
        # Python raises SSLEOFError where the line was cut; an empty read is a proper end.
        assert connection.socket.recv(1) == b""


def test_many_come_and_go_and_leave_nothing(serve, authority, certificate):
    server = serve("--loops", "1", *tls(certificate))
    server.credentials = {"verify": str(authority.certificate)}
    made = context(authority)

    def rounds(count):
        for n in range(count):
            connection = SecureConnection(server, made)
            connection.get("/livez")
            assert connection.reply().status == 200
            connection.reset() if n % 2 else connection.close()

    rounds(200)
    before = server.resident_bytes()
    rounds(600)
    eventually(lambda: server.metric("postern_connections") == 1, what="all are gone")
    assert server.resident_bytes() - before < 2 << 20


def test_resets_in_the_middle_of_a_handshake(secure, authority):
    made = context(authority)
    hello = capture_hello(made)
    for cut in range(1, len(hello), 23):
        connection = RawConnection(secure.host, secure.port)
        connection.send(hello[:cut])
        connection.reset()
    assert Api(secure).get("/livez").status_code == 200


def capture_hello(made):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        made.wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    return outgoing.read()


def test_a_handshake_that_does_not_go_on_is_cut_off(serve, authority, certificate):
    """The head's timeout holds for the handshake as well; here it is 10 s."""
    server = serve(*tls(certificate))
    with RawConnection(server.host, server.port, timeout=15) as connection:
        connection.send(capture_hello(context(authority))[:50])
        began = time.monotonic()
        assert connection.is_closed_by_server()
        assert 8 < time.monotonic() - began < 13


class TestCertificates:
    def served(self, server, authority, name):
        made = context(authority, check_hostname=False)
        with SecureConnection(server, made, name) as connection:
            return [value for kind, value in connection.socket.getpeercert()["subjectAltName"]]

    def test_each_name_gets_its_own(self, serve, authority, certificate):
        other = authority.issue("other.test", "DNS:other.test", "DNS:*.wild.test", rsa=True)
        server = serve(
            "--tls-cert", f"{certificate[0]},{other[0]}", "--tls-key", f"{certificate[1]},{other[1]}")
        assert self.served(server, authority, "other.test") == ["other.test", "*.wild.test"]
        assert self.served(server, authority, "a.wild.test") == ["other.test", "*.wild.test"]
        assert self.served(server, authority, "localhost") == ["localhost", "127.0.0.1"]
        assert self.served(server, authority, "nobody.test") == ["localhost", "127.0.0.1"]

    def test_they_are_read_again_and_open_connections_stay(self, serve, authority, tmp_path):
        first = authority.issue("first.test", "DNS:first.test")
        second = authority.issue("second.test", "DNS:second.test")
        chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
        chain.write_bytes(first[0].read_bytes()), key.write_bytes(first[1].read_bytes())
        server = serve(*tls((chain, key)))
        made = context(authority, check_hostname=False)
        with SecureConnection(server, made, "first.test") as kept:
            assert self.served(server, authority, "x") == ["first.test"]
            # The key of one with the certificate of another: the old are kept, and it is said why.
            chain.write_bytes(second[0].read_bytes())
            server.process.send_signal(signal.SIGHUP)
            eventually(lambda: "certificates stay as they were" in server.standard_error(), what="it is told")
            assert self.served(server, authority, "x") == ["first.test"]
            key.write_bytes(second[1].read_bytes())
            server.process.send_signal(signal.SIGHUP)
            eventually(lambda: self.served(server, authority, "x") == ["second.test"], what="the new is served")
            kept.get("/livez")
            assert kept.reply().status == 200

    @pytest.mark.parametrize("fault", ["no file", "no certificate", "other key", "locked key"])
    def test_what_cannot_be_used_is_refused_at_start(self, authority, certificate, tmp_path, fault):
        chain, key = certificate
        if fault == "no file":
            chain = tmp_path / "missing.pem"
        elif fault == "no certificate":
            chain = tmp_path / "empty.pem"
            chain.write_text("nothing")
        elif fault == "other key":
            key = authority.issue("stranger.test")[1]
        else:
            key = tmp_path / "locked.key"
            subprocess.run(
                ["openssl", "ec", "-in", certificate[1], "-aes128", "-passout", "pass:x", "-out", key],
                check=True, capture_output=True)
        done = subprocess.run(
            [BINARY, "serve", "--listen", "127.0.0.1:0", "--tls-cert", chain, "--tls-key", key],
            capture_output=True, text=True, timeout=20, env=environment(), stdin=subprocess.DEVNULL)
        assert done.returncode == 78
        named = chain if fault in ("no file", "no certificate") else key
        assert done.stderr.startswith(f"postern: {named}: "), done.stderr
        assert done.stderr.count("\n") == 1


class TestClientCertificates:
    def test_required(self, serve, authority, certificate):
        server = serve(*tls(certificate), "--tls-client-ca", str(authority.certificate))
        mine = authority.issue("a-client")
        made = context(authority)
        made.load_cert_chain(*map(str, mine))
        with SecureConnection(server, made) as connection:
            connection.get("/livez")
            assert connection.reply().status == 200
        with pytest.raises((ssl.SSLError, ConnectionError, EOFError)):
            connection = SecureConnection(server, context(authority))
            connection.get("/livez")
            connection.reply()

    def test_one_of_another_authority(self, serve, authority, certificate, tmp_path):
        server = serve(
            *tls(certificate), "--tls-client-ca", str(authority.certificate), "--tls-client-auth", "optional")
        made = context(authority)
        with SecureConnection(server, made) as connection:
            connection.get("/livez")
            assert connection.reply().status == 200
        made = context(authority)
        made.load_cert_chain(*map(str, Authority(tmp_path, "stranger").issue("a-stranger")))
        with pytest.raises((ssl.SSLError, ConnectionError, EOFError)):
            connection = SecureConnection(server, made)
            connection.get("/livez")
            connection.reply()


def test_plain_http_is_redirected(serve, authority, certificate):
    server = serve(*tls(certificate), "--redirect-listen", "127.0.0.1:0")
    line = server.next_line()
    port = int(line.split("http://127.0.0.1:")[1].split()[0])
    with RawConnection("127.0.0.1", port) as connection:
        connection.send(request("POST", "/v1/topics/a/messages?x=1", body=b"hello", host="localhost:80"))
        reply = connection.reply()
        assert reply.status == 308
        assert reply.headers["location"] == f"https://localhost:{server.port}/v1/topics/a/messages?x=1"
        assert connection.is_closed_by_server()
    with RawConnection("127.0.0.1", port) as connection:
        assert connection.send(b"GET / HTTP/1.0\r\n\r\n").reply().status == 400


def test_a_drain_ends_connections_properly(serve, authority, certificate):
    server = serve(*tls(certificate))
    server.credentials = {"verify": str(authority.certificate)}
    with SecureConnection(server, context(authority)) as connection:
        connection.get("/v1/topics/t/messages?wait=30s")
        eventually(lambda: server.metric("postern_poll_waiters") == 1, what="the poll is parked")
        server.process.send_signal(signal.SIGTERM)
        assert connection.reply().status == 200
        assert connection.socket.recv(1) == b""
    assert server.process.wait(15) == 0
