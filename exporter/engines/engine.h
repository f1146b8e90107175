/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract of a way to pull or push, and what comes out of it.
 *
 * A way is one file, probe/OPERATION_ENGINE.c (pull, push, tag), that defines one constant, e.g.
 *
 *     const struct engine pull_client_engine = {"pull", "client", run};
 *
 * The build finds it by its file name. Whatever the way, numbers mean the same:
 * what an engine cannot see stays negative (or 0 bytes of a kind that it does not
 * report), and what was seen before a failure is in the result, too.
 */
#ifndef ENGINES_ENGINE_H
#define ENGINES_ENGINE_H

#include "base/progress.h"
#include "containerd/containerd.h"
#include "oci/digest.h"
#include "oci/platform.h"
#include "registry/registry.h"

enum engine_phase {
    PHASE_RESOLVE,   /* from the reference to the manifest of the platform */
    PHASE_FETCH,     /* configuration and layers */
    PHASE_UNPACK,    /* layers into snapshots */
    PHASE_UPLOAD,    /* blobs to the registry */
    PHASE_COMMIT,    /* the manifest, which makes them an image */
    PHASE_READ_BACK, /* what was pushed, pulled */
    PHASE_CLEANUP,   /* not part of `seconds` */
    PHASES,
};

const char *engine_phase_name(enum engine_phase phase);

/* What is pushed: an image of new bytes, or one that the daemon holds. */
struct push_content {
    uint64_t layers, layer_bytes; /* random bytes in each, before the tar around them */
    bool docker_types;            /* Docker's schema 2 instead of OCI's media types */
    bool index;                   /* an index of one entry above the manifest */
    const char *image; /* "" or a full reference: this is pushed as it is, one platform of it */
    const char *name_space; /* of containerd, where that image is */
};

struct push_request {
    struct push_content content;
    bool overwrite;          /* a push may replace what no probe made */
    const char *last_digest; /* "" or what this probe itself put there last: that it may, too */
    uint64_t chunk_bytes;    /* PATCHes of this size; 0: one PUT for a blob */
    const char
        *mount_from; /* "" or a repository of the same registry: blobs may be mounted from it */
};

/* Between the end of a run at the latest, and that of its lifetime. */
#define LEFTOVER_SECONDS 3600

struct engine_request {
    const char *name;          /* of the probe; names what it creates */
    struct progress *progress; /* NULL: nobody wants to know */
    struct containerd *containerd;
    struct docker *docker; /* NULL: none is configured */
    struct reference reference;
    struct reference new_tag;              /* operation tag: the same repository by another tag */
    const struct host_list *hosts;         /* for engines that fetch themselves */
    const char *hosts_roots;               /* for daemons that are told where hosts.toml is */
    bool plain_http;                       /* what a daemon that is told assumes of the registry */
    const struct credentials *credentials; /* never NULL; may be anonymous */
    enum http_family family;
    struct platform_matcher platform;
    bool all_platforms; /* of an index: every image; `platform` says which is unpacked */
    bool unpack;
    bool cold; /* a run that would not be cold may be refused before it starts */
    const char *snapshotter;
    unsigned max_concurrent_downloads; /* layers at a time; at least 1 */
    struct push_request push;
    struct upload_sent *sent; /* where a push notes what it leaves; NULL: nobody wants to know */
    int64_t lifetime_seconds; /* after which leftovers may be removed by anybody */
    bool one_shot;            /* of a process that is not the node's exporter */
};

#define ENGINE_TEXT_BYTES 256

struct engine_result {
    double seconds;               /* the operation, without preparation and clean-up */
    double phase_seconds[PHASES]; /* negative: did not happen, or cannot be seen */
    struct registry_traffic traffic;
    uint64_t cached_bytes;          /* were there already, so did not cross the network */
    uint64_t declared_bytes;        /* as the manifests say: index, manifest, config, layers */
    uint64_t unpacked_bytes;        /* of the layers' tars; 0: not unpacked */
    char digest[DIGEST_TEXT_BYTES]; /* what the reference stands for */
    char manifest_digest[DIGEST_TEXT_BYTES]; /* of the platform's manifest */
    char media_type[ENGINE_TEXT_BYTES];      /* of the former */
    char host[ENGINE_TEXT_BYTES];            /* who served it, or took it; "": cannot be seen */
    struct error passed_over;                /* what the first host of the list said that did not
                                              * serve; ERROR_NONE: the first one served */
    char note[ENGINE_TEXT_BYTES * 2];        /* for the log: why the numbers are what they are */
    uint64_t seed;                           /* of the bytes that were made; 0: none were */
    bool cleanup_failed;
    struct error cleanup_error;
    struct progress *progress; /* told of phases; NULL: nobody wants to know */
};

/* Settings that not every engine can honour. */
enum engine_ability {
    ENGINE_UNPACK = 1,         /* unpacks, and can leave it out */
    ENGINE_PLATFORM = 2,       /* takes a platform other than the node's */
    ENGINE_ALL_PLATFORMS = 4,  /* takes all of them */
    ENGINE_SNAPSHOTTER = 8,    /* takes another than the daemon's default */
    ENGINE_SEES_HOST = 32,     /* can tell who served */
    ENGINE_SEES_MANIFEST = 64, /* can tell the digest of the platform's manifest */
    ENGINE_OWN_NETWORK = 16,   /* the exporter fetches: hosts, CA, concurrency, family are ours */
    /* Of pushes. */
    ENGINE_CHUNKS = 128,       /* sends a blob in pieces */
    ENGINE_MOUNT = 2048,       /* has blobs mounted from another repository */
    ENGINE_TYPES = 256,        /* makes OCI's media types or Docker's, with an index or without */
    ENGINE_DAEMON_IMAGE = 512, /* sends an image that a daemon holds */
    ENGINE_NAMESPACE = 1024,   /* finds it in a namespace of containerd */
};

struct engine {
    const char *operation, *name;
    unsigned abilities;
    int preference; /* for `engine: auto`: the highest that is offered; 0: never by itself */
    /* Whether this node has what the engine needs, now. NULL: always. */
    bool (*offered)(const struct engine_request *request, struct cancel *cancel, struct error *err);
    /* Of pushes with ENGINE_DAEMON_IMAGE: the digest of what push.content.image would become at the
     * registry: of its manifest, or where that is not known before, of its configuration. */
    bool (*identify)(const struct engine_request *request, char digest[DIGEST_TEXT_BYTES],
                     struct cancel *cancel, struct error *err);
    bool (*run)(const struct engine_request *request, struct engine_result *result,
                struct cancel *cancel, struct error *err);
};

void engine_result_init(struct engine_result *result);

/* The registry of the request, as the exporter itself asks it. */
struct registry *engine_registry(const struct engine_request *request, bool push,
                                 struct error *err);

/* Measures a phase: starts with the block, ends with it. */
struct engine_timer {
    double *seconds;
    int64_t start_ns;
};
struct engine_timer engine_timer_start(struct engine_result *result, enum engine_phase phase);
void engine_timer_stop(struct engine_timer *timer);
#define ENGINE_PHASE(result, phase) \
    CLEANUP(engine_timer_stop)      \
    struct engine_timer phase_timer_ __attribute__((unused)) = engine_timer_start((result), (phase))

#endif
