/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kubelet's CredentialProviderConfig: which program knows the basic_auth for which images.
 * Versions v1, v1beta1 and v1alpha1 of kubelet.config.k8s.io, in YAML or JSON.
 */
#ifndef CREDENTIALS_CREDENTIAL_PROVIDERS_H
#define CREDENTIALS_CREDENTIAL_PROVIDERS_H

#include "base/arena.h"

#include <stdint.h>

#define CREDENTIAL_PROVIDERS_MAX ((size_t)100)

/* Lists end with NULL. */
struct credential_provider {
    const char *name;        /* of the program; has no "/" */
    const char *api_version; /* "credentialprovider.kubelet.k8s.io/v1" */
    const char *const *match_images;
    const char *const *args;
    const char *const *env;     /* "NAME=value" */
    int64_t cache_ns;           /* where the program does not say for how long */
    uint64_t version;           /* of the text that this was read from */
    bool wants_service_account; /* serves only pods */
};

struct credential_providers {
    struct credential_provider items[CREDENTIAL_PROVIDERS_MAX];
    size_t count;
};

/* Appends those of one text, which ends with a NUL; what they hold is in `arena`. ERROR_INVALID
 * with the place of the first mistake. */
bool credential_providers_parse(struct credential_providers *providers, const char *data,
                                size_t size, struct arena *arena, struct error *err) MUST_CHECK;

/* From a file, or from a directory's files that end in .json, .yaml or .yml, by their names. */
bool credential_providers_load(struct credential_providers *providers, const char *path,
                               struct arena *arena, struct error *err) MUST_CHECK;

#endif
