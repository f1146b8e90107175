/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A containerd inside the test: gRPC on a unix socket, with a small state in memory.
 *
 * It serves what the exporter calls: namespaces, leases, images, content, snapshots, diff,
 * containers, introspection, version, health, CRI, transfer with its streams, events. Every call is
 * recorded in a call log, by which calls can be made to fail. A lease that is deleted with
 * `sync` runs a garbage collection, which follows the labels "containerd.io/gc.ref.*".
 *
 * The library must have been initialised by rpc_library_init(). Settings may be changed while no
 * call is on its way. Thread-safe besides.
 */
#ifndef TESTS_FAKE_CONTAINERD_H
#define TESTS_FAKE_CONTAINERD_H

#include "support/call_log.h"
#include "support/fake_image.h"

#include <stdint.h>

#define FAKE_SNAPSHOTTER "overlayfs"

enum fake_kind {
    FAKE_NAMESPACE,
    FAKE_LEASE,
    FAKE_RECORD, /* of an image */
    FAKE_CONTENT,
    FAKE_INGEST,
    FAKE_SNAPSHOT,
    FAKE_CONTAINER,
    FAKE_KINDS,
};

#define FAKE_LABELS_MAX 16

struct fake_item {
    enum fake_kind kind;
    char space[96], name[256];
    char lease[96];   /* by which it was made; "" without */
    char target[256]; /* a record's digest, a snapshot's parent, a container's image */
    char media_type[128];
    char id[96];        /* of a record: digest of the configuration, for CRI */
    int64_t created_ns; /* since 1970 */
    uint64_t size;
    char *data;  /* of content and ingests */
    bool active; /* of a snapshot: not committed; of an ingest: another process writes it */
    char snapshotter[32]; /* of a snapshot; "": FAKE_SNAPSHOTTER */
    struct fake_label {
        char name[128], value[256];
    } labels[FAKE_LABELS_MAX];
    size_t n_labels;
};

struct fake_event { /* of the progress of a transfer */
    const char *event, *name;
    int64_t progress, total;
};

struct fake_plugin {
    const char *type, *id, *export_name, *export_value, *init_error;
};

struct fake_containerd {
    struct call_log *log;
    char socket[128];
    char transfer_os[32]; /* the platform of the last transfer; "" without one */

    /* Settings. */
    const char *version;               /* "2.1.0" */
    bool serving;                      /* the answer of grpc.health.v1 */
    bool keeps_garbage;                /* no garbage collection */
    bool lists_all_content;            /* Content/List ignores the filters */
    bool isolated;                     /* namespaces do not share content */
    bool discards_unpacked;            /* pulls by CRI and Transfer keep no layers */
    const struct fake_plugin *plugins; /* a NULL type ends them; NULL: those of containerd 2 */
    const struct fake_image *image;  /* what every reference is at the registry; NULL: not found */
    const struct fake_event *events; /* told of each transfer; a NULL event ends them */
    const char *const *logs;         /* lines of HTTP that a transfer logs; NULL ends them */
    const char *auth_host;           /* a transfer asks for its credentials; NULL: it does not */
    size_t list_max;                 /* items of a list of images or leases; 0: unlimited */
    const char *other_snapshotter;   /* is loaded, too, and only listed; NULL: none */
    const char *cri_image_root;      /* of CRI's ImageFsInfo; NULL: Unimplemented */
    const char *cri_config;          /* JSON of the verbose status of CRI; NULL: none */
    unsigned long pull_fails_after;  /* CRI and Transfer: the pull fails after so many blobs; 0: it
                                      * does not fail */

    /* Private. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct fake_item **items;
    size_t n_items;
    struct fake_stream *streams;
    bool stopping;
    struct grpc_fake *server;
};

/* Aborts on failure. */
struct fake_containerd *fake_containerd_new(struct call_log *log);
void fake_containerd_free(struct fake_containerd *fake);
DEFINE_CLEANUP(struct fake_containerd *, fake_containerd_free)

/* Forgets all state. */
void fake_containerd_empty(struct fake_containerd *fake);

/* Forgets all state and settings. */
void fake_containerd_reset(struct fake_containerd *fake);

/* Adds an item; the caller may fill in more before the next call. */
struct fake_item *fake_containerd_add(struct fake_containerd *fake, enum fake_kind kind,
                                      const char *space, const char *name);
void fake_item_label(struct fake_item *item, const char *name, const char *value);

/* NULL if there is none. */
struct fake_item *fake_containerd_find(struct fake_containerd *fake, enum fake_kind kind,
                                       const char *space, const char *name);

/* Adds blob and record of an image, with the labels of a pull; and its snapshots. */
void fake_containerd_add_image(struct fake_containerd *fake, const char *space, const char *name,
                               const struct fake_image *image);
void fake_containerd_add_snapshots(struct fake_containerd *fake, const char *space,
                                   const struct fake_image *image);

/* The state as sorted lines, to be compared: "image k8s.io docker.io/library/a:1 sha256:..." */
void fake_containerd_dump(struct fake_containerd *fake, struct buf *out);

/* Sends an event to every subscriber. */
void fake_containerd_publish(struct fake_containerd *fake, const char *space, const char *topic);

#endif
