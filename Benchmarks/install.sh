#!/bin/bash
# Installs what the benchmarks need and is missing, without starting any daemon, and builds the load client.
# Usage: install.sh [--profile|--access]
#   --profile  adds strace, perf and valgrind for profile.sh
#   --access   adds wrk, openssl and valgrind for access.py
set -eu
here=$(cd "$(dirname "$0")" && pwd)
state=${BENCH_STATE:-$here/.state}
mkdir -p "$state"

packages=()
need() { # need COMMAND-OR-FILE PACKAGE
    command -v "$1" >/dev/null 2>&1 || [ -e "$1" ] || packages+=("$2")
}
need nginx nginx
need /usr/lib/nginx/modules/ngx_nchan_module.so libnginx-mod-nchan
need gcc gcc
need /usr/include/stdlib.h libc6-dev
need curl curl
need python3 python3
need strip binutils
if [ "${1:-}" = --profile ]; then
    need strace strace
    need perf linux-perf
    need valgrind valgrind
fi
if [ "${1:-}" = --access ]; then
    need wrk wrk
    need openssl openssl
    need valgrind valgrind
fi

if [ ${#packages[@]} -gt 0 ]; then
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "install.sh: no apt here; please install: ${packages[*]}" >&2
        exit 1
    fi
    as_root=()
    [ "$(id -u)" = 0 ] || as_root=(sudo)
    # Debian starts a daemon as it is installed, unless this file forbids it.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
        "${as_root[@]}" chmod +x "$policy"
        trap '"${as_root[@]}" rm -f "$policy"' EXIT
    fi
    "${as_root[@]}" apt-get update -q
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends "${packages[@]}"
fi

compile() { # compile OUTPUT SOURCE FLAG...
    if [ -z "$(find "$1" -newer "$here/load/$(ls -t "$here/load" | head -1)" 2>/dev/null)" ]; then
        gcc -O2 -Wall -Wextra -Werror=implicit-function-declaration "${@:3}" -o "$1" "$2"
    fi
}
compile "$state/fanload" "$here/load/fanload.c"
compile "$state/malloccount.so" "$here/load/malloccount.c" -shared -fPIC
