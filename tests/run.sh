#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Installs what is missing, builds, runs every test, and ends with `N passed, N failed`, and `, N skipped`
# if there are any. FAST=1 leaves the sanitizers out. A step that fails does not stop the ones after it.

exec </dev/null
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=deploy/lib.sh
source deploy/lib.sh
unset MAKEFLAGS MAKELEVEL

passed=0 failed=0 skipped=0 failures=()
log=$(mktemp)
downloads=$(mktemp)
trap 'rm -f "$log" "$downloads"' EXIT

# count WORD...: what cmocka, `make corpus` and the last line of pytest report under these words.
count() {
    local word
    for word in "$@"; do
        sed -nE "s/^\\[ +${word^^} +\\] ([0-9]+) test.*/\\1/p; s/^ +CORPORA .* ([0-9]+) $word.*/\\1/p" "$log"
        sed -nE '/^(=+ )?[0-9]+ [a-z]+.* in [0-9.]+s/p' "$log" | grep -oE "[0-9]+ $word" | grep -oE '[0-9]+'
    done | awk '{ n += $1 } END { print n + 0 }'
}

# causes: the first lines of the step's output that say why it failed, for the reader of the last lines.
causes() {
    grep -aE '^[^ ]+:[0-9]+:[0-9]+: .*error: |^\[   LINE   \]|^(FAILED|ERROR) |^\[  FAILED  \]|: .*Sanitizer: |^make.*\*\*\*' "$log" |
        cut -c 1-300 | head -n 40 | sed 's/^/    /'
}

# step NAME COMMAND...: counts the tests that are reported. A step without tests counts only if it fails,
# as one failure.
step() {
    local name=$1 status bad
    shift
    say "$name"
    "$@" 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    bad=$(count failed error)
    if [ "$status" != 0 ]; then
        failures+=("$name" "$(causes)")
        [ "$bad" != 0 ] || bad=1
    fi
    passed=$((passed + $(count passed))) failed=$((failed + bad)) skipped=$((skipped + $(count skipped)))
}

jobs=$(nproc)
# Older sanitizers do not know the address space layout of newer kernels.
calm=()
setarch "$(uname -m)" -R true 2>/dev/null && calm=(setarch "$(uname -m)" -R)

# shellcheck disable=SC2086
step "packages" need_packages $BUILD_PACKAGES $DEMO_PACKAGES $TEST_PACKAGES
# They are downloaded while the compiler works.
{ need_daemons && need_newer_daemons && need_schemas && need_image_base; } >"$downloads" 2>&1 &
downloading=$!
step "build" make -j"$jobs" all
step "check" make -k -j"$jobs" --output-sync=target check
if [ -z "$FAST" ]; then
    for san in address,undefined thread; do
        step "check with SAN=$san" "${calm[@]}" make -k -j"$jobs" --output-sync=target SAN="$san" check
    done
fi
downloaded() {
    cat "$downloads"
    return "$1"
}
wait "$downloading"
step "daemons" downloaded $?
end_to_end() {
    local python
    # One more than there are cores: they wait for daemons a third of the time.
    need_python && timeout -k 60 2700 "${python[@]}" -m pytest -q -ra -n "$((jobs + 1))" --dist loadfile -p no:cacheprovider tests/e2e
}
step "end to end" end_to_end

[ ${#failures[@]} = 0 ] || printf 'failed: %s\n%s\n' "${failures[@]}"
[ "$skipped" = 0 ] || say "$skipped tests SKIPPED: see above for the reasons"
closing="$passed passed, $failed failed"
[ "$skipped" = 0 ] || closing+=", $skipped skipped"
echo "$closing"
[ "$failed" = 0 ]
