#!/usr/bin/env bash
# Installs the Debian packages that running or testing Postern needs, where they are missing.
# usage: install-packages.sh run|test|systemd|container|deb
set -euo pipefail

# The compiler links with g++'s runtime files; git fetches the two Swift packages; OpenSSL speaks TLS and checks tokens;
# toml++, which is compiled in, reads the file of settings; libcurl is what the client commands load.
run_packages=(curl git g++ libc6-dev libcurl4 libcurl4-openssl-dev libssl-dev libtomlplusplus-dev)
# simdjson and http-parser are what the JSON and HTTP parsers are compared with; promtool comes in prometheus,
# systemd-analyze in systemd; a browser shows the console, strace counts system calls, and nginx and HAProxy stand in
# front; man and mandoc read the manual page, and bash, fish and zsh the completions.
test_packages=("${run_packages[@]}" chromium chromium-driver fish haproxy iproute2 jq libhttp-parser-dev libsimdjson-dev man-db mandoc nginx nodejs openssl pkg-config prometheus prometheus-alertmanager python3 python3-venv strace systemd zsh)

# A Debian of its own is made by debootstrap and booted by systemd-nspawn.
systemd_packages=("${run_packages[@]}" debootstrap systemd systemd-container)
# What builds and runs the image without a daemon; binutils strips.
container_packages=("${run_packages[@]}" binutils buildah crun debootstrap podman python3)
deb_packages=("${run_packages[@]}" binutils debootstrap dpkg-dev lintian python3)

case "${1:-}" in
run) packages=("${run_packages[@]}") ;;
test) packages=("${test_packages[@]}") ;;
systemd) packages=("${systemd_packages[@]}") ;;
container) packages=("${container_packages[@]}") ;;
deb) packages=("${deb_packages[@]}") ;;
*)
    echo "usage: $0 run|test|systemd|container|deb" >&2
    exit 64
    ;;
esac

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    # Not Debian: go on where the commands are there, and say what to install where they are not.
    commands=(curl git g++)
    if [[ $1 == test ]]; then commands+=(fish haproxy jq man mandoc nginx pkg-config promtool python3 strace systemd-analyze chromedriver zsh); fi
    if [[ $1 == systemd ]]; then commands+=(debootstrap systemd-nspawn); fi
    if [[ $1 == container ]]; then commands+=(buildah crun debootstrap podman python3); fi
    if [[ $1 == deb ]]; then commands+=(debootstrap dpkg-deb dpkg-shlibdeps lintian); fi
    absent=()
    for command in "${commands[@]}"; do
        command -v "$command" >/dev/null || absent+=("$command")
    done
    if ((${#absent[@]} == 0)); then exit 0; fi
    echo "postern: these commands are missing: ${absent[*]}" >&2
    echo "postern: there is no apt here; install what your system calls these Debian packages: ${packages[*]}" >&2
    exit 1
fi

missing=()
for package in "${packages[@]}"; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [[ $status == installed ]] || missing+=("$package")
done
if ((${#missing[@]} == 0)); then exit 0; fi

root=()
if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
        echo "postern: not root, and there is no sudo; as root: apt-get install ${missing[*]}" >&2
        exit 1
    fi
    root=(sudo)
fi
echo "postern: installing ${missing[*]}"

# Packages such as prometheus start a daemon when installed; a policy that says no keeps them from it. One that is
# there already is moved aside and put back.
policy=/usr/sbin/policy-rc.d
saved=$policy.before-postern
restore_policy() {
    "${root[@]}" rm -f "$policy"
    if [[ -e $saved || -L $saved ]]; then "${root[@]}" mv "$saved" "$policy"; fi
}
if [[ ! -e $saved && ! -L $saved ]] && [[ -e $policy || -L $policy ]]; then "${root[@]}" mv "$policy" "$saved"; fi
trap restore_policy EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee "$policy" >/dev/null
"${root[@]}" chmod 755 "$policy"

apt() { "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@" >/dev/null; }
apt install -y --no-install-recommends "${missing[@]}" || { apt update && apt install -y --no-install-recommends "${missing[@]}"; }
