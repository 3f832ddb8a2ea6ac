#!/bin/bash
# The whole comparison, or the part that the flags name. Usage: run.sh [--quick] [flags of `measure.py run`]
#   run.sh                                          five rounds of everything
#   run.sh --quick                                  one round of one second each; for a first look, not for figures
#   run.sh --scenarios publish-100 --targets postern-1,static-1,nchan-1
set -eu
here=$(cd "$(dirname "$0")" && pwd)
"$here/install.sh"
flags=()
if [ "${1:-}" = --quick ]; then
    shift
    flags=(--rounds 1 --passes 1 --seconds 1 --retries 0 --max-wait 0 --spike-wait 10)
fi
mkdir -p "$here/results"
out=$here/results/$(date +%Y%m%d-%H%M%S).jsonl
status=0
python3 "$here/measure.py" run --out "$out" "${flags[@]}" "$@" || status=$?
python3 "$here/measure.py" table "$out" | tee "${out%.jsonl}.md"
exit "$status"
