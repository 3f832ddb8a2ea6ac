"""A server that ends badly under load, is started again and asked for everything it acknowledged, round after round.

    POSTERN_BINARY=… python crash_rounds.py ROUNDS [SEED]

The rounds are shared out among four directories: the process is killed, or the machine loses power with it; the log has
room for everything, or its segments come and go. A round that fails names its seed and leaves the directory.
"""

import http.client
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import namedtuple
from dataclasses import dataclass, field
from pathlib import Path

from client import BINARY, Server, Stream, environment
from disk import Disk, build

TOPICS = ["crash.a", "crash.b", "crash.c.d"]
PUBLISHERS = 4
BATCH = 10
LIMIT = 1000
ROOMY = ["--retention-bytes", "4GiB"]
ROLLING = ["--retention-bytes", "16MiB"]
JOURNAL_BYTES = 128 << 20
SYNC_MICROSECONDS = 2000


@dataclass
class Account:
    """What one publisher knows: all it sent, in order; what was acknowledged; what it never heard of."""

    appends: list = field(default_factory=list)
    sent: dict = field(default_factory=dict)
    receipts: dict = field(default_factory=dict)

    @property
    def in_doubt(self):
        return [key for key in self.sent if key not in self.receipts]


class Client(threading.Thread):
    """A thread that speaks to the server until the server is gone. What it finds wrong fails the round."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.failure = server, None

    def run(self):
        try:
            self.work()
        except (OSError, EOFError, http.client.HTTPException):
            pass
        except Exception as error:
            self.failure = error

    def finish(self):
        self.join(30)
        assert not self.is_alive(), "a client hangs on a dead server"
        if self.failure:
            raise self.failure


class Publisher(Client):
    """Publishes numbered messages, alone and in batches of lines, all with idempotency keys."""

    def __init__(self, server, name, choose):
        super().__init__(server)
        self.name, self.choose, self.account = name, choose, Account()

    def work(self):
        connection, number = connect(self.server), 0
        while True:
            count = BATCH if self.choose.random() < 0.3 else 1
            envelopes = [self.envelope(number + index) for index in range(count)]
            number += count
            self.account.appends.append([envelope["id"] for envelope in envelopes])
            self.account.sent.update({envelope["id"]: envelope for envelope in envelopes})
            status, receipts = publish(connection, envelopes)
            assert status == 201, (status, receipts)
            self.account.receipts.update({receipt["id"]: receipt for receipt in receipts})

    def envelope(self, number):
        length = self.choose.choice([0, 20, 200, 200, 8000])
        data = f"{self.name}-{number}." + "x" * self.choose.randint(0, length)
        return {"topic": self.choose.choice(TOPICS), "id": f"{self.name}-{number}", "data": data}


class Follower(Client):
    """Reads what comes, by stream or by long poll, from a cursor that outlives the server."""

    def __init__(self, server, position, streams, **parameters):
        super().__init__(server)
        self.position, self.streams, self.parameters, self.seen = position, streams, parameters, []

    def work(self):
        if self.streams:
            stream = Stream(self.server, "/v1/topics/crash.**/messages", f"Last-Event-ID: {self.position}")
            while True:
                self.take(stream.message())
        connection = connect(self.server)
        while True:
            status, page = get(connection, "crash.**", after=self.position, wait="5s", limit=LIMIT, **self.parameters)
            assert status == 200, page
            for message in page["messages"]:
                self.take(message)

    def take(self, message):
        self.seen.append(message)
        self.position = message["cursor"]


def connect(server):
    return http.client.HTTPConnection(server.host, server.port, timeout=30)


def call(connection, method, path, body=None, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, headers)
    reply = connection.getresponse()
    return reply.status, json.loads(reply.read())


def publish(connection, envelopes):
    """One message by its topic's path, more of them as lines. Returns the status and the receipts."""
    if len(envelopes) == 1:
        [envelope] = envelopes
        path = f"/v1/topics/{envelope['topic']}/messages"
        status, receipt = call(connection, "POST", path, envelope["data"], Idempotency_Key=envelope["id"])
        return status, [receipt]
    lines = "\n".join(json.dumps(envelope) for envelope in envelopes)
    status, reply = call(connection, "POST", "/v1/messages", lines, Content_Type="application/x-ndjson")
    return status, reply.get("messages", reply)


Kept = namedtuple("Kept", "cursor id digest")


def kept(message):
    """What is remembered of a message until the end; the log itself is larger than memory."""
    return Kept(message["cursor"], message["id"], hash((message["topic"], message["data"])))


def get(connection, selection, **parameters):
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    return call(connection, "GET", f"/v1/topics/{selection}/messages?{query}")


def read_all(server, after=None, makes_room=False, **parameters):
    """All messages behind a cursor, in order, page by page; anew where what made room did so behind the first page."""
    connection = connect(server)
    for _ in range(20):
        found = read_on(connection, after, makes_room, parameters)
        if found is not None:
            connection.close()
            return found
    raise AssertionError("the log never comes to rest")


