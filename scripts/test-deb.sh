#!/usr/bin/env bash
# Makes the package twice, the second of a higher version, and installs, upgrades, removes and purges it in a Debian made
# by debootstrap, which is kept in .build-container for the next time.
# usage: test-deb.sh POSTERN_BINARY
set -euo pipefail
cd "$(dirname "$0")/.."

binary=$(realpath -- "${1:?usage: $0 POSTERN_BINARY}")
suite=bookworm
state=$PWD/.build-container
if ((EUID != 0)); then
    echo "postern: debootstrap and chroot want root; as root: make test-deb" >&2
    exit 77
fi

mkdir -p "$state"
if [[ ! -s $state/deb-$suite.tar ]]; then
    echo "postern: making a Debian $suite (once)"
    rm -rf "$state/$suite"
    debootstrap --variant=minbase --include=adduser,libcurl4,libssl3,libstdc++6,systemd "$suite" "$state/$suite" \
        >"$state/debootstrap.log" 2>&1 || { tail -20 "$state/debootstrap.log" >&2; exit 1; }
    tar -C "$state/$suite" --exclude='./var/cache/apt/archives/*' -cf "$state/deb-$suite.tar.part" .
    mv "$state/deb-$suite.tar.part" "$state/deb-$suite.tar"
    rm -rf "${state:?}/$suite"
fi

work=$(mktemp -d "$state/deb.XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir "$root"
tar -C "$root" -xf "$state/deb-$suite.tar"

version=$(sed -n 's/.*static let text = "\(.*\)".*/\1/p' Sources/postern/Version.swift)
architecture=$(dpkg --print-architecture)
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
old=.build/deb/postern_$version-1_$architecture.deb
new=.build/deb/postern_$version.1-1_$architecture.deb
scripts/make-deb.sh "$binary" >/dev/null
once=$(sha256sum <"$old")
scripts/make-deb.sh "$binary" >/dev/null
scripts/make-deb.sh "$binary" "$version.1" >/dev/null
cp "$old" "$new" "$root/root/"

passed=0 failed=0
check() {
    local what=$1
    shift
    if "$@" >"$work/said" 2>&1; then
        passed=$((passed + 1))
        echo "$what"
    else
        failed=$((failed + 1))
        echo "FAILED: $what"
        cat "$work/said"
    fi
}
in_root() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@" </dev/null; }
package() { in_root dpkg --force-confold "$@"; }
# What the helpers of systemd leave in any root, or take away where it is empty, is not ours.
listing() { (cd "$root" && find . \( -path ./run -o -path './var/lib/systemd/deb-systemd-helper-*' -o -path ./var/lib/dpkg -o -path ./var/log -o -path ./var/cache \) -prune -o -print | sort); }
installed_version() { [[ $(in_root dpkg-query -W -f '${Version}' postern) == "$1" ]]; }
changed_settings() { grep -q '^listen = "127.0.0.1:9000"$' "$root/etc/postern/postern.toml"; }
enabled() { [[ -L $root/etc/systemd/system/multi-user.target.wants/postern.service ]]; }
not() { ! "$@"; }

listing >"$work/before"
passwd_before=$(cat "$root/etc/passwd" "$root/etc/group")

check 'two packages of the same sources are the same' test "$once" = "$(sha256sum <"$old")"
check 'lintian finds no error' lintian --fail-on error "$old"
check 'it installs' package -i "/root/$(basename "$old")"
check 'the binary runs' in_root postern --version
check 'the settings are good' in_root postern config check /etc/postern/postern.toml
check 'the service is enabled' enabled
check 'the group is there' in_root getent group postern
check 'tokens may be hidden from others' test "$(stat -c %a "$root/etc/postern")" = 750
check 'systemd accepts the unit' in_root systemd-analyze verify --man=no /lib/systemd/system/postern.service
echo 'listen = "127.0.0.1:9000"' >>"$root/etc/postern/postern.toml"
in_root systemctl disable postern.service >/dev/null 2>&1
mkdir -p "$root/var/lib/private/postern"
ln -s private/postern "$root/var/lib/postern"
touch "$root/var/lib/private/postern/kept"
check 'it upgrades' package -i "/root/$(basename "$new")"
check 'the version is the new one' installed_version "$version.1-1"
check 'changed settings outlive the upgrade' changed_settings
check 'what an operator disabled stays disabled' not enabled
check 'it is removed' package -r postern
check 'messages outlive the removal' test -e "$root/var/lib/private/postern/kept"
check 'settings outlive the removal' changed_settings
check 'it installs again' package -i "/root/$(basename "$new")"
check 'it is purged' package -P postern
listing >"$work/after"
check 'nothing is left' diff "$work/before" "$work/after"
check 'neither user nor group is left' test "$passwd_before" = "$(cat "$root/etc/passwd" "$root/etc/group")"
echo "$passed passed, $failed failed"
((failed == 0))
