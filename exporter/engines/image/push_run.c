/* SPDX-License-Identifier: Apache-2.0 */
#include "engines/image/push_run.h"

#include "base/clock.h"
#include "engines/image/push_target.h"
#include "engines/image/upload.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NAME_BYTES ((size_t)512) /* of a repository with a digest */

static bool is_daemon_image(const struct engine_request *request)
{
    return *request->push.content.image;
}

/* The target may already have the same image, which the push then replaces by itself. */
static bool check_owner(const struct push_run *push_run, const struct engine_request *request,
                        struct cancel *cancel, struct error *err)
{
    char digest[DIGEST_TEXT_BYTES] = "";

    if (request->push.overwrite)
        return true;
    if (is_daemon_image(request) && push_run->engine->identify &&
        !push_run->engine->identify(request, digest, cancel, err))
        return false;
    return push_target_check(request, digest, cancel, err);
}

/* The check is not measured, unless it fails. */
static bool check_target(const struct push_run *push_run, const struct engine_request *request,
                         struct engine_result *result, struct cancel *cancel, struct error *err)
{
    int64_t start_ns = clock_now_ns();

    if (check_owner(push_run, request, cancel, err))
        return true;
    result->seconds = ns_to_seconds(clock_now_ns() - start_ns);
    return false;
}

/* ---- read back ---- */

/* Adds the numbers of the pull to those of the push, except the network stages. */
static void add_result(struct engine_result *sum, const struct engine_result *pulled)
{
    double *cleanup = &sum->phase_seconds[PHASE_CLEANUP];
    double more = pulled->phase_seconds[PHASE_CLEANUP];

    sum->seconds += pulled->seconds;
    sum->phase_seconds[PHASE_READ_BACK] = pulled->seconds;
    if (more >= 0)
        *cleanup = more + (*cleanup > 0 ? *cleanup : 0);
    registry_traffic_add(&sum->traffic, &pulled->traffic);
    sum->cached_bytes += pulled->cached_bytes;
    if (sum->declared_bytes == 0) /* Docker does not report them */
        sum->declared_bytes = pulled->declared_bytes;
    if (!*sum->media_type)
        memcpy(sum->media_type, pulled->media_type, sizeof(sum->media_type));
    if (!*sum->note)
        memcpy(sum->note, pulled->note, sizeof(sum->note));
    if (pulled->cleanup_failed && !sum->cleanup_failed) {
        sum->cleanup_failed = true;
        sum->cleanup_error = pulled->cleanup_error;
    }
}

/* `exact`: the exporter fetched new bytes, so all of them must have crossed the network. A retried
 * download counts more. */
static bool compare(const struct engine_result *pushed, const struct engine_result *pulled,
                    bool exact, struct error *err)
{
    uint64_t came = pulled->traffic.fetched_bytes + pulled->cached_bytes;

    if (strcmp(pushed->digest, pulled->digest) != 0)
        return error_set(err, ERROR_DIGEST_MISMATCH, "digest is %s, expected %s as pushed",
                         pulled->digest, pushed->digest);
    if (*pushed->manifest_digest && *pulled->manifest_digest &&
        strcmp(pushed->manifest_digest, pulled->manifest_digest) != 0)
        return error_set(err, ERROR_DIGEST_MISMATCH, "manifest_digest is %s, expected %s as pushed",
                         pulled->manifest_digest, pushed->manifest_digest);
    if (pushed->declared_bytes > 0 && pulled->declared_bytes > 0 &&
        pushed->declared_bytes != pulled->declared_bytes)
        return error_set(err, ERROR_SIZE_MISMATCH,
                         "size is %" PRIu64 ", expected %" PRIu64 " as pushed",
                         pulled->declared_bytes, pushed->declared_bytes);
    return !exact || came >= pulled->declared_bytes ||
           error_set(err, ERROR_SIZE_MISMATCH,
                     "only %" PRIu64 " of %" PRIu64 " bytes were read back", came,
                     pulled->declared_bytes);
}

static bool read_back(const struct push_run *push_run, const struct engine_request *request,
                      struct engine_result *result, struct cancel *cancel, struct error *err)
{
    struct engine_request pull = *request;
    struct engine_result pulled;
    char name[NAME_BYTES];
    bool ok,
        exact = (push_run->read_back->abilities & ENGINE_OWN_NETWORK) && !is_daemon_image(request);

    snprintf(name, sizeof(name), "%s/%s@%s", request->reference.host, request->reference.repository,
             result->digest);
    pull.reference.tag = NULL;
    pull.reference.digest = result->digest;
    pull.reference.name = name;
    pull.unpack = false;
    engine_result_init(&pulled);
    progress_phase(request->progress, engine_phase_name(PHASE_READ_BACK));
    progress_note(request->progress, "read back by %s", push_run->read_back->name);
    ok = push_run->read_back->run(&pull, &pulled, cancel, err) &&
         compare(result, &pulled, exact, err);
    add_result(result, &pulled);
    return ok || error_wrap(err, "read back by %s", push_run->read_back->name);
}

/* ---- clean up ---- */

static void report_leftovers(struct engine_result *result, const char *why)
{
    result->cleanup_failed = true;
    error_set(&result->cleanup_error, ERROR_INVALID, "not removed from the registry: %s", why);
}

/* A registry deletes by digest. So of an image that other clients may have pushed, too, only what
 * this run has pushed completely may be removed. */
static void clean_up(const struct engine_request *request, bool pushed, uint64_t cached_bytes,
                     struct engine_result *result, struct cancel *cancel)
{
    if (!pushed && result->traffic.uploaded_bytes == 0)
        return;
    if (!is_daemon_image(request) || (pushed && cached_bytes == 0))
        push_target_clean(request, result, cancel);
    else
        report_leftovers(result, pushed ? "it had parts of the image before"
                                        : "what was sent before the failure");
}

bool push_run_execute(const struct push_run *push_run, const struct engine_request *request,
                      struct engine_result *result, struct cancel *cancel, struct error *err)
{
    struct upload_sent sent = {.count = 0};
    struct engine_request noting = *request;
    bool pushed, ok;
    uint64_t cached_bytes;

    if (!check_target(push_run, request, result, cancel, err))
        return false;
    noting.sent = &sent;
    pushed = push_run->engine->run(&noting, result, cancel, err);
    cached_bytes = result->cached_bytes;
    ok = pushed && (!push_run->read_back || read_back(push_run, request, result, cancel, err));
    if (push_run->delete_remote)
        clean_up(&noting, pushed, cached_bytes, result, cancel);
    if (result->traffic.stranded > 0 && !result->cleanup_failed)
        report_leftovers(result, "interrupted uploads, which it refuses to cancel");
    return ok;
}
