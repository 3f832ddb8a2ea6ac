#!/bin/bash
# Postern on loopback. Usage: postern.sh LOOPS PORT [NAME]      prints the pid
# POSTERN: the binary (default: the release build). POSTERN_FLAGS: more flags for `serve`.
# WRAP: a command to run it under, such as `valgrind --tool=callgrind`.
set -eu
loops=$1 port=$2
here=$(cd "$(dirname "$0")" && pwd)
state=${BENCH_STATE:?}/${3:-postern-$loops}
binary=${POSTERN:-$here/../../.build/release/postern}
mkdir -p "$state"
[ -x "$binary" ] || { echo "postern.sh: no binary; run 'make build' first" >&2; exit 1; }
# shellcheck disable=SC2086      # flags and wrapper are words on purpose
setsid ${WRAP:-} "$binary" serve --listen "127.0.0.1:$port" --loops "$loops" ${POSTERN_FLAGS:-} \
    </dev/null >"$state/output.log" 2>&1 &
pid=$!
echo "$pid" > "$state/pid"
for _ in $(seq 400); do
    if curl -sf -o /dev/null "http://127.0.0.1:$port/livez"; then echo "$pid"; exit 0; fi
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.05
done
echo "postern.sh: no answer on port $port" >&2
cat "$state/output.log" >&2
kill "$pid" 2>/dev/null || true
exit 1
