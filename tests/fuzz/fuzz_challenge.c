/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever the header: it ends, and what is offered can be answered. */
#include "registry/auth_challenge.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT((size_t)1 << 22);
    char *header = arena_strndup(&arena, (const char *)data, size);
    struct challenge challenge = {CHALLENGE_NONE};
    struct error err;

    if (!header || !challenge_parse(&challenge, header, &arena, &err))
        return 0;
    if (!challenge.realm || !challenge.service || !challenge.scope || !challenge.error)
        __builtin_trap();
    if (challenge.scheme == CHALLENGE_BEARER && !challenge.realm[0])
        __builtin_trap();
    if (strlen(challenge.realm) > size || strlen(challenge.scope) > size)
        __builtin_trap();
    return 0;
}
