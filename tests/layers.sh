#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Who may include whom. A floor may include itself and the floors named after it.
set -eu
cd "$(dirname "$0")/.."
fail=0
complain() { [ -z "$1" ] || { echo "$1"; fail=1; }; }
floor() { # folder, allowed first path components
    dir=$1; shift
    allowed=$(echo "$@" | tr ' ' '|')
    complain "$(grep -rnE '^#include "[a-z_]+/' "$dir" --include='*.[ch]' --include='*.cpp' | grep -vE "#include \"($allowed)/" || true)"
}
only() { # library header, the files that may name it (a pattern)
    complain "$(grep -rlE "^#include <$1" exporter collectors | grep -vxE "$2" | sed "s,^,<$1> in: ," || true)"
}
floor exporter/base    base
floor exporter/metrics base metrics
floor exporter/client  base client
floor exporter/probe   base client probe
floor exporter/engine  base metrics engine
floor exporter/canary  base metrics client probe canary engine
floor exporter/server  base metrics engine server
floor exporter/web     base metrics engine server web
floor exporter/command base metrics client probe canary engine server web command
floor collectors       base metrics client probe canary engine
# Of the engine, those who measure see the contract only.
complain "$(grep -nE '^#include "engine/' collectors/*.c exporter/canary/*.[ch] | grep -vE 'engine/(collector|setting).h' || true)"
complain "$(grep -lE '^#include "(client|probe)/' $(grep -lE 'LANE_SCRAPE' collectors/*.c) || true)"
# A collector knows no other collector, a way to pull no other way.
complain "$(grep -rnE '^#include "collectors/' exporter collectors || true)"
complain "$(grep -rnE '^#include "probe/(pull|push)_' exporter collectors || true)"
only grpc/        exporter/client/rpc.c
only curl/        exporter/client/http.c
only openssl/     exporter/client/digest.c
only 'toml[+][+]/' exporter/client/hosts_toml.cpp
only yaml.h       exporter/base/yaml.c
only microhttpd.h exporter/server/exchange.c
only gnutls/      exporter/server/tls.c
only isa-l/       exporter/web/gzip.c
only crypt.h      exporter/server/passwords.c
complain "$(grep -rlE '^#include ".*pb-c.h"' exporter collectors | grep -vE '^exporter/client/[a-z_]+_wire.c$' || true)"
exit $fail
