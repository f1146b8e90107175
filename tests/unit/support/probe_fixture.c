/* SPDX-License-Identifier: Apache-2.0 */
#include "support/probe_fixture.h"

#include "base/clock.h"
#include "credentials/credential_cache.h"

#include <stdio.h>

#define LIMIT_BYTES ((size_t)1 << 20)
#define TIMEOUT_NS  (120 * NS_PER_SECOND) /* for a busy machine; no test waits for it */

struct engine_result planned_result;
struct error planned_error;
struct engine_request seen_request;
char seen_name[128], seen_image[256];
unsigned engine_calls;

static bool run_fake(const struct engine_request *request, struct engine_result *result,
                     struct cancel *cancel, struct error *err)
{
    struct progress *progress = result->progress;

    (void)cancel;
    engine_calls++;
    seen_request = *request;
    snprintf(seen_name, sizeof(seen_name), "%s", request->name);
    snprintf(seen_image, sizeof(seen_image), "%s", request->reference.name);
    *result = planned_result;
    result->progress = progress;
    if (planned_error.code != ERROR_NONE)
        *err = planned_error;
    return planned_error.code == ERROR_NONE;
}

static const struct engine fake_engine = {
    .operation = "pull", .name = "fake", .abilities = ENGINE_ANY_SNAPSHOTTER, .run = run_fake};

void probe_fixture_open_on(struct probe_fixture *f, const char *text, const struct node *node)
{
    static const struct config_section sections[] = {{0}};
    static const struct config_schema schema = {catalog, sections, 0};
    const struct job_context context = {"a", &f->node};

    *f = (struct probe_fixture){.problems = BUF_INIT(LIMIT_BYTES), .node = *node};
    f->node.registry_limits = registry_limits_new(&f->err);
    f->node.credential_cache = credential_cache_new(&f->err);
    assert_true(f->node.registry_limits && f->node.credential_cache);
    if (!config_parse(&f->config, &schema, "f", text, strlen(text), &f->problems, &f->err))
        fail_msg("%s", f->problems.data);
    for (size_t i = 0; i < f->config.n_jobs; i++)
        if (strcmp(f->config.jobs[i].name, "a") == 0) {
            f->collector = f->config.jobs[i].collector;
            f->probe = f->config.jobs[i].state;
        }
    assert_non_null(f->probe);
    progress_init(&f->progress);
    cancel_init(&f->cancel, clock_now_ns() + TIMEOUT_NS);
    if (!f->collector->open(f->probe, &context, &f->err))
        fail_msg("%s", f->err.message);
    engine_calls = 0;
    engine_result_init(&planned_result);
    planned_error = (struct error){0};
}

void probe_fixture_open(struct probe_fixture *f, const char *text)
{
    struct node node = {.name = "Node-1", .one_shot = "", .hosts_roots = (char *)""};
    struct error err;

    rpc_library_init();
    node.containerd = containerd_new("/nowhere/containerd.sock", &err);
    assert_non_null(node.containerd);
    probe_fixture_open_on(f, text, &node);
    f->own_containerd = node.containerd;
    f->probe->engine = &fake_engine;
}

void probe_fixture_close(struct probe_fixture *f)
{
    snapshot_unrefp(&f->out);
    f->collector->close(f->probe);
    progress_deinit(&f->progress);
    cancel_deinit(&f->cancel);
    config_deinit(&f->config);
    buf_deinit(&f->problems);
    credential_cache_free(f->node.credential_cache);
    registry_limits_free(f->node.registry_limits);
    if (f->own_containerd) {
        containerd_free(f->own_containerd);
        rpc_library_deinit();
    }
}

bool probe_fixture_run(struct probe_fixture *f)
{
    snapshot_unrefp(&f->out);
    f->out = snapshot_new(f->collector->families, LIMIT_BYTES);
    f->record = (struct run_record){.message = ""};
    f->err = (struct error){0};
    f->run = (struct run){.node = &f->node,
                          .out = f->out,
                          .cancel = &f->cancel,
                          .progress = &f->progress,
                          .record = &f->record,
                          .retry = f->run.retry,
                          .deadline_shortened = f->run.deadline_shortened};
    return f->collector->run(f->probe, &f->run, &f->err);
}
