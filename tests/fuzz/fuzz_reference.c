/* SPDX-License-Identifier: Apache-2.0 */
/* The full name of an accepted reference parses as the same reference and needs no escaping. */
#include "oci/reference.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT((size_t)1 << 22);
    char *text = arena_strndup(&arena, (const char *)data, size);
    struct reference first, second;
    struct error err;

    if (!text || !reference_parse(&first, text, &arena, &err))
        return 0;
    assert(!strpbrk(first.name, " ?#%\\\"\n"));
    if (!reference_parse(&second, first.name, &arena, &err))
        __builtin_trap();
    if (!same(first.name, second.name) || !same(first.host, second.host) ||
        !same(first.repository, second.repository) || !same(first.tag, second.tag) ||
        !same(first.digest, second.digest))
        __builtin_trap();
    return 0;
}
