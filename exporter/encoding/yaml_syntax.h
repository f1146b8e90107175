/* SPDX-License-Identifier: Apache-2.0 */
/* Words for the syntax errors of libyaml: what was found, where, and what is expected. */
#pragma once

#include "encoding/problems.h"

struct yaml_fault {
    const char *data; /* the whole file */
    size_t size;
    const char *problem, *context; /* of libyaml; `context` may be NULL */
    struct place place;            /* of the problem */
    struct place context_place;    /* where the construct begins that libyaml reads */
    bool is_encoding;              /* `offset` is set instead of `place` */
    size_t offset;
};

/* Never quotes a value of the file, which may be a secret. */
void yaml_syntax_report(const struct yaml_fault *fault, struct problems *problems);
