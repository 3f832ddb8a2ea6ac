"""One run of the load client, on a machine that is as quiet as it gets."""
import json
import os
import subprocess
import time

from .paths import LOAD


FAULTS = ("lost", "duplicate", "reordered", "poll_err", "io_errors")
"""What must be zero in a record for its figures to mean anything."""


class LoadFailed(Exception):
    """The load client gave no result; the text is what it said."""


class Load:
    """Runs the load client, waits for a quiet machine first and repeats runs that others disturbed."""

    def __init__(self, seconds, retries, max_other, max_wait):
        self.seconds = seconds
        self.retries = retries
        self.max_other = max_other
        self.wait_left = max_wait

    def command(self, target, scenario):
        seconds = self.seconds * scenario.stretch
        timed = ["--warmup", "0.4", "--duration", str(seconds)] if scenario.timed else []
        return [LOAD, scenario.mode, "--quiet", "--port", str(target.server.port),
                "--server-pid", str(target.server.pid()), *timed, *scenario.options, *target.options[scenario.kind]]

    def run(self, target, scenario):
        """The quietest of up to `retries` + 1 runs, as the load client's record."""
        best = None
        for _ in range(self.retries + 1):
            if scenario.fresh:
                target.server.stop()
                target.server.start()
                time.sleep(0.5)
            self._await_quiet()
            record = self._once(target, scenario)
            if best is None or record["other_cpu"] < best["other_cpu"]:
                best = record
            # what others did to the processor does not change how much memory a poll takes
            if best["other_cpu"] <= self.max_other or scenario.fresh:
                break
        return best

    def _once(self, target, scenario):
        done = subprocess.run(self.command(target, scenario), capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=600)
        if done.returncode or not done.stdout.strip():
            raise LoadFailed(done.stderr.strip()[:500] or f"exit {done.returncode}")
        record = json.loads(done.stdout)
        # an answer counts as a request whatever its status: a server that only refuses would look fast
        if record["failed"] or record["non2xx"]:
            raise LoadFailed(f"{record['failed']} publishes failed, {record['non2xx']} answers were not 2xx")
        if record["subs_ready"] < record["subs"]:
            raise LoadFailed(f"only {record['subs_ready']} of {record['subs']} subscribers came up")
        record["faults"] = sum(record.get(key, 0) for key in FAULTS)
        if record["req_per_s"] > 0:
            record["cpu_us_per_request"] = record["server_cpu"] / record["req_per_s"] * 1e6
        if record.get("deliveries_per_s"):
            record["cpu_us_per_delivery"] = record["server_cpu"] / record["deliveries_per_s"] * 1e6
        return record

    def _await_quiet(self):
        while self.wait_left > 0 and busy_cores() > 0.3:
            time.sleep(1)
            self.wait_left -= 1.25


def busy_cores():
    """Cores' worth of work on this machine over a quarter of a second."""
    def busy():
        with open("/proc/stat") as file:
            user, nice, system, _idle, _wait, irq, softirq = map(int, file.readline().split()[1:8])
        return user + nice + system + irq + softirq

    before, start = busy(), time.monotonic()
    time.sleep(0.25)
    return (busy() - before) / os.sysconf("SC_CLK_TCK") / (time.monotonic() - start)
