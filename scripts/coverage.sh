#!/usr/bin/env bash
# Line coverage of the targets that hold the logic; fails where one has less than 90 %.
set -euo pipefail
cd "$(dirname "$0")/.."
minimum=90
scratch=.build-coverage

swift test --enable-code-coverage --scratch-path "$scratch"
report=$(swift test --show-codecov-path --scratch-path "$scratch")

python3 - "$report" "$minimum" <<'PYTHON'
import json, sys

report, minimum = json.load(open(sys.argv[1])), float(sys.argv[2])
failed = False
print(f"\n{'target':<10} {'lines':>7} {'covered':>8} {'%':>7}")
for target in ("Arenas", "JSON", "HTTP", "PubSub", "Access"):
    lines = [f["summary"]["lines"] for f in report["data"][0]["files"] if f"/Sources/{target}/" in f["filename"]]
    count, covered = sum(l["count"] for l in lines), sum(l["covered"] for l in lines)
    percent = 100 * covered / count if count else 0
    failed |= percent < minimum
    print(f"{target:<10} {count:>7} {covered:>8} {percent:>7.2f}")
if failed:
    sys.exit(f"less than {minimum:g} % of the lines of a target are covered")
PYTHON
