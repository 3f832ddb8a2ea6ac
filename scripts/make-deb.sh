#!/usr/bin/env bash
# Makes the Debian package of a binary that is there: .build/deb/postern_VERSION_ARCHITECTURE.deb
# The same sources give the same bytes: times are SOURCE_DATE_EPOCH's, the last commit's where it is not set.
# usage: make-deb.sh POSTERN_BINARY [VERSION]
set -euo pipefail
cd "$(dirname "$0")/.."

binary=$(realpath -- "${1:?usage: $0 POSTERN_BINARY [VERSION]}")
version=${2:-$(sed -n 's/.*static let text = "\(.*\)".*/\1/p' Sources/postern/Version.swift)}
revision=$version-1
architecture=$(dpkg --print-architecture)
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
# Whoever publishes the package says who keeps it.
maintainer=${DEB_MAINTAINER:-The authors of Postern <postern@example.org>}
output=$PWD/.build/deb
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/debian/postern
umask 022

put() { install -D -m "${3:-644}" "$1" "$tree/$2"; }
packed() { gzip -9n >"$tree/$1"; }

put "$binary" usr/bin/postern 755
strip --remove-section=.comment --remove-section=.note "$tree/usr/bin/postern"
put deploy/postern.service lib/systemd/system/postern.service
if [[ -e deploy/postern.socket ]]; then put deploy/postern.socket lib/systemd/system/postern.socket; fi
# The package is for the release it is made on; systemd before 254 takes the drop-in amiss (docs/systemd.md).
systemd=$(systemctl --version 2>/dev/null | sed -n '1s/^systemd \([0-9]*\).*/\1/p' || true)
if ((${systemd:-0} >= 254)); then
    put deploy/postern.service.d/systemd-254.conf lib/systemd/system/postern.service.d/systemd-254.conf
fi
put deploy/debian/group.conf lib/systemd/system/postern.service.d/group.conf
put deploy/debian/postern.sysusers usr/lib/sysusers.d/postern.conf
put deploy/debian/postern.default etc/default/postern
mkdir -p "$tree/etc/postern"
"$binary" config default >"$tree/etc/postern/postern.toml"

for shell in bash:bash-completion/completions/postern zsh:zsh/vendor-completions/_postern fish:fish/vendor_completions.d/postern.fish; do
    place=$tree/usr/share/${shell#*:}
    mkdir -p "$(dirname "$place")"
    "$binary" --generate-completion-script "${shell%%:*}" | sed '1{/^#!/d}' >"$place"
done
# `make man` writes them.
for page in .build/man/*.1; do
    if [[ -e $page ]]; then
        mkdir -p "$tree/usr/share/man/man1"
        packed "usr/share/man/man1/$(basename "$page").gz" <"$page"
    fi
done

documents=usr/share/doc/postern
mkdir -p "$tree/$documents"
put deploy/debian/README.Debian $documents/README.Debian
packed $documents/changelog.gz <CHANGELOG.md
cat >"$tree/$documents/copyright" <<END
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: Postern

Files: *
Copyright: 2026, the authors of Postern
License: Apache-2.0
 On Debian systems the text of the Apache License 2.0 stands in
 /usr/share/common-licenses/Apache-2.0.
END
packed $documents/changelog.Debian.gz <<END
postern ($revision) unstable; urgency=medium

  * Postern $version; changelog.gz says what is new.

 -- $maintainer  $(date -u -R -d "@$SOURCE_DATE_EPOCH")
END
if [[ -s deploy/debian/lintian-overrides ]]; then put deploy/debian/lintian-overrides usr/share/lintian/overrides/postern; fi

# What the binary is linked with says what it depends on; libcurl is loaded by the client commands when one is used.
printf 'Source: postern\n\nPackage: postern\nArchitecture: any\n' >"$work/debian/control"
depends=$(cd "$work" && dpkg-shlibdeps -O debian/postern/usr/bin/postern 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
mkdir -p "$tree/DEBIAN"
for script in postinst prerm postrm; do install -m 755 "deploy/debian/$script" "$tree/DEBIAN/$script"; done
(cd "$tree" && find etc -type f | sort | sed 's,^,/,' >DEBIAN/conffiles)
(cd "$tree" && find . -path ./DEBIAN -prune -o -path ./etc -prune -o -type f -printf '%P\0' | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
cat >"$tree/DEBIAN/control" <<END
Package: postern
Version: $revision
Architecture: $architecture
Maintainer: $maintainer
Installed-Size: $(du -sk --exclude=DEBIAN "$tree" | cut -f 1)
Pre-Depends: init-system-helpers (>= 1.54~)
Depends: $depends, libcurl4, adduser
Recommends: ca-certificates
Suggests: curl, jq, prometheus
Section: net
Priority: optional
Description: publish and subscribe over plain HTTP and JSON
 Postern is a small gateway: whoever has curl or a browser publishes with a
 POST and subscribes with a GET that waits or streams. Topics, ordered
 messages, cursors, retention, in memory or on disk; tokens, TLS and limits;
 metrics for Prometheus. One binary, no client library, no broker to learn.
END
find "$tree" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
mkdir -p "$output"
dpkg-deb --root-owner-group -Zxz --build "$tree" "$output/postern_${revision}_$architecture.deb"
