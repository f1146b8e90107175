#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Installs what is missing, builds, runs every test, and ends with `N passed, N failed`.
# FAST=1 leaves the sanitizers out. A step that fails does not stop the ones after it.

exec </dev/null
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=deploy/lib.sh
source deploy/lib.sh
unset MAKEFLAGS MAKELEVEL

passed=0 failed=0 skipped=0 failures=()
log=$(mktemp)
trap 'rm -f "$log"' EXIT

sum() { grep -oE "$1" "$log" | grep -oE '[0-9]+' | awk '{ n += $1 } END { print n + 0 }'; }

# step NAME COMMAND...: counts the cases that cmocka or pytest report, else the step as one.
step() {
    local name=$1 status ok bad
    shift
    say "$name"
    "$@" 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    ok=$(($(sum '^\[  PASSED  \] [0-9]+') + $(sum '[0-9]+ passed')))
    bad=$(($(sum '^\[  FAILED  \] [0-9]+ test') + $(sum '[0-9]+ failed') + $(sum '[0-9]+ errors?( |,|$)')))
    if [ "$status" != 0 ]; then
        failures+=("$name")
        [ "$bad" != 0 ] || bad=1
    elif [ "$ok" = 0 ]; then
        ok=1
    fi
    passed=$((passed + ok)) failed=$((failed + bad))
    skipped=$((skipped + $(sum '^\[  SKIPPED \] [0-9]+ test') + $(sum '[0-9]+ skipped')))
}

jobs=$(nproc)
# Older sanitizers do not know the address space layout of newer kernels.
calm=()
setarch "$(uname -m)" -R true 2>/dev/null && calm=(setarch "$(uname -m)" -R)

# shellcheck disable=SC2086
step "packages" need_packages $BUILD_PACKAGES $DEMO_PACKAGES $TEST_PACKAGES
step "daemons" need_daemons
step "newer daemons" need_newer_daemons
step "build" make -j"$jobs" all
step "check" make -k -j"$jobs" --output-sync=target check
if [ -z "$FAST" ]; then
    for san in address,undefined thread; do
        step "check with SAN=$san" "${calm[@]}" make -k -j"$jobs" --output-sync=target SAN="$san" check
    done
fi
end_to_end() {
    local python
    # One more than there are cores: they wait for daemons a third of the time.
    need_python && timeout -k 60 1800 "${python[@]}" -m pytest -q -ra -n "$((jobs + 1))" --dist loadfile -p no:cacheprovider tests/e2e
}
step "end to end" end_to_end

for name in "${failures[@]}"; do
    echo "failed: $name"
done
[ "$skipped" = 0 ] || say "$skipped tests SKIPPED: see above for the reasons"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ ${#failures[@]} = 0 ]
