"""Whatever byte of a closed log changes: no wrong message is served, none twice, and what is missing is told."""

import contextlib
import os
import random
import shutil
import struct
import subprocess

import pytest

from client import BINARY, Api, Stream, environment, serving

SEEDS = range(int(os.environ.get("ROUNDS", "30")))
TOPICS = ["d.a", "d.b", "d.c"]
FLAGS = ["--loops", "1", "--retention-bytes", "16MiB"]  # segments of 1 MiB
RECORD_BYTES = 64
PAGES = 50  # a reader that is not done by then is led round in circles


def on_disk(directory):
    return serving("--data-dir", str(directory), *FLAGS)


def sequence(cursor):
    return int(cursor[-13:], 32)


class ClosedLog:
    """A log of a few segments that a server ended with in order, and what it acknowledged."""

    def __init__(self, directory):
        self.directory, choose = directory, random.Random(1)
        self.messages = []
        with on_disk(directory) as server:
            api = Api(server)
            for batch in range(60):
                envelopes = [
                    {"topic": choose.choice(TOPICS), "data": f"{batch}-{number}-" + "x" * choose.randrange(1500)}
                    for number in range(50)
                ]
                receipts = api.batch(*envelopes).json()["messages"]
                self.messages += [
                    (receipt["cursor"], envelope["topic"], envelope["data"])
                    for receipt, envelope in zip(receipts, envelopes)
                ]
            api.session.close()
            assert server.terminate() == 0

    def of(self, topic):
        return [message for message in self.messages if message[1] == topic]


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return ClosedLog(tmp_path_factory.mktemp("closed"))


@pytest.fixture
def log(original, tmp_path):
    """A copy to spoil."""
    shutil.copytree(original.directory, tmp_path / "log")
    return tmp_path / "log"


def segments(directory):
    return sorted(directory.glob("*.segment"))


def follow(api, selection, position=None):
    """Reads to the end as a client does that goes on over gaps. Returns the messages and the gaps."""
    found, gaps = [], []
    position = position or {"since": "earliest"}
    for _ in range(PAGES):
        reply = api.read(selection, limit=1000, gap="skip", **position)
        assert reply.status_code == 200, reply.text
        page = reply.json()
        gaps += [page["gap"]] if "gap" in page else []
        if not page["messages"] and "gap" not in page:
            return found, gaps
        found += [(message["cursor"], message["topic"], message["data"]) for message in page["messages"]]
        position = {"after": page["next"]}
    raise AssertionError(f"{selection}: no end after {len(found)} messages; gaps {gaps[:4]}")


def check_reader(api, selection, published):
    """What is served is what was published; what is missing lies in a gap. Returns how many are missing."""
    found, gaps = follow(api, selection)
    assert set(found) <= set(published), "something is served that nobody published"
    assert found == sorted(set(found)), "out of order, or twice"
    missing = sorted(set(published) - set(found))
    told = [(gap["after"], gap["earliest"]) for gap in gaps]
    untold = [cursor for cursor, _, _ in missing if not any(after < cursor <= earliest for after, earliest in told)]
    # What was there before the oldest may have been dropped: a first read is not told.
    untold = [cursor for cursor in untold if found and cursor > found[0][0]]
    assert not untold, f"{selection}: {len(untold)} missing, of {told} told"
    return len(missing)


def check_strict_reader(api, published):
    """Who does not skip is stopped before the first that is missing, and sent on behind it."""
    found, position = [], {"after": published[0][0]}
    for _ in range(PAGES):
        reply = api.read("d.**", limit=1000, **position)
        if reply.status_code == 410:
            problem = reply.json()
            assert problem["code"] == "cursor_gone"
            assert sequence(position["after"]) < sequence(problem["earliest"]) <= sequence(published[-1][0])
            position = {"after": problem["earliest"]}
            continue
        page = reply.json()
        if not page["messages"]:
            return found
        found += [(message["cursor"], message["topic"], message["data"]) for message in page["messages"]]
        position = {"after": page["next"]}
    raise AssertionError("no end")


