"""Clients that use TLS itself against the server."""

import signal
import socket
import ssl
import subprocess
import time

import pytest

from client import Server, eventually, request
from test_tls import SecureConnection, authority, certificate, context, secure, tls  # noqa: F401 (fixtures)
from tls_client import UpdatingClient

PROBE = request("GET", "/livez")
# Larger than all that the kernel keeps for a socket.
LARGE_CHAIN_BYTES = 6 << 20


def test_key_updates_are_followed(secure):
    with UpdatingClient(secure) as client:
        for _ in range(20):
            for _ in range(10):
                assert client.update_keys()
            assert client.ask(PROBE).startswith(b"HTTP/1.1 200")


def test_key_updates_without_end_are_not(secure):
    """One follows another, and the server would read nothing else."""
    with UpdatingClient(secure) as client:
        assert client.ask(PROBE).startswith(b"HTTP/1.1 200")
        for _ in range(33):
            client.update_keys()
        assert client.ask(PROBE) == b""
    with UpdatingClient(secure) as client:
        eventually(lambda: not client.update_keys(), what="the connection is cut")
        assert client.ask(PROBE) == b""
    with UpdatingClient(secure) as client:
        assert client.ask(PROBE).startswith(b"HTTP/1.1 200")


def test_a_session_is_not_taken_up_across_a_reload(serve, authority, tmp_path):
    """What was agreed on under certificates, or authorities, that are gone is agreed on anew."""
    first, second = authority.issue("one.test", "DNS:one.test"), authority.issue("two.test", "DNS:two.test")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(first[0].read_bytes()), key.write_bytes(first[1].read_bytes())
    server = serve(*tls((chain, key)))
    made = context(authority, check_hostname=False)

    def connect(session):
        return made.wrap_socket(
            socket.create_connection((server.host, server.port), 10), server_hostname="one.test", session=session)

    with SecureConnection(server, made, "one.test") as connection:
        assert connection.get("/livez").reply().status == 200
        session = connection.socket.session
    with connect(session) as again:
        assert again.session_reused
    chain.write_bytes(second[0].read_bytes()), key.write_bytes(second[1].read_bytes())
    server.process.send_signal(signal.SIGHUP)

    def is_new():
        with connect(None) as other:
            return other.getpeercert()["subjectAltName"] == (("DNS", "two.test"),)

    eventually(is_new, what="the new certificate is shown")
    with connect(session) as again:
        assert not again.session_reused


def test_no_request_comes_before_the_handshake(secure, authority):
    """Early data (RFC 8446, section 2.3) can be sent again by whoever saw it: no ticket allows any."""
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{secure.port}", "-tls1_3", "-ign_eof"],
        input=b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", capture_output=True, timeout=20)
    assert b"Post-Handshake New Session Ticket" in done.stdout
    assert b"Max Early Data: 0\n" in done.stdout


def test_a_page_of_plain_http_is_not_of_this_origin(secure, authority):
    """Whoever stands in the way of plain HTTP can show a browser any page under this host's name."""
    with SecureConnection(secure, context(authority)) as connection:
        for origin, status in [("https://localhost", 201), ("http://localhost", 403), ("https://other", 403)]:
            reply = connection.send(
                request("POST", "/v1/topics/t/messages", f"Origin: {origin}", host="localhost", body=b"x")).reply()
            assert reply.status == status, origin


@pytest.fixture
def talkative(authority, certificate, tmp_path):
    """A server whose certificates no socket takes at once."""
    chain = tmp_path / "chain.pem"
    link = authority.certificate.read_text()
    chain.write_text(certificate[0].read_text() + link * (LARGE_CHAIN_BYTES // 400))
    server = Server("--loops", "1", *tls((chain, certificate[1])))
    yield server
    server.kill()


def test_a_handshake_that_had_to_wait_costs_nothing_afterwards(talkative, authority):
    """The server's part had to wait for the client to read; then the client says nothing."""
    with socket.socket() as silent:
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        silent.connect((talkative.host, talkative.port))
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
        with pytest.raises(ssl.SSLWantReadError):
            session.do_handshake()
        silent.sendall(outgoing.read())
        time.sleep(0.3)
        silent.settimeout(0.5)
        taken = 0
        with pytest.raises(TimeoutError):
            while count := len(silent.recv(1 << 16)):
                taken += count
        assert taken > LARGE_CHAIN_BYTES / 2
        before = talkative.cpu_seconds()
        time.sleep(1)
        assert talkative.cpu_seconds() - before < 0.2
