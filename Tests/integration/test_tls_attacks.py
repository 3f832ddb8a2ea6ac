"""Clients that use TLS itself against the server."""

import socket
import ssl
import time

import pytest

from client import Server, eventually, request
from test_tls import authority, certificate, secure, tls  # noqa: F401 (fixtures)
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
