"""Traffic of attackers."""

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor

from attacks import MEBIBYTE

KIBIBYTE = 1 << 10
# How long attackers go on, seconds: some hundred rounds of the bystander.
SECONDS = 1.0
POST = "/v1/topics/attacked/messages"
# What a quiet connection may cost: its entry and, where it sent half a head, a stash of a kibibyte and pages' slack.
QUIET_CONNECTION = 4 * KIBIBYTE
# What any attack may cost beside what it is about: arenas of requests under way, output of a turn, slack.
SLACK = 12 * MEBIBYTE


def at_once(count, work):
    """Runs `work(number)` in so many threads; raises what any of them raised."""
    with ThreadPoolExecutor(max_workers=count) as executor:
        return list(executor.map(work, range(count)))


def for_a_while(seconds=SECONDS):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield


def flood(under, sent, replies, clients=8, seconds=SECONDS, to="GET"):
    """Sends the same again and again and takes the replies. Returns how often each status came."""
    counts = {}

    def go_on(_):
        [connection] = under.clients(1)
        for _ in for_a_while(seconds):
            connection.send(sent)
            for _ in range(replies):
                status = connection.reply(to).status
                counts[status] = counts.get(status, 0) + 1

    at_once(clients, go_on)
    return counts


def again(under, sent, clients=8, seconds=SECONDS):
    """Sends the same again and again, each on a new connection that the server ends. Returns the statuses that came."""
    statuses = set()

    def go_on(_):
        for _ in for_a_while(seconds):
            with under.server.connect() as connection:
                with contextlib.suppress(OSError):
                    connection.send(sent)
                statuses.add(connection.reply().status)
                assert connection.is_closed_by_server()

    at_once(clients, go_on)
    under.figures.clients += clients
    return statuses


def drip(connections, seconds=SECONDS, byte=b"x", pause=0.2):
    """A byte from each, round after round. Returns how many had been cut off."""
    cut = set()
    for _ in for_a_while(seconds):
        for number, connection in enumerate(connections):
            if number not in cut:
                try:
                    connection.send(byte)
                except OSError:
                    cut.add(number)
        time.sleep(pause)
    return len(cut)
