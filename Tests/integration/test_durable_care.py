"""What an operator meets: refusals, damage, `postern log`, metrics of the disk."""

import json
import os
import subprocess
import time

import pytest

from client import BINARY, Api, Stream, environment, eventually
from durable import end, on_disk, run, segments


class TestRefusals:
    def refused(self, directory, *flags):
        done = run("serve", "--listen", "127.0.0.1:0", "--data-dir", str(directory), *flags)
        assert done.returncode == 78, (done.returncode, done.stderr)
        assert done.stderr.startswith("postern: ") and done.stderr.count("\n") == 1, done.stderr
        return done.stderr

    def test_a_missing_directory(self, tmp_path):
        assert "no such directory; make it first" in self.refused(tmp_path / "none")

    def test_a_file(self, tmp_path):
        (tmp_path / "file").write_text("")
        assert "is no directory" in self.refused(tmp_path / "file")

    def test_a_directory_in_use(self, directory):
        with on_disk(directory):
            assert "in use by another process" in self.refused(directory)
            assert run("log", "verify", str(directory)).returncode == 78

    def test_a_directory_with_other_things_in_it(self, directory):
        (directory / "letters.txt").write_text("mine")
        assert "no log's" in self.refused(directory)
        assert (directory / "letters.txt").read_text() == "mine"

    def test_a_log_of_a_later_release(self, directory):
        with on_disk(directory) as server:
            end(server, "ended")
        identity = bytearray((directory / "identity").read_bytes())
        identity[8] = 9
        (directory / "identity").write_bytes(identity)
        assert "later release (format 9" in self.refused(directory)

    def test_a_damaged_identity(self, directory):
        with on_disk(directory) as server:
            end(server, "ended")
        identity = bytearray((directory / "identity").read_bytes())
        identity[20] ^= 1
        (directory / "identity").write_bytes(identity)
        assert "identity is damaged" in self.refused(directory)

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
    def test_a_directory_that_may_not_be_written(self, directory):
        directory.parent.chmod(0o755)
        directory.chmod(0o555)
        done = subprocess.run(
            ["setpriv", "--reuid=65534", "--clear-groups", BINARY, "serve", "--data-dir", str(directory)],
            capture_output=True, text=True, env=environment(), timeout=10,
        )
        if "Permission denied" in done.stderr and "postern:" not in done.stderr:
            pytest.skip("the binary itself is out of reach for others")
        assert done.returncode == 78 and "cannot be written by this user" in done.stderr, done.stderr

    @pytest.mark.parametrize(
        "flags", [["--durability", "sync"], ["--data-dir", "x", "--durability", "never"],
                  ["--data-dir", "x", "--durability", "interval=0s"], ["--data-dir", "x", "--retention-bytes", "1MiB"]]
    )
    def test_flags_that_make_no_sense(self, flags):
        done = run("serve", *flags)
        assert done.returncode == 64 and done.stderr.startswith(f"postern: {flags[-2]}: ")


class TestDamage:
    @pytest.fixture
    def rotten(self, directory):
        """A closed log of which one message's bytes changed on disk."""
        with on_disk(directory) as server:
            api = Api(server)
            self.cursors = [api.publish("d", f"message-{n}").json()["cursor"] for n in range(5)]
            end(server, "ended")
        path = segments(directory)[0]
        data = bytearray(path.read_bytes())
        data[data.index(b"message-2")] ^= 1
        path.write_bytes(data)
        return directory

    def check_readers(self, directory):
        with on_disk(directory) as server:
            api = Api(server)
            reply = api.read("d", after=self.cursors[1])
            assert reply.status_code == 410 and reply.json()["earliest"] == self.cursors[2]
            page = api.read("d", after=self.cursors[1], gap="skip").json()
            assert [m["data"] for m in page["messages"]] == ["message-3", "message-4"] and page["gap"]
            assert [m["data"] for m in api.messages("d")][:2] == ["message-0", "message-1"]
            events = Stream(server, "/v1/topics/**/messages", f"Last-Event-ID: {self.cursors[1]}").events(4)
            assert [event.name for event in events] == ["position", "gap", "message", "message"]

    def test_it_is_never_served_and_always_told(self, rotten):
        self.check_readers(rotten)

    def test_verify_finds_it_and_repair_notes_it(self, rotten):
        found = run("log", "verify", str(rotten))
        assert found.returncode == 1 and "DAMAGED" in found.stdout, found.stdout
        dumped = run("log", "dump", str(rotten))
        assert dumped.returncode == 1 and len(dumped.stdout.splitlines()) == 4
        assert "1 damaged" in dumped.stderr
        assert run("log", "repair", str(rotten)).stdout.startswith("mended")
        again = run("log", "verify", str(rotten))
        assert again.returncode == 0 and "1 messages lost" in again.stdout
        self.check_readers(rotten)

    def test_a_torn_tail_is_cut_off(self, directory):
        with on_disk(directory) as server:
            api = Api(server)
            for n in range(3):
                api.publish("d", f"message-{n}")
            end(server, "killed")
        path = segments(directory)[0]
        data = bytearray(path.read_bytes())
        data[data.index(b"message-2")] ^= 1
        path.write_bytes(data)
        with on_disk(directory) as server:
            assert [m["data"] for m in Api(server).messages("d")] == ["message-0", "message-1"]
            assert '"torn_bytes":"0"' not in server.standard_error()


def test_verify_and_dump_a_good_log(directory):
    with on_disk(directory) as server:
        api = Api(server)
        for n in range(20):
            api.publish(f"v.{n % 2}", str(n))
        before = api.messages("v.**")
        end(server, "killed")
    assert run("log", "verify", str(directory)).returncode == 0
    lines = [json.loads(line) for line in run("log", "dump", str(directory)).stdout.splitlines()]
    assert lines == before
    some = run("log", "dump", str(directory), "--topic", "v.1").stdout.splitlines()
    assert len(some) == 10
    assert run("log", "repair", str(directory)).returncode == 0
    assert run("log", "repair", str(directory)).stdout == "nothing to mend\n"
    assert run("log", "dump", str(directory), "--topic", "a..b").returncode == 64
    assert run("log", "verify", str(directory / "none")).returncode == 78


def test_promtool_finds_nothing_to_say_of_a_log_on_disk(directory):
    with on_disk(directory) as server:
        Api(server).publish("m", "x")
        text = Api(server).get("/metrics").content
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert text.count(b"# HELP postern_storage_") >= 5


def test_metrics_tell_of_the_disk(directory):
    with on_disk(directory) as server:
        Api(server).publish("m", "x")
        metrics = server.metrics()
        assert metrics["postern_storage_commit_duration_seconds_count"] == 1
        assert metrics["postern_storage_commit_messages_sum"] == 1
        assert metrics["postern_storage_written_bytes_total"] > 100
        assert metrics["postern_storage_failed"] == 0 and metrics["postern_storage_full"] == 0
        assert metrics["postern_log_segments"] == 1
        eventually(lambda: abs(server.metric("postern_log_oldest_timestamp_seconds") - time.time()) < 10)
