/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether two readings of the configuration mean the same: a 128-bit FNV-1a over what
 * was read, not over how it was written. It guards against nobody; it only tells a
 * reload which jobs may go on undisturbed.
 */
#ifndef CONFIG_FINGERPRINT_H
#define CONFIG_FINGERPRINT_H

#include "encoding/yaml.h"

#include <stdint.h>

struct fingerprint {
    unsigned __int128 hash_;
};

void fingerprint_init(struct fingerprint *fingerprint);
void fingerprint_text(struct fingerprint *fingerprint, const char *text);

/* Everything within `root`; NULL, for what is not in the file, counts too. */
void fingerprint_tree(struct fingerprint *fingerprint, const struct yaml_node *root);

/* 32 hexadecimal digits; NULL if `arena` is full. */
const char *fingerprint_hex(const struct fingerprint *fingerprint, struct arena *arena);

#endif
