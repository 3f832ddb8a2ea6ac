"""A server that is killed under load, started again and asked for everything it acknowledged, round after round.

    POSTERN_BINARY=… python crash_rounds.py ROUNDS [SEED]

A round that fails names its seed and leaves the directory.
"""

import http.client
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field

from client import Server

TOPICS = ["crash.a", "crash.b", "crash.c.d"]
READ_LIMIT = 1000


@dataclass
class Account:
    """What one publisher knows: what was acknowledged, and what it never heard of."""

    stored: dict = field(default_factory=dict)
    batches: list = field(default_factory=list)
    in_doubt: dict = field(default_factory=dict)


class Publisher(threading.Thread):
    """Publishes numbered messages, alone and in batches, until the server is gone."""

    def __init__(self, server, name, seed):
        super().__init__()
        self.server, self.name, self.random = server, name, random.Random(seed)
        self.account = Account()
        self.connection = http.client.HTTPConnection(server.host, server.port, timeout=10)

    def run(self):
        number = 0
        try:
            while True:
                count = 10 if self.random.random() < 0.2 else 1
                keys = [f"{self.name}-{number + index}" for index in range(count)]
                number += count
                self.publish(keys)
        except (OSError, http.client.HTTPException):
            pass
        finally:
            self.connection.close()

    def publish(self, keys):
        topic = self.random.choice(TOPICS)
        envelopes = [{"topic": topic, "id": key, "data": key + "." + "x" * self.random.randrange(200)} for key in keys]
        self.account.batches.append(keys)
        self.account.in_doubt.update({envelope["id"]: envelope for envelope in envelopes})
        self.connection.request(
            "POST", "/v1/messages", json.dumps({"messages": envelopes}), {"Content-Type": "application/json"}
        )
        reply = self.connection.getresponse()
        text = reply.read()
        assert reply.status == 201, (reply.status, text)
        for envelope, receipt in zip(envelopes, json.loads(text)["messages"]):
            self.account.stored[envelope["id"]] = (receipt["cursor"], envelope["topic"], envelope["data"])
            del self.account.in_doubt[envelope["id"]]


def ask(server, method, path, body=None):
    connection = http.client.HTTPConnection(server.host, server.port, timeout=30)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        reply = connection.getresponse()
        text = reply.read()
        return reply.status, json.loads(text)
    finally:
        connection.close()


def read_all(server, after=None):
    """All messages behind a cursor, in order."""
    messages = []
    position = f"after={after}" if after else "since=earliest"
    while True:
        status, page = ask(server, "GET", f"/v1/topics/**/messages?limit={READ_LIMIT}&{position}")
        assert status == 200, page
        if not page["messages"]:
            return messages
        messages += page["messages"]
        position = "after=" + page["next"]


class Rounds:
    """Rounds over one directory; what was acknowledged in one is asked for in all that follow."""

    def __init__(self, directory, seed, *flags):
        self.directory, self.random, self.flags = directory, random.Random(seed), flags
        self.stored, self.checked_through = {}, None
        self.server = self.start()

    def start(self):
        return Server("--loops", "2", "--data-dir", str(self.directory), "--retention-bytes", "4GiB", *self.flags)

    def run(self, number):
        """Load, a kill, a start, and a look at everything."""
        publishers = [Publisher(self.server, f"{number}-{index}", self.random.random()) for index in range(4)]
        for publisher in publishers:
            publisher.start()
        time.sleep(self.random.uniform(0.03, 0.4))
        os.kill(self.server.pid, signal.SIGKILL)
        self.server.kill()
        for publisher in publishers:
            publisher.join()
        self.server = self.start()
        self.check([publisher.account for publisher in publishers])

    def check(self, accounts):
        found = read_all(self.server, self.checked_through)
        cursors = [message["cursor"] for message in found]
        assert cursors == sorted(set(cursors)), "out of order, or twice"
        there = {message["id"]: message for message in found}
        assert len(there) == len(found), "a message is there twice"
        for account in accounts:
            for key, (cursor, topic, data) in account.stored.items():
                message = there.get(key)
                assert message, f"{key} was acknowledged and is not there"
                assert (message["cursor"], message["topic"], message["data"]) == (cursor, topic, data), message
            for keys in account.batches:
                count = sum(key in there for key in keys)
                assert count in (0, len(keys)), f"of the batch of {keys[0]} {count} are there"
            in_order = [key for key in there if key in account.stored]
            assert in_order == list(account.stored), "a publisher's messages changed places"
            self.retry(account, there)
            self.stored.update(account.stored)
        if cursors:
            self.checked_through = cursors[-1]

    def retry(self, account, there):
        """What a publisher never heard of it publishes again; the key sees to it that it is stored once."""
        for key, envelope in account.in_doubt.items():
            status, reply = ask(self.server, "POST", "/v1/messages", json.dumps({"messages": [envelope]}))
            expected = 200 if key in there else 201
            assert status == expected, f"{key} was {'there' if key in there else 'lost'}, and repeated gives {status}"
            receipt = reply["messages"][0]
            account.stored[key] = (receipt["cursor"], envelope["topic"], envelope["data"])

    def finish(self):
        """One look at the whole log, topic by topic."""
        found = {message["id"]: message["cursor"] for message in read_all(self.server)}
        for key, (cursor, _, _) in self.stored.items():
            assert found.get(key) == cursor, f"{key} is gone"
        _, listing = ask(self.server, "GET", "/v1/topics?prefix=crash")
        assert sum(topic["messages"] for topic in listing["topics"]) == len(found)
        status = self.server.terminate()
        assert status == 0, self.server.standard_error()


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32)
    directory = tempfile.mkdtemp(prefix="postern-torture-")
    print(f"{count} rounds, seed {seed}, in {directory}", flush=True)
    rounds = Rounds(directory, seed)
    for number in range(count):
        rounds.run(number)
        if (number + 1) % 20 == 0:
            print(f"{number + 1} rounds, {len(rounds.stored)} messages acknowledged, none lost", flush=True)
    rounds.finish()
    print(f"good: {count} rounds, {len(rounds.stored)} messages")


if __name__ == "__main__":
    main()
