/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A 128-bit FNV-1a hash of a part of the configuration.
 *
 * It covers the meaning, not the notation, so that a reload keeps the jobs whose settings have not
 * changed. It is not a cryptographic hash.
 */
#pragma once

#include "encoding/yaml.h"

#include <stdint.h>

struct fingerprint {
    unsigned __int128 hash_;
};

void fingerprint_init(struct fingerprint *fingerprint);
void fingerprint_text(struct fingerprint *fingerprint, const char *text);

/* Adds everything within `root`. NULL (absent) is hashed, too. */
void fingerprint_tree(struct fingerprint *fingerprint, const struct yaml_node *root);

/* Returns 32 hexadecimal digits; NULL if `arena` is full. */
const char *fingerprint_hex(const struct fingerprint *fingerprint, struct arena *arena);
