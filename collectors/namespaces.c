/* SPDX-License-Identifier: Apache-2.0 */
/* The namespaces of containerd, without those of running probes. */

#include "containerd/namespaces.h"
#include "base/text.h"
#include "collector/collector.h"
#include "collector/node.h"

#include <stdio.h>
#include <string.h>

#define ARENA_LIMIT_BYTES ((size_t)4 << 20)
#define LABELS_MAX        16
#define LABEL_NAME_BYTES  128
#define LABEL_NAME_PREFIX "label_"

enum {
    NAMESPACES,
    NAMESPACE_INFO,
};

static const struct metric_family families[] = {
    [NAMESPACES] = {METRIC_GAUGE, "containerd_namespaces",
                    "Namespaces of containerd, without those of running probes. Listed on a "
                    "schedule."},
    [NAMESPACE_INFO] = {METRIC_INFO,
                        "containerd_namespace_info",
                        "A namespace, with those of its labels that the configuration selects, as "
                        "label_NAME; always 1.",
                        {"namespace"}},
    {0},
};

struct namespaces_state {
    struct setting_list labels;
    char label_names[LABELS_MAX][LABEL_NAME_BYTES]; /* the metric's label for each of `labels` */
};

static const struct setting settings[] = {
    SETTING(SETTING_LIST, struct namespaces_state, labels, "labels", "",
            "Labels of namespaces to show on containerd_namespace_info.",
            .example = "[containerd.io/defaults/snapshotter]"),
    {0},
};

/* "containerd.io/defaults/snapshotter" becomes "label_containerd_io_defaults_snapshotter". */
static void metric_label_name(char out[LABEL_NAME_BYTES], const char *label)
{
    snprintf(out, LABEL_NAME_BYTES, LABEL_NAME_PREFIX "%s", label);
    for (char *c = out; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9')))
            *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : '_';
}

static bool check(void *state, struct arena *arena, const char **key, struct error *err)
{
    struct namespaces_state *job = state;

    (void)arena;
    *key = "labels";
    if (job->labels.count > LABELS_MAX)
        return error_set(err, ERROR_INVALID, "%zu labels: expected at most %d", job->labels.count,
                         LABELS_MAX);
    for (size_t i = 0; i < job->labels.count; i++) {
        if (strlen(job->labels.items[i]) >= LABEL_NAME_BYTES - strlen(LABEL_NAME_PREFIX))
            return error_set(err, ERROR_INVALID, "label \"%s\" is too long", job->labels.items[i]);
        metric_label_name(job->label_names[i], job->labels.items[i]);
        for (size_t j = 0; j < i; j++)
            if (strcmp(job->label_names[i], job->label_names[j]) == 0)
                return error_set(err, ERROR_INVALID, "labels \"%s\" and \"%s\" both map to %s",
                                 job->labels.items[j], job->labels.items[i], job->label_names[i]);
    }
    return true;
}

static void add_info(const struct namespaces_state *job,
                     const struct containerd_namespace *namespace, struct snapshot *out)
{
    const char *names[LABELS_MAX], *values[LABELS_MAX];
    struct extra_labels extra = {names, values, 0};

    for (size_t i = 0; i < job->labels.count; i++) {
        const char *value = labels_get(&namespace->labels, job->labels.items[i]);

        if (!value)
            continue;
        names[extra.count] = job->label_names[i];
        values[extra.count++] = value;
    }
    snapshot_add_info(out, NAMESPACE_INFO, &extra, namespace->name);
}

static bool run(void *state, struct run *run, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_LIMIT_BYTES);
    struct namespaces_state *job = state;
    struct containerd_namespaces namespaces;
    double count = 0;

    if (!containerd_namespaces(run->node->containerd, &arena, &namespaces, run->cancel, err))
        return false;
    for (size_t i = 0; i < namespaces.count; i++) {
        if (namespace_is_probes(namespaces.items[i].name))
            continue;
        count++;
        add_info(job, &namespaces.items[i], run->out);
    }
    snapshot_add(run->out, NAMESPACES, count);
    return true;
}

const struct collector namespaces_collector = {
    .name = "namespaces",
    .help = "Namespaces of containerd, and those of their labels that the configuration selects.",
    .families = families,
    .settings = SETTINGS(settings),
    .state_size = sizeof(struct namespaces_state),
    .lane = LANE_INVENTORY,
    .interval = "30s",
    .timeout = "10s",
    .check = check,
    .run = run,
};
