"""With --data-dir messages are on disk: what was acknowledged outlives the process, and nobody has to notice."""

import json
import signal
import socket
import subprocess
import threading

import pytest

from client import BINARY, CURSOR, Api, Stream, environment, eventually, request
from durable import SMALL, end, on_disk, run, segments


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
