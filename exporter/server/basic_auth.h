/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Basic authentication against bcrypt hashes.
 *
 * A hash costs tens of milliseconds on purpose, so it is computed on a thread of its own, one at a
 * time, and the verdict remembered under a keyed hash of user, hash and password, never the
 * password. An unknown user costs as much as a known one: it is compared with a fixed hash. The
 * queue has an end: who comes after is told no without a look.
 */
#ifndef SERVER_BASIC_AUTH_H
#define SERVER_BASIC_AUTH_H

#include "server/config/web_config.h"

struct basic_auth;

enum basic_auth_verdict {
    PASSWORD_RIGHT,
    PASSWORD_WRONG,
    PASSWORD_LATER, /* done() will be called */
};

struct basic_auth *basic_auth_new(struct error *err);
/* From now on who is not remembered is told no; also those that wait, as soon as the hash that is
 * being computed is done. Does not wait. */
void basic_auth_stop(struct basic_auth *basic_auth);
/* Stops, and waits until everybody was told. */
void basic_auth_free(struct basic_auth *basic_auth);
DEFINE_CLEANUP(struct basic_auth *, basic_auth_free)

/* `authorization` is the header, or NULL. done(arg, admitted) is called from basic_auth' own
 * thread, at most once, and only after PASSWORD_LATER. A reference to `config` is held until then.
 */
enum basic_auth_verdict basic_auth_check(struct basic_auth *basic_auth, struct web_config *config,
                                         const char *authorization,
                                         void (*done)(void *arg, bool admitted), void *arg);

#endif