def check_stream(server, count, expects_gap):
    with Stream(server, "/v1/topics/d.**/messages?since=earliest") as stream:
        messages, names = [], set()
        while len(messages) < count:
            event = stream.event()
            names.add(event.name)
            if event.name == "message":
                messages.append(event.id)
    assert messages == sorted(set(messages))
    assert ("gap" in names) == expects_gap


def change(path, choose):
    """Changes a byte somewhere, some bytes, a page, or writes a piece twice."""
    data = bytearray(path.read_bytes())
    kind = choose.choice(["bit", "bit", "bit", "bits", "page", "copy", "index"])
    if kind == "page":
        start = choose.randrange(len(data)) // 4096 * 4096
        data[start : start + 4096] = bytes(len(data[start : start + 4096]))
    elif kind == "copy":
        start = choose.randrange(len(data) - 8192) // 8 * 8
        data[start + 4096 : start + 8192] = data[start : start + 4096]
    else:
        for _ in range(8 if kind == "bits" else 1):
            place = len(data) - 1 - choose.randrange(20_000) if kind == "index" else choose.randrange(len(data))
            data[place] ^= 1 << choose.randrange(8)
    path.write_bytes(data)
    return kind


@pytest.mark.parametrize("seed", SEEDS)
def test_no_change_is_taken_for_a_message(original, log, seed):
    choose = random.Random(seed)
    change(choose.choice(segments(log)), choose)
    with on_disk(log) as server:
        api = Api(server)
        missing = check_reader(api, "d.**", original.messages)
        assert missing <= 20, "the rest stays readable"
        found, gaps = follow(api, "d.**")
        assert check_strict_reader(api, original.messages) == found[1:] or missing and not gaps
        # A gap behind the last message comes behind what is looked at.
        check_stream(server, len(found), expects_gap=any(gap["earliest"] < found[-1][0] for gap in gaps))
        for topic in TOPICS:
            check_reader(api, topic, original.of(topic))
        cursor = api.publish("d.a", "new").json()["cursor"]
        assert cursor > original.messages[-1][0]
        api.session.close()
        assert server.terminate() == 0
    with on_disk(log) as server:
        again, _ = follow(Api(server), "d.**")
        assert again == [*found, (cursor, "d.a", "new")], "another start sees the same"


