/* SPDX-License-Identifier: Apache-2.0 */
/* Request targets from any bytes: URI_MEMORY suffices, and each parameter is found by its name. */
#include "server/uri.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), *memory;
    struct uri uri;

    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    memory = malloc(URI_MEMORY(strlen(text)));
    if (memory && uri_parse(text, memory, &uri)) {
        const char *pair = uri.pairs_, *value;

        if (strlen(uri.path) > strlen(text) + 1)
            __builtin_trap();
        for (size_t i = 0; i < uri.n_pairs_; i++, pair = value + strlen(value) + 1) {
            value = pair + strlen(pair) + 1;
            if (uri_query(&uri, pair, NULL, 0) == 0)
                __builtin_trap();
        }
    }
    free(memory);
    free(text);
    return 0;
}
