# shellcheck shell=sh
# Sourced by what has dpkg install the packages, as $dpkg, to $root: their whole life.
#   life PACKAGES WORK CHECK
: "${root:?}" "${dpkg:?}"

# A list of all that is there, but for the packages themselves, and dpkg's own notes of any package.
list() { find "$root" -path "$root/mnt/*" -prune -o -path "$root/var/lib/dpkg/[!i]*" -prune -o \
  -printf '%y %m %P %l\n' | LC_ALL=C sort; }

# bumped PACKAGES FOLDER VERSION: the same packages, of a higher version, whose library is another file.
bumped() {
  mkdir -p "$2"
  for package in "$1"/*.deb; do
    content=$2/content
    dpkg-deb -R "$package" "$content"
    sed -i "s/^Version: .*/Version: $3/; s/(= [^)]*)/(= $3)/" "$content/DEBIAN/control"
    for library in "$content"/usr/lib/*/libsigkit.so.*.*; do
      [ -e "$library" ] || continue
      mv "$library" "${library%/*}/libsigkit.so.$3"
      ln -sf "libsigkit.so.$3" "${library%/*}/libsigkit.so.0"
    done
    dpkg-deb --root-owner-group -Znone -b "$content" "$2" >/dev/null
    rm -r "$content"
  done
}

version_of() { $dpkg -s "$1" | sed -n '/^Status: install ok installed$/,$ s/^Version: //p'; }
refuses() {
  ! $dpkg -i "$@" >"$work/refused" 2>&1 || { echo "installed without what it depends on: $*"; exit 1; }
  grep ' depends on ' "$work/refused"
}

life() {
  packages=$1 work=$2 check=$3
  list >"$work/before"
  $dpkg -i "$packages"/*.deb
  test -n "$(version_of sigkit)"
  list >"$work/installed"
  $check

  # The programs never run with a library of another version.
  bumped "$packages" "$work/bumped" 99.1.0
  refuses "$work"/bumped/sigkit_*.deb
  $dpkg -i "$work"/bumped/*.deb
  test "$(version_of sigkit) $(version_of libsigkit0)" = '99.1.0 99.1.0'
  list | sed 's/libsigkit\.so\.99\.1\.0/THE LIBRARY/g' >"$work/upgraded"
  sed 's/libsigkit\.so\.[0-9]*\.[0-9]*\.[0-9]*/THE LIBRARY/g' "$work/installed" |
    diff -u - "$work/upgraded"
  $check

  $dpkg -r sigkit libsigkit-dev libsigkit0
  $dpkg -P sigkit libsigkit-dev libsigkit0
  list | diff -u "$work/before" -
}
