/* SPDX-License-Identifier: Apache-2.0 */
/* Groups, units, labels and example queries of metric families, and the list of all of them. */
#include "scheduler/metric_catalog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/failures.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void groups_families_by_prefix(void **state)
{
    static const struct {
        const char *name;
        enum family_group group;
    } rows[] = {
        {"image_canary_success", FAMILIES_PROBES},
        {"image_registry_up", FAMILIES_REGISTRIES},
        {"docker_engine_up", FAMILIES_DOCKER},
        {"probe_success", FAMILIES_DEMAND},
        {"containerd_exporter_build_info", FAMILIES_EXPORTER},
        {"containerd_up", FAMILIES_CONTAINERD},
        {"process_cpu_seconds_total", FAMILIES_EXPORTER},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(family_group(&(struct metric_family){.name = rows[i].name}),
                         rows[i].group);
    for (int group = 0; group < FAMILIES_GROUPS; group++)
        assert_true(*family_group_name((enum family_group)group));
    assert_string_equal(family_group_name(FAMILIES_CONTAINERD), "containerd");
}

static const struct {
    struct metric_family family;
    const char *type, *unit, *labels, *query;
} rows[] = {
    {{METRIC_GAUGE, "a_things", "Things."}, "gauge", "", "", "a_things"},
    {{METRIC_GAUGE, "a_things", "Things.", {"x"}}, "gauge", "", "{x}", "a_things"},
    {{METRIC_GAUGE, "a_things", "Things.", {"x", "y"}},
     "gauge",
     "",
     "{x, y}",
     "sum by (x) (a_things)"},
    {{METRIC_GAUGE, "a_up", "Whether it is up.", {"x"}}, "gauge", "", "{x}", "a_up == 0"},
    {{METRIC_GAUGE, "a_seconds", "Seconds.", {"probe", "operation", "engine", "registry"}},
     "gauge",
     "seconds",
     "{P}",
     "a_seconds"},
    {{METRIC_GAUGE,
      "a_last_timestamp_seconds",
      "Time.",
      {"probe", "operation", "engine", "registry", "phase"}},
     "gauge",
     "unix time in seconds",
     "{P, phase}",
     "time() - a_last_timestamp_seconds"},
    {{METRIC_GAUGE, "a_expiry_timestamp_seconds", "Time."},
     "gauge",
     "unix time in seconds",
     "",
     "a_expiry_timestamp_seconds - time() < 14 * 86400"},
    {{METRIC_COUNTER, "a_total", "Things."}, "counter", "", "", "increase(a_total[1h]) > 0"},
    {{METRIC_COUNTER, "a_bytes_total", "Bytes."},
     "counter",
     "bytes",
     "",
     "rate(a_bytes_total[5m])"},
    {{METRIC_COUNTER, "a_seconds_total", "Seconds."},
     "counter",
     "seconds",
     "",
     "rate(a_seconds_total[5m])"},
    {{METRIC_GAUGE, "a_bytes", "Bytes.", .query = "a_bytes > 7"},
     "gauge",
     "bytes",
     "",
     "a_bytes > 7"},
    {{METRIC_HISTOGRAM, "a_seconds", "Seconds."},
     "histogram",
     "seconds",
     "",
     "histogram_quantile(0.9, sum by (le) (rate(a_seconds_bucket[1h])))"},
    {{METRIC_HISTOGRAM, "a_seconds", "Seconds.", {"x"}},
     "histogram",
     "seconds",
     "{x}",
     "histogram_quantile(0.9, sum by (le, x) (rate(a_seconds_bucket[1h])))"},
    {{METRIC_INFO, "a_info", "Info."}, "info", "", "", "a_info"},
    {{METRIC_INFO, "a_info", "Info.", {"version"}},
     "info",
     "",
     "{version}",
     "count by (version) (a_info)"},
};

static void describes_a_family(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(buf_deinit) struct buf labels = BUF_INIT(1000), query = BUF_INIT(1000);

        family_labels(&rows[i].family, &labels);
        family_query(&rows[i].family, &query);
        assert_string_equal(family_type_name(&rows[i].family), rows[i].type);
        assert_string_equal(family_unit(&rows[i].family), rows[i].unit);
        assert_string_equal(labels.size ? labels.data : "", rows[i].labels);
        assert_string_equal(query.data, rows[i].query);
    }
}

static void lists_each_family_once_in_the_order_of_the_groups(void **state)
{
    static const struct metric_family more[] = {
        {METRIC_GAUGE, "probe_more", "More."},
        {METRIC_GAUGE, "containerd_exporter_more", "More."},
        {METRIC_GAUGE, "probe_more", "Declared twice."},
        {0},
    };
    const struct metric_family *const tables[] = {more, NULL};
    CLEANUP(metric_catalog_deinit) struct metric_catalog list = {0};
    CLEANUP(metric_catalog_deinit) struct metric_catalog without = {0};
    struct error err;

    (void)state;
    assert_true(metric_catalog_init(&list, tables, &err));
    assert_true(metric_catalog_init(&without, NULL, &err));
    assert_int_equal(list.count, without.count + 2);
    assert_string_equal(list.families[list.count - 1]->help, "More.");
    for (size_t i = 0; i < list.count; i++) {
        if (i > 0)
            assert_true(family_group(list.families[i - 1]) <= family_group(list.families[i]));
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(list.families[i]->name, list.families[j]->name);
    }
    metric_catalog_deinit(&list);
    assert_null(list.families);
    assert_int_equal(list.count, 0);
}

static void fails_without_memory(void **state)
{
    CLEANUP(metric_catalog_deinit) struct metric_catalog list = {0};
    struct error err;
    bool ok = false;

    (void)state;
    for (size_t n = 0; !ok; n++) {
        fail_allocations_after(n);
        ok = metric_catalog_init(&list, NULL, &err);
        fail_nothing();
        assert_true(ok || (err.code == ERROR_MEMORY && !list.families));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_families_by_prefix),
        cmocka_unit_test(describes_a_family),
        cmocka_unit_test(lists_each_family_once_in_the_order_of_the_groups),
        cmocka_unit_test(fails_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
