/* SPDX-License-Identifier: Apache-2.0 */
/* Runs docker-credential-NAME, a program that returns the credentials of a registry. */
#pragma once

#include "base/cancel.h"
#include "credentials/credentials.h"

/* `server` is the URL or host of a registry. Returns true with empty *credentials if the helper has
 * none. An invalid name, a program that fails and an invalid response: ERROR_INVALID. A program
 * that exceeds CREDENTIALS_WAIT_NS: ERROR_TIMEOUT. */
bool credential_helper_get(const char *name, const char *server, struct credentials *credentials,
                           struct cancel *cancel, struct error *err) MUST_CHECK;
