/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parses the progress stream of a pull or push: a JSON object per line for the layers, and the
 * digest at the end. The response starts with status 200, so later failures are lines of the
 * stream.
 *
 * dockerd leaves out lines that follow each other too fast, so a small layer may complete without a
 * reported size: such layers are counted. A push reports uncompressed sizes.
 */
#pragma once

#include "base/progress.h"
#include "oci/digest.h"

#include <stdint.h>

#define DOCKER_LAYERS_MAX       512
#define DOCKER_LAYER_ID_BYTES   24 /* dockerd shortens ids to 12 */
#define DOCKER_LINE_LIMIT_BYTES ((size_t)64 << 10)

struct docker_layer {
    char id[DOCKER_LAYER_ID_BYTES];
    uint64_t size;           /* compressed; of a push uncompressed; 0: unknown */
    uint64_t before;         /* bytes of broken attempts */
    uint64_t current, total; /* of this attempt */
    bool existed;            /* existed before or was mounted: no transfer */
    bool complete;
    bool waiting; /* for the next attempt */
};

/* Large: must be allocated, not on the stack. */
struct docker_stream {
    struct docker_layer layers[DOCKER_LAYERS_MAX]; /* lowest first for a pull, last for a push */
    size_t n_layers;
    char digest[DIGEST_TEXT_BYTES]; /* "" if not yet reported */
    bool has_status;                /* a line reported what the daemon does */
    unsigned retries;               /* transfers that dockerd restarted */
    int64_t first_layer_ns;         /* time of the first line about a layer; 0: none */
    int64_t moved_ns;               /* time when the last transfer completed; 0: none */
    int64_t last_layer_ns;          /* time of the last line about a layer */
    struct progress *progress;      /* may be NULL */
    struct buf line_;               /* private: an incomplete line */
};

void docker_stream_init(struct docker_stream *stream);
void docker_stream_deinit(struct docker_stream *stream);

/* Parses the next bytes, received at now_ns. Fails if they are no such stream (ERROR_PROTOCOL,
 * ERROR_LIMIT), and with the reported reason if dockerd reports a failure. */
bool docker_stream_feed(struct docker_stream *stream, const void *data, size_t size, int64_t now_ns,
                        struct error *err) MUST_CHECK;

/* Must follow the last byte. */
bool docker_stream_end(struct docker_stream *stream, int64_t now_ns, struct error *err) MUST_CHECK;

struct docker_stream_totals {
    uint64_t moved_bytes; /* as reported: a lower bound */
    size_t n_existed;     /* layers without transfer */
    size_t n_unknown;     /* layers transferred with unknown size */
};

void docker_stream_sum(const struct docker_stream *stream, struct docker_stream_totals *totals);

/* The reason of a failure: by dockerd's message, else by its HTTP status. */
enum error_code docker_failure_code(const char *message, int64_t status);
