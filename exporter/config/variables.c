/* SPDX-License-Identifier: Apache-2.0 */
/* Each value is expanded once: the text of a variable is not expanded again. */
#include "config/variables.h"

#include "base/text.h"

#include <string.h>

#define VALUE_LIMIT_BYTES ((size_t)64 << 10)
#define NAME_LIMIT_BYTES  ((size_t)128)

static bool is_name(const char *name, size_t size)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";

    return size > 0 && size < NAME_LIMIT_BYTES && strchr(letters, name[0]) &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789") >= size;
}

/* Appends the value of the variable at the start of *at, "${NAME}..."; *at advances past it. */
static bool append_variable(const char **at, struct place place, struct buf *out,
                            struct problems *problems)
{
    const char *name = *at + 2, *end = strchr(name, '}'), *value;
    char copy[NAME_LIMIT_BYTES] = "";

    *at = end ? end + 1 : name + strlen(name);
    if (!end)
        return problems_add(
            problems, place,
            "found \"${\" without \"}\": expected ${NAME}, or $${ for a literal ${");
    if (!is_name(name, (size_t)(end - name)))
        return problems_add(
            problems, place,
            "invalid variable \"${%.*s}\": expected ${NAME}, or $${ for a literal ${",
            (int)(end - name), name);
    memcpy(copy, name, (size_t)(end - name));
    value = getenv(copy);
    if (!value)
        return problems_add(problems, place, "environment variable \"%s\" is not set", copy);
    if (!text_is_utf8(value, strlen(value)))
        return problems_add(problems, place,
                            "environment variable \"%s\" is invalid: expected UTF-8", copy);
    buf_append_str(out, value);
    return true;
}

static bool expand(const struct yaml_node *node, struct buf *out, struct problems *problems)
{
    const char *at = node->text;
    bool ok = true;

    while (*at) {
        if (text_starts_with(at, "$${")) {
            buf_append_str(out, "${");
            at += 3;
        } else if (text_starts_with(at, "${")) {
            ok &= append_variable(&at, node->place, out, problems);
        } else {
            buf_append_char(out, *at++);
        }
    }
    return ok;
}

static void replace(struct yaml_node *node, struct arena *arena, struct problems *problems)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(VALUE_LIMIT_BYTES);
    struct error err;
    bool ok = expand(node, &out, problems);

    if (!buf_ok(&out, &err))
        ok = problems_add(problems, node->place, "invalid value after variable expansion: %s",
                          err.message);
    node->text = ok ? arena_strndup(arena, out.size ? out.data : "", out.size) : NULL;
    node->expanded = true;
    if (!node->text)
        node->kind = YAML_BROKEN;
}

void variables_replace(struct yaml_node *root, struct arena *arena, struct problems *problems)
{
    struct error err;

    for (struct yaml_node *node = root; node && arena_ok(arena, &err); node = yaml_next(node, root))
        if (node->kind == YAML_SCALAR && strstr(node->text, "${"))
            replace(node, arena, problems);
}
