/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What dockerd tells while it pulls or pushes: JSON objects, one to a line, about every layer, and
 * at the end the digest. The answer began with 200 long before anything could go wrong, so failures
 * are lines like the others.
 *
 * Progress is made for people: dockerd leaves out what comes too fast, and a small layer may be
 * there before its download was ever mentioned. Sizes are those that were told; layers whose size
 * was not are counted. A push tells the bytes of the tar, before they are compressed.
 */
#ifndef DOCKER_DOCKER_STREAM_H
#define DOCKER_DOCKER_STREAM_H

#include "base/progress.h"
#include "oci/digest.h"

#include <stdint.h>

#define DOCKER_LAYERS_MAX       512
#define DOCKER_LAYER_ID_BYTES   24 /* dockerd shortens them to 12 */
#define DOCKER_LINE_LIMIT_BYTES ((size_t)64 << 10)

struct docker_layer {
    char id[DOCKER_LAYER_ID_BYTES];
    uint64_t size;           /* compressed, of a push not; 0: was not told */
    uint64_t before;         /* came in attempts that broke off */
    uint64_t current, total; /* of this attempt */
    bool existed;            /* was there before, or was mounted: nothing moved */
    bool complete;
    bool waiting; /* for another attempt */
};

/* Big: lives in what is allocated. */
struct docker_stream {
    struct docker_layer layers[DOCKER_LAYERS_MAX]; /* of a pull lowest first, of a push last */
    size_t n_layers;
    char digest[DIGEST_TEXT_BYTES]; /* "" until it was told */
    unsigned retries;               /* transfers that dockerd began anew */
    int64_t first_layer_ns;         /* when the first layer was mentioned; 0: none was */
    int64_t moved_ns;               /* when the last transfer was complete; 0: none was */
    int64_t last_layer_ns;          /* when a layer was last mentioned */
    struct progress *progress;      /* NULL: nobody wants to know */
    struct buf line_;               /* private: the beginning of one whose end has not come */
};

void docker_stream_init(struct docker_stream *stream);
void docker_stream_deinit(struct docker_stream *stream);

/* The next bytes, which came at now_ns. False for what is no such stream (ERROR_PROTOCOL,
 * ERROR_LIMIT), and with the reason when dockerd says that it failed. */
bool docker_stream_feed(struct docker_stream *stream, const void *data, size_t size, int64_t now_ns,
                        struct error *err) MUST_CHECK;

/* After the last byte. */
bool docker_stream_end(struct docker_stream *stream, int64_t now_ns, struct error *err) MUST_CHECK;

struct docker_stream_totals {
    uint64_t moved_bytes; /* at least: what was told */
    size_t n_existed;     /* layers that were there already */
    size_t n_unknown;     /* layers that moved, but nobody said how many bytes */
};

void docker_stream_sum(const struct docker_stream *stream, struct docker_stream_totals *totals);

/* What dockerd calls a failure: the reason its words give, else its HTTP status. */
enum error_code docker_failure_code(const char *words, int64_t status);

#endif
