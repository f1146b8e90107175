/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the kubelet's credential provider plugins: programs that return the credentials of images.
 * They run in the order of the kubelet's configuration. Each response says how long to cache it.
 */
#pragma once

#include "base/cancel.h"
#include "credentials/credential_cache.h"
#include "credentials/credentials.h"
#include "oci/reference.h"

enum credential_scope { /* the images that a response is valid for */
    CREDENTIAL_SCOPE_IMAGE,
    CREDENTIAL_SCOPE_REGISTRY,
    CREDENTIAL_SCOPE_GLOBAL, /* all images of this provider */
    CREDENTIAL_SCOPES,
};

struct credential_answer {
    enum credential_scope scope;
    bool has_duration;
    int64_t cache_ns; /* 0 or less: must not be cached */
};

/* Parses a CredentialProviderResponse. Fills `credentials` from the entry that the kubelet would
 * use for `image` ("host/repository"); returns true and leaves them empty if there is none. An
 * invalid response: ERROR_INVALID with a message that contains no text of the response. */
bool credential_answer_read(const void *data, size_t size, const char *api_version,
                            const char *image, struct credential_answer *answer,
                            struct credentials *credentials, struct error *err) MUST_CHECK;

/* Runs the providers whose patterns match, until one returns credentials. Fails with the first
 * error only if no provider returned credentials. `cache` may be NULL. */
bool credential_plugin_find(const char *config, const char *bin_dir,
                            const struct reference *reference, struct credential_cache *cache,
                            struct credentials *credentials, struct cancel *cancel,
                            struct error *err) MUST_CHECK;

/* Checks that the configuration is valid and that `bin_dir` has the program of each provider: like
 * the kubelet, the exporter expects them there. Sets *key to the setting that is wrong. */
bool credential_plugin_check(const char *config, const char *bin_dir, const char **key,
                             struct error *err) MUST_CHECK;
