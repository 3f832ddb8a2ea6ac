#!/usr/bin/env bash
# Checks the form of all sources: Swift by the checked-in configuration, shell by its parser.
set -euo pipefail
cd "$(dirname "$0")/.."

folders=(Package.swift Sources Tests)
if [[ -d Benchmarks ]]; then folders+=(Benchmarks); fi
find "${folders[@]}" -name '*.swift' -not -path '*/.build*' -print0 |
    xargs -0 swift format lint --strict --parallel --configuration .swift-format

for script in .ci/run scripts/*.sh; do bash -n "$script"; done

# One concept a file: a file that outgrows this holds more than one.
too_long=$(find Sources Tests -name '*.swift' -exec awk 'END { if (NR > 400) print FILENAME ": " NR " lines" }' {} \;)
if [[ -n $too_long ]]; then
    printf 'longer than 400 lines:\n%s\n' "$too_long" >&2
    exit 1
fi
