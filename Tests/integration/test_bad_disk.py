"""A disk that is slow or fails: nobody is told of a message that is not on it, and what is on it can be read."""

import contextlib
import errno
import json
import select
import signal

import pytest

from client import Api, Stream, eventually, request, serving
from disk import Disk, build
from test_drain import until_refused

QUIET = 0.15  # seconds in which nothing may come


@pytest.fixture(scope="session")
def hook(tmp_path_factory):
    return build(tmp_path_factory.mktemp("disk"))


@pytest.fixture
def directory(tmp_path):
    path = tmp_path / "log"
    path.mkdir()
    return path


@pytest.fixture
def disk(hook, tmp_path):
    return Disk(hook, tmp_path / "switches")


@contextlib.contextmanager
def on(disk, directory, *flags):
    """A server on that disk; it is let go before it is killed, as a process in fdatasync cannot be."""
    with serving("--data-dir", str(directory), *flags, env=disk.env if disk else None) as server:
        # What a start does is not what the test looks at.
        Api(server).publish("before", "x")
        yield server


def publishing(server, topic="t", data=b"x", *headers):
    return server.connect().send(request("POST", f"/v1/topics/{topic}/messages", *headers, body=data))


def is_quiet(connection):
    return not connection.held and not select.select([connection.socket], [], [], QUIET)[0]


def data(messages):
    return [message["data"] for message in messages]


class TestWhileItIsSlow:
    def test_a_publish_is_answered_once_it_is_on_disk(self, disk, directory):
        with on(disk, directory) as server:
            with disk.held():
                connection = publishing(server)
                disk.waits()
                assert is_quiet(connection)
            assert connection.reply().status == 201

    @pytest.mark.parametrize(
        "asked",
        [
            request("PUT", "/v1/topics/s", "Content-Type: application/json", body=b'{"retention":{"count":5}}'),
            request("DELETE", "/v1/topics/before"),
            request("POST", "/v1/messages", "Content-Type: application/json", body=b'{"messages":[{"topic":"t","data":1}]}'),
            request("POST", "/v1/topics/t/messages", "Delay: 1h", body=b"x"),
        ],
        ids=["settings", "deletion", "batch", "delayed message"],
    )
    def test_so_is_everything_that_changes_the_log(self, disk, directory, asked):
        with on(disk, directory) as server:
            with disk.held():
                connection = server.connect().send(asked)
                disk.waits()
                assert is_quiet(connection)
            assert connection.reply().status in (201, 204)

    def test_so_is_a_repeat_of_what_is_not_there_yet(self, disk, directory):
        """The second publish stores nothing, and still may not say that the message is stored."""
        with on(disk, directory) as server:
            with disk.held():
                first = publishing(server, "t", b"x", "Idempotency-Key: k")
                disk.waits()
                second = publishing(server, "t", b"x", "Idempotency-Key: k")
                assert is_quiet(second) and is_quiet(first)
            assert (first.reply().status, second.reply().status) == (201, 200)

    def test_readers_see_it_once_it_is_on_disk(self, disk, directory):
        with on(disk, directory) as server:
            api = Api(server)
            latest = api.read("t", since="latest").json()["next"]
            poll = server.connect().get(f"/v1/topics/t/messages?after={latest}&wait=30s")
            server.waits_for("postern_poll_waiters", 1)
            stream = Stream(server, "/v1/topics/**/messages?since=latest")
            assert stream.event().name == "position"
            with disk.held():
                publisher = publishing(server, "t", b"news")
                disk.waits()
                assert is_quiet(publisher) and is_quiet(poll) and is_quiet(stream)
                assert api.messages("t") == []
                assert api.read("t", since="latest").json()["next"] == latest
            cursor = json.loads(publisher.reply().body)["cursor"]
            assert json.loads(poll.reply().body)["next"] == cursor
            assert stream.message()["cursor"] == cursor
            assert data(api.messages("t")) == ["news"]

    def test_old_messages_are_read_meanwhile(self, disk, directory):
        with on(disk, directory) as server:
            with disk.held():
                publishing(server)
                disk.waits()
                assert data(Api(server).messages("before")) == ["x"]
                assert Api(server).get("/readyz").status_code == 200

    def test_what_comes_meanwhile_is_one_write(self, disk, directory):
        with on(disk, directory) as server:
            with disk.held():
                first = publishing(server)
                disk.waits()
                before = disk.synchronized
                others = [publishing(server) for _ in range(50)]
                server.waits_for("postern_connections", 52)
                assert is_quiet(others[-1])
            assert {connection.reply().status for connection in [first, *others]} == {201}
            # The one that was held, one for what came meanwhile, and one for a straggler; upkeep may want one more.
            assert disk.synchronized - before <= 4

    @pytest.mark.parametrize("mode", ["interval=1h", "memory"])
    def test_other_modes_do_not_wait(self, disk, directory, mode):
        with on(disk, directory, "--durability", mode) as server, disk.held():
            assert publishing(server).reply().status == 201
            assert data(Api(server).messages("t")) == ["x"]

    def test_an_interval_is_kept(self, disk, directory):
        with on(disk, directory, "--durability", "interval=50ms") as server:
            eventually(lambda: is_settled(disk), what="what came before is on disk")
            before = disk.synchronized
            assert publishing(server).reply().status == 201
            eventually(lambda: disk.synchronized > before, timeout=2, what="fdatasync")

    def test_what_a_client_sent_that_leaves_is_stored(self, disk, directory):
        with on(disk, directory) as server:
            with disk.held():
                connections = [publishing(server) for _ in range(20)]
                disk.waits()
                server.waits_for("postern_connections", 21)
                for number, connection in enumerate(connections):
                    connection.reset() if number % 2 else connection.close()
                # Who only closed its side may still listen.
                server.waits_for("postern_connections", 11)
            eventually(lambda: len(Api(server).messages("t")) == 20, what="what was sent is stored")
            eventually(lambda: server.metric("postern_connections") <= 2, what="their connections are gone")
            server.gets_all_arenas_back()


