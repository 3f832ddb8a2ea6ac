#!/usr/bin/env bash
# Boots a Debian of its own, installs Postern there as a service, and runs Tests/systemd/checks.py in it.
# The machine has no network but its own loopback; what it changes is gone with it. Its files are kept for the next time.
# usage: test-systemd.sh POSTERN_BINARY [SUITE]      SUITE: trixie (the default), bookworm, …
set -euo pipefail
cd "$(dirname "$0")/.."

binary=$(realpath -- "${1:?usage: $0 POSTERN_BINARY [SUITE]}")
suite=${2:-trixie}
cache=$PWD/.build-systemd
root=$cache/$suite
limit_seconds=300

if ((EUID != 0)); then
    echo "postern: a machine is booted by root alone; as root: make test-systemd" >&2
    exit 77
fi

if [[ ! -d $root ]]; then
    rm -rf "$root.part"
    mkdir -p "$cache"
    echo "postern: making a Debian $suite (once)"
    # It changed its name with the size of its time_t.
    openssl=libssl3t64
    if [[ $suite == bookworm ]]; then openssl=libssl3; fi
    debootstrap --variant=minbase \
        --include=systemd,systemd-sysv,dbus,python3-minimal,libpython3-stdlib,$openssl,libstdc++6,ca-certificates \
        "$suite" "$root.part" >"$cache/debootstrap.log" 2>&1 || { tail -20 "$cache/debootstrap.log" >&2; exit 1; }
    mv "$root.part" "$root"
fi

run=$(mktemp -d "$cache/run.XXXXXX")
machine=postern-test-$$
trap 'rm -rf "$run"' EXIT
mkdir -p "$run/in/deploy" "$run/out"
cp -r deploy/postern.service deploy/postern.socket deploy/postern.service.d "$run/in/deploy/"
cp "$binary" "$run/in/postern"
cp Tests/systemd/checks.py Tests/integration/restart_load.py Tests/integration/ptrace.py "$run/in/"
cat >"$run/in/checks.service" <<'UNIT'
[Unit]
Description=Checks of Postern
After=basic.target dbus.service

[Service]
Type=oneshot
ExecStart=/usr/bin/python3 /opt/postern/checks.py
StandardOutput=file:/results/output
StandardError=inherit
ExecStopPost=/usr/bin/systemctl --no-block poweroff
UNIT

# The overlay takes what is changed; no unit of the host is asked for, so that it works in a container too.
timeout --kill-after=10 "$limit_seconds" systemd-nspawn --quiet --register=no --keep-unit --machine="$machine" \
    --directory="$root" --volatile=overlay --private-network --boot --console=pipe \
    --bind-ro="$run/in:/opt/postern" --bind="$run/out:/results" \
    --bind-ro="$run/in/checks.service:/etc/systemd/system/checks.service" \
    -- systemd.unit=multi-user.target systemd.wants=checks.service systemd.show_status=no </dev/null >"$run/console" 2>&1 ||
    echo "postern: the machine did not end well" >&2

if [[ ! -s $run/out/output ]]; then
    tail -40 "$run/console" >&2
    echo "postern: the machine said nothing" >&2
    exit 1
fi
cat "$run/out/output"
grep -qE '^[1-9][0-9]* passed, 0 failed$' "$run/out/output"
