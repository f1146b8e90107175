/* SPDX-License-Identifier: Apache-2.0 */
#include "engines/daemon/cri_claim.h"

#include "base/clock.h"
#include "base/text.h"
#include "containerd/namespaces.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define IMAGE_LABEL       "containerd-exporter/image"
#define STARTED_LABEL     "containerd-exporter/started" /* in ns since 1970 */
#define ENDS_LABEL        "containerd-exporter/ends"    /* likewise; the end of the claim */
#define CONTENT_LABEL     "containerd-exporter/content"
#define ARENA_LIMIT_BYTES ((size_t)64 << 20)
#define GRACE_NS          (60 * NS_PER_SECOND) /* time for the clean-up after the deadline */
#define POLL_NS           (100 * NS_PER_MS)

size_t cri_claim_repository_bytes(const char *name)
{
    const char *slash = strrchr(name, '/');
    size_t host_size = slash ? (size_t)(slash - name) : 0;

    return host_size + strcspn(name + host_size, ":@");
}

static bool same_repository(const char *a, const char *b)
{
    size_t size = cri_claim_repository_bytes(a);

    return size == cri_claim_repository_bytes(b) && strncmp(a, b, size) == 0;
}

static bool number_of(const struct lease *lease, const char *name, int64_t *number)
{
    const char *text = labels_get(&lease->labels, name);
    struct error ignored;
    uint64_t value;

    if (!text || !text_uint(text, &value, &ignored) || value > INT64_MAX)
        return false;
    *number = (int64_t)value;
    return true;
}

const char *cri_claim_image(const struct lease *lease)
{
    return labels_get(&lease->labels, IMAGE_LABEL);
}

bool cri_claim_started(const struct lease *lease, int64_t *unix_ns)
{
    return number_of(lease, STARTED_LABEL, unix_ns);
}

bool cri_claim_is_active(const struct lease *lease)
{
    int64_t ends_unix_ns;

    return number_of(lease, ENDS_LABEL, &ends_unix_ns) && ends_unix_ns > clock_unix_ns();
}

bool cri_claim_is_others(const struct cri_claim *claim, const struct lease *lease)
{
    return strcmp(lease->id, claim->lease) != 0 &&
           text_starts_with(lease->id, PROBE_NAMESPACE_PREFIX) && cri_claim_image(lease) &&
           cri_claim_is_active(lease);
}

static bool create_lease(const struct cri_claim *claim, struct cancel *cancel, struct error *err)
{
    const struct scope scope = {claim->scope->daemon, claim->scope->name_space, claim->lease};
    int64_t now_ns = clock_unix_ns(), left_ns = cancel->deadline_ns - clock_now_ns();
    char started[24], ends[24];
    struct label items[] = {{IMAGE_LABEL, claim->image},
                            {STARTED_LABEL, started},
                            {ENDS_LABEL, ends},
                            {CONTENT_LABEL, claim->content}};
    const struct labels labels = {items, *claim->content ? 4 : 3};

    snprintf(started, sizeof(started), "%" PRId64, now_ns);
    snprintf(ends, sizeof(ends), "%" PRId64, now_ns + left_ns + GRACE_NS);
    return leases_create(&scope, claim->lifetime_seconds, &labels, cancel, err);
}

/* A run that has seen that it shares content waits for runs of unknown content, too. */
static bool is_same(const struct cri_claim *claim, const struct lease *lease)
{
    const char *content = labels_get(&lease->labels, CONTENT_LABEL);

    if (same_repository(cri_claim_image(lease), claim->image))
        return true;
    if (!*claim->content)
        return false;
    return content ? strcmp(content, claim->content) == 0 : claim->crowded;
}

/* *any: another run has claimed the same. *must_yield: this run has to release its lease, because
 * otherwise both would wait forever. */
static bool find_neighbours(struct cri_claim *claim, bool *any, bool *must_yield,
                            struct cancel *cancel, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_LIMIT_BYTES);
    struct leases leases;
    bool crowded = false;

    *any = *must_yield = false;
    if (!leases_list(claim->scope, &arena, &leases, cancel, err))
        return false;
    for (size_t i = 0; i < leases.count; i++) {
        const struct lease *lease = &leases.items[i];

        if (!cri_claim_is_others(claim, lease))
            continue;
        crowded = true;
        if (!is_same(claim, lease))
            continue;
        *any = true;
        *must_yield = *must_yield || strcmp(lease->id, claim->lease) < 0;
    }
    if (!*any)
        claim->crowded = crowded;
    return true;
}

/* Waits until no other run has claimed the same. With a lease of its own, the run waits at most
 * until it must yield. */
static bool wait_for_neighbours(struct cri_claim *claim, bool *any, struct cancel *cancel,
                                struct error *err)
{
    const struct timespec pause = clock_timespec(POLL_NS);
    bool must_yield;

    for (bool waits = false;; waits = true) {
        if (!cancel_check(cancel, err) || !find_neighbours(claim, any, &must_yield, cancel, err))
            return waits && error_wrap(err, "waiting for another probe that pulls from the same "
                                            "repository, or the same content");
        if (!*any || (claim->held && must_yield))
            return true;
        nanosleep(&pause, NULL);
    }
}

bool cri_claim_take(struct cri_claim *claim, struct cancel *cancel, struct error *err)
{
    bool any;

    for (;;) {
        claim->held = true; /* if the response is lost, the lease may exist */
        if (!create_lease(claim, cancel, err) || !wait_for_neighbours(claim, &any, cancel, err))
            return false;
        if (!any)
            return true;
        if (!leases_delete(claim->scope, claim->lease, false, cancel, err))
            return false;
        claim->held = false;
        if (!wait_for_neighbours(claim, &any, cancel, err))
            return false;
    }
}