def is_settled(disk):
    before = disk.synchronized
    return not select.select([], [], [], 0.2)[0] and disk.synchronized == before


class TestTheEnd:
    def test_a_drain_waits_for_the_disk(self, disk, directory):
        with on(disk, directory) as server:
            with disk.held():
                connections = [publishing(server, data=str(number).encode()) for number in range(20)]
                disk.waits()
                server.waits_for("postern_connections", 21)
                assert is_quiet(connections[-1])
                server.process.send_signal(signal.SIGTERM)
                until_refused(server)
                assert all(not connection.held for connection in connections)
            replies = [connection.reply() for connection in connections]
            assert {reply.status for reply in replies} == {201}
            assert all(connection.is_closed_by_server() for connection in connections)
            cursors = {json.loads(reply.body)["cursor"] for reply in replies}
            assert server.process.wait(5) == 0
        with on(None, directory) as server:
            assert {message["cursor"] for message in Api(server).messages("t")} == cursors

    def test_a_kill_before_it_is_on_disk_leaves_it_to_the_publisher(self, disk, directory):
        """Nobody was told. The key sees to it that there is one, whether or not the message was saved."""
        with on(disk, directory) as server:
            with disk.held():
                connection = publishing(server, "t", b"x", "Idempotency-Key: k")
                disk.waits()
                assert is_quiet(connection)
                server.kill()
        with on(None, directory) as server:
            api = Api(server)
            was_there = len(api.messages("t"))
            again = api.publish("t", "x", Idempotency_Key="k")
            assert again.status_code == (200 if was_there else 201)
            assert data(api.messages("t")) == ["x"]


