/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A docker config.json: what it says about one image.
 *
 * A helper of `credHelpers` comes before `credsStore`, and that before `auths`, as for Docker
 * itself: where a helper is named, nothing else is asked. Keys are hosts, URLs, or hosts with the
 * beginning of a repository, of which the longest counts. Docker Hub has four spellings.
 */
#ifndef CREDENTIALS_DOCKER_CONFIG_H
#define CREDENTIALS_DOCKER_CONFIG_H

#include "credentials/credentials.h"

#define DOCKER_CONFIG_BYTES_MAX ((size_t)1 << 20)
#define CREDENTIAL_HELPER_BYTES ((size_t)65) /* the longest name of a helper, and a NUL */

/* Fills `credentials`, or `helper` with the name of who knows them; both stay empty if the file
 * says nothing. ERROR_INVALID, without a word of the file's secrets. */
bool docker_config_find(const void *data, size_t size, const struct reference *reference,
                        struct credentials *credentials, char helper[CREDENTIAL_HELPER_BYTES],
                        struct error *err) MUST_CHECK;

/* What a helper knows this registry by. */
const char *docker_config_server(const struct reference *reference);

#endif
