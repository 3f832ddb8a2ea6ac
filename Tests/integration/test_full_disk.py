"""A full disk: publishes are told 507, reads go on, and publishing goes on by itself once there is room."""

import contextlib
import json
import os
import subprocess
import time

import pytest

from client import Api, Stream, eventually, serving

DISK = 32 << 20
BALLAST = 4 << 20
PIECES = 3
SIZE = 20_000
RESUMES = 5  # seconds; a full disk is looked at once a second
PROBED = 1.2  # seconds, by when it was looked at
BIG = ["--retention-bytes", "1GiB"]


def tmpfs(directory, _):
    return subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", directory], capture_output=True, text=True)


def ext4(directory, image):
    """A file system with blocks of its own, which it takes for its own books too."""
    with image.open("wb") as file:
        file.truncate(DISK)
    made = subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], capture_output=True, text=True)
    if made.returncode != 0:
        return made
    return subprocess.run(["mount", "-o", "loop", image, directory], capture_output=True, text=True)


on_both = pytest.mark.parametrize("small_disk", [tmpfs, ext4], indirect=True)


@pytest.fixture
def small_disk(request, tmp_path):
    """A file system of 32 MiB with files on it that can be taken away."""
    if os.geteuid() != 0:
        pytest.skip("mounting a file system wants root")
    directory = tmp_path / "disk"
    directory.mkdir()
    kind = getattr(request, "param", tmpfs)
    mounted = kind(directory, tmp_path / "image")
    if mounted.returncode != 0:
        pytest.skip(f"this machine mounts no {kind.__name__}: {mounted.stderr.strip()}")
    for number in range(PIECES):
        (directory / f"ballast-{number}").write_bytes(bytes(BALLAST))
    (directory / "log").mkdir()
    yield directory
    subprocess.run(["umount", "-l", directory], check=True)


def make_room(disk, number=0):
    (disk / f"ballast-{number}").unlink()


def on(disk, *flags):
    return serving("--data-dir", str(disk / "log"), *(flags or BIG))


def fill(api):
    """Publishes, a third of it in batches, until the disk is full. Returns what was acknowledged, and the refusal."""
    stored = []
    for number in range(2000):
        envelopes = [{"topic": "full", "data": f"{number}.{index} " + "x" * SIZE} for index in range(3)]
        reply = api.batch(*envelopes) if number % 7 == 0 else api.publish("full", envelopes[0]["data"])
        if reply.status_code != 201:
            return stored, reply
        receipts = reply.json().get("messages", [reply.json()])
        stored += [(receipt["cursor"], envelope["data"]) for receipt, envelope in zip(receipts, envelopes)]
    raise AssertionError("the disk is not full")


def fill_for_good(api):
    """Fills the disk until it stays full: a file system may give back what it freed only when its journal is written."""
    stored, refusal = fill(api)
    while True:
        os.sync()
        time.sleep(PROBED)
        more, refusal = fill(api)
        if not more:
            return stored, refusal
        stored += more


def read_all(api, topic="full"):
    found, position = [], {}
    while True:
        page = api.read(topic, limit=100, **position).json()
        if not page["messages"]:
            return found
        found += [(message["cursor"], message["data"]) for message in page["messages"]]
        position = {"after": page["next"]}


def check_refusal(reply):
    assert reply.status_code == 507, reply.text
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert reply.json()["code"] == "storage_full" and reply.json()["status"] == 507
    assert int(reply.headers["Retry-After"]) > 0


def resumed(api, data="again", **headers):
    """The first publish that is taken once there is room."""

    def taken():
        reply = api.publish("full", data, **headers)
        return reply if reply.status_code != 507 else None

    reply = eventually(taken, timeout=RESUMES, what="publishing goes on")
    assert reply.status_code == 201, reply.text
    return (reply.json()["cursor"], data)


@on_both
def test_publishes_are_refused_and_nothing_is_half_stored(small_disk):
    with on(small_disk) as server:
        api = Api(server)
        stored, refusal = fill_for_good(api)
        check_refusal(refusal)
        check_refusal(api.publish("full", "small"))
        check_refusal(api.batch({"topic": "full", "data": 1}, {"topic": "other", "data": 2}))
        check_refusal(api.request("PUT", "/v1/topics/full", json={}))
        assert read_all(api) == stored and read_all(api, "other") == []
        listed = {topic["topic"]: topic["messages"] for topic in api.get("/v1/topics").json()["topics"]}
        assert listed.get("full") == len(stored) and not listed.get("other")
        assert server.metric("postern_storage_full") == 1
        assert server.metric("postern_messages_published_total") == len(stored)
        assert "the disk is full" in server.standard_error()


def test_it_stays_ready_for_readers(small_disk):
    with on(small_disk) as server:
        api = Api(server)
        stored, _ = fill(api)
        assert api.get("/readyz").status_code == 200
        assert [cursor for cursor, _ in read_all(api)] == [cursor for cursor, _ in stored]
        reply = api.read("full", after=stored[-1][0], wait="200ms")
        assert reply.json() == {"messages": [], "next": stored[-1][0]}
        with Stream(server, f"/v1/topics/full/messages?after={stored[-3][0]}") as stream:
            assert [message["cursor"] for message in stream.messages(2)] == [cursor for cursor, _ in stored[-2:]]


