#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Checks who may include whom: floors, rooms inside a floor, libraries, collectors and engines.
# A rule that finds nothing to check is an error, so that a moved folder cannot switch a rule off.
set -eu
cd "$(dirname "$0")/.."
fail=0
complain() { [ -z "$1" ] || { echo "$1"; fail=1; }; }
sources() { find "$@" -name '*.[ch]' -o -name '*.cpp'; }
# project_includes FILE...: "file:line:#include ..." of each include of a project header.
project_includes() { [ $# = 0 ] || grep -nE '^#include "[a-z_]+/' /dev/null "$@" || true; }

floors=
# floor NAME FLOOR...: the floor may include itself and the floors that follow.
floor() {
    name=$1
    [ "$name" = collectors ] && dir=collectors || dir=exporter/$name
    floors="$floors $name"
    allowed=$(echo "$@" | tr ' ' '|')
    # shellcheck disable=SC2046
    found=$(project_includes $(sources "$dir"))
    [ -n "$found" ] || complain "floor $name: no includes found, so nothing was checked"
    complain "$(echo "$found" | grep -vE "#include \"($allowed)/" | grep . || true)"
}
# only LIBRARY FILES: the library header (a pattern) may be named in FILES (a pattern) only.
only() {
    found=$(grep -rlE "^#include <$1" exporter collectors || true)
    [ -n "$found" ] || complain "<$1> is included nowhere, so nothing was checked"
    complain "$(echo "$found" | grep -vxE "$2" | sed "s,^,<$1> in: ," | grep . || true)"
}
# never PATTERN FILE...: no file includes a project header that matches.
never() {
    pattern=$1
    shift
    [ $# != 0 ] || complain "rule $pattern: no files found, so nothing was checked"
    complain "$(project_includes "$@" | grep -E "#include \"$pattern" || true)"
}

floor base
floor os          base
floor encoding    base
floor oci         base encoding
floor metrics     base
floor net         base os encoding
floor credentials base os encoding oci
floor registry    base os encoding oci net credentials
floor docker      base encoding oci net credentials
floor containerd  base os encoding oci net credentials
floor inventory   base oci containerd
floor collector   base metrics
floor config      base os encoding collector
floor scheduler   base os encoding metrics collector config
floor engines     base encoding oci registry docker containerd
floor probe       base metrics credentials registry containerd engines collector
floor collectors  base os encoding oci metrics registry docker containerd inventory engines probe collector
floor server      base os encoding metrics config collector
floor web         base os encoding metrics collector scheduler server
floor command     base os encoding oci metrics net credentials registry docker containerd inventory \
                  collector config scheduler engines probe server web

for dir in exporter/*/; do
    name=$(basename "$dir")
    case "$floors " in *" $name "*) ;; *) complain "exporter/$name is no floor of tests/layers.sh" ;; esac
done

# shellcheck disable=SC2046
{
    # Generated messages are seen in containerd/wire/ only, and that folder by its own floor only.
    never 'containerd/wire/' $(sources exporter collectors | grep -v '^exporter/containerd/')
    complain "$(grep -rlE '^#include ".*pb-c.h"' exporter collectors | grep -vE '^exporter/containerd/wire/[a-z_]+_wire.c$' || true)"
    # A collector of the scrape lane asks no daemon and no registry; no collector knows another one.
    never '(registry|docker|containerd|inventory|engines|probe|net)/' $(grep -lE 'LANE_SCRAPE' collectors/*.c)
    never 'collectors/' $(sources exporter collectors)
    # No engine knows another one.
    never 'engines/(pull|push|tag)_' $(sources exporter collectors)
    found=$(grep -rlE '^const struct engine [a-z]' exporter collectors || true)
    [ -n "$found" ] || complain 'no engine is defined, so nothing was checked'
    complain "$(echo "$found" | grep -vxE 'exporter/engines/(pull|push|tag)_[a-z]+.c' | sed 's,^,an engine is defined in: ,' | grep . || true)"
}
# Files of the node are opened by os/, which knows --path.rootfs.
# shellcheck disable=SC2046
complain "$(grep -nE '\b(fopen|open(at)?|opendir|scandir|l?stat|access|readlink|realpath)\(' \
    $(sources exporter/net exporter/credentials exporter/registry) || true)"
only grpc/        exporter/net/rpc.c
only curl/        'exporter/net/http/http(_curl|_failure|_url)?.[ch]'
only openssl/     'exporter/(oci/(digest|keystream)|net/http/(http_tls|tls_roots)).[ch]'
only 'toml[+][+]/' exporter/registry/hosts/hosts_toml.cpp
only 're2/'       exporter/registry/hosts/hosts_rewrite.cpp
only charconv     exporter/metrics/shortest.cpp
only yaml.h       exporter/encoding/yaml.c
only microhttpd.h 'exporter/server/exchange(_(request|reply|private))?.[ch]'
only gnutls/      exporter/server/config/tls.c
only isa-l/       exporter/web/exposition/gzip.c
only crypt.h      exporter/server/basic_auth.c
exit $fail
