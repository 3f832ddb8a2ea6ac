"""What a client command says of a server that is away, slow or not willing, and what it ends with."""

import re
import socket
import subprocess
import time

import pytest

from certificates import Authority
from client import BINARY, ROOT, environment
from command_client import Answering, Client, is_one_line


@pytest.fixture
def postern(server):
    return Client(server.url)


class TestFailures:
    """A one-line reason and a status of its own, never a trace."""

    COMMANDS = [["publish", "t", "x"], ["subscribe", "t"], ["subscribe", "t", "--follow"], ["topics"], ["status"], ["health"]]

    @pytest.mark.parametrize("command", COMMANDS)
    def test_nobody_is_there(self, command):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        done = Client(url)(*command)
        assert done.returncode == 69 and is_one_line(done.err) and done.out == ""

    @pytest.mark.parametrize("command", [*COMMANDS, ["bench", "publish", "-q"], ["bench", "fanout", "-q"], ["bench", "poll", "-q"]])
    def test_somebody_is_there_and_says_nothing(self, command):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            done = Client(f"http://127.0.0.1:{silent.getsockname()[1]}")(*command, "--timeout", "500ms")
        assert done.returncode == 75 and is_one_line(done.err)

    @pytest.mark.parametrize("kind", ["publish", "fanout", "poll"])
    def test_a_bench_of_nobody(self, kind):
        done = Client("http://127.0.0.1:1")("bench", kind, "-q")
        assert done.returncode == 69 and is_one_line(done.err)

    @pytest.mark.parametrize("wait", ["9223372036854775807", "-1", "soon"])
    def test_a_server_that_asks_for_the_impossible(self, wait):
        reply = f"HTTP/1.1 503 X\r\nRetry-After: {wait}\r\nContent-Length: 0\r\n\r\n".encode()
        with Answering(reply) as url:
            for command in (["publish", "t", "x", "--retry", "1s"], ["subscribe", "t", "--follow", "--retry", "0s"]):
                assert Client(url)(*command).returncode == 75

    def test_a_proxy_is_not_asked_for_this_machine(self, server):
        client = Client(server.url, http_proxy="http://127.0.0.1:1")
        assert client("health").returncode == 0
        assert client("topics").returncode == 0
        assert Client("http://away.invalid", http_proxy="http://127.0.0.1:1")("topics").returncode == 69

    def test_no_such_host(self):
        done = Client("http://nowhere.invalid")("publish", "t", "x")
        assert done.returncode == 68 and is_one_line(done.err)

    @pytest.mark.parametrize("url", ["ftp://x", "http://", "", "http://a b"])
    def test_no_url(self, url):
        assert Client("http://127.0.0.1:1")("topics", "--server", url).returncode == 64

    def test_a_server_that_is_none_of_ours(self):
        with Answering(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello") as url:
            for command in (
                ["publish", "t", "x"], ["subscribe", "t"], ["subscribe", "t", "--follow"], ["topics"], ["status"],
            ):
                done = Client(url)(*command)
                assert done.returncode == 76 and is_one_line(done.err), command

    def test_a_server_that_hangs_up(self):
        with Answering(b"") as url:
            done = Client(url)("publish", "t", "x")
        assert done.returncode == 69 and is_one_line(done.err)

    def test_one_that_asks_to_try_later(self):
        body = b'{"type":"about:blank","title":"Service Unavailable","status":503,"code":"overloaded","detail":"busy"}'
        with Answering(b"HTTP/1.1 503 X\r\nRetry-After: 1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)) as url:
            done = Client(url)("publish", "t", "x")
            assert done.returncode == 75 and "busy (503 overloaded)" in done.err
            began = time.monotonic()
            assert Client(url)("publish", "t", "x", "--retry", "1500ms").returncode == 75
            assert 1 <= time.monotonic() - began < 5

    def test_tokens(self, serve, tmp_path):
        token, line, *_ = subprocess.run(
            [BINARY, "token", "new", "--publish", "a.**"], capture_output=True, text=True
        ).stdout.split("\n")
        (tmp_path / "tokens").write_text(line + "\n")
        (tmp_path / "mine").write_text(token + "\n")
        server = serve("--tokens", str(tmp_path / "tokens"))
        client = Client(server.url)
        for command in (["publish", "a.b", "x"], ["publish", "a.b", "x", "--token", "wrong"], ["status"]):
            done = client(*command)
            assert done.returncode == 77 and is_one_line(done.err), command
        assert client("publish", "a.b", "x", "--token", token).returncode == 0
        assert client("publish", "a.b", "x", "--token-file", tmp_path / "mine").returncode == 0
        assert Client(server.url, POSTERN_TOKEN=token)("publish", "a.b", "x").returncode == 0
        assert Client(server.url, POSTERN_TOKEN_FILE=str(tmp_path / "mine"))("publish", "a.b", "x").returncode == 0
        refused = client("publish", "c", "x", "--token", token)
        assert refused.returncode == 77 and "forbidden" in refused.err and token not in refused.err

    def test_what_the_server_refuses(self, postern):
        for command, word in (
            (["publish", "bad topic", "x"], "invalid_topic"),
            (["subscribe", "t", "--since", "soon"], "since"),
            (["subscribe", "t", "--follow", "--since", "soon"], "since"),
            (["publish", "t", "{", "--content-type", "application/json"], "invalid_json"),
        ):
            done = postern(*command)
            assert done.returncode == 65 and is_one_line(done.err) and word in done.err

    def test_files(self, postern, tmp_path):
        assert postern("publish", "t", f"@{tmp_path}/absent").returncode == 66
        postern("publish", "state", "x")
        assert postern("subscribe", "state", "--state", f"{tmp_path}/absent/state").returncode == 74

    def test_a_disk_that_is_full(self, postern, api, topic):
        api.publish(topic, "x" * 100_000)
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                [BINARY, "subscribe", topic], stdout=full, stderr=subprocess.PIPE, text=True, env=postern.environment
            )
        assert done.returncode == 74 and is_one_line(done.stderr)

    def test_without_libcurl(self, tmp_path):
        """Where it is not installed; the loader is told to look where it is not."""
        (tmp_path / "libcurl.so.4").write_text("no library")
        done = Client("http://127.0.0.1:1", LD_LIBRARY_PATH=str(tmp_path))("health")
        assert done.returncode in (69, 72)
        source = tmp_path / "hide.c"
        source.write_text(
            '#define _GNU_SOURCE\n#include <dlfcn.h>\n#include <string.h>\n'
            "void *dlopen(const char *name, int flags) {\n"
            '    if (name && strstr(name, "libcurl")) return 0;\n'
            '    return ((void *(*)(const char *, int))dlsym(RTLD_NEXT, "dlopen"))(name, flags);\n}\n'
        )
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", tmp_path / "hide.so", source, "-ldl"], check=True)
        done = Client("http://127.0.0.1:1", LD_PRELOAD=str(tmp_path / "hide.so"))("health")
        assert done.returncode == 72 and is_one_line(done.err) and "libcurl4" in done.err


class TestTLS:
    def test_the_server_s_certificate_is_checked(self, serve, tmp_path):
        authority = Authority(tmp_path)
        certificate, key = authority.issue("localhost")
        server = serve("--tls-cert", str(certificate), "--tls-key", str(key))
        client = Client(f"https://localhost:{server.port}")
        done = client("publish", "t", "x")
        assert done.returncode == 78 and is_one_line(done.err)
        assert client("publish", "t", "x", "--cacert", authority.certificate).returncode == 0
        assert Client(f"https://localhost:{server.port}", POSTERN_CACERT=str(authority.certificate))("topics").returncode == 0
        assert client("health").returncode == 78
        assert client("health", "--insecure").returncode == 0


def test_every_exit_status_is_documented():
    """The table of the documentation is the code's."""
    source = (ROOT / "Sources/PosternClient/ExitStatus.swift").read_text()
    numbers = dict(re.findall(r"case (\w+) = (\d+)", source))
    meanings = dict(re.findall(r'case \.(\w+): "([^"]+)"', source))
    assert numbers.keys() == meanings.keys()
    documented = dict(re.findall(r"^\| (\d+) \| (.+) \|$", (ROOT / "docs/cli.md").read_text(), re.M))
    assert documented == {numbers[name]: meanings[name] for name in numbers}
