/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract of an engine, which is one way to pull, push or tag, and the result of a run.
 *
 * An engine is one file, engines/OPERATION_ENGINE.c (pull, push, tag), that defines one constant,
 * e.g.
 *
 *     const struct engine pull_client_engine = {"pull", "client", run};
 *
 * The build finds it by its file name. Numbers mean the same for each engine: what an engine
 * cannot see stays negative (or 0 bytes of a kind that it does not report). After a failure the
 * result has what was seen before it.
 */
#pragma once

#include "base/progress.h"
#include "containerd/containerd.h"
#include "oci/digest.h"
#include "oci/manifest.h"
#include "oci/platform.h"
#include "registry/registry.h"

enum engine_phase {
    PHASE_RESOLVE,   /* from the reference to the manifest of the platform */
    PHASE_FETCH,     /* configuration and layers */
    PHASE_UNPACK,    /* layers into snapshots */
    PHASE_UPLOAD,    /* blobs to the registry */
    PHASE_COMMIT,    /* the manifest, which makes them an image */
    PHASE_READ_BACK, /* the pull of what was pushed */
    PHASE_CLEANUP,   /* not part of `seconds` */
    PHASES,
};

const char *engine_phase_name(enum engine_phase phase);

/* What is pushed: a generated image, or an image that a daemon has. */
struct push_content {
    uint64_t layers, layer_bytes; /* random bytes in each, before the tar around them */
    bool docker_types;            /* Docker's schema 2 instead of OCI's media types */
    bool index;                   /* an index of one entry above the manifest */
    const char *image; /* "": a generated image; a full reference: one platform of this image */
    const char *name_space; /* of containerd, which has that image */
};

struct push_request {
    struct push_content content;
    bool overwrite;          /* a push may replace an image that no probe made */
    const char *last_digest; /* "" or what this probe pushed last, which a push may replace, too */
    uint64_t chunk_bytes;    /* size of each PATCH; 0: one PUT for a blob */
    const char
        *mount_from; /* "" or a repository of the same registry from which it may mount blobs */
};

/* The time between the deadline of a run and the expiry of its leftovers. */
#define LEFTOVER_SECONDS 3600

struct engine_request {
    const char *name;          /* of the probe; part of the names that the engine creates */
    struct progress *progress; /* NULL: no progress is shown */
    struct containerd *containerd;
    struct docker *docker; /* NULL: none is configured */
    struct reference reference;
    struct reference new_tag;              /* for tag: the same repository by another tag */
    const struct host_list *hosts;         /* for ENGINE_OWN_NETWORK; empty if `failed` is set */
    const char *hosts_roots;               /* for daemons that read hosts.toml themselves */
    bool plain_http;                       /* whether such a daemon uses http by default */
    const struct credentials *credentials; /* never NULL; may be anonymous */
    enum http_family family;
    struct platform_matcher platform;
    bool all_platforms; /* of an index: every image; `platform` says which one is unpacked */
    bool unpack;
    bool cold; /* the engine may refuse a run that would not be cold */
    const char *snapshotter;
    bool any_snapshotter;      /* the engine may take another one that containerd has loaded */
    const char *last_manifest; /* "" or the manifest that the probe pulled last */
    unsigned max_concurrent_downloads; /* blobs at a time; at least 1 */
    struct push_request push;
    struct upload_sent *sent; /* a push records here which blobs it sends; NULL: not recorded */
    int64_t lifetime_seconds; /* after which any probe may remove leftovers */
    bool one_shot;            /* the process is not the node's exporter, but runs one command */
};

#define ENGINE_TEXT_BYTES 256

