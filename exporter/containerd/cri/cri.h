/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CRI: what the kubelet speaks with containerd. Version v1 only: a single call
 * of v1alpha2 would mark the daemon as using a deprecated feature.
 *
 * A daemon without CRI answers RPC_UNIMPLEMENTED.
 */
#ifndef CONTAINERD_CRI_CRI_H
#define CONTAINERD_CRI_CRI_H

#include "containerd/containerd.h"

struct cri_condition {
    const char *type;
    bool met;
};

struct cri_status {
    struct cri_condition *conditions;
    size_t count;
    const char *sandbox_image; /* as configured; NULL: containerd 2 does not tell */
};

/* The daemon's answer holds its CRI configuration, which may hold basic_auth of registries: our
 * copies are wiped before this returns (those of the libraries are freed), and it is in no message.
 */
bool cri_status(struct containerd *daemon, struct arena *arena, struct cri_status *status,
                struct cancel *cancel, struct error *err) MUST_CHECK;

struct cri_image {
    const char *name; /* a tag, else a digest, else its id */
    uint64_t bytes;
    bool pinned;
};

struct cri_images {
    struct cri_image *items;
    size_t count;
};

bool cri_images(struct containerd *daemon, struct arena *arena, struct cri_images *images,
                struct cancel *cancel, struct error *err) MUST_CHECK;

struct cri_presence {
    bool present, pinned;
};

/* `image` as anybody writes it: the daemon completes the reference. */
bool cri_presence(struct containerd *daemon, const char *image, struct cri_presence *presence,
                  struct cancel *cancel, struct error *err) MUST_CHECK;

/* The image that pods start from, by all that can be known: the configuration if it tells, else
 * the one pinned image, else what existing pods use. NULL where nothing tells. */
bool cri_sandbox_image(struct containerd *daemon, const struct cri_status *status,
                       const struct cri_images *images, struct arena *arena, const char **image,
                       struct cancel *cancel, struct error *err) MUST_CHECK;

#endif
