"""Turns records into Markdown: first ours against the goals, then every figure with its spread.

A ratio is taken within a pass, where both sides met the same weather, and the median of all passes' ratios is given;
it is not the ratio of two medians.
"""
import json
import statistics
from dataclasses import dataclass

from .scenarios import SCENARIOS, SINGLE


@dataclass(frozen=True)
class Goal:
    what: str
    scenario: str
    field: str
    peer: str | None
    """The target divided by, without its thread count; None where the figure itself is the goal."""
    must: float
    aim: float
    more_is_better: bool = True
    unit: str = ""
    scale: float = 1
    threads: tuple = (1, 2)


GOALS = [
    Goal("publish 100 B ÷ nginx static 200", "publish-100", "req_per_s", "static", 0.90, 1.05),
    Goal("publish 100 B ÷ nchan publish", "publish-100", "req_per_s", "nchan", 1.05, 1.25),
    Goal("publish 1 KiB ÷ nchan publish", "publish-1k", "req_per_s", "nchan", 1.20, 1.40),
    Goal("server CPU a publish ÷ nginx static's", "publish-100", "cpu_us_per_request", "static", 1.10, 0.85, False),
    Goal("NDJSON batches of 100", "batch-100", "msg_per_s", None, 600e3, 1e6, True, "k messages/s", 1e-3),
    Goal("long poll, 100 subscribers, saturated ÷ nchan", "poll-saturated", "deliveries_per_s", "nchan", 1.3, 2),
    Goal("long poll, 100 subscribers, 100 msg/s, p99 ÷ nchan", "poll-100-per-s", "delivery_us.p99", "nchan",
         0.8, 0.5, False),
    Goal("memory a parked long poll", "poll-parked", "pss_per_conn_bytes", None, 600, 300, False, "B"),
    Goal("fan-out to 100 ÷ nchan", "fan-100", "deliveries_per_s", "nchan", 1.5, 2),
    Goal("fan-out to 1,000 ÷ nchan", "fan-1000", "deliveries_per_s", "nchan", 1.3, 1.7),
    Goal("fan-out to 1,000 at 20 msg/s, p99 ÷ nchan", "fan-1000-at-20", "delivery_us.p99", "nchan", 0.6, 0.35, False),
    Goal("one stream at 1,000 msg/s, p99 ÷ nchan", "one-at-1000", "delivery_us.p99", "nchan", 1, 0.7, False),
    Goal("4 topics, a stream each, saturated ÷ nchan", "four-topics", "msg_per_s", "nchan", 1.3, 1.6),
    Goal("one topic at 60,000 msg/s for 10 s: messages lost", "one-at-60000", "lost", None, 0, 0, False),
    Goal("memory an idle stream", "idle-streams", "pss_per_conn_bytes", None, 800, 400, False, "B"),
    Goal("arenas a minute after a 900 KiB body, against before", "spike", "left_arena_bytes", None, 0, 0, False, "B"),
    Goal("process a minute after a 900 KiB body, against before", "spike", "left_pss_bytes", None, 0, 0, False, "B"),
    Goal("start to first answered request", "start", "start_ms", None, 30, 10, False, "ms"),
    Goal("stripped binary", "size", "stripped_bytes", None, 20e6, 16e6, False, "MB", 1e-6, (1,)),
]


class Records:
    """The records of a results file, by scenario, target and pass."""

    def __init__(self, path):
        self.machine = None
        self.passes = {}
        with open(path) as file:
            for line in file:
                record = json.loads(line)
                if "machine" in record:
                    self.machine = record["machine"]
                else:
                    runs = self.passes.setdefault((record["scenario"], record["target"]), {})
                    runs[record["round"], record.get("pass", 0)] = record

    def values(self, scenario, target, field):
        """The field's value for each pass it was measured in; nested fields are joined by dots."""
        values = {}
        for number, record in self.passes.get((scenario, target), {}).items():
            for key in field.split("."):
                record = record.get(key) if isinstance(record, dict) else None
            if record is not None:
                values[number] = record
        return values


def _number(value):
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value == int(value) or abs(value) >= 100 else f"{value:.4g}" if abs(value) < 10 else f"{value:.3g}"


def _spread(values, scale=1):
    values = [value * scale for value in values]
    middle = _number(statistics.median(values))
    return middle if len(values) < 2 else f"{middle} ({_number(min(values))}–{_number(max(values))})"


def _verdict(goal, value, faults):
    if faults:
        return "**faults**"
    reaches = (lambda bound: value >= bound) if goal.more_is_better else (lambda bound: value <= bound)
    return "aim" if reaches(goal.aim) else "must" if reaches(goal.must) else "**missed**"


def _disturbed(records, goal, threads):
    """Whether other processes had more than a quarter of a core in half of the runs of either side."""
    sides = [f"postern-{threads}"] + ([f"{goal.peer}-{threads}"] if goal.peer else [])
    others = [records.values(goal.scenario, side, "other_cpu").values() for side in sides]
    return any(values and statistics.median(values) > 0.25 for values in others)


