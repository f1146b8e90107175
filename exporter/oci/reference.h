/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Image references: "docker.io/library/busybox:1.31.1@sha256:...".
 *
 * The rules are Docker's. The first component is a host only if it contains "." or ":" or is
 * "localhost", so `busybox` means docker.io/library/busybox:latest. index.docker.io means
 * docker.io.
 */
#pragma once

#include "base/arena.h"

struct reference {
    const char *host;       /* as users name it: "docker.io", "registry.example:5000" */
    const char *endpoint;   /* the host to connect to: "registry-1.docker.io", else `host` */
    const char *repository; /* "library/busybox" */
    const char *tag;        /* NULL if there is only a digest */
    const char *digest;     /* NULL if there is none */
    const char *name;       /* the full form: host/repository[:tag][@digest] */
};

/* ERROR_INVALID; the strings belong to the arena. */
bool reference_parse(struct reference *reference, const char *text, struct arena *arena,
                     struct error *err) MUST_CHECK;

/* The digest if there is one, else the tag: selects the manifest. */
const char *reference_object(const struct reference *reference);
