"""`postern publish`."""

import array
import fcntl
import json
import os
import pty
import signal
import subprocess
import termios

import pytest

from client import BINARY, environment, eventually
from command_client import Client, Severed, is_one_line


def reads_all(process):
    """Waits until a process has read what was written to it."""

    def unread():
        count = array.array("i", [0])
        fcntl.ioctl(process.stdin.fileno(), termios.FIONREAD, count)
        return count[0]

    eventually(lambda: unread() == 0, what="it is read")


@pytest.fixture
def postern(server):
    return Client(server.url)


class TestPublish:
    def test_a_text(self, postern, api, topic):
        done = postern("publish", topic, "hello")
        message = api.only_message(topic)
        assert (done.returncode, done.out) == (0, message["cursor"] + "\n")
        assert (message["data"], message["content_type"]) == ("hello", "text/plain")

    def test_all_that_a_message_may_have(self, postern, api, topic):
        done = postern(
            "publish", topic, '{"x":1}', "--content-type", "application/json", "--attr", "region=eu",
            "--attr", "note=a=b", "--key", "k", "--ttl", "10m", "--id", "once", "--format", "json",
        )
        message = api.only_message(topic)
        assert json.loads(done.out)["id"] == "once" == message["id"]
        assert message["data"] == {"x": 1} and message["key"] == "k"
        assert message["attributes"] == {"region": "eu", "note": "a=b"}

    def test_a_file_and_standard_input(self, postern, api, topic, tmp_path):
        (tmp_path / "body").write_bytes(b"\x00\xff\n")
        assert postern("publish", topic, f"@{tmp_path}/body").returncode == 0
        assert postern("publish", topic, "-", stdin="from stdin\n").returncode == 0
        assert postern("publish", topic, stdin="").returncode == 0
        messages = api.messages(topic)
        assert messages[0]["data_base64"] == "AP8K"
        assert [message["data"] for message in messages[1:]] == ["from stdin\n", ""]

    def test_an_id_stores_nothing_twice(self, postern, api, topic):
        first, second = (postern("publish", topic, "x", "--id", "same") for _ in range(2))
        assert first.out == second.out
        assert len(api.messages(topic)) == 1

    def test_lines(self, postern, api, topic):
        done = postern("publish", topic, "--batch", "--attr", "a=b", stdin='one\n"two"\n\nlast \u00e9')
        assert done.returncode == 0 and len(done.out.split()) == 4
        messages = api.messages(topic)
        assert [message["data"] for message in messages] == ["one", '"two"', "", "last \u00e9"]
        assert all(message["attributes"] == {"a": "b"} for message in messages)

    def test_envelopes(self, postern, api, topic):
        lines = [{"topic": topic, "data": {"n": 1}}, {"topic": topic, "data": "x", "id": "mine"}]
        done = postern("publish", "--batch", "-q", stdin="\n".join(map(json.dumps, lines)))
        assert (done.returncode, done.out) == (0, "")
        first, second = api.messages(topic)
        assert first["data"] == {"n": 1} and second["id"] == "mine"

    def test_more_lines_than_one_request_takes(self, postern, api, topic):
        done = postern("publish", topic, "--batch", stdin="".join(f"{n}\n" for n in range(2500)))
        assert len(done.out.split()) == 2500
        assert [int(m["data"]) for m in api.messages(topic, limit=1000)] == list(range(1000))

    def test_a_slow_writer_is_not_waited_for(self, postern, api, topic):
        process = subprocess.Popen(
            [BINARY, "publish", topic, "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=postern.environment
        )
        process.stdin.write(b"early\n")
        process.stdin.flush()
        eventually(lambda: len(api.messages(topic)) == 1, what="the first line is published")
        process.communicate(b"late\n", timeout=10)
        assert [message["data"] for message in api.messages(topic)] == ["early", "late"]

    @pytest.mark.parametrize("batch", [[], ["--batch"]])
    def test_on_a_terminal_it_says_what_it_waits_for(self, postern, api, topic, batch):
        master, slave = pty.openpty()
        process = subprocess.Popen(
            [BINARY, "publish", topic, *batch], stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=postern.environment,
        )
        os.close(slave)
        try:
            assert process.stderr.readline() == b"postern: reading from the terminal; Control-D ends it\n"
            os.write(master, b"typed\n\x04")
            assert process.wait(10) == 0
        finally:
            process.kill()
            os.close(master)
        assert api.only_message(topic)["data"].strip() == "typed"

    @pytest.mark.parametrize("batch", [[], ["--batch"]])
    def test_an_interrupt_publishes_nothing_that_is_half_written(self, postern, api, topic, batch):
        process = subprocess.Popen(
            [BINARY, "publish", topic, *batch], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=postern.environment,
        )
        process.stdin.write(b"half a li")
        process.stdin.flush()
        reads_all(process)
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=10)
        assert (process.returncode, out) == (75, b"") and b"interrupted" in error
        assert api.messages(topic) == []

    def test_lines_of_a_file(self, postern, api, topic, tmp_path):
        (tmp_path / "lines").write_text(json.dumps({"topic": topic, "data": 1}) + "\n")
        assert postern("publish", "--batch", f"@{tmp_path}/lines").returncode == 0
        assert postern("publish", topic, f"@{tmp_path}/lines", "--batch").returncode == 0
        assert len(api.messages(topic)) == 2
        assert postern("publish", "--batch", f"@{tmp_path}/absent").returncode == 66

    def test_lines_that_are_no_text_go_as_they_are(self, postern, topic):
        postern("publish", topic, "--batch", stdin=b"a\xffb\nplain\n")
        assert postern("subscribe", topic).stdout == b"a\xffb\nplain\n"

    def test_long_lines_go_by_themselves(self, postern, topic):
        assert postern("publish", topic, "--batch", stdin="x" * 400_000 + "\n" + "y" * 700_000 + "\n").returncode == 0
        assert [len(line) for line in postern("subscribe", topic).out.split()] == [400_000, 700_000]

    def test_a_bad_line_is_named(self, postern):
        done = postern("publish", "--batch", stdin='{"topic":"a","data":1}\nnonsense\n')
        assert done.returncode == 66 and is_one_line(done.err) and "line 2" in done.err

    def test_a_reply_that_was_lost_is_asked_for_again_and_nothing_is_stored_twice(self, server, api, topic):
        with Severed(server) as proxy:
            done = Client(proxy.url)("publish", topic, "once", "--retry", "20s")
        assert done.returncode == 0
        assert proxy.severed == 1
        assert api.only_message(topic)["data"] == "once"

    @pytest.mark.parametrize(
        "arguments",
        [[], ["t", "x", "--batch"], ["t", "x", "--attr", "novalue"], ["--batch", "--ttl", "1"], ["t", "x", "--key", "a\nb"]],
    )
    def test_what_makes_no_sense_is_usage(self, postern, arguments):
        assert postern("publish", *arguments).returncode == 64
