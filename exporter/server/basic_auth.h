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

struct passwords;

enum password_verdict {
    PASSWORD_RIGHT,
    PASSWORD_WRONG,
    PASSWORD_LATER, /* done() will be called */
};

struct passwords *passwords_new(struct error *err);
/* From now on who is not remembered is told no; also those that wait, as soon as the hash that is
 * being computed is done. Does not wait. */
void passwords_stop(struct passwords *passwords);
/* Stops, and waits until everybody was told. */
void passwords_free(struct passwords *passwords);
DEFINE_CLEANUP(struct passwords *, passwords_free)

/* `authorization` is the header, or NULL. done(arg, admitted) is called from passwords' own thread,
 * at most once, and only after PASSWORD_LATER. A reference to `config` is held until then. */
enum password_verdict passwords_check(struct passwords *passwords, struct web_config *config,
                                      const char *authorization,
                                      void (*done)(void *arg, bool admitted), void *arg);

#endif
