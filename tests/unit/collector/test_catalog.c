/* SPDX-License-Identifier: Apache-2.0 */
/* The contract that every collector and every engine must fulfil. */
#include "base/text.h"
#include "collector/catalog.h"
#include "engines/engines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NAME_START "abcdefghijklmnopqrstuvwxyz"
#define NAME_CHARS NAME_START "0123456789_"

static bool is_name(const char *text)
{
    return *text && strspn(text, NAME_START) > 0 && strspn(text, NAME_CHARS) == strlen(text);
}

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text), end_size = strlen(end);

    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

static void names_each_collector_once(void **state)
{
    (void)state;
    assert_non_null(catalog[0]);
    for (size_t i = 0; catalog[i]; i++) {
        assert_true(is_name(catalog[i]->name));
        assert_ptr_equal(catalog_find(catalog[i]->name), catalog[i]);
    }
    assert_null(catalog_find(""));
    assert_null(catalog_find("no_such_collector"));
}

static void describes_each_collector(void **state)
{
    (void)state;
    for (size_t i = 0; catalog[i]; i++) {
        assert_non_null(catalog[i]->help);
        if (!ends_with(catalog[i]->help, "."))
            fail_msg("%s: %s", catalog[i]->name, catalog[i]->help);
        assert_non_null(catalog[i]->run);
        assert_non_null(catalog[i]->families);
        assert_non_null(catalog[i]->families[0].name);
    }
}

static void check_schedule(const struct collector *collector)
{
    int64_t interval_ns = 0, timeout_ns = 0;
    struct error err;

    assert_in_range(collector->lane, LANE_INVENTORY, LANE_SCRAPE);
    if (collector->lane == LANE_SCRAPE) {
        assert_null(collector->interval);
        assert_null(collector->timeout);
        return;
    }
    assert_non_null(collector->interval);
    assert_non_null(collector->timeout);
    assert_true(text_duration_ns(collector->interval, &interval_ns, &err));
    assert_true(text_duration_ns(collector->timeout, &timeout_ns, &err));
    assert_true(interval_ns > 0 && timeout_ns > 0);
}

static void has_a_default_schedule_except_for_scrapes(void **state)
{
    (void)state;
    for (size_t i = 0; catalog[i]; i++)
        check_schedule(catalog[i]);
}

static void check_labels(const struct metric_family *family)
{
    size_t n = 0;

    while (n <= METRIC_LABELS_MAX && family->labels[n])
        n++;
    assert_in_range(n, 0, METRIC_LABELS_MAX); /* the array ends with NULL */
    for (size_t i = 0; i < n; i++) {
        assert_true(is_name(family->labels[i]));
        assert_false(text_starts_with(family->labels[i], "__"));
        assert_string_not_equal(family->labels[i], "le");
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(family->labels[i], family->labels[j]);
    }
}

