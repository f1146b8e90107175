/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CRI, the API that the kubelet uses. Version v1 only: one call of v1alpha2 would make the daemon
 * report the use of a deprecated feature.
 *
 * A daemon without CRI fails each call with RPC_UNIMPLEMENTED.
 */
#pragma once

#include "containerd/containerd.h"

struct cri_condition {
    const char *type;
    bool met;
};

struct cri_status {
    struct cri_condition *conditions;
    size_t count;
    const char *sandbox_image; /* as configured; NULL: unknown (containerd 2 does not report it) */
};

/* The daemon's reply holds its CRI configuration, which may contain passwords of registries. This
 * function wipes its copies of it (the libraries free theirs), and no error message contains it. */
bool cri_status(struct containerd *daemon, struct arena *arena, struct cri_status *status,
                struct cancel *cancel, struct error *err) MUST_CHECK;

struct cri_image {
    const char *name; /* a tag, else a digest, else the id */
    uint64_t bytes;
    bool pinned;
};

struct cri_images {
    struct cri_image *items;
    size_t count;
};

bool cri_images(struct containerd *daemon, struct arena *arena, struct cri_images *images,
                struct cancel *cancel, struct error *err) MUST_CHECK;

/* The namespace of everything that CRI makes. */
#define CRI_NAMESPACE "k8s.io"

/* Finds the snapshotter with which CRI unpacks images (unless a runtime class has another): the one
 * whose folder is the file system of its images. *name is "" if the daemon does not serve CRI, or
 * does not tell. */
bool cri_snapshotter(struct containerd *daemon, struct arena *arena, const char **name,
                     struct cancel *cancel, struct error *err) MUST_CHECK;

struct cri_presence {
    bool present, pinned;
};

/* `image` may be a short reference: the daemon completes it. */
bool cri_presence(struct containerd *daemon, const char *image, struct cri_presence *presence,
                  struct cancel *cancel, struct error *err) MUST_CHECK;

/* Finds the sandbox image, from which pods start: the configured one if the daemon reports it
 * (containerd 1), else the one from which the newest pod was made, if that was since the daemon
 * started and so by its present configuration. *image is NULL if both are unknown. What is pinned
 * or what older pods use proves nothing: pins and pods outlive a change of the configuration. */
bool cri_sandbox_image(struct containerd *daemon, const struct cri_status *status,
                       struct arena *arena, const char **image, struct cancel *cancel,
                       struct error *err) MUST_CHECK;
