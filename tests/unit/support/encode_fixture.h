/* SPDX-License-Identifier: Apache-2.0 */
/* A family of each kind, and what becomes of its samples in a format. */
#ifndef TESTS_ENCODE_FIXTURE_H
#define TESTS_ENCODE_FIXTURE_H

#include "metrics/encode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define LIMIT_BYTES ((size_t)64 << 10)
#define START       1761213045.5

enum {
    PLAIN,
    LABELED,
    DURATION,
    INFO,
};

static const struct metric_family families[] = {
    [PLAIN] = {METRIC_GAUGE, "t_plain", "A \\ and a\nnew line and a \"quote\"."},
    [LABELED] = {METRIC_COUNTER, "t_labeled_total", "A counter.", {"a", "b"}},
    [DURATION] = {METRIC_HISTOGRAM, "t_duration_seconds", "A histogram.", {"a"}},
    [INFO] = {METRIC_INFO, "t_info", "An info.", {"a"}},
    {0},
};

/* Head, samples and end of a family. */
static inline void encode_one(struct encoder *encoder, const struct metric_family *family,
                              const struct sample *samples)
{
    struct error err;

    encode_family(encoder, family);
    encode_samples(encoder, family, samples);
    encode_family_end(encoder, family);
    assert_true(buf_ok(encoder->out, &err));
}

#endif
