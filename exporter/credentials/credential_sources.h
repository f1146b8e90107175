/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the credentials for an image: in the configuration, in files, in a docker config.json with
 * its credential helpers, or by the kubelet's credential provider plugins.
 *
 * Every run searches again, so changes on disk take effect at once. docker_config, provider_config
 * and provider_bin_dir are paths of the node, or of the pod where the node has none (os/rootfs.h).
 */
#pragma once

#include "base/cancel.h"
#include "credentials/credential_cache.h"
#include "credentials/credentials.h"
#include "oci/reference.h"

/* NULL or "": not configured. The order of the sources is: inline texts and files, then
 * docker_config, then the plugins. The first source that is configured is the only one used. */
struct credentials_settings {
    const char *username, *username_file;
    const char *password, *password_file;
    const char *identity_token, *identity_token_file;
    const char *registry_token, *registry_token_file;
    const char *docker_config;    /* a config.json: auths, credHelpers, credsStore */
    const char *provider_config;  /* kubelet: --image-credential-provider-config */
    const char *provider_bin_dir; /* kubelet: --image-credential-provider-bin-dir */
};

/* Whether any setting is set. */
bool credentials_configured(const struct credentials_settings *settings);

/* Whether the settings are consistent; no I/O. On failure *key is the setting at fault:
 * "auth.password". */
bool credentials_check(const struct credentials_settings *settings, const char **key,
                       struct error *err) MUST_CHECK;

/* Opens the files that credentials_find() reads for an image, and calls report() with each setting
 * whose file cannot be used, and why. Runs no program. */
void credentials_check_files(const struct credentials_settings *settings,
                             const struct reference *reference,
                             void (*report)(void *arg, const char *key, const struct error *err),
                             void *arg);

/* Returns true with empty *credentials (anonymous) if the source has none for this image. A file
 * that cannot be read or parsed and a helper or plugin that fails: ERROR_INVALID. A helper or
 * plugin that exceeds CREDENTIALS_WAIT_NS: ERROR_TIMEOUT. `cache` may be NULL. */
bool credentials_find(const struct credentials_settings *settings,
                      const struct reference *reference, struct credential_cache *cache,
                      struct credentials *credentials, struct cancel *cancel,
                      struct error *err) MUST_CHECK;
