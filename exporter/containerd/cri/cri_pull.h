/* SPDX-License-Identifier: Apache-2.0 */
/* Pulls, names and removes images through CRI, as the kubelet does. All of them are in namespace
 * k8s.io. */
#pragma once

#include "containerd/containerd.h"
#include "credentials/credentials.h"

struct cri_pull_request {
    const char *image;
    const char
        *lease; /* in k8s.io: protects what the pull creates; NULL: the daemon uses its own */
    const struct credentials *credentials; /* NULL: anonymous */
    const char *server; /* "https://host:port": the only host that gets the credentials */
};

/* *image_id is the digest of the image's configuration. err->code is derived from what the daemon
 * reports about the registry. The encoded request is wiped. */
bool cri_pull(struct containerd *daemon, const struct cri_pull_request *request,
              struct arena *arena, const char **image_id, struct cancel *cancel,
              struct error *err) MUST_CHECK;

/* An image with all references to it. */
struct cri_names {
    const char *id; /* NULL: no such image */
    const char *const *tags;
    size_t n_tags;
    const char *const *digests;
    size_t n_digests;
};

/* `image` is a reference or an id. A missing image is success. */
bool cri_names(struct containerd *daemon, const char *image, struct arena *arena,
               struct cri_names *names, struct cancel *cancel, struct error *err) MUST_CHECK;

/* Removes the image and all references to it. Returns after the garbage collection. */
bool cri_remove(struct containerd *daemon, const char *image, struct cancel *cancel,
                struct error *err) MUST_CHECK;

/* Succeeds if the daemon serves CRI v1. */
bool cri_version(struct containerd *daemon, struct cancel *cancel, struct error *err) MUST_CHECK;
