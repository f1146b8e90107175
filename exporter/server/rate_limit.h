/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token bucket: it holds `burst` tokens, starts full, and gains one token per interval. An
 * allowed request takes one token; a rejected one takes none.
 */
#pragma once

#include "base/own.h"

#include <stdbool.h>
#include <stdint.h>

struct rate_limit {
    pthread_mutex_t lock_; /* private */
    bool started_;
    double tokens_;
    int64_t filled_ns_;
};

void rate_limit_init(struct rate_limit *limit);
void rate_limit_deinit(struct rate_limit *limit);

/* Whether a request is allowed. `interval_ns` and `burst` may change between calls; an interval of
 * 0 means no limit. Thread-safe. */
bool rate_limit_allow(struct rate_limit *limit, int64_t interval_ns, uint64_t burst,
                      int64_t now_ns);
