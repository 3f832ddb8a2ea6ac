#!/usr/bin/env python3
"""Checks the benchmarks against a stand-in server: what is lost, sent twice or out of order must be counted, the
first poll and the cursor must be spoken as the contract says, batches must arrive whole, the table must come out.

Usage: selftest.py      (after install.sh; half a minute)
"""
import json
import os
import subprocess
import sys
import tempfile
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
os.environ["POSTERN"] = os.path.join(HERE, "postern")
sys.path.insert(0, os.path.dirname(HERE))

from kit import report, single  # noqa: E402
from kit.load import Load, LoadFailed  # noqa: E402
from kit.scenarios import SCENARIOS, Scenario  # noqa: E402
from kit.targets import TARGETS  # noqa: E402

TARGET = TARGETS["postern-1"]
POLLS = Scenario("longpoll", "poll", ("--subs", "5", "--pubs", "1", "--rate", "200", "--settle", "0.3", "--drain", "1"))


def check(what, holds, seen):
    print(("ok    " if holds else "WRONG ") + what + ("" if holds else f": {seen}"))
    if not holds:
        sys.exit(1)


def with_fault(fault, scenario, seconds=1):
    """The load client's record and the stand-in's own counts."""
    os.environ["STAND_IN_FAULT"] = fault
    TARGET.server.start()
    try:
        record = Load(seconds, 0, 9, 0)._once(TARGET, scenario)
        with urllib.request.urlopen(f"http://127.0.0.1:{TARGET.server.port}/metrics") as answer:
            counts = dict(line.split(" ") for line in answer.read().decode().splitlines() if line[0] != "#")
        return record, {key: int(value) for key, value in counts.items()}
    finally:
        TARGET.server.stop()


record, counts = with_fault("", POLLS)
check("a faultless server loses nothing", record["deliveries"] > 500 and record["lost"] == 0, record)
check("... sends nothing twice", record["duplicate"] == 0, record)
check("... keeps the order", record["reordered"] == 0, record)
check("a subscriber's first poll has no cursor", counts["stand_in_since_latest"] == 5, counts)
check("every later poll has one", counts["stand_in_after"] == record["polls"] - 5, (record, counts))
check("lost messages are counted", with_fault("lose", POLLS)[0]["lost"] > 0, "none")
check("messages sent twice are counted", with_fault("repeat", POLLS)[0]["duplicate"] > 0, "none")
check("messages out of order are counted", with_fault("swap", POLLS)[0]["reordered"] > 0, "none")
try:
    with_fault("refuse", SCENARIOS["publish-100"])
    check("a server that only refuses has no figures", False, "figures")
except LoadFailed as failure:
    check("a server that only refuses has no figures", "not 2xx" in str(failure), failure)
record, counts = with_fault("", SCENARIOS["batch-100"])
check("a batch carries a hundred messages", record["acked"] == 100 * record["requests"], record)
check("batches arrive", counts["stand_in_batches"] == record["requests"] and record["failed"] == 0, (record, counts))
check("the first answer is timed", 0 < single.start(1, times=2)["start_ms"] < 5000, "no time")
spike = single.spike(1, wait=2, rate=200)
check("a large body is taken", "201" in spike["answer"] and spike["left_arena_bytes"] == 0, spike)

with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
    for number, (ours, peer) in enumerate([(90, 100), (110, 100), (300, 200)]):
        for target, rate in (("postern-1", ours), ("nchan-1", peer)):
            for scenario, others in (("publish-100", 0.1), ("publish-1k", 0.9)):
                file.write(json.dumps({"round": number, "scenario": scenario, "target": target, "req_per_s": rate,
                                       "other_cpu": others}) + "\n")
    file.flush()
    table = "\n".join(report.markdown(file.name))
check("a ratio is the median of the passes' ratios", "| 1.1 (0.9–1.5) | 1.05 | 1.25 | must |" in table, table)
check("a disturbed comparison says so", "| 1.2 | 1.4 | **missed**, disturbed |" in table, table)
