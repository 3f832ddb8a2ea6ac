#!/bin/sh
# Gathers under ROOT all that an image of Postern needs and nothing else: no shell, no package, no loader's cache.
# usage: gather-root.sh BINARY ROOT          It runs on the Debian whose libraries are taken, and wants binutils there.
set -eu
binary=$1
root=$2
libraries=/usr/lib/$(uname -m)-linux-gnu
# Client commands, and with them the health check, load libcurl when one is used; ldd does not see that.
curl=$libraries/libcurl.so.4

# Debian's libcurl speaks LDAP and RTMP too, by libraries that bring GnuTLS with them: 7 MB that no command of Postern
# reaches. In their place stand ones whose functions are data, so that a call would end the process.
hollow=$(mktemp -d)
trap 'rm -rf "$hollow"' EXIT
make_hollow() {
    {
        echo .data
        nm -D --defined-only "$libraries/$1" | awk '{ sub(/@.*/, "", $3); print $3 }' | sort -u >"$hollow/defined"
        nm -D --undefined-only "$curl" | awk '{ sub(/@.*/, "", $2); print $2 }' | sort -u | comm -12 - "$hollow/defined" |
            awk '{ printf ".globl %s\n.type %s, @function\n%s: .quad 0\n", $1, $1, $1 }'
    } >"$hollow/source.s"
    as -o "$hollow/object.o" "$hollow/source.s"
    version=${2:+$2 { *; \};}
    echo "${version:-{ *; \};}" >"$hollow/version"
    ld -shared -z noexecstack -soname "$1" --version-script "$hollow/version" -o "$hollow/$1" "$hollow/object.o"
}
make_hollow librtmp.so.1 ''
make_hollow libldap-2.5.so.0 OPENLDAP_2.5
make_hollow liblber-2.5.so.0 OPENLDAP_2.5

mkdir -p "$root/usr/bin" "$root/usr/lib64" "$root$libraries" "$root/etc/ssl/certs" "$root/usr/share/doc/ca-certificates" "$root/tmp"
for folder in lib lib64; do ln -s "usr/$folder" "$root/$folder"; done
chmod 1777 "$root/tmp"
install -m 755 "$binary" "$root/usr/bin/postern"

for file in $({ echo "$curl"; ldd "$binary"; LD_LIBRARY_PATH=$hollow ldd "$curl"; } | grep -o '/[^ ]*\.so[^ ]*' | sort -u); do
    case $file in
    "$hollow"/*)
        cp "$file" "$root$libraries/"
        continue
        ;;
    esac
    test -e "$root$file" || cp -L "$file" "$root$file"
    # Each travels under its own terms. Packages list their files as they were before /lib became a link.
    real=$(readlink -f "$file")
    package=$({ dpkg-query -S "$real" || dpkg-query -S "${real#/usr}"; } 2>/dev/null | cut -d : -f 1)
    mkdir -p "$root/usr/share/doc/$package"
    cp -L "/usr/share/doc/$package/copyright" "$root/usr/share/doc/$package/"
done

cp -L /usr/share/doc/ca-certificates/copyright "$root/usr/share/doc/ca-certificates/"
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
cp -L /etc/os-release "$root/etc/os-release"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
printf '%s\n' 'root:x:0:0:root:/:/nonexistent' 'postern:x:65532:65532:Postern:/var/lib/postern:/nonexistent' >"$root/etc/passwd"
printf '%s\n' 'root:x:0:' 'postern:x:65532:' >"$root/etc/group"
