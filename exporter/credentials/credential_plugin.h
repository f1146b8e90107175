/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kubelet's credential providers: programs that are asked for the basic_auth of images, in the
 * order of the kubelet's configuration, and whose answers are kept for as long as they say.
 */
#ifndef CREDENTIALS_CREDENTIAL_PLUGIN_H
#define CREDENTIALS_CREDENTIAL_PLUGIN_H

#include "credentials/credentials.h"

enum credential_scope { /* what an answer is good for */
    CREDENTIAL_SCOPE_IMAGE,
    CREDENTIAL_SCOPE_REGISTRY,
    CREDENTIAL_SCOPE_GLOBAL, /* all images of this provider */
    CREDENTIAL_SCOPES,
};

struct credential_answer {
    enum credential_scope scope;
    bool has_duration;
    int64_t cache_ns; /* 0, or less: must not be kept */
};

/* One CredentialProviderResponse. What it knows about `image` ("host/repository") goes into
 * `credentials`: that of the pattern which the kubelet tries first. Nothing for it is success.
 * ERROR_INVALID, without a word of its secrets. */
bool credential_answer_read(const void *data, size_t size, const char *api_version,
                            const char *image, struct credential_answer *answer,
                            struct credentials *credentials, struct error *err) MUST_CHECK;

/* Asks the providers whose patterns match until one knows something. One that fails fails the
 * whole only if none of the others knows anything. `cache` may be NULL. */
bool credential_plugin_find(const char *config, const char *bin_dir,
                            const struct reference *reference, struct credential_cache *cache,
                            struct credentials *credentials, struct cancel *cancel,
                            struct error *err) MUST_CHECK;

#endif