@pytest.mark.parametrize("call", ["fdatasync", "pwrite"])
class TestWhenItFails:
    def fail(self, disk, call, number=errno.EIO):
        disk.fails_to_synchronize(number) if call == "fdatasync" else disk.fails_to_write(number)

    def check_refusal(self, reply):
        assert reply.status_code == 503, reply.text
        assert reply.json()["code"] == "storage_failed"
        assert reply.headers["Content-Type"] == "application/problem+json"

    def test_publishes_are_refused_from_then_on(self, disk, directory, call):
        """The kernel may have let the pages go; an fdatasync that goes well afterwards would vouch for nothing."""
        with on(disk, directory) as server:
            api = Api(server)
            self.fail(disk, call)
            self.check_refusal(api.publish("t", "refused"))
            self.fail(disk, call, 0)
            self.check_refusal(api.publish("t", "refused"))
            self.check_refusal(api.batch({"topic": "t", "data": 1}, {"topic": "u", "data": 1}))
            self.check_refusal(api.request("PUT", "/v1/topics/t", json={}))
            self.check_refusal(api.request("DELETE", "/v1/topics/before"))
            assert server.metric("postern_storage_failed") == 1
            assert "the disk failed" in server.standard_error()

    def test_everybody_who_waits_is_told(self, disk, directory, call):
        with on(disk, directory) as server:
            with disk.held():
                # The first is written; the others wait behind it.
                first = publishing(server)
                disk.waits()
                others = [publishing(server) for _ in range(20)]
                server.waits_for("postern_connections", 22)
                assert is_quiet(others[-1])
                self.fail(disk, call)
            statuses = [connection.reply().status for connection in [first, *others]]
            assert statuses[0] == (503 if call == "fdatasync" else 201)
            assert set(statuses[1:]) == {503}
            assert len(Api(server).messages("t")) == statuses.count(201)
            server.gets_all_arenas_back()

    def test_what_is_there_can_be_read(self, disk, directory, call):
        with on(disk, directory) as server:
            api = Api(server)
            cursor = api.publish("t", "stored").json()["cursor"]
            stream = Stream(server, "/v1/topics/**/messages?since=latest")
            assert stream.event().name == "position"
            poll = server.connect().get(f"/v1/topics/t/messages?after={cursor}&wait=500ms")
            server.waits_for("postern_poll_waiters", 1)
            self.fail(disk, call)
            self.check_refusal(api.publish("t", "refused"))
            assert data(api.messages("t")) == ["stored"]
            assert json.loads(poll.reply().body) == {"messages": [], "next": cursor}, "nothing is shown that is not stored"
            assert is_quiet(stream)
            assert api.get("/livez").status_code == 200

    def test_a_start_goes_on(self, disk, directory, call):
        with on(disk, directory) as server:
            api = Api(server)
            first = api.publish("t", "stored", Idempotency_Key="a").json()["cursor"]
            self.fail(disk, call)
            assert api.publish("t", "refused", Idempotency_Key="b").status_code == 503
            server.terminate()
        with on(None, directory) as server:
            api = Api(server)
            assert data(api.messages("t"))[:1] == ["stored"]
            assert api.publish("t", "stored", Idempotency_Key="a").status_code == 200
            was_there = len(api.messages("t")) == 2
            assert api.publish("t", "refused", Idempotency_Key="b").status_code == (200 if was_there else 201)
            assert data(api.messages("t")) == ["stored", "refused"]
            assert api.messages("t")[1]["cursor"] > first


@pytest.mark.parametrize("mode", ["interval=20ms", "memory"])
def test_other_modes_tell_of_a_failed_disk_too(disk, directory, mode):
    with on(disk, directory, "--durability", mode) as server:
        api = Api(server)
        disk.fails_to_write(errno.EIO)
        eventually(lambda: api.publish("t", "x").status_code == 503, what="the disk's failure is told")
        assert api.publish("t", "x").json()["code"] == "storage_failed"
        assert data(api.messages("before")) == ["x"]


def test_room_that_runs_out_in_the_middle_of_a_write_passes(disk, directory):
    """A file system that promised the room and has it no more, as one that copies on write does."""
    with on(disk, directory) as server:
        api = Api(server)
        stored = [api.publish("t", str(number), Idempotency_Key=f"k{number}").json()["cursor"] for number in range(3)]
        disk.fails_to_write(errno.ENOSPC)
        refused = api.publish("t", "3", Idempotency_Key="k3")
        assert (refused.status_code, refused.json()["code"]) == (507, "storage_full")
        assert [message["cursor"] for message in api.messages("t")] == stored
        disk.fails_to_write(0)
        again = eventually(
            lambda: (reply := api.publish("t", "3", Idempotency_Key="k3")).status_code != 507 and reply,
            timeout=4,
            what="publishing goes on",
        )
        assert again.status_code == 201, "a refused key was not used up"
        stored.append(again.json()["cursor"])
        server.kill()
    with on(None, directory) as server:
        assert [message["cursor"] for message in Api(server).messages("t")] == stored
