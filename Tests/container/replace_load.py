"""Clients that outlive a server's replacement: publishers that try again with their Idempotency-Key, polls and streams
that resume by cursor. On nothing but Python's own library.
"""

import http.client
import json
import threading
import time
from urllib.parse import quote

# The last message: readers end behind it.
END = "end"


class ReplaceLoad:
    """Everything at once, each with connections of its own."""

    def __init__(self, port, topic="load.replace", publishers=4, polls=2, streams=2):
        self.port, self.path = port, f"/v1/topics/{topic}/messages"
        self.acknowledged, self.seen, self.faults = [], {}, []
        self.retries = 0
        self.lock = threading.Lock()
        self.publishing = threading.Event()
        self.publishing.set()
        self.publishers = [threading.Thread(daemon=True, target=self._publish, args=(n,)) for n in range(publishers)]
        self.readers = [threading.Thread(daemon=True, target=self._poll, args=(f"poll-{n}",)) for n in range(polls)]
        self.readers += [threading.Thread(daemon=True, target=self._stream, args=(f"stream-{n}",)) for n in range(streams)]

    def __enter__(self):
        for thread in self.readers + self.publishers:
            thread.start()
        return self

    def __exit__(self, *_):
        self.publishing.clear()

    def finish(self):
        """Ends publishing, lets readers come to the end, and says what is wrong: nothing where all is well."""
        self.publishing.clear()
        for thread in self.publishers:
            thread.join(30)
        self._put(END)
        deadline = time.monotonic() + 30
        for thread in self.readers:
            thread.join(max(0.0, deadline - time.monotonic()))
        wanted = set(self.acknowledged)
        for reader in (thread for thread in self.readers if thread.is_alive()):
            self.faults.append(f"{reader.name} did not come to the end")
        if len(self.seen) != len(self.readers):
            self.faults.append("a reader saw nothing")
        for reader, seen in self.seen.items():
            if lost := wanted - set(seen):
                self.faults.append(f"{reader} missed {len(lost)} acknowledged messages, such as {min(lost)}")
            if twice := len(seen) - len(set(seen)):
                self.faults.append(f"{reader} was given {twice} messages twice")
        return self.faults

    def _connection(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)

    def _put(self, name):
        """Publishes until it is acknowledged, always under the same key."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            connection = self._connection()
            try:
                connection.request("POST", self.path, body=name, headers={"Idempotency-Key": name})
                reply = connection.getresponse()
                reply.read()
                if reply.status in (200, 201):
                    return True
                if reply.status not in (429, 503):
                    self.faults.append(f"publish {name}: {reply.status}")
                    return False
            except (OSError, http.client.HTTPException):
                pass
            finally:
                connection.close()
            with self.lock:
                self.retries += 1
            time.sleep(0.05)
        self.faults.append(f"publish {name}: no reply in a minute")
        return False

    def _publish(self, number):
        count = 0
        while self.publishing.is_set():
            count += 1
            name = f"{number}-{count}"
            if self._put(name):
                with self.lock:
                    self.acknowledged.append(name)
            time.sleep(0.002)

    def _note(self, reader, names):
        with self.lock:
            self.seen.setdefault(reader, []).extend(name for name in names if name != END)
        return END in names

    def _poll(self, reader):
        after = ""
        while True:
            connection = self._connection()
            try:
                connection.request("GET", f"{self.path}?wait=5s&limit=1000{after}")
                reply = connection.getresponse()
                body = reply.read()
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)
                continue
            finally:
                connection.close()
            if reply.status == 503:
                time.sleep(0.05)
                continue
            if reply.status != 200:
                self.faults.append(f"{reader}: {reply.status} {body[:200]}")
                return
            page = json.loads(body)
            if self._note(reader, [message["data"] for message in page["messages"]]):
                return
            after = "&after=" + quote(page["next"])

    def _stream(self, reader):
        last = None
        while True:
            connection = self._connection()
            try:
                headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last else {})
                connection.request("GET", self.path, headers=headers)
                reply = connection.getresponse()
                if reply.status not in (200, 503):
                    self.faults.append(f"{reader}: {reply.status} {reply.read()[:200]}")
                    return
                event = {}
                while reply.status == 200 and (line := reply.readline()):
                    line = line.decode().rstrip("\n")
                    if line and not line.startswith(":"):
                        name, _, value = line.partition(": ")
                        event[name] = value
                    elif not line:
                        last = event.get("id", last)
                        if "data" in event and event.get("event", "message") == "message":
                            if self._note(reader, [json.loads(event["data"])["data"]]):
                                return
                        event = {}
            except (OSError, http.client.HTTPException):
                pass
            finally:
                connection.close()
            time.sleep(0.05)