def read_on(connection, after, makes_room, parameters):
    """All messages behind a cursor; None where some behind the first page were dropped before they were read."""
    position = {"after": after} if after else {"since": "earliest"}
    found = []
    while True:
        skips = parameters if not (makes_room and found) else {}
        status, page = get(connection, "crash.**", limit=LIMIT, **position, **skips)
        if status == 410 and makes_room and found:
            return None
        assert status == 200, page
        if not page["messages"]:
            return found
        found += page["messages"]
        position = {"after": page["next"]}


class Rounds:
    """Rounds over one directory; what was acknowledged in one is asked for in all that follow.

    `keeps_all` is said of a log that has room for everything, `keeps_acknowledged` of one that acknowledges what is on
    disk. With a `hook` the machine loses power, not the process only.
    """

    def __init__(self, directory, seed, *flags, hook=None, keeps_acknowledged=True):
        self.directory, self.seed, self.flags, self.hook = Path(directory), seed, flags or ROOMY, hook
        self.keeps_all = list(self.flags) != ROLLING
        self.keeps_acknowledged, self.keeps_batches = keeps_acknowledged, True
        self.stored, self.given, self.seen = {}, {}, []
        self.checked_through, self.repeated = None, ""
        self.undone = 0
        self.log = self.directory / "log"
        self.log.mkdir()
        self.start()
        self.position = self.origin()

    @property
    def lossy(self):
        """What a reader says that expects to miss some."""
        return {} if self.keeps_all and self.keeps_acknowledged else {"gap": "skip"}

    def read_all(self, after=None):
        return read_all(self.server, after, not self.keeps_all, **self.lossy)

    def origin(self):
        """Where the followers begin."""
        connection = connect(self.server)
        status, page = get(connection, "crash.**", since="latest")
        assert status == 200, page
        return page["next"]

    def options(self):
        return ["--loops", "2", "--data-dir", str(self.log), *self.flags]

    def new_disk(self):
        if not self.hook:
            return {}
        self.disk = Disk(self.hook, self.directory / "hook", JOURNAL_BYTES)
        self.disk.takes(SYNC_MICROSECONDS)
        return self.disk.env

    def start(self):
        self.server = Server(*self.options(), env=self.new_disk())

    def start_in_vain(self, choose):
        """A start that is cut short itself."""
        process = subprocess.Popen(
            [BINARY, "serve", "--listen", "127.0.0.1:0", *self.options()],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment(**self.new_disk()),
        )
        time.sleep(choose.uniform(0, 0.04))
        process.kill()
        process.wait()
        self.lose_power(choose)

    def lose_power(self, choose):
        if self.hook:
            self.undone += self.disk.lose_power(self.log, choose)

    def run(self, number):
        """Load, a bad end, a start, and a look at everything."""
        choose = random.Random(f"{self.seed}-{number}")
        try:
            publishers = [
                Publisher(self.server, f"{number}-{index}", random.Random(choose.random()))
                for index in range(PUBLISHERS)
            ]
            streams = choose.random() < 0.5 and not self.lossy
            follower = Follower(self.server, self.position, streams, **self.lossy)
            clients = [*publishers, follower]
            for client in clients:
                client.start()
            time.sleep(choose.uniform(0.05, 0.5))
            self.server.kill()
            for client in clients:
                client.finish()
            self.lose_power(choose)
            if choose.random() < 0.25:
                self.start_in_vain(choose)
            self.start()
            self.check([publisher.account for publisher in publishers], follower.seen)
        except Exception as error:
            raise AssertionError(f"round {number}, seed {self.seed}, directory {self.directory}: {error!r}") from error

    def check(self, accounts, seen):
        found = self.read_all(self.checked_through)
        cursors = [message["cursor"] for message in found]
        assert cursors == sorted(set(cursors)), "out of order, or twice"
        there = {message["id"]: message for message in found}
        assert len(there) == len(found), "a message is there twice"
        sent = {key: envelope for account in accounts for key, envelope in account.sent.items()}
        assert there.keys() <= sent.keys(), "a message is there that this round did not publish"
        for key, message in there.items():
            assert {name: message[name] for name in sent[key]} == sent[key], f"{key} changed"
        # What is older than the oldest made room.
        since = "" if self.keeps_all else min(cursors, default="")
        for account in accounts:
            self.check_acknowledged(account, there, since)
            if self.keeps_batches:
                self.check_appends(account, there, since)
            numbers = [int(key.rsplit("-", 1)[1]) for key in there if key in account.sent]
            assert numbers == sorted(numbers), "a publisher's messages changed places"
        self.check_seen(seen, there, since)
        self.check_cursors(accounts, there, seen)
        self.stored.update({key: kept(message) for key, message in there.items()})
        for account in accounts:
            self.retry(account, there)
        if found or self.repeated:
            self.checked_through = max([*cursors, self.repeated, self.checked_through or ""])

    def check_acknowledged(self, account, there, since):
        for key, receipt in account.receipts.items():
            if key in there:
                assert there[key]["cursor"] == receipt["cursor"], f"{key} has another cursor"
                assert there[key]["time"] == receipt["time"], f"{key} has another time"
            elif self.keeps_acknowledged:
                assert receipt["cursor"] < since, f"{key} was acknowledged and is not there"

    def check_appends(self, account, there, since):
        for keys in account.appends:
            count = sum(key in there for key in keys)
            makes_room = bool(since) and any(there[key]["cursor"] == since for key in keys if key in there)
            assert count in (0, len(keys)) or makes_room, f"of the batch of {keys[0]} {count} are there"

    def check_seen(self, seen, there, since):
        """Nobody was shown what did not last."""
        if self.keeps_acknowledged:
            for message in seen:
                if message["cursor"] >= since and message["cursor"] > (self.checked_through or ""):
                    assert there.get(message["id"]) == message, f"{message['id']} was read and is not there"
        self.seen += map(kept, seen)
        if seen:
            self.position = seen[-1]["cursor"]

    def check_cursors(self, accounts, there, seen):
        """A cursor never comes to mean another message, not even where messages may be lost."""
        told = [(receipt["cursor"], key) for account in accounts for key, receipt in account.receipts.items()]
        told += [(message["cursor"], message["id"]) for message in [*there.values(), *seen]]
        for cursor, key in told:
            assert self.given.setdefault(cursor, key) == key, f"{cursor} was {self.given[cursor]} and is {key}"

    def retry(self, account, there):
        """What a publisher never heard of it publishes again; the key sees to it that it is stored once."""
        connection = connect(self.server)
        for key in account.in_doubt:
            status, [receipt] = publish(connection, [account.sent[key]])
            is_there = key in there
            assert status == (200 if is_there else 201), f"{key} was {'there' if is_there else 'lost'}, now {status}"
            assert not is_there or receipt["cursor"] == there[key]["cursor"], receipt
            self.repeated = max(self.repeated, receipt["cursor"])
            if self.keeps_acknowledged or is_there:
                self.stored[key] = kept(account.sent[key] | receipt)
            assert self.given.setdefault(receipt["cursor"], key) == key, f"{receipt['cursor']} is {key} now"
        connection.close()

    def finish(self):
        """One look at the whole log, an orderly end, and another look."""
        found = [kept(message) for message in self.read_all()]
        self.check_all(found)
        status = self.server.terminate()
        assert status == 0, self.server.standard_error()
        self.start()
        again = [kept(message) for message in self.read_all()]
        # What makes room does so at any time, and what made room may be there again after a start.
        since = "" if self.keeps_all else max(found[0].cursor, again[0].cursor)
        assert [message for message in again if message.cursor >= since] == [
            message for message in found if message.cursor >= since
        ], "an orderly end changed the log"

    def check_all(self, found):
        there = {message.id: message for message in found}
        assert len(there) == len(found), "a message is there twice"
        since = "" if self.keeps_all else min((message.cursor for message in found), default="")
        for key, message in self.stored.items():
            assert there.get(key) == message or message.cursor < since, f"{key} is gone"
        if self.keeps_all and self.keeps_acknowledged and self.seen:
            last = self.seen[-1].cursor
            assert self.seen == [message for message in found if message.cursor <= last], "a follower missed some"


def torture(count, seed):
    """Rounds of all kinds; tells now and then how far it is."""
    root = Path(tempfile.mkdtemp(prefix="postern-torture-"))
    hook = build(root)
    kinds = {
        "killed": (ROOMY, None),
        "killed, rolling": (ROLLING, None),
        "power lost": (ROOMY, hook),
        "power lost, rolling": (ROLLING, hook),
    }
    print(f"{count} rounds, seed {seed}, in {root}", flush=True)
    for index, (kind, (flags, library)) in enumerate(kinds.items()):
        directory = root / str(index)
        directory.mkdir()
        rounds = Rounds(directory, seed, *flags, hook=library)
        share = count // len(kinds) + (index < count % len(kinds))
        try:
            for number in range(share):
                rounds.run(number)
                if (number + 1) % 25 == 0:
                    print(f"{kind}: {number + 1} rounds, {len(rounds.stored)} messages, none lost", flush=True)
            rounds.finish()
        finally:
            rounds.server.kill()
        print(f"{kind}: good, {share} rounds, {len(rounds.stored)} messages", flush=True)


if __name__ == "__main__":
    torture(
        count=int(sys.argv[1]) if len(sys.argv) > 1 else 20,
        seed=int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32),
    )
