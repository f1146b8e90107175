/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever the words: it ends, says one of the reasons, and the end of the message decides alone.
 */
#include "net/go_error.h"

#include "base/arena.h"

#include <stdint.h>
#include <string.h>

#define END_BYTES ((size_t)4095)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT((size_t)1 << 22);
    char *text = arena_strndup(&arena, (const char *)data, size);
    size_t length = text ? strlen(text) : 0;
    enum error_code code;

    if (!text)
        return 0;
    code = go_error_code(text, ERROR_CODES);
    if (code == ERROR_NONE || code > ERROR_CODES)
        __builtin_trap();
    if (length > END_BYTES && code != go_error_code(text + length - END_BYTES, ERROR_CODES))
        __builtin_trap();
    return 0;
}
