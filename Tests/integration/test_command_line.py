"""`postern`: flags, their environment, what is refused and how."""

import json
import re
import socket
import subprocess
import time

import pytest

from client import BINARY, Api, environment

USAGE = 64  # EX_USAGE of sysexits.h

FLAGS = [
    "--listen",
    "--loops",
    "--arena-initial-bytes",
    "--arena-max-bytes",
    "--arena-pool-size",
    "--arena-budget-bytes",
    "--max-body-bytes",
    "--retention-bytes",
    "--retention-count",
    "--retention-age",
    "--drain-timeout",
    "--log-level",
]


def run(*arguments, timeout=10, **variables):
    return subprocess.run(
        [BINARY, *arguments], capture_output=True, text=True, timeout=timeout, env=environment(**variables)
    )


def test_help_names_every_flag_its_range_and_its_default(serve):
    done = run("serve", "--help")
    assert done.returncode == 0
    for flag in FLAGS:
        assert flag in done.stdout
    assert "POSTERN_" in done.stdout
    assert len(re.findall(r"default", done.stdout)) >= len(FLAGS)


def test_help_without_a_subcommand_leads_to_serve():
    done = run("--help")
    assert done.returncode == 0
    assert "serve" in done.stdout


def test_version():
    done = run("--version")
    assert done.returncode == 0
    assert re.fullmatch(r"postern \d+\.\d+\.\d+\S*\n", done.stdout)


@pytest.mark.parametrize(
    "flag, value, allowed",
    [
        ("--listen", "8080", "HOST:PORT"),
        ("--listen", "localhost:http", "HOST:PORT"),
        ("--listen", "127.0.0.1:65536", "65535"),
        ("--loops", "0", "1 to 64"),
        ("--loops", "65", "1 to 64"),
        ("--loops", "two", "1 to 64"),
        ("--loops", "", "1 to 64"),
        ("--arena-initial-bytes", "1KiB", "8KiB to 32KiB"),
        ("--arena-initial-bytes", "1MiB", "8KiB to 32KiB"),
        ("--arena-max-bytes", "1", "64KiB to 1GiB"),
        ("--arena-pool-size", "0", "1 to 4096"),
        ("--arena-budget-bytes", "1KiB", "1MiB to 64GiB"),
        ("--max-body-bytes", "0", "1KiB to 64MiB"),
        ("--max-body-bytes", "1PiB", "1KiB to 64MiB"),
        ("--max-body-bytes", "99999999999999999999", "1KiB to 64MiB"),
        ("--retention-bytes", "-1", "1MiB to"),
        ("--retention-count", "0", "1 to"),
        ("--retention-age", "0", "1s to"),
        ("--retention-age", "soon", "1s to"),
        ("--drain-timeout", "2h", "0s to 1h"),
        ("--log-level", "loud", "warning"),
    ],
)
class TestWrongValues:
    def test_a_flag_is_refused_with_its_name_and_range(self, flag, value, allowed):
        done = run("serve", f"{flag}={value}")
        assert done.returncode == USAGE
        assert flag in done.stderr
        assert allowed in done.stderr
        assert done.stdout == ""

    def test_so_is_its_variable(self, flag, value, allowed):
        variable = "POSTERN_" + flag[2:].upper().replace("-", "_")
        done = run("serve", **{variable: value})
        assert done.returncode == USAGE
        assert flag in done.stderr or variable in done.stderr
        assert allowed in done.stderr


@pytest.mark.parametrize("arguments", [["serve", "--wiat"], ["sevre"], ["serve", "extra"], ["serve", "--loops"]])
def test_what_is_not_known_is_refused(arguments):
    done = run(*arguments)
    assert done.returncode == USAGE
    assert done.stderr


def test_an_arena_larger_than_the_budget_is_refused():
    done = run("serve", "--arena-max-bytes", "64MiB", "--arena-budget-bytes", "32MiB")
    assert done.returncode == USAGE
    assert "--arena-budget-bytes" in done.stderr


class TestEnvironment:
    def test_a_variable_stands_for_its_flag(self, serve):
        server = serve(env={"POSTERN_MAX_BODY_BYTES": "2KiB"})
        assert server.curl("-d", "x" * 2049, "/v1/topics/t/messages").status == 413

    def test_the_command_line_wins(self, serve):
        server = serve("--max-body-bytes", "4KiB", env={"POSTERN_MAX_BODY_BYTES": "2KiB"})
        assert server.curl("-d", "x" * 3000, "/v1/topics/t/messages").status == 201

    def test_the_address_too(self, serve):
        server = serve(listen=None, env={"POSTERN_LISTEN": "127.0.0.1:0"})
        assert server.curl("/livez").status == 200

    def test_an_empty_variable_is_an_error_or_absent_but_never_zero(self):
        done = subprocess.run(
            ["timeout", "-s", "TERM", "2", BINARY, "serve", "--listen", "127.0.0.1:0"],
            capture_output=True,
            env=environment(POSTERN_LOOPS=""),
        )
        assert done.returncode in (0, USAGE, 124)


class TestListening:
    def test_port_0_picks_one_and_prints_it(self, serve):
        server = serve()
        assert server.port > 0
        assert server.curl("/livez").status == 200

    def test_ipv6_is_served(self, serve):
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError:
            pytest.skip("this machine has no IPv6")
        server = serve(listen="[::1]:0")
        assert server.url.startswith("http://[::1]:")
        assert server.curl("-g", "/livez").status == 200

    def test_a_name_is_resolved(self, serve):
        assert serve(listen="localhost:0").curl("/livez").status == 200

    def test_a_port_that_is_taken_is_said_so_in_one_line(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            done = run("serve", "--listen", f"127.0.0.1:{taken.getsockname()[1]}")
        assert done.returncode not in (0, USAGE)
        assert "in use" in done.stderr
        assert str(taken) not in done.stderr
        assert done.stdout == ""

    def test_a_port_that_another_postern_serves_is_taken_too(self, serve):
        """Two servers on one port would each hold half of the messages."""
        server = serve()
        done = run("serve", "--listen", f"127.0.0.1:{server.port}", timeout=5)
        assert done.returncode not in (0, USAGE)
        assert "in use" in done.stderr

    def test_an_address_that_is_not_this_machine_s_is_said_so(self):
        done = run("serve", "--listen", "192.0.2.1:8080")
        assert done.returncode not in (0, USAGE)
        assert "192.0.2.1" in done.stderr


class TestLogs:
    def test_they_are_json_lines_where_nobody_watches(self, serve):
        server = serve("--log-level", "debug")
        server.curl("-d", "x", "/v1/topics/t/messages")
        assert server.terminate() == 0
        lines = server.standard_error().splitlines()
        assert lines
        for line in lines:
            assert {"level", "message"} <= set(json.loads(line))

    def test_standard_output_holds_one_line_only(self, serve):
        server = serve()
        server.curl("/livez")
        server.process.terminate()
        assert server.process.wait(10) == 0
        assert server.process.stdout.read() == b""

    def test_what_strangers_send_cannot_break_a_line(self, serve):
        server = serve("--log-level", "trace")
        server.curl("-g", "/v1/topics/%0a%22injected/messages?x=%0d%0a")
        assert server.terminate() == 0
        for line in server.standard_error().splitlines():
            json.loads(line)


def test_it_starts_quickly(serve):
    times = []
    for _ in range(5):
        began = time.monotonic()
        server = serve()
        assert server.curl("/livez").status == 200
        times.append(time.monotonic() - began)
    assert min(times) < 0.5


def test_a_server_of_defaults_takes_a_publish(serve):
    assert Api(serve()).publish("t", "x").status_code == 201
