/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many requests may come: each takes a token of a bucket that holds `burst` and gets one more
 * per interval. Full at first. What is refused takes nothing.
 */
#ifndef SERVER_RATE_LIMIT_H
#define SERVER_RATE_LIMIT_H

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

/* Whether a request may be answered. `interval_ns` and `burst` may differ from those of the call
 * before; an interval of 0 is no limit. Any thread. */
bool rate_limit_allow(struct rate_limit *limit, int64_t interval_ns, uint64_t burst,
                      int64_t now_ns);

#endif
