#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What the demo and the tests need from this machine. Packages of libraries and tools are
# installed; daemons never are: they are downloaded and unpacked aside, so that no service of the
# machine is added, started or changed.
#
#   source deploy/lib.sh          or          deploy/lib.sh FUNCTION ARGUMENTS

# shellcheck disable=SC2034
BUILD_PACKAGES="make gcc libc6-dev git ca-certificates libgrpc-dev libprotobuf-c-dev
    protobuf-c-compiler protobuf-compiler libmicrohttpd-dev libyaml-dev libssl-dev
    libcurl4-openssl-dev libjansson-dev"
# shellcheck disable=SC2034
DEMO_PACKAGES="python3 python3-yaml python3-prometheus-client openssl mount"
# shellcheck disable=SC2034
TEST_PACKAGES="libcmocka-dev python3-pytest skopeo curl jq util-linux"

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

# need_daemons [DIR]: containerd, runc, docker-registry and Prometheus of Debian, unpacked into DIR.
need_daemons() {
    local dir=${1:-$(daemons_dir)} temp package deb status packages=()
    local -A program=([containerd]=containerd [runc]=runc [docker-registry]=docker-registry [prometheus]=promtool)
    command -v kubectl >/dev/null || program[kubernetes-client]=kubectl
    for package in "${!program[@]}"; do
        [ -x "$dir/usr/bin/${program[$package]}" ] || packages+=("$package")
    done
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