struct engine_result {
    double seconds;               /* of the operation, without preparation and clean-up */
    double phase_seconds[PHASES]; /* negative: did not happen, or not visible to the engine */
    struct registry_traffic traffic;
    uint64_t cached_bytes;          /* existed before, so they did not cross the network */
    uint64_t declared_bytes;        /* as the manifests say: index, manifest, config, layers */
    uint64_t unpacked_bytes;        /* of the layers' tars; 0: not unpacked */
    char digest[DIGEST_TEXT_BYTES]; /* of what the reference resolves to */
    char manifest_digest[DIGEST_TEXT_BYTES]; /* of the platform's manifest */
    char media_type[ENGINE_TEXT_BYTES];      /* of what the reference resolves to */
    char host[ENGINE_TEXT_BYTES]; /* the host that served or took the image; "": not visible */
    struct error passed_over; /* why the first host of the list did not serve; ERROR_NONE: it did */
    char note[ENGINE_TEXT_BYTES * 2]; /* for the log: what explains the numbers */
    uint64_t seed;                    /* of a generated image; 0: none */
    bool cleanup_failed;
    struct error cleanup_error;
    struct progress *progress; /* receives the phases; NULL: no progress is shown */
};

/* Settings that not every engine supports. */
enum engine_ability {
    ENGINE_UNPACK = 1,             /* unpacks, and can leave it out */
    ENGINE_PLATFORM = 2,           /* pulls for a platform other than the node's */
    ENGINE_ALL_PLATFORMS = 4,      /* pulls all platforms of an index */
    ENGINE_SNAPSHOTTER = 8,        /* unpacks with a snapshotter other than the daemon's default */
    ENGINE_ANY_SNAPSHOTTER = 4096, /* or takes another one that containerd has loaded */
    ENGINE_SEES_HOST = 32,         /* reports the host */
    ENGINE_SEES_MANIFEST = 64,     /* reports the digest of the platform's manifest */
    ENGINE_OWN_NETWORK =
        16, /* the exporter itself asks the registry: with its hosts, CA, concurrency, family */
    /* Of pushes. */
    ENGINE_CHUNKS = 128,       /* sends blobs in chunks */
    ENGINE_MOUNT = 2048,       /* mounts blobs from another repository */
    ENGINE_TYPES = 256,        /* chooses OCI's or Docker's media types, with an index or without */
    ENGINE_DAEMON_IMAGE = 512, /* sends an image that a daemon has */
    ENGINE_NAMESPACE = 1024,   /* that image is in a namespace of containerd */
};

struct engine {
    const char *operation, *name;
    unsigned abilities;
    int preference; /* for `engine: auto`, which takes the highest that is offered; 0: never */
    /* Whether this node has what the engine needs; false fills *err. NULL: always. */
    bool (*offered)(const struct engine_request *request, struct cancel *cancel, struct error *err);
    /* For pushes with ENGINE_DAEMON_IMAGE: the digest of push.content.image at the registry. It is
     * that of the manifest or, where the engine does not know that before the push, of the
     * configuration. */
    bool (*identify)(const struct engine_request *request, char digest[DIGEST_TEXT_BYTES],
                     struct cancel *cancel, struct error *err);
    bool (*run)(const struct engine_request *request, struct engine_result *result,
                struct cancel *cancel, struct error *err);
};

void engine_result_init(struct engine_result *result);

/* Reports the first host that takes pushes. request->hosts may be NULL. */
void engine_report_push_host(const struct engine_request *request, struct engine_result *result);

/* Reports what the reference resolves to. */
void engine_report_root(const struct descriptor *root, struct engine_result *result);

/* Reports the manifest of the platform. */
void engine_report_manifest(const char *digest, struct engine_result *result);

/* A client for the registry of the request. NULL on failure. */
struct registry *engine_registry(const struct engine_request *request, bool push,
                                 struct error *err);

/* Starts the deadline of a clean-up. It is independent of the deadline of the run, which may have
 * passed, and short if the run was canceled, because a shutdown waits. cancel_deinit() ends it. */
void engine_cleanup_start(struct cancel *cancel, struct cancel *run_cancel);

/* Measures a phase until the end of the block. */
struct engine_timer {
    double *seconds;
    int64_t start_ns;
};
struct engine_timer engine_timer_start(struct engine_result *result, enum engine_phase phase);
void engine_timer_stop(struct engine_timer *timer);
#define ENGINE_PHASE(result, phase) \
    CLEANUP(engine_timer_stop)      \
    struct engine_timer phase_timer_ __attribute__((unused)) = engine_timer_start((result), (phase))
