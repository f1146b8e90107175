/* SPDX-License-Identifier: Apache-2.0 */
#include "scheduler/metric_catalog.h"

#include "base/text.h"
#include "collector/catalog.h"
#include "scheduler/demand.h"
#include "scheduler/job.h"
#include "scheduler/reload.h"

#include <string.h>

#define PROBE_LABELS 4 /* that every probe has; written as P */

static const char *const group_names[FAMILIES_GROUPS] = {
    [FAMILIES_PROBES] = "Probes",
    [FAMILIES_REGISTRIES] = "Registries",
    [FAMILIES_CONTAINERD] = "containerd",
    [FAMILIES_DOCKER] = "Docker",
    [FAMILIES_EXPORTER] = "The exporter itself",
    [FAMILIES_DEMAND] = "A run on demand, at /probe",
};

const char *family_group_name(enum family_group group)
{
    return group_names[group];
}

enum family_group family_group(const struct metric_family *family)
{
    static const struct {
        const char *prefix;
        enum family_group group;
    } prefixes[] = {
        {"image_canary_", FAMILIES_PROBES},
        {"image_registry_", FAMILIES_REGISTRIES},
        {"docker_", FAMILIES_DOCKER},
        {"probe_", FAMILIES_DEMAND},
        {"containerd_exporter_", FAMILIES_EXPORTER},
        {"containerd_", FAMILIES_CONTAINERD},
    };

    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
        if (text_starts_with(family->name, prefixes[i].prefix))
            return prefixes[i].group;
    return FAMILIES_EXPORTER;
}

static bool is_known(const struct metric_catalog *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->families[i]->name, name) == 0)
            return true;
    return false;
}

static bool add_table(struct metric_catalog *list, const struct metric_family *table,
                      enum family_group group, struct error *err)
{
    for (; table && table->name; table++) {
        const struct metric_family **families;

        if (family_group(table) != group || is_known(list, table->name))
            continue;
        families = realloc(list->families, (list->count + 1) * sizeof(families[0]));
        if (!families)
            return error_memory(err);
        list->families = families;
        list->families[list->count++] = table;
    }
    return true;
}

static bool add_group(struct metric_catalog *list, const struct metric_family *const *more,
                      enum family_group group, struct error *err)
{
    static const struct metric_family *const own[] = {job_families, reload_families,
                                                      demand_families, NULL};
    bool ok = true;

    for (size_t i = 0; ok && catalog[i]; i++)
        ok = add_table(list, catalog[i]->families, group, err);
    for (size_t i = 0; ok && own[i]; i++)
        ok = add_table(list, own[i], group, err);
    for (size_t i = 0; ok && more && more[i]; i++)
        ok = add_table(list, more[i], group, err);
    return ok;
}

bool metric_catalog_init(struct metric_catalog *list, const struct metric_family *const *more,
                         struct error *err)
{
    *list = (struct metric_catalog){0};
    for (int group = 0; group < FAMILIES_GROUPS; group++)
        if (!add_group(list, more, (enum family_group)group, err)) {
            metric_catalog_deinit(list);
            return false;
        }
    return true;
}

void metric_catalog_deinit(struct metric_catalog *list)
{
    free(TAKE(list->families));
    list->count = 0;
}

const char *family_type_name(const struct metric_family *family)
{
    static const char *const names[] = {
        [METRIC_GAUGE] = "gauge",
        [METRIC_COUNTER] = "counter",
        [METRIC_HISTOGRAM] = "histogram",
        [METRIC_INFO] = "info",
    };

    return names[family->type];
}

const char *family_unit(const struct metric_family *family)
{
    static const struct {
        const char *end, *unit;
    } units[] = {
        {"_timestamp_seconds", "unix time in seconds"},
        {"_seconds", "seconds"},
        {"_seconds_total", "seconds"},
        {"_bytes", "bytes"},
        {"_bytes_total", "bytes"},
    };

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (text_ends_with(family->name, units[i].end))
            return units[i].unit;
    return "";
}

void family_labels(const struct metric_family *family, struct buf *out)
{
    bool of_probe = family->labels[0] && strcmp(family->labels[0], "probe") == 0;
    size_t i = of_probe ? PROBE_LABELS : 0;

    if (!family->labels[0])
        return;
    buf_append_str(out, of_probe ? "{P" : "{");
    for (; family->labels[i]; i++) {
        buf_append_str(out, of_probe || i > 0 ? ", " : "");
        buf_append_str(out, family->labels[i]);
    }
    buf_append_char(out, '}');
}

static bool is_boolean(const struct metric_family *family)
{
    return text_starts_with(family->help, "Whether ");
}

static void gauge_query(const struct metric_family *family, struct buf *out)
{
    const char *name = family->name, *label = family->labels[0];

    if (text_ends_with(name, "_expiry_timestamp_seconds"))
        buf_printf(out, "%s - time() < 14 * 86400", name);
    else if (text_ends_with(name, "_timestamp_seconds"))
        buf_printf(out, "time() - %s", name);
    else if (is_boolean(family))
        buf_printf(out, "%s == 0", name);
    else if (label && family->labels[1] && strcmp(label, "probe") != 0)
        buf_printf(out, "sum by (%s) (%s)", label, name);
    else
        buf_append_str(out, name);
}

void family_query(const struct metric_family *family, struct buf *out)
{
    const char *label = family->labels[0];

    if (family->query)
        buf_append_str(out, family->query);
    else if (family->type == METRIC_GAUGE)
        gauge_query(family, out);
    else if (family->type == METRIC_HISTOGRAM)
        buf_printf(out, "histogram_quantile(0.9, sum by (le%s%s) (rate(%s_bucket[1h])))",
                   label ? ", " : "", label ? label : "", family->name);
    else if (family->type == METRIC_INFO && label)
        buf_printf(out, "count by (%s) (%s)", label, family->name);
    else if (family->type == METRIC_INFO)
        buf_append_str(out, family->name);
    else if (*family_unit(family))
        buf_printf(out, "rate(%s[5m])", family->name);
    else
        buf_printf(out, "increase(%s[1h]) > 0", family->name);
}