class TestIndex:
    """The table of a topic's messages is damaged, and no message is."""

    def spoil(self, original, log, delta):
        """Changes the sequence number of the entry in the middle of a topic's table in the first segment."""
        path = segments(log)[0]
        data = bytearray(path.read_bytes())
        begin = int(path.name[:20])
        following = int(segments(log)[1].name[:20])
        there = [message for message in original.messages if sequence(message[0]) < following]
        mine = [sequence(cursor) - begin for cursor, topic, _ in there if topic == "d.c"]
        # The table of all messages: sequence numbers from the first on, each with its place.
        table = data.index(struct.pack("<II", 0, RECORD_BYTES))
        while [struct.unpack_from("<I", data, table + 8 * number)[0] for number in range(8)] != list(range(8)):
            table = data.index(struct.pack("<II", 0, RECORD_BYTES), table + 8)
        by_topic = table + 8 * len(there)
        entries = [struct.unpack_from("<I", data, by_topic + 8 * number)[0] for number in range(len(there))]
        struct.pack_into("<I", data, by_topic + 8 * entries.index(mine[len(mine) // 2]), delta)
        path.write_bytes(data)

    @pytest.mark.parametrize("delta", [0, 60_000, 0xFFFFFFFF], ids=["too small", "too large", "largest"])
    def test_readers_of_the_topic_miss_nothing_untold(self, original, log, delta):
        self.spoil(original, log, delta)
        published = original.of("d.c")
        with on_disk(log) as server:
            api = Api(server)
            check_reader(api, "d.c", published)
            reply = api.read("d.c", after=published[5][0], limit=5)
            first = [message["cursor"] for message in reply.json().get("messages", [])]
            assert reply.status_code == 410 or first == [message[0] for message in published[6:11]]

    @pytest.mark.parametrize("delta", [0, 60_000], ids=["too small", "too large"])
    def test_verify_finds_it_and_repair_mends_it(self, original, log, delta):
        self.spoil(original, log, delta)
        assert run("log", "verify", str(log)).returncode == 1
        assert run("log", "repair", str(log)).stdout.startswith("mended")
        assert run("log", "verify", str(log)).returncode == 0
        with on_disk(log) as server:
            assert follow(Api(server), "d.c") == (original.of("d.c"), [])


class TestFiles:
    """Whole pieces are missing, as after a file system's own repair."""

    def check_told(self, original, log):
        with on_disk(log) as server:
            api = Api(server)
            assert check_reader(api, "d.**", original.messages) > 0
            found, _ = follow(api, "d.**")
            assert check_strict_reader(api, original.messages) == found[1:]
            check_stream(server, len(found), expects_gap=True)

    def test_a_segment_that_is_cut_short_is_told_of(self, original, log):
        first = segments(log)[0]
        data = first.read_bytes()
        # In the middle of the record of a message that is not the last of its append.
        lost = 425
        cut = data.index(original.messages[lost][2].split("-x")[0].encode() + b"-x")
        first.write_bytes(data[: cut + 2])
        self.check_told(original, log)

    def test_a_segment_that_is_gone_is_told_of(self, original, log):
        segments(log)[1].unlink()
        self.check_told(original, log)

    def test_an_oldest_segment_that_is_gone_is_told_of(self, original, log):
        first, second = segments(log)[:2]
        first.unlink()
        with on_disk(log) as server:
            api = Api(server)
            assert api.read("d.**", after=original.messages[0][0]).status_code == 410
            found, _ = follow(api, "d.**")
            assert found == original.messages[int(second.name[:20]) - 1 :]


def run(*arguments):
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, env=environment(), timeout=60)


class TestTornTails:
    """What a crash may leave behind the last message; nobody was told of it."""

    @pytest.fixture
    def killed(self, tmp_path):
        directory = tmp_path / "killed"
        directory.mkdir()
        with on_disk(directory) as server:
            api = Api(server)
            self.cursors = [api.publish("d.t", f"message {number} " + "x" * 300).json()["cursor"] for number in range(20)]
            server.kill()
        [path] = segments(directory)
        self.end = path.read_bytes().rindex(b"x" * 300) + 300
        return path

    def check(self, path, count):
        with on_disk(path.parent) as server:
            api = Api(server)
            assert [message["cursor"] for message in api.messages("d.t")] == self.cursors[:count]
            cursor = api.publish("d.t", "next").json()["cursor"]
            assert cursor > self.cursors[count - 1]
            server.kill()
        with on_disk(path.parent) as server:
            found = [message["cursor"] for message in Api(server).messages("d.t")]
            assert found == [*self.cursors[:count], cursor]

    @pytest.mark.parametrize("seed", range(4))
    def test_noise_is_cut_off(self, killed, seed):
        data = bytearray(killed.read_bytes())
        noise = random.Random(seed).randbytes(5000)
        start = (self.end + 200) // 8 * 8
        data[start : start + len(noise)] = noise
        killed.write_bytes(data)
        self.check(killed, 20)

    def test_so_is_what_stands_behind_the_room_of_the_file(self, killed):
        with killed.open("ab") as file:
            file.write(random.Random(1).randbytes(3000))
        self.check(killed, 20)

    def test_half_a_message_is_cut_off(self, killed):
        with contextlib.closing(killed.open("r+b")) as file:
            file.truncate(self.end - 100)
        self.check(killed, 19)

    def test_an_empty_file_holds_nothing(self, killed):
        """A crash between the making of a file and its first write."""
        (killed.parent / f"{21:020}-0000.segment").write_bytes(b"")
        self.check(killed, 20)

    def test_files_that_were_being_made_are_made_anew(self, killed):
        (killed.parent / "spare").write_bytes(b"half")
        self.check(killed, 20)
