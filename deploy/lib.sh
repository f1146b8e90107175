#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What the demo and the tests need from this machine. Packages of libraries and tools are
# installed; daemons never are: they are downloaded and unpacked aside, so that no service of the
# machine is added, started or changed.
#
#   source deploy/lib.sh          or          deploy/lib.sh FUNCTION ARGUMENTS

# shellcheck disable=SC2034
BUILD_PACKAGES="make gcc g++ libc6-dev git ca-certificates libgrpc-dev libprotobuf-c-dev
    protobuf-c-compiler protobuf-compiler libmicrohttpd-dev libyaml-dev libssl-dev
    libcurl4-openssl-dev libtomlplusplus-dev libre2-dev libgnutls28-dev libisal-dev libcrypt-dev"
# shellcheck disable=SC2034
DEMO_PACKAGES="python3 python3-yaml python3-prometheus-client openssl mount"
# shellcheck disable=SC2034
TEST_PACKAGES="libcmocka-dev libdeflate-dev python3-pytest python3-pytest-xdist python3-jsonschema python3-grpcio skopeo curl jq util-linux chromium"

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# need_root: fills `root` with the words that make a command root's. A password is asked for only
# where somebody could type one.
need_root() {
    if [ "$(id -u)" = 0 ]; then
        root=()
    elif sudo -n true 2>/dev/null; then
        root=(sudo -n)
    elif [ -t 0 ] && command -v sudo >/dev/null; then
        root=(sudo)
    else
        printf 'error: this needs root, or a user who may use sudo\n' >&2
        return 1
    fi
}

as_root() {
    local root
    need_root && "${root[@]}" "$@"
}

apt_update() { as_root apt-get -q update >&2; }

