/* SPDX-License-Identifier: Apache-2.0 */
/* Any header: the parser ends, and the client can answer the challenge that it returns. */
#include "registry/auth_challenge.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT((size_t)1 << 22);
    char *header = arena_strndup(&arena, (const char *)data, size);
    struct auth_challenge auth_challenge = {CHALLENGE_NONE};
    struct error err;

    if (!header || !auth_challenge_parse(&auth_challenge, header, &arena, &err))
        return 0;
    if (!auth_challenge.realm || !auth_challenge.service || !auth_challenge.scope ||
        !auth_challenge.error)
        __builtin_trap();
    if (auth_challenge.scheme == CHALLENGE_BEARER && !auth_challenge.realm[0])
        __builtin_trap();
    if (strlen(auth_challenge.realm) > size || strlen(auth_challenge.scope) > size)
        __builtin_trap();
    return 0;
}
