/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parses the kubelet's CredentialProviderConfig: which plugin returns the credentials of which
 * images. Versions v1, v1beta1 and v1alpha1 of kubelet.config.k8s.io, in YAML or JSON.
 */
#pragma once

#include "base/arena.h"

#include <stdint.h>

#define CREDENTIAL_PROVIDERS_MAX ((size_t)100)

/* Lists end with NULL. */
struct credential_provider {
    const char *name;        /* of the program, without "/" */
    const char *api_version; /* "credentialprovider.kubelet.k8s.io/v1" */
    const char *const *match_images;
    const char *const *args;
    const char *const *env;     /* "NAME=value" */
    int64_t cache_ns;           /* for responses without cacheDuration */
    uint64_t version;           /* hash of the text of the file */
    bool wants_service_account; /* needs a token of a pod */
};

struct credential_providers {
    struct credential_provider items[CREDENTIAL_PROVIDERS_MAX];
    size_t count;
};

/* Appends the providers of `data`, which must end with a NUL. Strings are in `arena`. ERROR_INVALID
 * with line and column of the first mistake. */
bool credential_providers_parse(struct credential_providers *providers, const char *data,
                                size_t size, struct arena *arena, struct error *err) MUST_CHECK;

/* Loads a file, or all .json, .yaml and .yml files of a directory in the order of their names. */
bool credential_providers_load(struct credential_providers *providers, const char *path,
                               struct arena *arena, struct error *err) MUST_CHECK;