# need_packages NAME...: installs those that are missing.
need_packages() {
    local name missing=()
    for name in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
    done
    [ ${#missing[@]} = 0 ] && return 0
    say "installing ${missing[*]}"
    local install=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends "${missing[@]}")
    as_root "${install[@]}" >&2 || { apt_update && as_root "${install[@]}" >&2; }
}

daemons_dir() { echo "${DAEMONS:-${XDG_CACHE_HOME:-${HOME:-/var/tmp}/.cache}/containerd_exporter}"; }

# need_daemons [DIR]: containerd, runc, docker-registry, Docker and Prometheus of Debian, unpacked
# into DIR, with the one library of theirs that a small machine lacks.
need_daemons() {
    local dir=${1:-$(daemons_dir)} temp package deb status packages=()
    local -A program=([containerd]=bin/containerd [runc]=bin/runc [docker-registry]=bin/docker-registry
        [docker.io]=sbin/dockerd [prometheus]=bin/promtool)
    for package in "${!program[@]}"; do
        [ -x "$dir/usr/${program[$package]}" ] || packages+=("$package")
    done
    compgen -G '/lib/*/libdevmapper.so.1.02.1' >/dev/null || compgen -G "$dir/lib/*/libdevmapper.so.1.02.1" >/dev/null ||
        packages+=(libdevmapper1.02.1)
    [ ${#packages[@]} = 0 ] && return 0
    say "unpacking ${packages[*]} into $dir"
    mkdir -p "$dir" && temp=$(mktemp -d) || return 1
    (
        cd "$temp" || exit 1
        { apt-get -q download "${packages[@]}" || { apt_update && apt-get -q download "${packages[@]}"; }; } >log 2>&1 ||
            { cat log >&2 && exit 1; }
        for deb in ./*.deb; do
            dpkg -x "$deb" "$dir" || exit 1
        done
    )
    status=$?
    rm -rf "$temp"
    return "$status"
}

# debian_source: the URI and the keyring of this machine's Debian, from its own apt sources. apt reads
# them, so that both of their forms are understood.
debian_source() {
    # shellcheck disable=SC2016
    local format='$(REPO_URI) $(SOURCESENTRY)' uri entry keyring
    read -r uri entry < <(apt-get indextargets --format "$format" 'Created-By: Packages' 'Component: main' 2>/dev/null |
        grep -E '^[^ ]*/debian/? ')
    [ -n "$uri" ] || return 1
    keyring=$(grep -oiE 'signed-by(:|=) *[^] ]+' "${entry%:*}" | sed -E 's/^[^:=]*[:=] *//' | head -n 1)
    [ -f "$keyring" ] || keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    echo "$uri" "$keyring"
}

# unpack_from_suite SUITE DIR PACKAGE...: those of another Debian suite. apt gets lists, a cache and
# a status of its own, in a folder that is gone afterwards: the machine's apt sees nothing of it.
unpack_from_suite() {
    local suite=$1 dir=$2 temp uri keyring deb status apt
    shift 2
    read -r uri keyring < <(debian_source)
    [ -n "$uri" ] && temp=$(mktemp -d) || return 1
    mkdir -p "$temp/lists/partial" "$temp/cache/archives/partial" "$temp/root" && : >"$temp/status"
    echo "deb [signed-by=$keyring] $uri $suite main" >"$temp/sources.list"
    apt=(apt-get -q -o "Dir::Etc::sourcelist=$temp/sources.list" -o Dir::Etc::sourceparts=/dev/null
        -o Dir::Etc::preferencesparts=/dev/null -o "Dir::State::lists=$temp/lists" -o "Dir::State::status=$temp/status"
        -o "Dir::Cache=$temp/cache" -o Acquire::Languages=none -o Acquire::Retries=3
        -o "APT::Sandbox::User=$(id -un)")
    (
        cd "$temp" || exit 1
        { "${apt[@]}" update --error-on=any && "${apt[@]}" download "$@"; } >log 2>&1 || { cat log >&2 && exit 1; }
        for deb in ./*.deb; do
            dpkg -x "$deb" root || exit 1
        done
        mkdir -p "$dir" && cp -a root/. "$dir"
    )
    status=$?
    rm -rf "$temp"
    return "$status"
}

# need_newer_daemons [DIR]: what the tests need newer than Debian 12 has it, and the demo does not:
# containerd 1.7 and 2.x with their runc, unpacked into DIR/1.7 and DIR/2, a Prometheus 3.x, into
# DIR/prometheus-3, a Docker that keeps images in containerd, into DIR/docker-store, and a kubectl that knows kustomize components, into DIR/kubectl. They run on Debian 12.
# A suite that cannot be had is no failure: what it would have tested is skipped, and says so.
need_newer_daemons() {
    local dir version
    dir=$(realpath -m "${1:-$(daemons_dir)}") || return 1
    local -A suite=([1.7]=trixie [2]=sid)
    for version in "${!suite[@]}"; do
        [ -x "$dir/$version/usr/bin/containerd" ] && [ -x "$dir/$version/usr/bin/runc" ] && continue
        say "unpacking containerd $version of Debian ${suite[$version]} into $dir/$version"
        unpack_from_suite "${suite[$version]}" "$dir/$version" containerd runc ||
            say "containerd $version CANNOT BE HAD: its tests will be skipped"
    done
    if [ ! -x "$dir/prometheus-3/usr/bin/prometheus" ]; then
        say "unpacking Prometheus 3 of Debian sid into $dir/prometheus-3"
        unpack_from_suite sid "$dir/prometheus-3" prometheus ||
            say "Prometheus 3 CANNOT BE HAD: its tests will be skipped"
    fi
    if [ ! -x "$dir/docker-store/usr/sbin/dockerd" ]; then
        say "unpacking Docker of Debian sid, which keeps images in containerd, into $dir/docker-store"
        unpack_from_suite sid "$dir/docker-store" docker.io ||
            say "Docker of Debian sid CANNOT BE HAD: its tests will be skipped"
    fi
    if [ ! -x "$dir/kubectl/usr/bin/kubectl" ]; then
        say "unpacking kubectl of Debian trixie into $dir/kubectl"
        unpack_from_suite trixie "$dir/kubectl" kubectl ||
            say "kubectl CANNOT BE HAD: its tests will be skipped"
    fi
    return 0
}

# need_python: fills `python` with the words that run a Python program as root (a containerd needs
# that) which finds the daemons and leaves no file of root's in the checkout.
need_python() {
    local root
    need_root || return 1
    python=("${root[@]}" env "DAEMONS=$(daemons_dir)" PYTHONDONTWRITEBYTECODE=1 "PATH=$PATH:$(daemons_dir)/usr/bin"
        ${EXPORTER_BIN:+"EXPORTER_BIN=$EXPORTER_BIN"} ${TMPDIR:+"TMPDIR=$TMPDIR"} /usr/bin/python3)
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    "$@"
fi
