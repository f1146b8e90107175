/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A YAML text as nodes in an arena, each of which knows its place in the file.
 *
 * Only what a configuration needs: no anchors, aliases, merge keys or tags; keys are
 * scalars, each once. Everything else is reported as a mistake, and
 * where the rest still makes sense reading goes on: a value that cannot be used
 * becomes YAML_BROKEN, about which nobody needs to complain again.
 */
#ifndef ENCODING_YAML_H
#define ENCODING_YAML_H

#include "encoding/problems.h"

#define YAML_SIZE_MAX    ((size_t)1 << 20)
#define YAML_DEPTH_MAX   32
#define YAML_MEMBERS_MAX 1000 /* of one sequence or mapping */

enum yaml_kind {
    YAML_SCALAR,
    YAML_SEQUENCE,
    YAML_MAPPING,
    YAML_BROKEN, /* was reported */
};

struct yaml_node {
    enum yaml_kind kind;
    bool quoted; /* a scalar in quotes or a block: never null, true or false */
    struct place place;
    const char *text;            /* of a scalar: UTF-8 without NUL inside */
    const struct yaml_node *key; /* a scalar; NULL unless this is the value of a mapping's key */
    struct yaml_node *parent, *next, *children;
    size_t count; /* of children */
    struct yaml_node *last_;
};

/* One document. NULL, with a problem reported, if the text as a whole makes no sense. An empty text
 * is an empty scalar. `data` need not end with a NUL and is not needed afterwards. */
struct yaml_node *yaml_parse(struct arena *arena, const char *data, size_t size,
                             struct problems *problems);

/* Likewise any number of documents: a sequence of their roots, empty for an empty text. */
struct yaml_node *yaml_parse_all(struct arena *arena, const char *data, size_t size,
                                 struct problems *problems);

/* `node` becomes the last child of `parent`; false if it has YAML_MEMBERS_MAX already. */
bool yaml_append(struct yaml_node *parent, struct yaml_node *node);

/* Nothing written, or ~ or null. */
bool yaml_is_null(const struct yaml_node *node);

/* The value of the key that is the first `size` bytes of `name`; NULL if there is none, or if
 * `node` is NULL or no mapping. */
const struct yaml_node *yaml_member(const struct yaml_node *node, const char *name, size_t size);

/* The node after `node` in the order of the file, all within `root`; NULL at the end.
 * yaml_skip() leaves out what is inside `node`. */
struct yaml_node *yaml_next(const struct yaml_node *node, const struct yaml_node *root);
struct yaml_node *yaml_skip(const struct yaml_node *node, const struct yaml_node *root);

/* "a string", "a list", "a mapping", "nothing": to say what was found. */
const char *yaml_describe(const struct yaml_node *node);

#endif
