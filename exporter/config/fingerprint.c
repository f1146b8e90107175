/* SPDX-License-Identifier: Apache-2.0 */
/* Texts are hashed with their NUL, and nodes with the number of their children, so that different
 * trees never produce the same input. */
#include "config/fingerprint.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define HEX_DIGITS 32

void fingerprint_init(struct fingerprint *fingerprint)
{
    fingerprint->hash_ =
        (unsigned __int128)UINT64_C(0x6c62272e07bb0142) << 64 | UINT64_C(0x62b821756295c58d);
}

static void add_bytes(struct fingerprint *fingerprint, const void *data, size_t size)
{
    const unsigned __int128 prime = ((unsigned __int128)1 << 88) + 0x13b;
    const unsigned char *bytes = data;

    for (size_t i = 0; i < size; i++)
        fingerprint->hash_ = (fingerprint->hash_ ^ bytes[i]) * prime;
}

void fingerprint_text(struct fingerprint *fingerprint, const char *text)
{
    add_bytes(fingerprint, text, strlen(text) + 1);
}

void fingerprint_tree(struct fingerprint *fingerprint, const struct yaml_node *root)
{
    if (!root)
        fingerprint_text(fingerprint, "absent");
    for (const struct yaml_node *node = root; node; node = yaml_next(node, root)) {
        uint64_t shape[] = {node->kind, node->count};

        add_bytes(fingerprint, shape, sizeof(shape));
        fingerprint_text(fingerprint, node->key ? node->key->text : "");
        fingerprint_text(fingerprint, node->kind == YAML_SCALAR ? node->text : "");
    }
}

const char *fingerprint_hex(const struct fingerprint *fingerprint, struct arena *arena)
{
    char *hex = arena_alloc(arena, HEX_DIGITS + 1);

    if (hex)
        snprintf(hex, HEX_DIGITS + 1, "%016" PRIx64 "%016" PRIx64,
                 (uint64_t)(fingerprint->hash_ >> 64), (uint64_t)fingerprint->hash_);
    return hex;
}
