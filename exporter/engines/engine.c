/* SPDX-License-Identifier: Apache-2.0 */
#include "engines/engine.h"

#include "base/clock.h"

#include <stdio.h>

#define CLEANUP_NS          (15 * NS_PER_SECOND)
#define CLEANUP_CANCELED_NS (NS_PER_SECOND + NS_PER_SECOND / 2) /* within the stop timeout */

const char *engine_phase_name(enum engine_phase phase)
{
    static const char *const names[PHASES] = {
        [PHASE_RESOLVE] = "resolve", [PHASE_FETCH] = "fetch",   [PHASE_UNPACK] = "unpack",
        [PHASE_UPLOAD] = "upload",   [PHASE_COMMIT] = "commit", [PHASE_READ_BACK] = "read_back",
        [PHASE_CLEANUP] = "cleanup",
    };

    return names[phase];
}

void engine_result_init(struct engine_result *result)
{
    *result = (struct engine_result){.traffic = REGISTRY_TRAFFIC_INIT};
    for (size_t i = 0; i < PHASES; i++)
        result->phase_seconds[i] = -1;
}

void engine_report_push_host(const struct engine_request *request, struct engine_result *result)
{
    const struct host_list *hosts = request->hosts;

    for (size_t i = 0; hosts && i < hosts->count; i++)
        if (hosts->items[i].capabilities & HOST_PUSH) {
            snprintf(result->host, sizeof(result->host), "%s", hosts->items[i].authority);
            return;
        }
}

void engine_report_root(const struct descriptor *root, struct engine_result *result)
{
    snprintf(result->digest, sizeof(result->digest), "%s", root->digest);
    snprintf(result->media_type, sizeof(result->media_type), "%s", root->media_type);
}

void engine_report_manifest(const char *digest, struct engine_result *result)
{
    snprintf(result->manifest_digest, sizeof(result->manifest_digest), "%s", digest);
}

struct registry *engine_registry(const struct engine_request *request, bool push, struct error *err)
{
    const struct registry_options options = {.hosts = request->hosts,
                                             .credentials = request->credentials,
                                             .family = request->family,
                                             .push = push,
                                             .progress = request->progress};

    return registry_new(&request->reference, &options, err);
}

void engine_cleanup_start(struct cancel *cancel, struct cancel *run_cancel)
{
    cancel_init(cancel,
                clock_now_ns() + (cancel_requested(run_cancel) ? CLEANUP_CANCELED_NS : CLEANUP_NS));
}

struct engine_timer engine_timer_start(struct engine_result *result, enum engine_phase phase)
{
    progress_phase(result->progress, engine_phase_name(phase));
    return (struct engine_timer){&result->phase_seconds[phase], clock_now_ns()};
}

void engine_timer_stop(struct engine_timer *timer)
{
    double sum = *timer->seconds < 0 ? 0 : *timer->seconds;

    *timer->seconds = sum + ns_to_seconds(clock_now_ns() - timer->start_ns);
}
