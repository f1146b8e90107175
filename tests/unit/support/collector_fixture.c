/* SPDX-License-Identifier: Apache-2.0 */
#include "support/collector_fixture.h"

#include "collector/catalog.h"

#include <stdlib.h>

#define LIMIT_BYTES ((size_t)1 << 20)

static const struct collector *find_collector(const char *name)
{
    for (size_t i = 0; catalog[i]; i++)
        if (strcmp(catalog[i]->name, name) == 0)
            return catalog[i];
    fail_msg("no collector %s", name);
    return NULL;
}

void collector_open(struct collector_fixture *trial, struct containerd_fixture *f, const char *name)
{
    const struct job_context context = {name, &trial->node};

    *trial =
        (struct collector_fixture){.node = {.containerd = f->daemon, .name = "n", .one_shot = ""},
                                   .collector = find_collector(name)};
    trial->state = calloc(1, trial->collector->state_size + 1);
    if (trial->collector->open)
        assert_true(trial->collector->open(trial->state, &context, &f->err));
}

void collector_close(struct collector_fixture *trial)
{
    snapshot_unrefp(&trial->out);
    if (trial->collector->close)
        trial->collector->close(trial->state);
    free(trial->state);
}

bool collector_run(struct collector_fixture *trial, struct containerd_fixture *f)
{
    snapshot_unrefp(&trial->out);
    trial->out = snapshot_new(trial->collector->families, LIMIT_BYTES);
    f->err = (struct error){0};
    trial->run = (struct run){.node = &trial->node, .out = trial->out, .cancel = &f->cancel};
    return trial->collector->run(trial->state, &trial->run, &f->err);
}

void assert_exports(struct containerd_fixture *f, const char *name, const char *text)
{
    CLEANUP(collector_close) struct collector_fixture trial;

    collector_open(&trial, f, name);
    if (!collector_run(&trial, f))
        fail_msg("%s: %s", name, f->err.message);
    assert_samples(trial.out, text);
}
