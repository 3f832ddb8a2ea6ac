#!/bin/bash
# Stops servers started here, by their saved pid alone. Usage: stop.sh NAME...      (a folder of the state)
set -eu
cd "${BENCH_STATE:?}"
for name in "$@"; do
    [ -s "$name/pid" ] || continue
    pid=$(cat "$name/pid")
    rm -f "$name/pid"
    # The number may have been given to another process since: its command line must still be a server of ours.
    { tr '\0' ' ' < "/proc/$pid/cmdline"; } 2>/dev/null | grep -qE 'nginx|postern' || continue
    kill -TERM "$pid" 2>/dev/null || continue
    for _ in $(seq 200); do
        [ "$(awk '{print $3}' "/proc/$pid/stat" 2>/dev/null || echo Z)" = Z ] && break
        sleep 0.05
    done
    if [ "$(awk '{print $3}' "/proc/$pid/stat" 2>/dev/null || echo Z)" != Z ]; then kill -KILL "$pid"; fi
done
