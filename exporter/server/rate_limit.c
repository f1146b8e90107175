/* SPDX-License-Identifier: Apache-2.0 */
#include "server/rate_limit.h"

void rate_limit_init(struct rate_limit *limit)
{
    *limit = (struct rate_limit){0};
    pthread_mutex_init(&limit->lock_, NULL);
}

void rate_limit_deinit(struct rate_limit *limit)
{
    pthread_mutex_destroy(&limit->lock_);
}

bool rate_limit_allow(struct rate_limit *limit, int64_t interval_ns, uint64_t burst, int64_t now_ns)
{
    LOCK_SCOPE(&limit->lock_);

    if (interval_ns <= 0)
        return true;
    if (!limit->started_)
        limit->tokens_ = (double)burst;
    else if (now_ns > limit->filled_ns_)
        limit->tokens_ += (double)(now_ns - limit->filled_ns_) / (double)interval_ns;
    if (!limit->started_ || now_ns > limit->filled_ns_) /* another thread may pass an older time */
        limit->filled_ns_ = now_ns;
    limit->started_ = true;
    if (limit->tokens_ > (double)burst)
        limit->tokens_ = (double)burst;
    if (limit->tokens_ < 1)
        return false;
    limit->tokens_ -= 1;
    return true;
}
