/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads YAML into nodes with positions, allocated in an arena.
 *
 * Keys are unique scalars. An alias is a copy of its anchor's value, a merge key (<<) adds the
 * members that its mapping lacks, and a standard tag (!!str) sets the type. The reader reports
 * everything else as a problem and continues if it can. An unusable value becomes YAML_BROKEN;
 * callers must not report it again.
 */
#pragma once

#include "encoding/problems.h"

#define YAML_SIZE_MAX    ((size_t)1 << 20)
#define YAML_DEPTH_MAX   32
#define YAML_MEMBERS_MAX 1000 /* of one sequence or mapping */

enum yaml_kind {
    YAML_SCALAR,
    YAML_SEQUENCE,
    YAML_MAPPING,
    YAML_BROKEN, /* already reported */
};

struct yaml_node {
    enum yaml_kind kind;
    bool quoted;        /* a scalar in quotes or a block, or !!str: never null, true or false */
    struct place place; /* that of the anchor's value, if an alias copied it */
    bool expanded;      /* the text is not that of the file; set by the owner */
    const char *text;   /* of a scalar: UTF-8 without NUL inside */
    const struct yaml_node *key; /* a scalar; NULL unless this is the value of a mapping's key */
    struct yaml_node *parent, *next, *children;
    size_t count; /* of children */
    struct yaml_node *last_;
};

/* Reads one document. NULL, with a problem, if the text is not usable. An empty text is an empty
 * scalar. `data` need not end with a NUL; the caller may free it afterwards. */
struct yaml_node *yaml_parse(struct arena *arena, const char *data, size_t size,
                             struct problems *problems);

/* Reads any number of documents. Returns a sequence of their roots, empty for an empty text. */
struct yaml_node *yaml_parse_all(struct arena *arena, const char *data, size_t size,
                                 struct problems *problems);

/* Appends `node` to the children of `parent`; false if that has YAML_MEMBERS_MAX children. */
bool yaml_append(struct yaml_node *parent, struct yaml_node *node);

/* An empty value, ~ or null. */
bool yaml_is_null(const struct yaml_node *node);

/* The value of the key that equals the first `size` bytes of `name`; NULL if there is none. `node`
 * may be NULL or of another kind. */
const struct yaml_node *yaml_member(const struct yaml_node *node, const char *name, size_t size);

/* The node after `node` within `root`, in the order of the file; NULL at the end. yaml_skip() skips
 * the children of `node`. */
struct yaml_node *yaml_next(const struct yaml_node *node, const struct yaml_node *root);
struct yaml_node *yaml_skip(const struct yaml_node *node, const struct yaml_node *root);

/* "a string", "a list", "a mapping", "nothing": for messages. */
const char *yaml_describe(const struct yaml_node *node);