static void check_family(const struct metric_family *family)
{
    static const char *const prefixes[] = {"containerd_",     "docker_engine_", "image_canary_",
                                           "image_registry_", "process_",       "promhttp_"};
    static const char *const suffixes[] = {"_bucket", "_sum", "_count", "_total"};
    size_t i = 0;

    if (!is_name(family->name))
        fail_msg("invalid metric name %s", family->name);
    while (i < sizeof(prefixes) / sizeof(prefixes[0]) &&
           !text_starts_with(family->name, prefixes[i]))
        i++;
    if (i == sizeof(prefixes) / sizeof(prefixes[0]))
        fail_msg("%s: unknown prefix", family->name);
    if (family->type == METRIC_COUNTER && !ends_with(family->name, "_total"))
        fail_msg("%s: counters end with _total", family->name);
    for (i = 0; family->type != METRIC_COUNTER && i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
        if (ends_with(family->name, suffixes[i]))
            fail_msg("%s: suffix reserved for counters and histograms", family->name);
    assert_in_range(family->type, METRIC_GAUGE, METRIC_INFO);
    assert_int_equal(family->type == METRIC_INFO, ends_with(family->name, "_info"));
    if (!family->help || !*family->help || !ends_with(family->help, "."))
        fail_msg("%s: HELP must be a sentence", family->name);
    check_labels(family);
}

static void follows_the_naming_rules_of_prometheus(void **state)
{
    (void)state;
    for (size_t i = 0; catalog[i]; i++)
        for (const struct metric_family *at = catalog[i]->families; at->name; at++)
            check_family(at);
}

/* Two tables may declare the same family; then the declarations must be equal. */
static void check_pair(const struct metric_family *a, const struct metric_family *b)
{
    if (a == b || strcmp(a->name, b->name) != 0)
        return;
    assert_int_equal(a->type, b->type);
    assert_string_equal(a->help, b->help);
    for (size_t i = 0; a->labels[i] || b->labels[i]; i++) {
        assert_non_null(a->labels[i]);
        assert_non_null(b->labels[i]);
        assert_string_equal(a->labels[i], b->labels[i]);
    }
}

static void declares_a_shared_family_identically(void **state)
{
    (void)state;
    for (size_t i = 0; catalog[i]; i++)
        for (size_t j = 0; catalog[j]; j++)
            for (const struct metric_family *a = catalog[i]->families; a->name; a++)
                for (const struct metric_family *b = catalog[j]->families; b->name; b++) {
                    if (i == j && a != b)
                        assert_string_not_equal(a->name, b->name);
                    check_pair(a, b);
                }
}

static size_t size_of(enum setting_type type)
{
    static const size_t sizes[] = {
        [SETTING_STRING] = sizeof(char *),
        [SETTING_BOOL] = sizeof(bool),
        [SETTING_UINT] = sizeof(uint64_t),
        [SETTING_DURATION] = sizeof(int64_t),
        [SETTING_BYTES] = sizeof(uint64_t),
        [SETTING_ENUM] = sizeof(unsigned),
        [SETTING_LIST] = sizeof(struct setting_list),
        [SETTING_MAP] = sizeof(struct setting_map),
    };

    assert_in_range(type, SETTING_STRING, SETTING_MAP);
    return sizes[type];
}

static bool is_choice(const struct setting *setting)
{
    size_t i = 0;

    while (setting->choices[i] && strcmp(setting->choices[i], setting->fallback) != 0)
        i++;
    return setting->choices[i] != NULL;
}

static void check_settings(const struct collector *collector, const struct setting *settings)
{
    for (const struct setting *at = settings; at && at->name; at++) {
        if (!at->help || !ends_with(at->help, "."))
            fail_msg("%s: %s: help must be a sentence", collector->name, at->name);
        if (at->offset + size_of(at->type) > collector->state_size)
            fail_msg("%s: %s is outside the state", collector->name, at->name);
        assert_int_equal(at->type == SETTING_ENUM, at->choices != NULL);
        if (at->choices && at->fallback && !is_choice(at))
            fail_msg("%s: %s: the fallback is not a choice", collector->name, at->name);
        for (const struct setting *other = settings; other != at; other++)
            assert_string_not_equal(other->name, at->name);
    }
}

static void stores_settings_inside_the_state(void **state)
{
    (void)state;
    for (size_t i = 0; catalog[i]; i++) {
        for (size_t t = 0; catalog[i]->settings && catalog[i]->settings[t]; t++)
            check_settings(catalog[i], catalog[i]->settings[t]);
        check_settings(catalog[i], catalog[i]->resource_settings);
    }
}

static void lists_engines(void **state)
{
    (void)state;
    for (size_t i = 0; engines[i]; i++) {
        const struct engine *engine = engines[i];

        assert_true(strcmp(engine->operation, "pull") == 0 ||
                    strcmp(engine->operation, "push") == 0 ||
                    strcmp(engine->operation, "tag") == 0);
        assert_true(is_name(engine->name));
        assert_non_null(engine->run);
        assert_ptr_equal(engine_find(engine->operation, engine->name), engine);
    }
    assert_non_null(engine_find("pull", "client"));
    assert_non_null(engine_find("push", "client"));
    assert_non_null(engine_find("tag", "registry"));
    assert_null(engine_find("pull", "carrier_pigeon"));
    assert_null(engine_find("shove", "client"));
}

static void names_every_phase(void **state)
{
    (void)state;
    for (size_t i = 0; i < PHASES; i++) {
        assert_true(is_name(engine_phase_name(i)));
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(engine_phase_name(i), engine_phase_name(j));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_each_collector_once),
        cmocka_unit_test(describes_each_collector),
        cmocka_unit_test(has_a_default_schedule_except_for_scrapes),
        cmocka_unit_test(follows_the_naming_rules_of_prometheus),
        cmocka_unit_test(declares_a_shared_family_identically),
        cmocka_unit_test(stores_settings_inside_the_state),
        cmocka_unit_test(lists_engines),
        cmocka_unit_test(names_every_phase),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
