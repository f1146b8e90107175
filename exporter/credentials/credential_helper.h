/* SPDX-License-Identifier: Apache-2.0 */
/* docker-credential-NAME: a program that knows the basic_auth of registries. */
#ifndef CREDENTIALS_CREDENTIAL_HELPER_H
#define CREDENTIALS_CREDENTIAL_HELPER_H

#include "credentials/credentials.h"

/* Asks it for the URL or host of a registry. That it knows nothing is success, and nothing found.
 * ERROR_INVALID for a name that is none, a program that fails or answers nonsense; ERROR_TIMEOUT
 * if it takes longer than CREDENTIALS_WAIT_NS. */
bool credential_helper_get(const char *name, const char *server, struct credentials *credentials,
                           struct cancel *cancel, struct error *err) MUST_CHECK;

#endif
