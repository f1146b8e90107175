#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Makes the container image from a built program, without a container daemon: the files of the image, and
# an archive that docker load, podman load, skopeo (oci-archive:) and ctr images import read.
#
#   deploy/image.sh rootfs PROGRAM FOLDER [SYSROOT]     the files: program, shared libraries, certificates
#   deploy/image.sh archive FOLDER ARCHIVE              from the files an archive with one image
#   deploy/image.sh index ARCHIVE ARCHIVE...            the images of several archives as one index
#   deploy/image.sh kustomize REGISTRY/NAME:TAG         deploy/kubernetes uses that image
#
# VERSION, REVISION and SOURCE_DATE_EPOCH come from the environment. The same files with the same three
# give the same bytes: every time is SOURCE_DATE_EPOCH, every owner is root, and names are sorted.

set -o pipefail
PROGRAM_PATH=/usr/local/bin/containerd_exporter
FILE_MODES=u=rwX,go=rX
export LC_ALL=C

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# elf_needs FILE: the names of the shared libraries that the file is linked with.
elf_needs() { readelf -d "$1" | sed -nE 's/.*\(NEEDED\).*\[(.*)\]$/\1/p'; }

# elf_loader FILE: the path of the loader that the kernel starts for the file.
elf_loader() { readelf -l "$1" | sed -nE 's/.*program interpreter: (.*)\]$/\1/p'; }

# elf_architecture FILE: as GOARCH names it.
elf_architecture() {
    case $(readelf -h "$1" | sed -nE 's/^ *Machine: *//p') in
    *X86-64*) echo amd64 ;;
    AArch64) echo arm64 ;;
    *) die "$1: expected a program for x86-64 or AArch64" ;;
    esac
}

# find_library NAME ARCHITECTURE SYSROOT: the file, in the folders that the loader searches.
find_library() {
    local name=$1 sysroot=$3 folder
    local -A triplet=([amd64]=x86_64-linux-gnu [arm64]=aarch64-linux-gnu)
    for folder in {,/usr}/lib/"${triplet[$2]}" {,/usr}/lib64 {,/usr}/lib; do
        [ -e "$sysroot$folder/$name" ] || continue
        [ "$(elf_architecture "$(realpath "$sysroot$folder/$name")")" = "$2" ] || continue
        echo "$folder/$name"
        return
    done
    die "shared library $name not found below ${sysroot:-/}"
}

