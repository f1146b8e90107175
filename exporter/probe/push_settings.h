/* SPDX-License-Identifier: Apache-2.0 */
/* What the operations push and roundtrip have in common: what is sent, and how. */
#ifndef PROBE_PUSH_SETTINGS_H
#define PROBE_PUSH_SETTINGS_H

#include "probe/probe.h"

#define PROBE_PUSH_SETTINGS                                                                     \
    SETTING(SETTING_UINT, struct probe, push.content.layers, "content.layers", "1",             \
            "Layers of the image that is made."),                                               \
        SETTING(SETTING_BYTES, struct probe, push.content.layer_bytes, "content.size", "1MiB",  \
                "Random bytes in each layer, new for every run."),                              \
        SETTING_CHOICE(struct probe, format, "content.format", probe_format_choices, "oci",     \
                       "Media types of the image that is made: oci, docker."),                  \
        SETTING(SETTING_BOOL, struct probe, push.content.index, "content.index", "false",       \
                "Whether an index of one platform is made above it."),                          \
        SETTING(SETTING_STRING, struct probe, push.content.image, "content.image", "",          \
                "An image that containerd or Docker holds: it is sent instead of a made one."), \
        SETTING(SETTING_STRING, struct probe, push.content.name_space, "content.namespace",     \
                DEFAULT_NAMESPACE, "Namespace of containerd that holds it."),                   \
        SETTING(SETTING_BYTES, struct probe, push.chunk_bytes, "upload.chunk_size", "0",        \
                "A blob is sent in pieces of this size; 0: in one."),                           \
        SETTING(SETTING_STRING, struct probe, push.mount_from, "upload.mount_from", "",         \
                "Repository of the same registry that blobs may be mounted from."),             \
        SETTING(SETTING_BOOL, struct probe, push.overwrite, "overwrite", "false",               \
                "Whether an image that no probe made is replaced."),                            \
        SETTING(SETTING_BOOL, struct probe, delete_remote, "delete_remote", "false",            \
                "Whether the registry is told to delete the image afterwards.")

bool probe_check_push(struct probe *probe, const char *operation, struct arena *arena,
                      const char **key, struct error *err) MUST_CHECK;

#endif
