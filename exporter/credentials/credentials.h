/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who we are to a registry, from every place where nodes keep it:
 * the configuration, files, a docker config.json with its helpers, the kubelet's plugins.
 *
 * Found anew for every run, so what was changed on disk is in force. What they are never becomes
 * part of a message.
 */
#ifndef CREDENTIALS_CREDENTIALS_H
#define CREDENTIALS_CREDENTIALS_H

#include "base/cancel.h"
#include "base/clock.h"
#include "base/secret.h"
#include "oci/reference.h"

#define CREDENTIALS_WAIT_NS (10 * NS_PER_SECOND) /* for one helper or plugin */

/* A secret's `text` is NULL where it is not there. All NULL: anonymous. */
struct credentials {
    struct secret username, password;
    struct secret identity_token; /* "refresh token": exchanged for a bearer token */
    struct secret registry_token; /* is the bearer token itself */
    const char *source;           /* for the log: "auth", "docker_config", "credential helper",
                                   * "credential provider"; NULL: anonymous. Constant */
};

void credentials_deinit(struct credentials *credentials);
bool credentials_any(const struct credentials *credentials);

/* Paths and texts; NULL or "" where nothing is configured. The first of these groups that has
 * something is asked, and no other: inline and files; docker_config; the kubelet's plugins. */
struct credentials_settings {
    const char *username, *username_file;
    const char *password, *password_file;
    const char *identity_token, *identity_token_file;
    const char *registry_token, *registry_token_file;
    const char *docker_config;    /* a config.json: auths, credHelpers, credsStore */
    const char *provider_config;  /* kubelet: --image-credential-provider-config */
    const char *provider_bin_dir; /* kubelet: --image-credential-provider-bin-dir */
};

/* Whether anything is set. */
bool credentials_configured(const struct credentials_settings *settings);

/* Whether they make sense together; no I/O. *key is the setting that does not: "auth.password". */
bool credentials_check(const struct credentials_settings *settings, const char **key,
                       struct error *err) MUST_CHECK;

struct credential_cache; /* what plugins said, for as long as they said; any thread may use it */

struct credential_cache *credential_cache_new(struct error *err);
void credential_cache_free(struct credential_cache *cache);

/* Nothing found for this image is success, and anonymous. A file that cannot be read or parsed, a
 * helper that fails or hangs: ERROR_INVALID (ERROR_TIMEOUT, ERROR_CANCELED). */
bool credentials_find(const struct credentials_settings *settings,
                      const struct reference *reference, struct credential_cache *cache,
                      struct credentials *credentials, struct cancel *cancel,
                      struct error *err) MUST_CHECK;

#endif
