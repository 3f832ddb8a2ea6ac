#!/bin/bash
# Where a scenario's time, system calls and allocations go in Postern. Usage: profile.sh WHAT SCENARIO [LOOPS] [SECONDS]
#   syscalls      strace -c: calls by name, and calls a request
#   perf          perf record: where the processor's time goes, user and kernel side
#   instructions  callgrind: user-side instructions a request, exact and repeatable, and the functions they are in
#   allocations   a counting malloc: heap allocations, reallocations and bytes a request
# SCENARIO is one of `measure.py list` that drives load, such as publish-100 or poll-100-per-s.
# Under syscalls and instructions the server is many times slower: read the counts, not the rates.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
export BENCH_STATE=${BENCH_STATE:-$here/.state}
what=${1:?syscalls, perf, instructions or allocations} scenario=${2:?scenario} loops=${3:-1} seconds=${4:-3}
"$here/install.sh" --profile >&2
name=postern-$loops
port=$((${BENCH_PORT:-18400} + 10 + loops))
work=$BENCH_STATE/profile
mkdir -p "$work"
ulimit -n "$(ulimit -Hn)"
trap '"$here/servers/stop.sh" "$name"' EXIT
"$here/servers/stop.sh" "$name"

start() { pid=$("$here/servers/postern.sh" "$loops" "$port"); }
load() { # load SECONDS [FURTHER OPTIONS]; the load client's record
    python3 "$here/measure.py" load --seconds "$1" "$scenario" "$name" "${@:2}"
}
field() { python3 -c 'import json, sys; print(json.loads(sys.argv[1]).get(sys.argv[2], 0))' "$1" "$2"; }
requests_of() { # publishes and polls together
    echo $(($(field "$1" requests) + $(field "$1" polls)))
}

case $what in
syscalls)
    start
    load 1 >/dev/null   # the counts begin in steady state
    strace -f -c -o "$work/strace.txt" -p "$pid" 2>/dev/null &
    tracer=$!
    sleep 0.5
    record=$(load "$seconds")
    kill -INT "$tracer"
    wait "$tracer" || true
    sed -n 1,25p "$work/strace.txt"
    requests=$(requests_of "$record")
    echo
    awk -v n="$requests" '$1 ~ /^[0-9.]+$/ && $NF != "total" { printf "%-16s %.3f a request\n", $NF, $4 / n }' \
        "$work/strace.txt" | head -12
    echo "requests: $requests"
    ;;
perf)
    start
    load 1 >/dev/null
    load "$seconds" >"$work/record.json" &
    loader=$!
    sleep 0.6
    perf record -q -F 1999 -g -p "$pid" -o "$work/perf.data" -- sleep "$(awk "BEGIN { print $seconds - 0.5 }")"
    wait "$loader"
    perf report -i "$work/perf.data" --stdio --no-children -g none --percent-limit 0.5 2>/dev/null |
        grep -v '^#' | grep -v '^$' | head -60
    echo "call graphs: perf report -i $work/perf.data"
    ;;
instructions)
    # two loads, one twice as long: the difference leaves out start, connecting and end
    total() { awk '/^(summary|totals):/ { print $2; exit }' "$1"; }
    count=${INSTRUCTION_REQUESTS:-5000}
    for times in 1 2; do
        rm -f "$work"/callgrind.$times*
        WRAP="valgrind --tool=callgrind --callgrind-out-file=$work/callgrind.$times" start
        record=$(load 600 --warmup 0 --count $((count * times)) --max-seconds 900)
        "$here/servers/stop.sh" "$name"
        eval "requests_$times=$(requests_of "$record") instructions_$times=$(total "$work/callgrind.$times")"
    done
    # shellcheck disable=SC2154      # set by the eval above
    awk -v n=$((requests_2 - requests_1)) -v i=$((instructions_2 - instructions_1)) \
        'BEGIN { printf "%.0f instructions a request (over %d requests)\n\n", i / n, n }'
    callgrind_annotate "$work/callgrind.2" | grep -v '^-' | sed -n 8,50p | cut -c1-160
    ;;
allocations)
    counts=$work/malloc.counts
    rm -f "$counts"
    MALLOC_COUNT_FILE=$counts WRAP="env LD_PRELOAD=$BENCH_STATE/malloccount.so" start
    load 1 >/dev/null
    before=$(od -An -v -t u8 "$counts" | tr -s ' \n' ' ')
    record=$(load "$seconds")
    after=$(od -An -v -t u8 "$counts" | tr -s ' \n' ' ')
    echo "$before $after" | awk -v n="$(requests_of "$record")" -v d="$(field "$record" deliveries)" '{
        split("allocations reallocations frees bytes", name, " ")
        for (i = 1; i <= 4; i++) printf "%-14s %12.0f   %.6f a request\n", name[i], $(i + 4) - $i, ($(i + 4) - $i) / n
        printf "requests %d, deliveries %d\n", n, d
    }'
    echo "connections of the second load are in these counts: what does not grow with SECONDS is theirs"
    ;;
*)
    sed -n '2,8p' "$0" >&2
    exit 64
    ;;
esac
