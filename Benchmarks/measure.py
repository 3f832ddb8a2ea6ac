#!/usr/bin/env python3
"""Postern beside its peers, under the same load, in interleaved rounds.

    measure.py run    [--targets a,b] [--scenarios x,y] [--rounds 5] [--passes 3] [--out results/NAME.jsonl]
    measure.py table  results/NAME.jsonl         the Markdown of docs/performance.md
    measure.py load   SCENARIO TARGET [...]      one run against a server that is up already; what follows goes to
                                                 the load client
    measure.py list

In a round every server is started, then each scenario visits all targets in turn, several times forth and back,
before the next scenario begins; every other round begins backwards. The servers stand idle while it is not their
turn. So the two sides of a ratio are measured a few seconds apart, and neither is always first.
"""
import argparse
import fcntl
import json
import os
import resource
import subprocess
import sys
import time

from kit import machine, report, single
from kit.load import Load, LoadFailed
from kit.paths import LOAD, RESULTS, STATE
from kit.scenarios import SCENARIOS, SINGLE
from kit.targets import TARGETS, ServerFailed


def chosen(text, known, what):
    names = text.split(",") if text else list(known)
    for name in names:
        if name not in known:
            sys.exit(f"measure.py: no {what} is called {name}; there are: {', '.join(known)}")
    return names


def line(record):
    """A record in a few words, for whoever is watching."""
    words = [f"round {record['round']}", record["scenario"].ljust(14), record["target"].ljust(10)]
    if "mode" in record:
        words.append(f"{record['req_per_s']:,.0f} req/s")
        if record["batch"] > 1:
            words.append(f"{record['msg_per_s']:,.0f} messages/s")
        if record["mode"] == "longpoll":
            words.append(f"{record['deliveries_per_s']:,.0f} deliveries/s")
            words.append(f"p99 {record['delivery_us']['p99']:,.0f} µs")
            words.append(f"lost {record['lost']}")
        else:
            words.append(f"{record['cpu_us_per_request']:.2f} µs CPU/request")
        if SCENARIOS[record["scenario"]].fresh:
            words.append(f"{record['pss_per_conn_bytes']:,.0f} B each of {record['subs_ready']}")
        words.append(f"others {record['other_cpu']:.2f} cores")
        if record["faults"]:
            words.append(f"FAULTS {record['faults']}")
    else:
        words += [f"{key} {value:.1f}" if isinstance(value, float) else f"{key} {value}"
                  for key, value in record.items()
                  if key not in ("round", "scenario", "target") and not isinstance(value, dict)]
    return "  ".join(words)


def measure_alone(scenario, loops, spike_wait):
    if scenario == "start":
        return single.start(loops)
    if scenario == "size":
        return single.size()
    return single.spike(loops, wait=spike_wait)


def visit(load, name, targets, passes, number, keep):
    """One scenario on every target, `passes` times, forth and back; the number of runs that failed."""
    scenario = SCENARIOS[name]
    able = [target for target in targets if scenario.kind in target.options]
    failures = 0
    for step in range(1 if scenario.fresh else passes):
        for target in able if step % 2 == 0 else able[::-1]:
            try:
                record = load.run(target, scenario)
                keep({"round": number, "pass": step, "scenario": name, "target": target.name, **record})
                failures += record["faults"] > 0
            except LoadFailed as failure:
                failures += 1
                print(f"{name} on {target.name} failed: {failure}", file=sys.stderr)
    return failures


def run(options):
    targets = [TARGETS[name] for name in chosen(options.targets, TARGETS, "target")]
    scenarios = chosen(options.scenarios, [*SCENARIOS, *SINGLE], "scenario")
    driven = [name for name in scenarios if name in SCENARIOS]
    load = Load(options.seconds, options.retries, options.max_other, options.max_wait)
    servers = list(dict.fromkeys(target.server for target in targets))
    os.makedirs(os.path.dirname(os.path.abspath(options.out)), exist_ok=True)
    failures = 0
    with open(os.path.join(STATE, "lock"), "a") as lock, open(options.out, "a") as out:
        fcntl.flock(lock, fcntl.LOCK_EX)

        def keep(record):
            out.write(json.dumps(record) + "\n")
            out.flush()
            if "round" in record:
                print(line(record), flush=True)

        keep({"machine": machine.describe()})
        for number in range(options.rounds):
            order = targets if number % 2 == 0 else targets[::-1]
            try:
                for server in servers if driven else []:
                    server.stop()
                    server.start()
                for name in driven:
                    failures += visit(load, name, order, options.passes, number, keep)
            finally:
                for server in servers:
                    server.stop()
            for name in scenarios:
                # these hardly vary, and the spike takes minutes: once is enough
                if name in driven or (name != "start" and number > 0):
                    continue
                for target in targets:
                    if not target.name.startswith("postern") or (name == "size" and target.server.threads > 1):
                        continue
                    try:
                        record = measure_alone(name, target.server.threads, options.spike_wait)
                        keep({"round": number, "scenario": name, "target": target.name, **record})
                    except (single.MeasurementFailed, OSError, subprocess.CalledProcessError) as failure:
                        failures += 1
                        print(f"{name} on {target.name} failed: {failure}", file=sys.stderr)
    return 1 if failures else 0


def load_once(options, more):
    scenario, target = SCENARIOS[options.scenario], TARGETS[options.target]
    command = Load(options.seconds, 0, 0, 0).command(target, scenario)
    return subprocess.run(command + more).returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    runs = commands.add_parser("run")
    runs.add_argument("--targets", help="comma-separated; all by default")
    runs.add_argument("--scenarios", help="comma-separated; all by default")
    runs.add_argument("--rounds", type=int, default=5)
    runs.add_argument("--seconds", type=float, default=1.5, help="measured seconds of a run")
    runs.add_argument("--passes", type=int, default=3, help="how often a scenario visits its targets in a round")
    runs.add_argument("--retries", type=int, default=2, help="repeats of a run that other processes disturbed")
    runs.add_argument("--max-other", type=float, default=0.25, help="cores others may use before a run is repeated")
    runs.add_argument("--max-wait", type=float, default=120, help="seconds, in all, to wait for a quiet machine")
    runs.add_argument("--spike-wait", type=float, default=60, help="seconds between the large body and the last look")
    runs.add_argument("--out", default=os.path.join(RESULTS, time.strftime("%Y%m%d-%H%M%S.jsonl")))
    tables = commands.add_parser("table")
    tables.add_argument("file")
    loads = commands.add_parser("load")
    loads.add_argument("scenario", choices=SCENARIOS)
    loads.add_argument("target", choices=TARGETS)
    loads.add_argument("--seconds", type=float, default=3)
    commands.add_parser("list")
    options, more = parser.parse_known_args()
    if more and options.command != "load":
        parser.error(f"unknown: {' '.join(more)}")

    if options.command == "list":
        print("targets:  ", *TARGETS)
        print("scenarios:", *SCENARIOS, *SINGLE)
        return 0
    if options.command == "table":
        print("\n".join(report.markdown(options.file)))
        return 0
    if not os.path.exists(LOAD):
        sys.exit("measure.py: the load client is not built; run Benchmarks/install.sh first")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # inherited by the servers and the load client
    try:
        return run(options) if options.command == "run" else load_once(options, more)
    except ServerFailed as failure:
        sys.exit(f"measure.py: {failure}")


if __name__ == "__main__":
    sys.exit(main())
