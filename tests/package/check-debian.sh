#!/bin/sh
# check-debian.sh PACKAGES: the packages' whole life in a clean, minimal Debian, of this machine's
# release and from where its apt has it. Takes a minute and the network.
set -eu
packages=$1
here=$(cd "$(dirname "$0")" && pwd)
[ "$(id -u)" -eq 0 ] || { echo 'SKIPPED: not root'; exit 0; }
command -v debootstrap >/dev/null || { echo 'SKIPPED: there is no debootstrap here'; exit 0; }
unshare --mount --pid --fork true || { echo 'SKIPPED: no namespaces are permitted'; exit 0; }
root=$(mktemp -d "${packages%/*}/debian.XXXXXX")
log=$root.log
# Mounts are gone with their namespaces: nothing below is another file system's.
trap '[ $? -eq 0 ] || cat "$log"; rm -rf --one-file-system "$root" "$log"' EXIT

# in_root COMMAND...: paths of files in the root are those that it has there.
in_root() {
  for argument in "$@"; do
    set -- "$@" "${argument#"$root"}"
    shift
  done
  unshare --mount --pid --fork --kill-child --mount-proc="$root/proc" \
    chroot "$root" env LC_ALL=C "$@" </dev/null
}

release=$(. /etc/os-release && echo "$VERSION_CODENAME")
# shellcheck disable=SC2016 # apt's own
mirror=$(apt-get indextargets --format '$(CODENAME) $(COMPONENT) $(CREATED_BY) $(REPO_URI)' |
  sed -n "s/^$release main Packages //p" | head -n 1)
[ -n "$mirror" ] || { echo "SKIPPED: apt has no $release here"; exit 0; }
proxy=
eval "$(apt-config shell proxy Acquire::http::Proxy)"
[ -z "$proxy" ] || export http_proxy="$proxy"
debootstrap --variant=minbase "$release" "$root" "$mirror" >"$log" 2>&1

cp -r "$packages" "$root/mnt/packages"
cp "$here/installed.sh" "$root/mnt"
check() {
  in_root ldconfig -p >"$root/mnt/libraries"
  grep 'libsigkit\.so\.0 ' "$root/mnt/libraries"
  in_root apt-get -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= check
  test -z "$(in_root dpkg --audit)"
  test -z "$(in_root dpkg --verify sigkit libsigkit0 libsigkit-dev)"
  in_root sh /mnt/installed.sh
}
dpkg='in_root dpkg'
# shellcheck source=tests/package/deb-life.sh
. "$here/deb-life.sh"
{
  life "$root/mnt/packages" "$root/mnt" check
  in_root ldconfig -p >"$root/mnt/libraries"
  ! grep libsigkit "$root/mnt/libraries" || { echo 'the library is still known'; exit 1; }
} >"$log" 2>&1
echo "$release: installed, run, upgraded, removed and purged; nothing left behind"
