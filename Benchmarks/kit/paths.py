"""Where things stand: everything the benchmarks write is under `.state` and `results`, both ignored by git."""
import os

BENCHMARKS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
STATE = os.environ.setdefault("BENCH_STATE", os.path.join(BENCHMARKS, ".state"))
RESULTS = os.path.join(BENCHMARKS, "results")
SERVERS = os.path.join(BENCHMARKS, "servers")
LOAD = os.path.join(STATE, "fanload")
POSTERN = os.path.abspath(
    os.environ.get("POSTERN", os.path.join(BENCHMARKS, "..", ".build", "release", "postern")))
os.environ["POSTERN"] = POSTERN
PORT = int(os.environ.get("BENCH_PORT", "18400"))
"""The first of a handful of consecutive ports on loopback."""

os.makedirs(STATE, exist_ok=True)
