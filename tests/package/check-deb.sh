#!/bin/sh
# Makes the Debian packages out of a build, and looks at what is in which; dpkg installs them to a
# root of its own, upgrades and removes them. Leaves them in BUILD/packages, for lintian.
set -eu
build=$1 source=$2
here=$(cd "$(dirname "$0")" && pwd)
PATH=$PATH:/usr/sbin:/sbin
for tool in cpack dpkg dpkg-shlibdeps file readelf; do
  command -v "$tool" >/dev/null || { echo "SKIPPED: there is no $tool here"; exit 0; }
done
as_root=
if [ "$(id -u)" -ne 0 ]; then
  as_root=fakeroot
  command -v fakeroot >/dev/null || { echo 'SKIPPED: neither root nor fakeroot'; exit 0; }
fi
work=$(mktemp -d)
trap '[ $? -eq 0 ] || cat "$work/log"; rm -rf "$work"' EXIT
die() { echo "check-deb: $*"; exit 1; }

packages=$build/packages
rm -rf "$packages"
cpack --config "$build/CPackConfig.cmake" -B "$packages" >"$work/log" 2>&1

# Every file is in the package that it belongs to. What has many of a kind counts as one.
multiarch=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
for package in "$packages"/*.deb; do
  name=$(dpkg-deb -f "$package" Package)
  [ "$(dpkg-deb -f "$package" Multi-Arch)" = "$([ "$name" = sigkit ] && echo foreign || echo same)" ] ||
    die "$name: Multi-Arch"
  dpkg-deb -x "$package" "$work/$name"
  (cd "$work/$name" && find . ! -type d) | sed "s/^\./$name /"
done | sed -E "s/$multiarch/ARCH/; s/\.so\.[0-9]+\.[0-9]+\.[0-9]+$/.so.VERSION/
  s/(sigkit-config)-(release|relwithdebinfo|minsizerel|debug)/\1-TYPE/
  s,(/usr/include/sigkit|/usr/share/doc/sigkit/docs)/.*,\1/...," | LC_ALL=C sort -u |
  diff -u "$here/deb-files.txt" -
for page in "$source"/man/*.[137]; do
  package=sigkit
  [ "${page##*.}" != 3 ] || package=libsigkit-dev
  gzip -dc "$work/$package/usr/share/man/man${page##*.}/${page##*/}.gz" | cmp - "$page"
done
for header in "$source"/lib/include/sigkit/*; do
  cmp "$header" "$work/libsigkit-dev/usr/include/sigkit/${header##*/}"
done

for object in "$work"/sigkit/usr/bin/* "$work"/libsigkit*/usr/lib/*/*.so.*.*; do
  readelf -dS "$object" >"$work/elf"
  ! grep -E 'RPATH|RUNPATH|\.symtab|\.debug|\.comment' "$work/elf" || die "${object##*/} has that left"
  grep -q '(NEEDED).*libc\.so' "$work/elf" || die "${object##*/} is not what was expected"
done

# A C library, since the packages depend on one; the programs run with the one of this machine.
root=$work/root
mkdir -p "$root/var/lib/dpkg/updates" "$root/var/lib/dpkg/info" "$work/libc6/DEBIAN"
: >"$root/var/lib/dpkg/status"
printf '%s\n' 'Package: libc6' "Version: $(dpkg-query -W -f '${Version}' libc6)" 'Multi-Arch: same' \
  "Architecture: $(dpkg --print-architecture)" 'Maintainer: nobody' 'Description: a stand-in' \
  >"$work/libc6/DEBIAN/control"
dpkg-deb -b "$work/libc6" "$work/libc6.deb" >/dev/null
# In images for containers it is told to leave manual pages out.
dpkg="$as_root dpkg --root=$root --log=/dev/null --force-unsafe-io --path-include=*"

# shellcheck source=tests/package/deb-life.sh
. "$here/deb-life.sh"
export LD_LIBRARY_PATH="$root/usr/lib/$multiarch"
programs_run() { "$here/installed.sh" "$root"; }
{
  refuses "$packages"/libsigkit0_*.deb
  $dpkg -P libsigkit0
  $dpkg -i "$work/libc6.deb"
  refuses "$packages"/libsigkit-dev_*.deb
  $dpkg -P libsigkit-dev
  life "$packages" "$work" programs_run
} >>"$work/log" 2>&1