def test_publishing_goes_on_by_itself(small_disk):
    with on(small_disk) as server:
        api = Api(server)
        stored, _ = fill(api)
        poll = server.connect().get(f"/v1/topics/full/messages?after={stored[-1][0]}&wait=30s")
        server.waits_for("postern_poll_waiters", 1)
        stream = Stream(server, "/v1/topics/full/messages?since=latest")
        make_room(small_disk)
        stored.append(resumed(api))
        assert json.loads(poll.reply().body)["messages"][0]["data"] == "again", "who waited is served"
        assert stream.message()["cursor"] == stored[-1][0]
        assert server.metric("postern_storage_full") == 0
        assert "has room again" in server.standard_error()
        assert read_all(api) == stored
        server.kill()
    with on(small_disk) as server:
        assert read_all(Api(server)) == stored, "what was refused is not there, and what was stored is"


@on_both
@pytest.mark.parametrize("how", ["ended", "killed"])
def test_a_start_on_a_full_disk_serves_what_is_there(small_disk, how):
    with on(small_disk) as server:
        api = Api(server)
        stored, _ = fill(api)
        api.session.close()
        server.kill() if how == "killed" else server.terminate()
    take_the_rest(small_disk)
    with on(small_disk) as server:
        api = Api(server)
        assert read_all(api) == stored
        # What the start gained by cutting files to what is in them may be room for a little.
        more, refusal = fill(api)
        check_refusal(refusal)
        stored += more
        (small_disk / "rest").unlink(missing_ok=True)
        make_room(small_disk)
        stored.append(resumed(api))
        assert read_all(api) == stored
        server.kill()
    with on(small_disk) as server:
        assert read_all(Api(server)) == stored


def take_the_rest(disk):
    """Writes until there is no room at all."""
    with contextlib.suppress(OSError), (disk / "rest").open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass


def test_a_key_that_was_refused_is_not_used_up(small_disk):
    with on(small_disk) as server:
        api = Api(server)
        fill(api)
        check_refusal(api.publish("full", "keyed", Idempotency_Key="k"))
        make_room(small_disk)
        cursor, _ = resumed(api, "keyed", Idempotency_Key="k")
        again = api.publish("full", "keyed", Idempotency_Key="k")
        assert (again.status_code, again.json()["cursor"]) == (200, cursor)


def test_it_fills_and_empties_again_and_again(small_disk):
    stored = []
    with on(small_disk) as server:
        api = Api(server)
        for round_ in range(PIECES):
            more, refusal = fill(api)
            check_refusal(refusal)
            stored += more
            make_room(small_disk, round_)
            stored.append(resumed(api, f"round {round_}"))
        assert read_all(api) == stored
        server.kill()
    with on(small_disk) as server:
        assert read_all(Api(server)) == stored


@pytest.mark.parametrize("mode", ["interval=20ms", "memory"])
def test_other_modes_refuse_too(small_disk, mode):
    """They acknowledge before the disk is asked: what they took meanwhile is kept for when there is room."""
    with on(small_disk, *BIG, "--durability", mode) as server:
        api = Api(server)
        stored, refusal = fill(api)
        check_refusal(refusal)
        assert read_all(api) == stored
        make_room(small_disk)
        stored.append(resumed(api))
        assert read_all(api) == stored
        api.session.close()
        assert server.terminate() == 0
    # Another start, with nothing free at all.
    (small_disk / "rest").write_bytes(b"")
    with contextlib.suppress(OSError), (small_disk / "rest").open("wb", buffering=0) as rest:
        while True:
            rest.write(bytes(4096))
    with on(small_disk, *BIG, "--durability", mode) as server:
        api = Api(server)
        assert read_all(api) == stored
        reply = api.publish("full", "x")
        assert (reply.status_code, reply.json()["code"]) == (507, "storage_full")
        make_room(small_disk, 1)
        eventually(lambda: api.publish("full", "x").status_code == 201, timeout=RESUMES)


@on_both
def test_a_log_that_drops_old_messages_never_fills_its_disk(small_disk):
    """Where the bound, a segment and a little more fit, the disk has room for ever."""
    bound, segment = 16 << 20, 1 << 20
    room = os.statvfs(small_disk)
    free = room.f_bavail * room.f_frsize
    for number in range(PIECES):
        free += (small_disk / f"ballast-{number}").stat().st_size
        make_room(small_disk, number)
    # One segment that is written to, one that is made ready, four that wait for their index, and two that go.
    (small_disk / "filler").write_bytes(bytes(free - bound - 8 * segment))
    with on(small_disk, "--retention-bytes", "16MiB") as server:
        api = Api(server)
        for number in range(400):
            lines = "\n".join(json.dumps({"topic": "r", "data": f"{number} " + "x" * SIZE}) for _ in range(8))
            reply = api.request("POST", "/v1/messages", data=lines, headers={"Content-Type": "application/x-ndjson"})
            # Who publishes faster than indexes are written is told so; what may not happen is that the disk is full.
            assert reply.status_code == 201 or reply.json()["code"] == "overloaded", f"after {number}: {reply.text}"
        assert server.metric("postern_storage_full") == 0


@on_both
def test_a_log_becomes_readable_again_where_the_file_system_was_read_only(small_disk):
    """A directory that cannot be written is refused, in words; nothing of it changes."""
    with on(small_disk) as server:
        api = Api(server)
        cursor = api.publish("full", "x").json()["cursor"]
        api.session.close()
        assert server.terminate() == 0
    remounted = subprocess.run(["mount", "-o", "remount,ro", small_disk], capture_output=True, text=True)
    if remounted.returncode != 0:
        pytest.skip(f"this file system is not mounted anew: {remounted.stderr.strip()}")
    with pytest.raises(AssertionError, match="first line ''.*postern: "):
        with on(small_disk):
            pass
    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    with on(small_disk) as server:
        assert read_all(Api(server)) == [(cursor, "x")]