def goals(records):
    yield "| what | threads | ours | peer | measured | must | aim | reached |"
    yield "|---|---|---|---|---|---|---|---|"
    for goal in GOALS:
        for threads in goal.threads:
            ours = records.values(goal.scenario, f"postern-{threads}", goal.field)
            if not ours:
                continue
            faults = sum(records.values(goal.scenario, f"postern-{threads}", "faults").values())
            peer_column = "–"
            measured = ours
            if goal.peer:
                peer = records.values(goal.scenario, f"{goal.peer}-{threads}", goal.field)
                measured = {number: ours[number] / peer[number] for number in ours if peer.get(number)}
                if not measured:
                    continue
                peer_column = _spread(peer.values())
            unit = f" {goal.unit}" if goal.unit else ""
            reached = _verdict(goal, statistics.median(measured.values()), faults)
            if goal.scenario in SCENARIOS and not SCENARIOS[goal.scenario].fresh and _disturbed(records, goal, threads):
                reached += ", disturbed"
            yield (f"| {goal.what} | {threads} | {_spread(ours.values(), goal.scale)}{unit} | {peer_column} "
                   f"| {_spread(measured.values(), goal.scale)}{unit} | {_number(goal.must * goal.scale)} "
                   f"| {_number(goal.aim * goal.scale)} | {reached} |")


_COLUMNS = {
    "publish": [("req/s", "req_per_s"), ("messages/s", "msg_per_s"), ("p50 µs", "pub_us.p50"),
                ("p99 µs", "pub_us.p99"), ("p99.9 µs", "pub_us.p999"),
                ("server CPU µs/request", "cpu_us_per_request"),
                ("server cores", "server_cpu"), ("client cores", "client_cpu"), ("others' cores", "other_cpu"),
                ("faults", "faults")],
    "longpoll": [("deliveries/s", "deliveries_per_s"), ("messages/s", "msg_per_s"), ("p50 µs", "delivery_us.p50"),
                 ("p99 µs", "delivery_us.p99"), ("p99.9 µs", "delivery_us.p999"),
                 ("server CPU µs/delivery", "cpu_us_per_delivery"), ("server cores", "server_cpu"),
                 ("client cores", "client_cpu"), ("others' cores", "other_cpu"), ("lost", "lost"),
                 ("twice", "duplicate"), ("out of order", "reordered"), ("faults", "faults")],
    "idle": [("streams", "subs_ready"), ("PSS a stream, B", "pss_per_conn_bytes"),
             ("RSS a stream, B", "rss_per_conn_bytes"),
             ("PSS a stream after one message, B", "pss_per_conn_after_msg_bytes"),
             ("one message to all, µs", "delivery_us.max"), ("lost", "lost")],
    "parked": [("parked", "subs_ready"), ("polls in all", "polls"), ("PSS a poll, B", "pss_per_conn_bytes"),
               ("RSS a poll, B", "rss_per_conn_bytes"),
               ("PSS a poll after one message, B", "pss_per_conn_after_msg_bytes"),
               ("one message to all, µs", "delivery_us.max"), ("lost", "lost")],
    "start": [("start, ms", "start_ms"), ("fastest", "min_ms"), ("slowest", "max_ms")],
    "spike": [("arenas before, B", "before.arena_reserved_bytes"), ("just after", "just_after.arena_reserved_bytes"),
              ("a minute later", "later.arena_reserved_bytes"), ("PSS before, B", "before.pss_bytes"),
              ("PSS just after", "just_after.pss_bytes"), ("PSS a minute later", "later.pss_bytes")],
    "size": [("stripped, B", "stripped_bytes"), ("as built, B", "built_bytes")],
}


def _columns(scenario):
    if scenario in SINGLE:
        return _COLUMNS[scenario]
    mode = SCENARIOS[scenario].mode
    if mode == "longpoll" and SCENARIOS[scenario].fresh:
        return _COLUMNS["parked"]
    return _COLUMNS["longpoll" if mode == "fanout" else mode]


def figures(records):
    for scenario in [*SCENARIOS, *SINGLE]:
        targets = sorted({target for name, target in records.passes if name == scenario},
                         key=lambda target: (target[-1], not target.startswith("postern"), target))
        if not targets:
            continue
        columns = _columns(scenario)
        yield f"\n### {scenario}\n"
        yield "| target | runs | " + " | ".join(title for title, _ in columns) + " |"
        yield "|---" * (len(columns) + 2) + "|"
        for target in targets:
            cells = []
            for _, field in columns:
                values = records.values(scenario, target, field).values()
                cells.append(_spread(values) if values else "–")
            yield f"| {target} | {len(records.passes[scenario, target])} | " + " | ".join(cells) + " |"


def machine(records):
    about = records.machine
    if about:
        yield (f"{about['processor']}, {about['cores']} cores, {about['memory_gib']} GiB; {about['system']}, "
               f"Linux {about['kernel']}; nginx {about['nginx']}, nchan {about['nchan']}; {about['postern']}.\n")


def markdown(path):
    records = Records(path)
    yield from machine(records)
    yield from goals(records)
    yield from figures(records)
