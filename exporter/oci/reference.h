/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "docker.io/library/busybox:1.31.1@sha256:..." and its parts.
 *
 * As Docker reads it: a first component without "." or ":" that is not "localhost" is no host,
 * so `busybox` is docker.io/library/busybox:latest, and index.docker.io is docker.io.
 */
#ifndef OCI_REFERENCE_H
#define OCI_REFERENCE_H

#include "base/arena.h"

struct reference {
    const char *host;       /* as users name it: "docker.io", "registry.example:5000" */
    const char *endpoint;   /* who is asked: "registry-1.docker.io", else the host */
    const char *repository; /* "library/busybox" */
    const char *tag;        /* NULL if there is only a digest */
    const char *digest;     /* NULL if there is none */
    const char *name;       /* the full form: host/repository[:tag][@digest] */
};

/* ERROR_INVALID with what is wrong. */
bool reference_parse(struct reference *reference, const char *text, struct arena *arena,
                     struct error *err) MUST_CHECK;

/* What a manifest is asked by: the digest if there is one, else the tag. */
const char *reference_object(const struct reference *reference);

#endif
