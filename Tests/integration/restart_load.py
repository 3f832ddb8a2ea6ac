"""Publishers and readers that go on while a server is restarted, on nothing but Python's own library.

No request is tried a second time: whatever fails is counted. A connection that the server closed while it was idle is
seen before it is used, as every client that keeps connections does. Run as a program it prints what it saw, as JSON:
restart_load.py HOST:PORT SECONDS
"""

import http.client
import json
import select
import sys
import threading
import time
from urllib.parse import quote

# The last message: readers end behind it.
END = "end"


class Client:
    """One kept connection."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.host, self.port = host, int(port)
        self.connection = None
        self.connects = 0

    def opened(self):
        if self.connection and self.connection.sock:
            readable, _, _ = select.select([self.connection.sock], [], [], 0)
            if readable:
                self.connection.close()
        if not self.connection or not self.connection.sock:
            self.connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
            self.connection.connect()
            self.connects += 1
        return self.connection

    def request(self, method, path, body=None, headers=()):
        connection = self.opened()
        connection.request(method, path, body=body, headers=dict(headers))
        reply = connection.getresponse()
        return reply, reply.read()


class Load:
    """Everything at once; `failures` is to stay empty."""

    def __init__(self, address, topic="load.restart", publishers=4, slow=2, polls=2, streams=2):
        self.address, self.topic = address, topic
        self.failures = []
        self.acknowledged = []
        self.seen = {}
        self.longest = 0.0
        self.lock = threading.Lock()
        self.publishing = threading.Event()
        self.reading = threading.Event()
        self.publishers = [threading.Thread(daemon=True, target=self._publish, args=(number, 0.0)) for number in range(publishers)]
        self.publishers += [threading.Thread(daemon=True, target=self._publish, args=(100 + number, 0.2)) for number in range(slow)]
        self.readers = [threading.Thread(daemon=True, target=self._poll, args=(f"poll-{number}",)) for number in range(polls)]
        self.readers += [threading.Thread(daemon=True, target=self._stream, args=(f"stream-{number}",)) for number in range(streams)]

    def start(self):
        self.publishing.set()
        self.reading.set()
        for thread in self.readers + self.publishers:
            thread.start()

    def stop(self):
        """Ends publishing, lets readers come to the end, and says what is wrong: nothing where all is well."""
        self.publishing.clear()
        for thread in self.publishers:
            thread.join()
        Client(self.address).request("POST", f"/v1/topics/{self.topic}/messages", body=END)
        deadline = time.monotonic() + 30
        for thread in self.readers:
            thread.join(max(0.0, deadline - time.monotonic()))
        self.reading.clear()
        wanted = set(self.acknowledged)
        faults = list(self.failures)
        for reader, seen in self.seen.items():
            lost, twice = wanted - set(seen), len(seen) - len(set(seen))
            if lost:
                faults.append(f"{reader} missed {len(lost)} acknowledged messages, such as {min(lost)}")
            if twice:
                faults.append(f"{reader} was given {twice} messages twice")
        if len(self.seen) != len(self.readers):
            faults.append("a reader saw nothing")
        return faults

    def _fail(self, what, error):
        with self.lock:
            self.failures.append(f"{what}: {error!r}")
        time.sleep(0.05)

    def _publish(self, number, pause):
        client = Client(self.address)
        count = 0
        while self.publishing.is_set():
            count += 1
            name = f"{number}-{count}"
            began = time.monotonic()
            try:
                reply, body = client.request("POST", f"/v1/topics/{self.topic}/messages", body=name)
                if reply.status != 201:
                    raise RuntimeError(f"{reply.status} {body[:200]}")
                with self.lock:
                    self.acknowledged.append(name)
            except Exception as error:  # whatever it is, it is counted
                self._fail(f"publish {name} on a connection used before: {client.connects}", error)
                client.connection = None
            self.longest = max(self.longest, time.monotonic() - began)
            time.sleep(pause)

    def _note(self, reader, names):
        with self.lock:
            self.seen.setdefault(reader, []).extend(name for name in names if name != END)
        return END in names

    def _poll(self, reader):
        client = Client(self.address)
        after = ""
        while self.reading.is_set():
            try:
                reply, body = client.request("GET", f"/v1/topics/{self.topic}/messages?wait=1s&limit=1000{after}")
                if reply.status != 200:
                    raise RuntimeError(f"{reply.status} {body[:200]}")
                page = json.loads(body)
            except Exception as error:
                self._fail(reader, error)
                client.connection = None
                continue
            if self._note(reader, [message["data"] for message in page["messages"]]):
                return
            after = "&after=" + quote(page["next"])

    def _stream(self, reader):
        last = None
        while self.reading.is_set():
            try:
                connection = http.client.HTTPConnection(*self.address.rsplit(":", 1), timeout=60)
                headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last else {})
                connection.request("GET", f"/v1/topics/{self.topic}/messages", headers=headers)
                reply = connection.getresponse()
                if reply.status != 200:
                    raise RuntimeError(f"{reply.status} {reply.read()[:200]}")
                last, is_end = self._events(reader, reply, last)
                connection.close()
                if is_end:
                    return
            except Exception as error:
                self._fail(reader, error)

    def _events(self, reader, reply, last):
        """Takes events until the stream ends: the last position, and whether the last message was among them."""
        event = {}
        while line := reply.readline():
            line = line.decode().rstrip("\n")
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                event[name] = value
            elif not line:
                last = event.get("id", last)
                if "data" in event and event.get("event", "message") == "message":
                    if self._note(reader, [json.loads(event["data"])["data"]]):
                        return last, True
                event = {}
        return last, False


def main():
    address, seconds = sys.argv[1], float(sys.argv[2])
    load = Load(address)
    load.start()
    time.sleep(seconds)
    faults = load.stop()
    print(json.dumps({"acknowledged": len(load.acknowledged), "longest": round(load.longest, 3), "faults": faults[:20]}))
    return 1 if faults or not load.acknowledged else 0


if __name__ == "__main__":
    sys.exit(main())
