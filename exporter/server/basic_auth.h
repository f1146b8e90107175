/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Basic authentication against bcrypt hashes.
 *
 * A hash costs tens of milliseconds on purpose, so one thread computes them one at a time. A cache
 * keeps each verdict under a MAC of user, hash and password, never the password. An unknown user
 * costs as much as a known one, because the thread compares with a dummy hash. The queue is
 * bounded: requests beyond it are rejected at once.
 */
#pragma once

#include "server/config/web_config.h"

struct basic_auth;

enum basic_auth_verdict {
    PASSWORD_RIGHT,
    PASSWORD_WRONG,
    PASSWORD_PENDING, /* done() will be called */
};

struct basic_auth *basic_auth_new(struct error *err);
/* From now on requests without a cached verdict are rejected, queued ones too, after the hash that
 * is being computed. Does not wait. */
void basic_auth_stop(struct basic_auth *basic_auth);
/* Stops, and waits until done() was called for every pending request. */
void basic_auth_free(struct basic_auth *basic_auth);
DEFINE_CLEANUP(struct basic_auth *, basic_auth_free)

/* `authorization` is the header, or NULL. After PASSWORD_PENDING, and only then, the thread calls
 * done(arg, admitted) once; a reference to `config` is held until then. Thread-safe. */
enum basic_auth_verdict basic_auth_check(struct basic_auth *basic_auth, struct web_config *config,
                                         const char *authorization,
                                         void (*done)(void *arg, bool admitted), void *arg);
