/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the entry of an image in a docker config.json or an old .dockercfg.
 *
 * Like Docker, `credHelpers` precedes `credsStore`, and that precedes `auths`: if a helper is
 * named, it is the only source. Keys are hosts, URLs, or hosts with the beginning of a repository;
 * the longest match wins. Docker Hub has four spellings. As for the kubelet, a key of `auths` may
 * also be a pattern (image_pattern.h), which counts if no name matches.
 */
#pragma once

#include "credentials/credentials.h"
#include "encoding/json.h"
#include "oci/reference.h"

#define DOCKER_CONFIG_BYTES_MAX ((size_t)1 << 20)
#define CREDENTIAL_HELPER_BYTES ((size_t)65) /* of the name of a helper, with its NUL */

/* Fills `credentials`, or `helper` with the name of a credential helper. Both stay empty if the
 * file has no entry for the image. An invalid file: ERROR_INVALID with a message without secrets.
 */
bool docker_config_find(const void *data, size_t size, const struct reference *reference,
                        struct credentials *credentials, char helper[CREDENTIAL_HELPER_BYTES],
                        struct error *err) MUST_CHECK;

/* Sets a secret to the text of a member of `entry`, if it is present and not empty. */
bool docker_config_set(struct secret *secret, const struct json *entry, const char *name,
                       struct error *err) MUST_CHECK;

/* The key under which helpers store the credentials of this registry. */
const char *docker_config_server(const struct reference *reference);
