#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A containerd, a registry, the exporter and a Prometheus of their own, on loopback and in a
# temporary folder: probes that pull and push for real, and what is seen of them. Ctrl-C ends all
# of it and leaves nothing. With --once it ends by itself, with status 0 if all went as it should.

cd "$(dirname "$0")/.." || exit 1
# shellcheck source=deploy/lib.sh
source deploy/lib.sh

case ${1:-} in
'' | --once) ;;
*)
    sed -n '4,6s/^# //p' "$0"
    echo "usage: deploy/demo.sh [--once]"
    [ "$1" = --help ] || [ "$1" = -h ]
    exit
    ;;
esac

# shellcheck disable=SC2086
need_packages $BUILD_PACKAGES $DEMO_PACKAGES || die "packages are missing"
need_daemons || die "containerd, docker-registry or prometheus could not be downloaded"
if [ -z "${EXPORTER_BIN:-}" ]; then
    say "building"
    make -j"$(nproc)" all >&2 || die "the build failed"
fi
need_python || exit 1
exec "${python[@]}" deploy/demo.py "$@"
