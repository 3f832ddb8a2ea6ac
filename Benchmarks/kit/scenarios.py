"""The work that is measured. Each scenario names the kind of target options it needs."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Scenario:
    mode: str
    """The load client's mode."""
    kind: str
    """Which of a target's options it takes; a target without that kind is left out."""
    options: tuple
    fresh: bool = False
    """Whether the server is started anew just before: memory is counted from its first request on."""
    timed: bool = True
    """Whether --seconds applies."""
    stretch: float = 1
    """Times --seconds: a slow trickle of messages needs longer for its percentiles."""


_CONNECTIONS = ("--pubs", "64")
_STREAM = ("--size", "100", "--drain", "3", "--stall", "0.5")
_POLLS = ("--subs", "100", "--pubs", "4", "--size", "100", "--settle", "0.5", "--drain", "3", "--stall", "0.5")

SCENARIOS = {
    "publish-100": Scenario("publish", "publish", _CONNECTIONS + ("--size", "100")),
    "publish-1k": Scenario("publish", "publish", _CONNECTIONS + ("--size", "1024")),
    "publish-json": Scenario("publish", "json", _CONNECTIONS + ("--size", "100")),
    "batch-100": Scenario("publish", "batch", ("--pubs", "16", "--size", "100", "--batch", "100")),
    # at most 64 messages not yet delivered everywhere: saturated, with queues that stay short
    "poll-saturated": Scenario("longpoll", "poll", _POLLS + ("--window", "64")),
    "poll-100-per-s": Scenario("longpoll", "poll", _POLLS + ("--rate", "100"), stretch=2),
    "poll-parked": Scenario(
        "longpoll", "poll", ("--subs", "10000", "--pubs", "1", "--rate", "5", "--count", "1", "--size", "100",
                             "--warmup", "0", "--settle", "3", "--drain", "10", "--duration", "5"),
        fresh=True, timed=False),
    # streams; a window is how many messages may be on their way, so that queues stay short where all is saturated
    "fan-100": Scenario("fanout", "stream", ("--subs", "100", "--pubs", "4", "--window", "64", *_STREAM)),
    "fan-1000": Scenario("fanout", "stream", ("--subs", "1000", "--pubs", "4", "--window", "16", *_STREAM)),
    "fan-1000-at-20": Scenario("fanout", "stream", ("--subs", "1000", "--pubs", "4", "--rate", "20", *_STREAM), stretch=2),
    "one-at-1000": Scenario("fanout", "stream", ("--subs", "1", "--pubs", "1", "--rate", "1000", *_STREAM)),
    "four-topics": Scenario(
        "fanout", "stream", ("--subs", "4", "--topics", "4", "--pubs", "16", "--window", "256", *_STREAM)),
    "one-at-60000": Scenario(
        "fanout", "stream", ("--subs", "1", "--pubs", "16", "--rate", "60000", "--warmup", "0.5", "--duration", "10",
                             *_STREAM), timed=False),
    "idle-streams": Scenario(
        "idle", "stream", ("--subs", "10000", "--count", "1", "--settle", "2", "--drain", "5"), fresh=True, timed=False),
}
SINGLE = ("start", "spike", "size")
"""Measured on our server alone, each in its own way (`single.py`)."""
