"""The servers under load, and how each is spoken to."""
import os
import subprocess
from dataclasses import dataclass, field

from .paths import PORT, SERVERS, STATE


class ServerFailed(Exception):
    """A server did not start; the text is what it said."""


@dataclass(frozen=True)
class Server:
    """A process to start and stop. Several targets may live in one (nginx is two of them)."""
    name: str
    script: str
    threads: int
    port: int

    def start(self):
        started = subprocess.run(
            [os.path.join(SERVERS, self.script), str(self.threads), str(self.port)],
            capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if started.returncode:
            raise ServerFailed(f"{self.name}: {started.stderr.strip()}")

    def stop(self):
        subprocess.run([os.path.join(SERVERS, "stop.sh"), self.name], stdin=subprocess.DEVNULL)

    def pid(self):
        with open(os.path.join(STATE, self.name, "pid")) as file:
            return int(file.read())


@dataclass(frozen=True)
class Target:
    """A server seen through the load client's options, one list for each kind of work it can do."""
    name: str
    server: Server
    options: dict = field(default_factory=dict)


def _nginx(workers):
    return Server(f"nginx-{workers}", "nginx.sh", workers, PORT + workers)


def _static(workers):
    return Target(f"static-{workers}", _nginx(workers), {"publish": ["--pub-path", "/static200"]})


def _nchan(workers):
    publish = ["--pub-path", "/pub/{t}"]
    # nchan keeps its cursor in two headers that the client sends back
    poll = ["--sub-path", "/lp/{t}", "--copy-header", "Last-Modified=If-Modified-Since",
            "--copy-header", "Etag=If-None-Match"]
    stream = ["--sub-path", "/sse/{t}", "--sub-header", "Accept: text/event-stream"]
    return Target(f"nchan-{workers}", _nginx(workers),
                  {"publish": publish, "poll": publish + poll, "stream": publish + stream})


def _postern(loops):
    publish = ["--pub-path", "/v1/topics/{t}/messages", "--pub-header", "Content-Type: text/plain"]
    publish_json = ["--pub-path", "/v1/topics/{t}/messages", "--pub-header", "Content-Type: application/json",
                    "--body", '{"data":"%B"}']
    poll = ["--sub-first-path", "/v1/topics/{t}/messages?since=latest&wait=60s",
            "--sub-path", "/v1/topics/{t}/messages?after={cursor}&wait=60s", "--cursor-json", "next"]
    stream = ["--sub-path", "/v1/topics/{t}/messages?since=latest", "--sub-header", "Accept: text/event-stream"]
    batch = ["--pub-path", "/v1/messages", "--pub-header", "Content-Type: application/x-ndjson",
             "--item", '{"topic":"{t}","data":"%M"}', "--sep", "\n", "--body", "%B\n"]
    return Target(f"postern-{loops}", Server(f"postern-{loops}", "postern.sh", loops, PORT + 10 + loops),
                  {"publish": publish, "json": publish_json, "poll": publish + poll, "stream": publish + stream,
                   "batch": batch})


TARGETS = {target.name: target for threads in (1, 2)
           for target in (_postern(threads), _static(threads), _nchan(threads))}
