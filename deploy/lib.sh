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
TEST_PACKAGES="libcmocka-dev libdeflate-dev python3-pytest python3-pytest-xdist python3-grpcio python3-jsonschema skopeo debootstrap curl jq util-linux chromium
    golang-go golang-github-masterminds-sprig-dev golang-github-xeipuuv-gojsonschema-dev golang-k8s-sigs-yaml-dev
    build-essential debhelper lintian systemd"

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

# own_apt FOLDER: fills `apt` with the words that run an apt with lists, a cache and a status of its own below
# FOLDER. The machine's apt sees nothing of it.
own_apt() {
    mkdir -p "$1/lists/partial" "$1/cache/archives/partial" && : >"$1/status" || return 1
    apt=(apt-get -q -o "Dir::State::lists=$1/lists" -o "Dir::State::status=$1/status" -o "Dir::Cache=$1/cache"
        -o Dir::Etc::preferencesparts=/dev/null -o Acquire::Languages=none -o Acquire::Retries=3
        -o "APT::Sandbox::User=$(id -un)")
}

# unpack_from_suite SUITE DIR PACKAGE...: those of another Debian suite.
unpack_from_suite() {
    local suite=$1 dir=$2 temp uri keyring deb status apt
    shift 2
    read -r uri keyring < <(debian_source)
    [ -n "$uri" ] && temp=$(mktemp -d) || return 1
    mkdir -p "$temp/root" && own_apt "$temp" || return 1
    echo "deb [signed-by=$keyring] $uri $suite main" >"$temp/sources.list"
    apt+=(-o "Dir::Etc::sourcelist=$temp/sources.list" -o Dir::Etc::sourceparts=/dev/null)
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

# need_schemas [DIR]: what the tests check manifests against: the types of Kubernetes, of Debian trixie's Go client, into
# DIR/schemas/kubernetes, and those of prometheus-operator, of an npm package of which no code is run, into
# DIR/schemas/prometheus-operator. npm is used where the machine has it; it is not installed.
need_schemas() {
    local dir temp gocode=usr/share/gocode/src/k8s.io/client-go
    dir=$(realpath -m "${1:-$(daemons_dir)}")/schemas || return 1
    temp=$(mktemp -d) && mkdir -p "$dir" || return 1
    if [ ! -d "$dir/kubernetes" ]; then
        say "unpacking the types of Kubernetes into $dir/kubernetes"
        { unpack_from_suite trixie "$temp/root" golang-k8s-client-go-dev && mv "$temp/root/$gocode" "$dir/kubernetes"; } ||
            say "the types of Kubernetes CANNOT BE HAD: no manifest is checked against them"
    fi
    if [ ! -d "$dir/prometheus-operator" ]; then
        say "unpacking the types of prometheus-operator into $dir/prometheus-operator"
        { command -v npm >/dev/null && mkdir "$temp/types" &&
            npm pack --silent --ignore-scripts --pack-destination "$temp" @kubernetes-models/prometheus-operator@6 >/dev/null &&
            tar -xzf "$temp"/*.tgz -C "$temp/types" && mv "$temp/types" "$dir/prometheus-operator"; } ||
            say "the types of prometheus-operator CANNOT BE HAD: no monitor and no rule is checked against them"
    fi
    rm -rf "$temp"
}

sysroot_dir() { echo "$(daemons_dir)/sysroot-$1"; }

# need_sysroot ARCHITECTURE: the libraries that the exporter and its unit tests are linked with, and what those
# need, of this machine's Debian for another architecture (arm64, amd64), unpacked into $(sysroot_dir ARCHITECTURE).
# They are unpacked anew once Debian has newer ones. Without a network those that are there stay.
need_sysroot() {
    local dir temp apt status
    dir=$(sysroot_dir "$1") && temp=$(mktemp -d) && own_apt "$temp" || return 1
    apt+=(-o "APT::Architecture=$1" -o "APT::Architectures=$1")
    # shellcheck disable=SC2086,SC2207
    if "${apt[@]}" update --error-on=any >"$temp/log" 2>&1; then
        apt+=(install -y --no-install-recommends ca-certificates
            $(printf '%s\n' $BUILD_PACKAGES $TEST_PACKAGES | grep -E '^lib.*-dev$'))
        "${apt[@]}" --print-uris 2>>"$temp/log" | grep "^'" >"$temp/uris" && unpack_sysroot "$dir"
    else
        [ -f "$dir/packages" ] && say "the packages for $1 CANNOT BE RENEWED: using those in $dir"
    fi
    status=$?
    [ $status = 0 ] || cat "$temp/log" >&2
    rm -rf "$temp"
    return $status
}

# unpack_sysroot DIR: for need_sysroot, with its apt and its list of packages.
unpack_sysroot() {
    local deb link target
    cmp -s "$temp/uris" "$1/packages" && return
    say "unpacking the libraries for cross builds into $1"
    "${apt[@]}" --download-only >>"$temp/log" 2>&1 || return 1
    rm -rf "$1" && mkdir -p "$1" || return 1
    for deb in "$temp"/cache/archives/*.deb; do
        dpkg -x "$deb" "$1" || return 1
    done
    # Absolute links would lead out of the sysroot.
    find "$1" -type l -lname '/*' -printf '%p\t%l\n' | while IFS=$'\t' read -r link target; do
        ln -snfr "$1$target" "$link" || return 1
    done
    cp "$temp/uris" "$1/packages"
}

# need_image_base [DIR]: a Debian of this machine's suite with what a build needs, made with debootstrap, as an archive
# for `docker import`: the base of deploy/Dockerfile in the tests, where docker build has no network.
need_image_base() {
    local archive=${1:-$(daemons_dir)}/image-base.tar
    [ -f "$archive" ] || as_root "${BASH_SOURCE[0]}" make_image_base "$archive" ||
        say "the base of deploy/Dockerfile CANNOT BE HAD: its tests will be skipped"
}

# make_image_base ARCHIVE: for need_image_base, as root.
make_image_base() {
    local uri keyring temp suite proxy status
    read -r uri keyring < <(debian_source)
    suite=$(sed -n s/^VERSION_CODENAME=//p /etc/os-release)
    [ -n "$uri" ] && mkdir -p "${1%/*}" && temp=$(mktemp -d "${1%/*}/base.XXXXXX") || return 1
    say "making the base of deploy/Dockerfile with debootstrap"
    eval "$(apt-config shell proxy Acquire::http::Proxy)"
    # shellcheck disable=SC2086
    http_proxy=${http_proxy:-$proxy} debootstrap --variant=minbase --keyring="$keyring" \
        --cache-dir=/var/cache/apt/archives --include="$(echo $BUILD_PACKAGES | tr ' ' ,)" \
        "$suite" "$temp/root" "$uri" >"$temp/log" 2>&1 && upgrade_root "$temp" >>"$temp/log" 2>&1 &&
        tar -C "$temp/root" --exclude=./var/cache/apt --exclude=./var/lib/apt/lists --exclude=./usr/share/doc \
            --exclude=./dev -cf "$temp/tar" . && mv "$temp/tar" "$1"
    status=$?
    [ $status = 0 ] || tail -n 20 "$temp/log" >&2
    rm -rf --one-file-system "$temp"
    return $status
}

# upgrade_root FOLDER: brings FOLDER/root, a Debian, to the packages that this machine's apt sources have today:
# debootstrap knows no security updates.
upgrade_root() {
    local apt
    own_apt "$1" && "${apt[@]}" update &&
        DEBIAN_FRONTEND=noninteractive "${apt[@]}" -o "Dir::State=$1" -o "Dir::State::status=$1/root/var/lib/dpkg/status" \
            -o "Dir::Cache=$1/root/var/cache/apt" -o "Dir::Log=$1" -o "DPkg::Chroot-Directory=$1/root" \
            -o DPkg::Options::=--force-unsafe-io upgrade -y --with-new-pkgs
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
