#!/usr/bin/env bash
# Builds the image on a Debian made by debootstrap, with the binary that is there, and runs Tests/container/checks.py.
# Neither a registry nor a daemon is asked. The base is kept in .build-container for the next time.
# usage: test-container.sh POSTERN_BINARY
set -euo pipefail
cd "$(dirname "$0")/.."

binary=$(realpath -- "${1:?usage: $0 POSTERN_BINARY}")
# The Debian that deploy/Containerfile names: the binary must not want a newer glibc.
suite=bookworm
state=$PWD/.build-container
base=localhost/postern-base:$suite

if ((EUID != 0)); then
    echo "postern: debootstrap wants root; as root: make test-container" >&2
    exit 77
fi

mkdir -p "$state"
if [[ ! -s $state/$suite.tar ]]; then
    echo "postern: making a Debian $suite (once)"
    rm -rf "$state/$suite"
    debootstrap --variant=minbase --include=binutils,ca-certificates,libcurl4,libssl3,libstdc++6 "$suite" "$state/$suite" \
        >"$state/debootstrap.log" 2>&1 || { tail -20 "$state/debootstrap.log" >&2; exit 1; }
    tar -C "$state/$suite" --exclude='./var/cache/apt/archives/*' -cf "$state/$suite.tar.part" .
    mv "$state/$suite.tar.part" "$state/$suite.tar"
    rm -rf "${state:?}/$suite"
fi

work=$(mktemp -d "$state/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
storage=(--root "$state/storage" --runroot "$state/run" --storage-driver vfs)
image() {
    local tag=$1
    shift
    timeout 300 buildah "${storage[@]}" build --isolation=chroot --network=host --format docker --tag "$tag" "$@" \
        </dev/null >"$work/log" 2>&1 || { tail -30 "$work/log" >&2; exit 1; }
}

if ! buildah "${storage[@]}" inspect --type image "$base" >/dev/null 2>&1; then
    printf 'FROM scratch\nADD %s.tar /\n' "$suite" >"$work/Containerfile"
    ln "$state/$suite.tar" "$work/$suite.tar"
    image "$base" --file "$work/Containerfile" "$work"
fi

mkdir "$work/built"
strip -o "$work/built/postern" "$binary"
built=(--build-context build="$work/built" --build-arg BASE_IMAGE="$base" --file deploy/Containerfile)
echo 'postern: building the image'
image localhost/postern:test "${built[@]}" .
# Another image of the same: what replaces a container is a new build.
image localhost/postern:rebuilt "${built[@]}" --no-cache --label rebuilt=yes .
# crun refuses a machine that has both kinds of cgroups, though none are wanted; in a mount namespace of our own it sees one.
checks=(python3 -B Tests/container/checks.py "$state" localhost/postern:test localhost/postern:rebuilt)
if [[ -d /sys/fs/cgroup/unified ]]; then
    checks=(unshare --mount sh -c 'mount -t cgroup2 none /sys/fs/cgroup && exec "$@"' sh "${checks[@]}")
fi
status=0
"${checks[@]}" </dev/null || status=$?
buildah "${storage[@]}" rmi --prune --force >/dev/null 2>&1 || true
exit "$status"
