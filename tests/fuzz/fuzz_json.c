/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as JSON. Getters agree with each other, a string that is quoted again
 * reads as the same, and any nesting can be walked.
 */
#include "encoding/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_text(const char *text)
{
    CLEANUP(buf_deinit) struct buf quoted = BUF_INIT((size_t)64 << 20);
    struct error err;
    json_quote(&quoted, text);
    require(buf_ok(&quoted, &err));
    CLEANUP(json_freep) struct json_document *again = json_parse(quoted.data, quoted.size, &err);
    require(again && strcmp(json_text(json_root(again)), text) == 0);
}

static void visit(void *arg, const char *name, const struct json *value)
{
    size_t *n_members = arg;
    require(strlen(name) < SIZE_MAX && value);
    (*n_members)++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = {0};
    CLEANUP(json_freep) struct json_document *document = json_parse(data, size, &err);
    if (!document) {
        require(err.code == ERROR_PROTOCOL || err.code == ERROR_LIMIT);
        return 0;
    }
    const struct json *node = json_root(document);
    for (size_t depth = 0; node && depth < size + 1; depth++) { /* along the last items */
        size_t n_members = 0;
        int64_t number;
        json_each_member(node, visit, &n_members);
        require(!json_int(node, &number) || !json_text(node));
        if (json_text(node))
            check_text(json_text(node));
        require(n_members <= size && json_count(node) <= size);
        const struct json *member = json_member(node, "k");
        node = member ? member : json_item(node, json_count(node) - 1);
    }
    return 0;
}