# copy_libraries PROGRAM FOLDER SYSROOT: what the program is linked with, and what that is linked with. The
# readers of names (files, dns) are part of the C library since glibc 2.34, so nothing has to be found by dlopen().
copy_libraries() {
    local folder=$2 sysroot=$3 architecture path name
    local -a queue=("$1")
    local -A seen=()
    architecture=$(elf_architecture "$1") || exit 1
    path=$(elf_loader "$1")
    [ -n "$path" ] || die "$1: expected a program with a loader"
    install -D -m 0755 "$sysroot$path" "$folder$path" || exit 1
    seen[${path##*/}]=1
    while [ ${#queue[@]} != 0 ]; do
        path=${queue[0]}
        queue=("${queue[@]:1}")
        for name in $(elf_needs "$path"); do
            [ -z "${seen[$name]}" ] || continue
            seen[$name]=1
            path=$(find_library "$name" "$architecture" "$sysroot") || exit 1
            install -D -m 0644 "$sysroot$path" "$folder$path" || exit 1
            queue+=("$folder$path")
        done
    done
}

# copy_certificates FOLDER SYSROOT: one bundle of Mozilla's authorities, where OpenSSL and Go look for it. The
# machine's own bundle may hold authorities that are no one else's business.
copy_certificates() {
    local list=("$2"/usr/share/ca-certificates/mozilla/*.crt)
    [ -e "${list[0]}" ] || die "no certificates in $2/usr/share/ca-certificates/mozilla: install ca-certificates"
    mkdir -p "$1/etc/ssl/certs" && cat "${list[@]}" >"$1/etc/ssl/certs/ca-certificates.crt"
}

# The files of the image, into an empty FOLDER.
rootfs() {
    local program=$1 folder=$2 sysroot=${3%/}
    [ $# -ge 2 ] || die "usage: $0 rootfs PROGRAM FOLDER [SYSROOT]"
    [ -z "$(ls -A "$folder" 2>/dev/null)" ] || die "$folder: expected an empty folder"
    mkdir -p "$folder/etc" || exit 1
    install -D -m 0755 "$program" "$folder$PROGRAM_PATH" || exit 1
    objcopy_of "$program" --strip-all "$folder$PROGRAM_PATH" || exit 1
    copy_libraries "$program" "$folder" "$sysroot"
    copy_certificates "$folder" "$sysroot"
    printf 'root:x:0:0::/:/nonexistent\nnobody:x:65534:65534::/:/nonexistent\n' >"$folder/etc/passwd"
    printf 'root:x:0:\nnogroup:x:65534:\n' >"$folder/etc/group"
    printf 'hosts: files dns\n' >"$folder/etc/nsswitch.conf"
    chmod -R "$FILE_MODES" "$folder"
}

# objcopy_of PROGRAM ARGUMENTS: the objcopy that understands the program's machine.
objcopy_of() {
    case $(uname -m):$(elf_architecture "$1") in
    x86_64:arm64) aarch64-linux-gnu-objcopy "${@:2}" ;;
    aarch64:amd64) x86_64-linux-gnu-objcopy "${@:2}" ;;
    *) objcopy "${@:2}" ;;
    esac
}

# same_tar FOLDER: an archive of the folder on standard output that depends on nothing but names, modes and contents.
same_tar() {
    (cd "$1" && tar --format=ustar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner -cf - -- *)
}

digest_of() { sha256sum "$1" | cut -d ' ' -f 1; }

# descriptor FILE TYPE [MEMBERS]: as OCI refers to a blob.
descriptor() {
    printf '{"mediaType":"application/vnd.oci.image.%s","digest":"sha256:%s","size":%s%s}' \
        "$2" "$(digest_of "$1")" "$(stat -c %s "$1")" "${3:+,$3}"
}

# store FILE LAYOUT: moves the file to where its digest says; prints the new path.
store() {
    local path
    path=$2/blobs/sha256/$(digest_of "$1")
    mv "$1" "$path" && echo "$path"
}

created() { date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ; }

labels() {
    cat <<END
"org.opencontainers.image.title":"containerd_exporter",
"org.opencontainers.image.description":"Exports to Prometheus whether this node can pull and push container images.",
"org.opencontainers.image.licenses":"Apache-2.0",
"org.opencontainers.image.version":"$VERSION",
"org.opencontainers.image.revision":"$REVISION",
"org.opencontainers.image.created":"$(created)"
END
}

# config ARCHITECTURE DIFF_ID: the configuration of the image. deploy/Dockerfile says the same.
config() {
    tr -d '\n' <<END
{"architecture":"$1","os":"linux","created":"$(created)",
"config":{"User":"65534:0","ExposedPorts":{"10048/tcp":{}},"Env":["PATH=${PROGRAM_PATH%/*}"],
"Entrypoint":["$PROGRAM_PATH"],"WorkingDir":"/",
"Healthcheck":{"Test":["CMD","$PROGRAM_PATH","health"],"Interval":30000000000,"Timeout":10000000000,
"StartPeriod":5000000000,"Retries":3},
"Labels":{$(labels)}},
"rootfs":{"type":"layers","diff_ids":["sha256:$2"]},
"history":[{"created":"$(created)","created_by":"deploy/image.sh"}]}
END
}

# finish LAYOUT DESCRIPTOR ARCHIVE: writes index.json, which names the image, and the archive of the layout.
finish() {
    printf '{"schemaVersion":2,"manifests":[%s]}' "$2" >"$1/index.json"
    printf '{"imageLayoutVersion":"1.0.0"}' >"$1/oci-layout"
    chmod -R "$FILE_MODES" "$1" && same_tar "$1" >"$3.new" && mv "$3.new" "$3"
}

# The archive follows two conventions: index.json is OCI's, manifest.json is that of docker save.
archive() {
    local folder=$1 out=$2 layout=$work/layout architecture diff_id layer config manifest
    [ $# = 2 ] || die "usage: $0 archive FOLDER ARCHIVE"
    mkdir -p "$layout/blobs/sha256" || exit 1
    architecture=$(elf_architecture "$folder$PROGRAM_PATH") || exit 1
    same_tar "$folder" >"$work/layer" || exit 1
    diff_id=$(digest_of "$work/layer")
    gzip -n <"$work/layer" >"$work/blob" && layer=$(store "$work/blob" "$layout") || exit 1
    config "$architecture" "$diff_id" >"$work/blob" && config=$(store "$work/blob" "$layout") || exit 1
    printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":%s,"layers":[%s]}' \
        "$(descriptor "$config" config.v1+json)" "$(descriptor "$layer" layer.v1.tar+gzip)" >"$work/blob"
    manifest=$(store "$work/blob" "$layout") || exit 1
    printf '[{"Config":"%s","RepoTags":["%s"],"Layers":["%s"]}]' \
        "${config#"$layout"/}" "$IMAGE_NAME" "${layer#"$layout"/}" >"$layout/manifest.json"
    finish "$layout" "$(descriptor "$manifest" manifest.v1+json "$(platform "$architecture"),$(reference)")" "$out"
}

platform() { printf '"platform":{"architecture":"%s","os":"linux"}' "$1"; }
reference() {
    printf '"annotations":{"io.containerd.image.name":"docker.io/library/%s","org.opencontainers.image.ref.name":"%s"}' \
        "$IMAGE_NAME" "${IMAGE_NAME##*:}"
}

# The descriptors of the archives' images, in the order of the arguments, become the entries of one index.
index() {
    local out=$1 layout=$work/layout entries=() one
    [ $# -gt 1 ] || die "usage: $0 index ARCHIVE ARCHIVE..."
    mkdir -p "$layout" || exit 1
    for one in "${@:2}"; do
        tar -C "$layout" -xf "$one" --exclude=manifest.json || exit 1
        entries+=("$(sed -E 's/^.*"manifests":\[(.*)\]\}$/\1/; s/,"annotations":\{[^}]*\}//' "$layout/index.json")")
    done
    printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[%s]}' \
        "$(IFS=, && echo "${entries[*]}")" >"$work/blob"
    one=$(store "$work/blob" "$layout") || exit 1
    finish "$layout" "$(descriptor "$one" index.v1+json "$(reference)")" "$out"
}

# `kustomize edit set image` does the same, but kubectl has no such command.
kustomize() {
    local name=${1%:*} tag=${1##*:}
    case $1 in
    */*) [ "$name" != "$1" ] && [ "${tag#*/}" = "$tag" ] ;;
    *) false ;;
    esac || die "$1: expected registry/name:tag"
    sed -i -E "s|^( *newName:).*|\1 $name|; s|^( *newTag:).*|\1 \"$tag\"|" "${0%/*}/kubernetes/kustomization.yaml"
}

: "${SOURCE_DATE_EPOCH:?must be set: a unix time}" "${VERSION:?must be set}" "${REVISION:=unknown}"
IMAGE_NAME=containerd_exporter:$VERSION
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
case $1 in
rootfs | archive | index | kustomize) "$@" ;;
*) sed -n '4,13s/^# \{0,1\}//p' "$0" && exit 1 ;;
esac
