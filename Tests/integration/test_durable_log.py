"""With --data-dir messages are on disk: what was acknowledged outlives the process, and nobody has to notice."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
import time

import pytest

from client import BINARY, CURSOR, Api, Stream, environment, eventually, request, serving

SMALL = ["--retention-bytes", "16MiB"]


@pytest.fixture
def directory(tmp_path):
    path = tmp_path / "log"
    path.mkdir()
    return path


def on_disk(directory, *flags):
    return serving("--data-dir", str(directory), *flags)


def run(*arguments):
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, env=environment(), timeout=60)


def end(server, how):
    if how == "killed":
        server.kill()
    else:
        assert server.terminate() == 0, server.standard_error()


def segments(directory):
    return sorted(path for path in directory.iterdir() if path.suffix == ".segment")


def used(directory):
    """Bytes of all files; one that goes while we look has gone."""
    total = 0
    for path in directory.iterdir():
        with contextlib.suppress(FileNotFoundError):
            total += path.stat().st_size
    return total


@pytest.mark.parametrize("how", ["ended", "killed"])
class TestOverARestart:
    def test_messages_keep_their_cursors(self, directory, how):
        with on_disk(directory) as server:
            api = Api(server)
            published = [api.publish("a.b", f"message {n}").json()["cursor"] for n in range(10)]
            before = api.messages("a.b")
            end(server, how)
        with on_disk(directory) as server:
            api = Api(server)
            assert api.messages("a.b") == before and [m["cursor"] for m in before] == published
            assert [m["data"] for m in api.messages("**", after=published[6])] == [f"message {n}" for n in (7, 8, 9)]
            assert api.publish("a.b", "next").json()["cursor"] > published[-1]

    def test_every_kind_of_message_is_the_same(self, directory, how):
        with on_disk(directory) as server:
            api = Api(server)
            api.publish("kinds", bytes(range(256)), "application/octet-stream")
            api.publish_json("kinds", {"deep": [1, {"x": None}]}, Attr_Colour="red", Message_Key="k", Idempotency_Key="i")
            api.publish("kinds", "ünïcödé \u2028", "text/plain")
            api.publish("kinds", "")
            before = api.messages("kinds")
            end(server, how)
        with on_disk(directory) as server:
            api = Api(server)
            assert api.messages("kinds") == before and len(before) == 4
            assert api.messages("kinds", filter="colour:red") == before[1:2]

    def test_a_key_is_remembered(self, directory, how):
        with on_disk(directory) as server:
            first = Api(server).publish("a", "x", Idempotency_Key="once").json()
            end(server, how)
        with on_disk(directory) as server:
            again = Api(server).publish("a", "x", Idempotency_Key="once")
            assert again.status_code == 200 and again.json() == first | {"duplicate": True}
            assert len(Api(server).messages("a")) == 1

    def test_settings_and_deletions_are_kept(self, directory, how):
        with on_disk(directory) as server:
            api = Api(server)
            assert api.request("PUT", "/v1/topics/kept", json={"retention": {"count": 3, "age": "1h"}}).status_code == 201
            for n in range(5):
                api.publish("kept", str(n))
                api.publish("gone", str(n))
            assert api.request("DELETE", "/v1/topics/gone").status_code == 204
            api.publish("gone", "after")
            before = api.get("/v1/topics/kept").json()
            end(server, how)
        with on_disk(directory) as server:
            api = Api(server)
            assert api.get("/v1/topics/kept").json() == before
            assert [m["data"] for m in api.messages("kept")] == ["2", "3", "4"]
            assert [m["data"] for m in api.messages("gone")] == ["after"]
            assert api.get("/v1/topics/gone").json()["messages"] == 1

    def test_a_stream_resumes_by_its_cursor(self, directory, how):
        with on_disk(directory) as server:
            api = Api(server)
            for n in range(3):
                api.publish("s", str(n))
            stream = Stream(server, "/v1/topics/s/messages")
            seen = [event for event in stream.events(4) if event.name == "message"]
            last = seen[-1].id
            stream.close()
            api.publish("s", "3")
            end(server, how)
        with on_disk(directory) as server:
            stream = Stream(server, "/v1/topics/s/messages", f"Last-Event-ID: {last}")
            assert stream.message()["data"] == "3"
            Api(server).publish("s", "4")
            assert stream.message()["data"] == "4"


def test_history_is_read_from_disk_as_it_was_published(directory):
    """More than fits into memory: by topic, by pattern, with a filter, from a time on, page by page."""
    topics = ["h.a", "h.b", "h.c.d"]
    with on_disk(directory, "--retention-bytes", "256MiB") as server:
        api = Api(server)
        published = []
        middle = None
        for batch in range(60):
            envelopes = [
                {"topic": topics[n % 3], "data": f"{batch}-{n}-" + "x" * 700, "attributes": {"odd": str(n % 2)}}
                for n in range(1000)
            ]
            lines = "\n".join(json.dumps(envelope) for envelope in envelopes)
            reply = api.request("POST", "/v1/messages", data=lines, headers={"Content-Type": "application/x-ndjson"})
            assert reply.status_code == 201, reply.text
            published += [(r["cursor"], e["topic"], e["data"]) for r, e in zip(reply.json()["messages"], envelopes)]
            if batch == 30:
                middle = reply.json()["messages"][0]["time"]
        eventually(lambda: server.metric("postern_log_reserved_bytes") < 60 << 20, what="memory is let go")
        assert len(segments(directory)) > 3

        def read(selection, **parameters):
            found, position = [], parameters.pop("start", {"since": "earliest"})
            while True:
                page = api.read(selection, limit=1000, **position, **parameters).json()
                if not page["messages"]:
                    return found
                found += [(m["cursor"], m["topic"], m["data"]) for m in page["messages"]]
                position = {"after": page["next"]}

        assert read("h.**") == published
        assert read("h.b") == [m for m in published if m[1] == "h.b"]
        assert read("h.*") == [m for m in published if m[1] != "h.c.d"]
        odd = [m for m in published if int(m[2].split("-")[1]) % 2]
        assert read("h.**", filter="odd:1") == odd
        assert read("h.**", start={"since": middle}) == published[30_000:]
        cursor = published[12_345][0]
        assert read("h.a", start={"after": cursor}) == [m for m in published if m[0] > cursor and m[1] == "h.a"]


def send(api, lines):
    """Publishes a batch; 201, or 503 where it comes too fast."""
    reply = api.request("POST", "/v1/messages", data=lines, headers={"Content-Type": "application/x-ndjson"})
    assert reply.status_code in (201, 503), reply.text
    return reply.status_code


class TestSpace:
    def test_old_segments_go(self, directory):
        """What the operator set, one segment that is written to and one that is made ready."""
        bound, segment = 16 << 20, 1 << 20
        with on_disk(directory, *SMALL) as server:
            api = Api(server)
            largest = 0
            for n in range(80):
                lines = "\n".join(json.dumps({"topic": f"t.{k}", "data": "x" * 4000}) for k in range(100))
                eventually(lambda: send(api, lines) == 201, what="upkeep follows")
                largest = max(largest, used(directory))
            assert server.metric("postern_storage_segments_deleted_total") > 0
            eventually(
                lambda: used(directory) <= bound + segment,
                what="space is what was set",
            )
            # Six over it, the one that is written to, and the one that is made ready.
            assert largest <= bound + 8 * segment, "who publishes faster than upkeep follows is told to wait"
            before_all = api.messages("t.**", limit=1)[0]["cursor"][:-13] + "0" * 12 + "1"
            assert api.read("t.**", after=before_all).status_code == 410
            server.kill()
        with on_disk(directory, *SMALL) as server:
            api = Api(server)
            # A segment that was about to go may be back, and one more may have had to go.
            assert api.messages("t.**"), "what was kept is read"
            assert api.read("t.**", after=before_all).status_code == 410, "losses are remembered"

    def test_many_publishers_do_not_outrun_it(self, directory):
        """Whoever publishes faster than upkeep follows is told 503. Above the bound may stand: the segment that is
        written to, the one made ready, four that wait for their index, one that is sealed and one that goes: eight."""
        bound, segment = 16 << 20, 1 << 20
        with on_disk(directory, *SMALL) as server:
            body = "\n".join(json.dumps({"topic": "t", "data": "x" * 20_000}) for _ in range(8))
            statuses, largest = set(), 0

            def publish():
                api = Api(server)
                for _ in range(800):
                    reply = api.request(
                        "POST", "/v1/messages", data=body, headers={"Content-Type": "application/x-ndjson"}
                    )
                    statuses.add(reply.status_code)

            threads = [threading.Thread(target=publish) for _ in range(4)]
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads):
                largest = max(largest, used(directory))
                threads[0].join(0.002)
            assert statuses <= {201, 503}
            assert largest <= bound + 8 * segment, f"{largest >> 20} MiB"
            eventually(lambda: used(directory) <= bound + segment, timeout=5, what="space is what was set")

    def test_a_smaller_bound_holds_from_the_start_on(self, directory):
        with on_disk(directory, "--retention-bytes", "64MiB") as server:
            api = Api(server)
            body = "\n".join(json.dumps({"topic": "t", "data": "x" * 20_000}) for _ in range(40))
            while used(directory) < 60 << 20:
                api.request("POST", "/v1/messages", data=body, headers={"Content-Type": "application/x-ndjson"})
            last = api.publish("t", "last").json()["cursor"]
            server.kill()
        with on_disk(directory, *SMALL) as server:
            # What the log was written with counts: segments of 4 MiB.
            eventually(lambda: used(directory) <= (16 << 20) + (4 << 20), timeout=5, what="space is what was set")
            assert Api(server).get("/v1/topics/t").json()["latest"] == last

    @pytest.mark.parametrize("how", ["ended", "killed"])
    def test_bounds_by_count_and_age_hold_over_a_start(self, directory, how):
        with on_disk(directory) as server:
            api = Api(server)
            for n in range(30):
                api.publish("c", str(n))
            api.session.close()
            end(server, how)
        with on_disk(directory, "--retention-count", "10") as server:
            api = Api(server)
            assert [m["data"] for m in api.messages("c")] == [str(n) for n in range(20, 30)]
            assert server.metric("postern_log_messages") == 10
            api.session.close()
            end(server, how)
        time.sleep(1)
        with on_disk(directory, "--retention-age", "1s") as server:
            api = Api(server)
            eventually(lambda: api.messages("c") == [], timeout=3, what="what is too old goes")
            api.publish("c", "new")
            assert [m["data"] for m in api.messages("c")] == ["new"]

    def test_a_quiet_topic_does_not_keep_whole_segments(self, directory):
        with on_disk(directory, "--retention-bytes", "256MiB") as server:
            api = Api(server)
            api.request("PUT", "/v1/topics/busy", json={"retention": {"count": 10}})
            for n in range(45):
                api.publish("quiet", f"kept {n}")
                lines = "\n".join(json.dumps({"topic": "busy", "data": "x" * 9000}) for _ in range(100))
                api.request("POST", "/v1/messages", data=lines, headers={"Content-Type": "application/x-ndjson"})
            eventually(
                lambda: server.metric("postern_storage_segments_compacted_total") >= 1, timeout=20, what="compaction"
            )
            assert [m["data"] for m in api.messages("quiet")] == [f"kept {n}" for n in range(45)]
            assert len(api.messages("busy")) == 10
            server.kill()
        with on_disk(directory, "--retention-bytes", "256MiB") as server:
            assert [m["data"] for m in Api(server).messages("quiet")] == [f"kept {n}" for n in range(45)]


class TestAcknowledgement:
    def test_replies_on_one_connection_keep_their_order(self, directory):
        with on_disk(directory) as server, server.connect() as connection:
            publish = request("POST", "/v1/topics/p/messages", body=b"x")
            read = request("GET", "/v1/topics/p/messages?limit=1000")
            connection.send((publish * 3 + read) * 5)
            for round_ in range(5):
                assert [connection.reply().status for _ in range(3)] == [201] * 3
                assert len(json.loads(connection.reply().body)["messages"]) == 3 * (round_ + 1)

    def test_a_client_that_shuts_its_side_is_answered(self, directory):
        with on_disk(directory) as server, server.connect() as connection:
            connection.send(request("POST", "/v1/topics/p/messages", body=b"x"))
            connection.socket.shutdown(socket.SHUT_WR)
            assert connection.reply().status == 201
            assert connection.is_closed_by_server()

    def test_a_drain_answers_what_waits_for_the_disk(self, directory):
        with on_disk(directory) as server:
            statuses = []

            def publish():
                api = Api(server)
                try:
                    while True:
                        statuses.append(api.publish("d", "x").status_code)
                except Exception:
                    pass

            threads = [threading.Thread(target=publish) for _ in range(4)]
            for thread in threads:
                thread.start()
            eventually(lambda: len(statuses) > 50)
            assert server.terminate() == 0
            for thread in threads:
                thread.join()
            assert set(statuses) <= {201, 503}
        with on_disk(directory) as server:
            stored = server.metric("postern_log_messages")
            assert stored >= statuses.count(201)

    @pytest.mark.parametrize("mode", ["interval=50ms", "memory"])
    def test_other_modes_keep_what_the_process_had_written(self, directory, mode):
        with on_disk(directory, "--durability", mode) as server:
            api = Api(server)
            cursor = api.publish("m", "x").json()["cursor"]
            assert len(api.messages("m")) == 1
            eventually(lambda: server.metric("postern_storage_written_bytes_total") > 0)
            server.kill()
        with on_disk(directory, "--durability", mode) as server:
            api = Api(server)
            assert [m["cursor"] for m in api.messages("m")] == [cursor]
            later = api.publish("m", "y").json()["cursor"]
            assert later > cursor and CURSOR.match(later)
            assert [m["data"] for m in api.messages("m", after=cursor)] == ["y"]


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
        assert done.returncode == 64 and "Error" in done.stderr


class TestOneLog:
    """A log is one log for as long as its directory is: nobody else's cursors, nobody else's process."""

    def test_another_directory_s_cursor_is_gone_and_not_misread(self, tmp_path):
        cursors = []
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            with on_disk(tmp_path / name) as server:
                cursors.append(Api(server).publish("t", name).json()["cursor"])
                server.kill()
        with on_disk(tmp_path / "one") as server:
            assert Api(server).read("t", after=cursors[1]).status_code == 410
            assert Api(server).messages("t", after=cursors[0]) == []

    def test_the_epoch_stays(self, directory):
        epochs = set()
        for n in range(4):
            with on_disk(directory) as server:
                epochs.add(Api(server).publish("t", str(n)).json()["cursor"][:10])
                server.kill()
        assert len(epochs) == 1

    def test_a_log_that_is_moved_is_the_same_log(self, directory):
        with on_disk(directory) as server:
            cursor = Api(server).publish("t", "x").json()["cursor"]
            server.kill()
        moved = directory.rename(directory.with_name("moved"))
        with on_disk(moved) as server:
            assert [m["cursor"] for m in Api(server).messages("t")] == [cursor]

    def test_of_two_that_start_together_one_serves(self, directory):
        arguments = [BINARY, "serve", "--listen", "127.0.0.1:0", "--data-dir", directory]
        pipe = subprocess.PIPE
        processes = [subprocess.Popen(arguments, stdout=pipe, stderr=pipe, env=environment()) for _ in range(2)]
        try:
            eventually(lambda: any(p.poll() is not None for p in processes), what="one gives up")
            [loser] = [p for p in processes if p.poll() is not None]
            [winner] = [p for p in processes if p is not loser]
            assert loser.returncode == 78 and b"in use by another process" in loser.stderr.read()
            assert winner.stdout.readline().startswith(b"postern: listening on")
        finally:
            for process in processes:
                process.kill()
                process.wait()
                process.stdout.close()
                process.stderr.close()

    def test_a_start_after_a_refused_one_finds_all(self, directory):
        with on_disk(directory) as server:
            cursor = Api(server).publish("t", "x").json()["cursor"]
            assert run("serve", "--listen", "127.0.0.1:0", "--data-dir", str(directory)).returncode == 78
            assert [m["cursor"] for m in Api(server).messages("t")] == [cursor], "the first is not disturbed"
            later = Api(server).publish("t", "y").json()["cursor"]
            server.kill()
        with on_disk(directory) as server:
            assert [m["cursor"] for m in Api(server).messages("t")] == [cursor, later]

    def test_a_poll_goes_on_over_a_restart(self, directory):
        with on_disk(directory) as server:
            first = Api(server).publish("t", "1").json()["cursor"]
            poll = server.connect().get(f"/v1/topics/t/messages?after={first}&wait=30s")
            server.waits_for("postern_poll_waiters", 1)
            server.process.send_signal(signal.SIGTERM)
            following = json.loads(poll.reply().body)["next"]
            assert following == first and server.process.wait(5) == 0
        with on_disk(directory) as server:
            poll = server.connect().get(f"/v1/topics/t/messages?after={following}&wait=30s")
            server.waits_for("postern_poll_waiters", 1)
            second = Api(server).publish("t", "2").json()["cursor"]
            assert json.loads(poll.reply().body)["next"] == second

    def test_deleted_messages_stay_deleted_whatever_becomes_of_their_segment(self, directory):
        """The deletion stands in another segment than the messages."""
        with on_disk(directory, *SMALL) as server:
            api = Api(server)
            for n in range(5):
                api.publish("gone", f"{n}")
            body = "\n".join(json.dumps({"topic": "other", "data": "x" * 9000}) for _ in range(100))
            for _ in range(3):
                api.request("POST", "/v1/messages", data=body, headers={"Content-Type": "application/x-ndjson"})
            assert len(segments(directory)) > 1
            assert api.request("DELETE", "/v1/topics/gone").status_code == 204
            server.kill()
        for _ in range(2):
            with on_disk(directory, *SMALL) as server:
                api = Api(server)
                assert api.messages("gone") == [] and api.get("/v1/topics/gone").status_code == 404
                assert len(api.messages("other", limit=1000, gap="skip")) > 0
                server.kill()

    def test_settings_that_are_changed_and_taken_back_stay_so(self, directory):
        wanted = [{"retention": {"count": 3}}, {"retention": {"count": 2, "age": "1h"}}, {}]
        for settings in wanted:
            with on_disk(directory) as server:
                api = Api(server)
                assert api.request("PUT", "/v1/topics/s", json=settings).status_code in (200, 201)
                before = api.get("/v1/topics/s").json()
                server.kill()
            with on_disk(directory) as server:
                assert Api(server).get("/v1/topics/s").json() == before
                server.kill()

    def test_keys_of_batches_are_remembered(self, directory):
        envelopes = [{"topic": "k", "data": n, "id": f"id-{n}"} for n in range(10)]
        with on_disk(directory) as server:
            first = Api(server).batch(*envelopes).json()["messages"]
            server.kill()
        with on_disk(directory) as server:
            again = Api(server).batch(*envelopes, {"topic": "k", "data": "new", "id": "id-10"})
            assert again.status_code == 201
            assert again.json()["messages"][:10] == [receipt | {"duplicate": True} for receipt in first]
            assert len(Api(server).messages("k")) == 11

    def test_time_to_live_goes_on_over_a_restart(self, directory):
        with on_disk(directory) as server:
            api = Api(server)
            api.publish("ttl", "brief", TTL="1")
            api.publish("ttl", "lasting", TTL="1h")
            server.kill()
        with on_disk(directory) as server:
            api = Api(server)
            eventually(lambda: [m["data"] for m in api.messages("ttl")] == ["lasting"], timeout=3)


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
