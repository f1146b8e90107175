/* SPDX-License-Identifier: Apache-2.0 */
/* What a probe's settings allow, but their author probably did not mean. */
#include "probe/probe_review.h"

#include "base/text.h"
#include "probe/probe_references.h"
#include "probe/probe_request.h"

#include <inttypes.h>
#include <string.h>

#define HOUR_NS (3600 * NS_PER_SECOND)

/* Registries that strangers share, and the shortest interval that does not use up what a node may
 * pull without a login. Docker Hub: 100 pulls in 6 hours. The others publish no number of pulls. */
static const struct {
    const char *host; /* with a leading dot: all hosts that end so */
    int64_t interval_minutes;
} public_registries[] = {
    {"docker.io", 4},
    {"ghcr.io", 1},
    {"quay.io", 1},
    {"registry.k8s.io", 1},
    {"k8s.gcr.io", 1},
    {"gcr.io", 1},
    {".gcr.io", 1},
    {".pkg.dev", 1},
    {"public.ecr.aws", 1},
    {"mcr.microsoft.com", 1},
    {"registry.gitlab.com", 1},
    {"docker.elastic.co", 1},
    {"registry.access.redhat.com", 1},
    {"registry.redhat.io", 1},
    {"container-registry.oracle.com", 1},
    {"nvcr.io", 1},
    {"lscr.io", 1},
};

static void review_interval(const struct probe *probe, struct review *review)
{
    const char *host = probe->reference.host;
    double due = (double)HOUR_NS / (double)review->interval_ns;

    for (size_t i = 0; i < sizeof(public_registries) / sizeof(public_registries[0]); i++) {
        const char *name = public_registries[i].host;
        int64_t minutes = public_registries[i].interval_minutes;

        if ((*name == '.' ? text_ends_with(host, name) : strcmp(host, name) == 0) &&
            review->interval_ns < minutes * 60 * NS_PER_SECOND)
            review->warn(review, review->every,
                         "a run every %" PRId64 "s against %s, a public registry that limits "
                         "clients: expected at least %" PRId64 "m",
                         review->interval_ns / NS_PER_SECOND, host, minutes);
    }
    if (probe->budget.pulls_per_hour > 0 && due > (double)probe->budget.pulls_per_hour)
        review->warn(review, "max_pulls_per_hour",
                     "this probe alone is due %.0f times an hour, and %" PRIu64
                     " are allowed: runs fail with reason \"limit\"",
                     due, probe->budget.pulls_per_hour);
    if (probe->slow_ns > 0 && probe->slow_ns >= review->timeout_ns)
        review->warn(review, "slow", "not shorter than the timeout: no run can count as slow");
}

static void review_engine(const struct probe *probe, struct review *review)
{
    static const char text[] = "engine docker needs docker.address, which is not set";

    if (review->has_docker)
        return;
    if (strcmp(probe->engine_name, "docker") == 0)
        review->warn(review, "engine", "%s", text);
    if (probe->read_back_name && strcmp(probe->read_back_name, "docker") == 0)
        review->warn(review, "read_back", "%s", text);
}

static void review_push(const struct probe *probe, struct review *review)
{
    if (strcmp(probe->engine_operation, "pull") == 0)
        return;
    if (strcmp(probe->reference.host, "docker.io") == 0 &&
        text_starts_with(probe->reference.repository, "library/"))
        review->warn(review, "image",
                     "docker.io/library has Docker's own images, and a push to it is denied: "
                     "expected docker.io/USER/REPOSITORY");
    if (*probe->push.content.image && probe->cold == COLD_REQUIRED)
        review->warn(review, "content.image",
                     "the registry has its blobs after the first run, so later runs fail with "
                     "reason \"not_cold\": expected cold: no");
}

static void review_trust(const struct probe *probe, struct review *review)
{
    bool has_secret = credentials_configured(probe_auth(probe));

    if (probe->host.skip_verify && has_secret)
        review->warn(review, "skip_verify",
                     "credentials are sent to a host whose certificate is not verified: expected "
                     "ca_file");
}

static void report(void *arg, const char *key, const struct error *err)
{
    struct review *review = arg;

    review->warn(review, key, "%s", err->message);
}

static void review_files(const struct probe *probe, struct review *review)
{
    const struct host_options *host = &probe->host;
    const char *file;
    struct error err;

    credentials_check_files(probe_auth(probe), &probe->reference, report, review);
    if (!hosts_check_files(host, &file, &err))
        review->warn(review,
                     file == host->ca_file       ? "ca_file"
                     : file == host->client_cert ? "client_cert_file"
                                                 : "client_key_file",
                     "%s", err.message);
}

void probe_review(const void *state, struct review *review)
{
    const struct probe *probe = state;

    review_interval(probe, review);
    review_engine(probe, review);
    review_push(probe, review);
    review_trust(probe, review);
    if (review->opens_files)
        review_files(probe, review);
}

const char *probe_writes(const void *state, const char *name, struct arena *arena)
{
    const struct probe *probe = state;
    const struct placeholders values = {"node", name, 0};
    struct reference image, new_tag;
    const char *key;
    struct error ignored;

    if (placeholder_in(probe->image, "timestamp") ||
        (probe->tag && placeholder_in(probe->tag, "timestamp")) ||
        !probe_references(probe, &values, arena, &image, &new_tag, &key, &ignored))
        return NULL;
    return new_tag.name ? new_tag.name : image.name;
}
