/* SPDX-License-Identifier: Apache-2.0 */
/* Images through CRI, as the kubelet pulls, names and removes them. All are in namespace k8s.io. */
#ifndef CONTAINERD_CRI_CRI_PULL_H
#define CONTAINERD_CRI_CRI_PULL_H

#include "containerd/containerd.h"
#include "credentials/credentials.h"

struct cri_pull_request {
    const char *image;
    const char *lease; /* in k8s.io: holds what the pull makes; NULL: one of the daemon's own */
    const struct credentials *credentials; /* NULL: anonymous */
    const char *server; /* "https://host:port", whose credentials they are: nobody else gets them */
};

/* *image_id is the digest of the image's configuration. What the daemon says of the registry
 * decides err->code. The request is wiped. */
bool cri_pull(struct containerd *daemon, const struct cri_pull_request *request,
              struct arena *arena, const char **image_id, struct cancel *cancel,
              struct error *err) MUST_CHECK;

/* An image and all references to it. */
struct cri_names {
    const char *id; /* NULL: there is no such image */
    const char *const *tags;
    size_t n_tags;
    const char *const *digests;
    size_t n_digests;
};

/* `image` is a reference or an id. One that does not exist is success. */
bool cri_names(struct containerd *daemon, const char *image, struct arena *arena,
               struct cri_names *names, struct cancel *cancel, struct error *err) MUST_CHECK;

/* Removes the image with all references to it; returns after the garbage collection. */
bool cri_remove(struct containerd *daemon, const char *image, struct cancel *cancel,
                struct error *err) MUST_CHECK;

/* Whether the daemon has CRI v1. */
bool cri_is_there(struct containerd *daemon, struct cancel *cancel, struct error *err) MUST_CHECK;

#endif
