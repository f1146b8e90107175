#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs a command on a Debian 12 that has nothing, so that no program, file or setting of this machine can
# help: without arguments the test command of the README.
#
#   tests/fresh.sh [COMMAND ARGUMENTS...]         e.g.  FAST=1 tests/fresh.sh
#
# Makes a minimal root with debootstrap, clones what is committed into it, and enters it with pivot_root in
# a mount and a PID namespace of its own (runc does not start in a chroot). The environment is empty but for
# CI and FAST. The folder `shared` beside the checkout can be read inside. The network, the kernel and the apt
# sources are this machine's. Packages are kept in a cache below CACHE; nothing that was installed is kept.
# The output is the command's, and so is the exit status. Needs root.

cd "$(dirname "$0")/.." || exit 1
# shellcheck source=deploy/lib.sh
source deploy/lib.sh

release=bookworm
checkout=$PWD
cache=${CACHE:-${XDG_CACHE_HOME:-${HOME:-/var/tmp}/.cache}/containerd_exporter_packages}
log=/dev/null

need_root || exit 1
[ ${#root[@]} = 0 ] || exec "${root[@]}" env "CACHE=$cache" ${CI:+"CI=$CI"} ${FAST:+"FAST=$FAST"} ${TMPDIR:+"TMPDIR=$TMPDIR"} "$0" "$@"
if [ $# = 0 ]; then
    set -- "$(grep -oE '^\./tests/[a-z]+\.sh' README.md)"
    [ -n "$1" ] || die "the README names no test command"
fi

# The clock of each step, for the reader of a log.
step() { say "fresh machine: $1 ($SECONDS s)"; }

# apt_sources: the lines of a sources.list for the suite and what belongs to it, as this machine's apt has them.
apt_sources() {
    echo "deb [signed-by=$keyring] $uri $release main"
    # shellcheck disable=SC2016
    apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' 'Component: main' 2>/dev/null |
        sed -nE "s|^([^ ]*/debian[^ ]*) ($release-[a-z]+)$|deb [signed-by=$keyring] \1 \2 main|p" | sort -u
}

# apt_settings: how this machine's apt reaches its sources and how old they may be; packages are kept for the cache.
apt_settings() {
    apt-config dump | grep -E '^Acquire::(https?|ftp|Retries|ForceIPv|Check|Max-)'
    [ -z "$http_proxy" ] || echo "Acquire::http::Proxy \"$http_proxy\";"
    echo 'Acquire::Languages "none";'
    echo 'APT::Keep-Downloaded-Packages "true";'
}

make_root() {
    local uri keyring include=()
    read -r uri keyring < <(debian_source)
    [ "${uri#https:}" = "$uri" ] || include=(--include=ca-certificates)
    [ -n "$uri" ] || die "the apt sources of this machine have no Debian"
    mkdir -p "$cache/debootstrap" "$cache/archives" || return 1
    debootstrap --variant=minbase --keyring="$keyring" --cache-dir="$(realpath "$cache/debootstrap")" \
        "${include[@]}" "$release" "$fresh/root" "$uri" >"$log" 2>&1 ||
        { tail -n 20 "$log" >&2 && die "debootstrap failed"; }
    mkdir -p "$fresh/root$(dirname "$keyring")" && cp "$keyring" "$fresh/root$keyring" || return 1
    apt_sources >"$fresh/root/etc/apt/sources.list"
    apt_settings >"$fresh/root/etc/apt/apt.conf.d/90fresh"
    # The root is thrown away: nothing has to survive a power cut.
    echo force-unsafe-io >"$fresh/root/etc/dpkg/dpkg.cfg.d/fresh"
    cp -L /etc/hosts /etc/resolv.conf "$fresh/root/etc/" || return 1
    cp -a "$cache/archives/." "$fresh/root/var/cache/apt/archives/"
}

# A copy, not the folder itself: two runs may share the cache. apt checks each package that it takes from there.
keep_packages() {
    chroot "$fresh/root" apt-get -qq autoclean >"$log" 2>&1
    rm -rf "$cache/archives.$$" && mkdir "$cache/archives.$$" &&
        find "$fresh/root/var/cache/apt/archives" -maxdepth 1 -name '*.deb' -exec cp -a -t "$cache/archives.$$" {} + &&
        rm -rf "$cache/archives" && mv "$cache/archives.$$" "$cache/archives"
}

# A clone, since what is not committed is on no other machine. Git may refuse the checkout of another user.
clone() {
    [ -z "$(git -c safe.directory='*' status --porcelain)" ] || say "fresh machine: uncommitted changes are NOT TESTED"
    printf '[safe]\n\tdirectory = *\n' >"$fresh/.gitconfig"
    HOME=$fresh git clone -q --no-hardlinks "$checkout" "$fresh/root/root/project"
}

# What runs inside the namespaces, up to the command: ROOT SHARED CI FAST COMMAND ARGUMENTS...
# shellcheck disable=SC2016
enter='
    mount --bind "$1" "$1" && cd "$1"
    mount -t proc proc proc
    mount --rbind /sys sys
    mount --rbind /dev dev
    mount -t tmpfs tmpfs run
    if [ -n "$2" ]; then
        mkdir root/shared
        mount --bind "$2" root/shared
        mount -o remount,bind,ro root/shared
    fi
    # Daemons keep snapshots there. Overlayfs on overlayfs is refused.
    mkdir -p tmp/lower tmp/upper tmp/work tmp/merged
    if mount -t overlay overlay -o lowerdir=tmp/lower,upperdir=tmp/upper,workdir=tmp/work tmp/merged 2>/dev/null; then
        umount tmp/merged
        rm -r tmp/lower tmp/upper tmp/work tmp/merged
    else
        mount -t tmpfs -o mode=1777 tmpfs tmp
    fi
    mkdir -p .old
    pivot_root . .old
    cd /root/project
    umount -l /.old
    rmdir /.old
    mount --make-rshared /
    ci=$3 fast=$4
    shift 4
    exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root ${ci:+"CI=$ci"} ${fast:+"FAST=$fast"} "$@"'

need_packages debootstrap git util-linux >/dev/null || die "debootstrap cannot be installed: no fresh machine can be made"
namespaces=(unshare --mount --pid --fork --kill-child --propagation private)
"${namespaces[@]}" mount -t tmpfs tmpfs /mnt 2>/dev/null ||
    die "no mount and PID namespaces can be made here: no fresh machine can be entered"
fresh=$(mktemp -d "${TMPDIR:-/var/tmp}/fresh.XXXXXX") || exit 1
inside=
# With the first process of the namespace everything in it ends.
leave() {
    [ -z "$inside" ] || { kill -KILL "$inside" && wait "$inside"; } 2>/dev/null
    rm -rf --one-file-system "$fresh"
}
trap leave EXIT
trap 'exit 143' INT TERM
log=$fresh/log
step "debootstrap"
make_root && clone || exit 1
shared=$(realpath -e "$checkout/../shared" 2>/dev/null)
step "running ${1##*/}"
"${namespaces[@]}" bash -euc "$enter" enter "$fresh/root" "$shared" "$CI" "$FAST" "$@" &
inside=$!
wait "$inside"
status=$?
inside=
keep_packages
exit "$status"
