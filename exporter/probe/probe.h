/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract of a way to pull or push, and what comes out of it.
 *
 * A way is one file, probe/OPERATION_ENGINE.c, that defines one constant, e.g.
 *
 *     const struct probe_engine pull_client_engine = {"pull", "client", run};
 *
 * The build finds it by its file name. Whatever the way, numbers mean the same:
 * what an engine cannot see stays negative (or 0 bytes of a kind that it does not
 * report), and what was seen before a failure is in the result, too.
 */
#ifndef PROBE_PROBE_H
#define PROBE_PROBE_H

#include "client/containerd.h"
#include "client/digest.h"
#include "client/platform.h"
#include "client/registry.h"

enum probe_phase {
    PHASE_RESOLVE,   /* from the reference to the manifest of the platform */
    PHASE_FETCH,     /* configuration and layers */
    PHASE_UNPACK,    /* layers into snapshots */
    PHASE_UPLOAD,    /* blobs and manifest to the registry */
    PHASE_READ_BACK, /* what was pushed, pulled */
    PHASE_CLEANUP,   /* not part of `seconds` */
    PHASES,
};

const char *probe_phase_name(enum probe_phase phase);

struct probe_request {
    const char *name; /* of the probe; names what it creates */
    struct containerd *containerd;
    struct reference reference;
    struct registry_options registry;
    struct platform_matcher platform;
    const char *snapshotter;
    uint64_t layers, layer_bytes; /* of the image that a push makes */
    int64_t lifetime_seconds;     /* after which leftovers may be removed by anybody */
};

#define PROBE_TEXT_BYTES 256

struct probe_result {
    double seconds;               /* the operation, without preparation and clean-up */
    double phase_seconds[PHASES]; /* negative: did not happen, or cannot be seen */
    struct registry_traffic traffic;
    uint64_t cached_bytes;          /* were there already, so did not cross the network */
    uint64_t declared_bytes;        /* as the manifests say: index, manifest, config, layers */
    uint64_t unpacked_bytes;        /* of the layers' tars; 0: not unpacked */
    char digest[DIGEST_TEXT_BYTES]; /* what the reference stands for */
    char manifest_digest[DIGEST_TEXT_BYTES]; /* of the platform's manifest */
    char media_type[PROBE_TEXT_BYTES];       /* of the former */
    char host[PROBE_TEXT_BYTES];             /* who served it */
    bool cleanup_failed;
    struct error cleanup_error;
};

struct probe_engine {
    const char *operation, *name;
    bool (*run)(const struct probe_request *request, struct probe_result *result,
                struct cancel *cancel, struct error *err);
};

extern const struct probe_engine *const probe_engines[]; /* ends with NULL */

const struct probe_engine *probe_engine_find(const char *operation, const char *name);

void probe_result_init(struct probe_result *result);

/* Measures a phase: starts with the block, ends with it. */
struct probe_timer {
    double *seconds;
    int64_t start_ns;
};
struct probe_timer probe_timer_start(double *seconds);
void probe_timer_stop(struct probe_timer *timer);
#define PROBE_PHASE(result, phase)                            \
    CLEANUP(probe_timer_stop)                                 \
    struct probe_timer phase_timer_ __attribute__((unused)) = \
        probe_timer_start(&(result)->phase_seconds[phase])

#endif
