/* SPDX-License-Identifier: Apache-2.0 */
#include "config/canary_checker/canary_document.h"

#include "base/text.h"
#include "config/canary_checker/canary_fields.h"
#include "config/canary_checker/canary_probe.h"
#include "config/config_reading.h"
#include "encoding/yaml_build.h"

#include <stdio.h>
#include <string.h>

static const struct canary_kind kinds[] = {
    {"containerd", "pull", "client", canary_pull_fields},
    {"containerdPush", "push", "client", canary_push_fields},
    {"docker", "pull", "docker", canary_pull_fields},
    {"dockerPush", "push", "docker", canary_push_fields},
};

/* ---- names ---- */

/* Writes `text` as a valid probe name of at most `max` bytes; returns its length. */
static size_t clean_name(char *out, size_t max, const char *text)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    char separator = '\0';
    size_t n = 0;

    for (; *text; text++) {
        bool is_letter = strchr(letters, *text);

        if (!is_letter && !separator)
            separator = strchr("._-", *text) ? *text : '-';
        if (!is_letter)
            continue;
        if (n + (separator && n > 0) + 1 > max)
            break;
        if (separator && n > 0)
            out[n++] = separator;
        out[n++] = *text;
        separator = '\0';
    }
    out[n] = '\0';
    return n;
}

static bool is_taken(const struct canary_probes *probes, const char *name)
{
    for (const struct yaml_node *at = probes->list->children; at; at = at->next) {
        const struct yaml_node *known = yaml_member(at, "name", strlen("name"));

        if (known && known->kind == YAML_SCALAR && strcmp(known->text, name) == 0)
            return true;
    }
    return false;
}

/* Returns the number of probes with this base name. Numbering starts there, so that a thousand
 * equal names do not need a million comparisons. */
static size_t count_base(const struct canary_probes *probes, const char *base)
{
    size_t n = 0;

    for (size_t i = 0; i < probes->list->count; i++)
        n += probes->bases[i] && strcmp(probes->bases[i], base) == 0;
    return n;
}

/* The first probe of a name keeps it, the next becomes NAME-2. */
static void find_free_name(const struct canary_probes *probes, const char *base,
                           char out[PROBE_NAME_MAX + 1])
{
    size_t number = count_base(probes, base) + 1;

    snprintf(out, PROBE_NAME_MAX + 1, "%s", base);
    if (number == 1 && is_taken(probes, out))
        number = 2;
    for (; number > 1; number++) {
        char suffix[24];
        size_t size = (size_t)snprintf(suffix, sizeof(suffix), "-%zu", number);
        size_t n = clean_name(out, PROBE_NAME_MAX - size, base);

        memcpy(out + n, suffix, size + 1);
        if (!is_taken(probes, out))
            return;
    }
}

/* ---- the list ---- */

/* Names the probe after the check, or else after the document. */
static void add_probe(struct canary_probes *probes, const struct canary_document *document,
                      const struct yaml_node *check, struct yaml_node *probe)
{
    const char *own = canary_field_text(check, "name", probes->problems);
    const char *of_document = canary_field_text(document->metadata, "name", probes->problems);
    char base[PROBE_NAME_MAX + 1], name[PROBE_NAME_MAX + 1];
    size_t at = probes->list->count;

    if (clean_name(base, PROBE_NAME_MAX, own ? own : "") == 0 &&
        clean_name(base, PROBE_NAME_MAX, of_document ? of_document : "") == 0)
        snprintf(base, sizeof(base), "canary");
    find_free_name(probes, base, name);
    yaml_build_text(probes->arena, probe, "name", arena_strdup(probes->arena, name), check->place);
    if (!yaml_append(probes->list, probe)) {
        problems_add(probes->problems, check->place, "too many probes: expected at most %d",
                     YAML_MEMBERS_MAX);
        return;
    }
    probes->bases[at] = arena_strdup(probes->arena, base);
    probes->counts->probes++;
}

static void read_check(struct canary_probes *probes, const struct canary_document *document,
                       const struct canary_kind *kind, const struct yaml_node *check)
{
    struct yaml_node *probe;

    if (check->kind != YAML_MAPPING) {
        if (check->kind != YAML_BROKEN)
            problems_add(probes->problems, check->place, "expected a mapping, found %s",
                         yaml_describe(check));
        return;
    }
    probe = canary_probe_build(probes, document, kind, check);
    if (probe && !document->suspended)
        add_probe(probes, document, check, probe);
}

/* Returns the number of image checks. */
static size_t read_checks(struct canary_probes *probes, const struct canary_document *document)
{
    size_t n = 0;

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const struct yaml_node *list =
            canary_field(document->spec, kinds[i].field, YAML_SEQUENCE, probes->problems);

        for (const struct yaml_node *at = list ? list->children : NULL; at; at = at->next, n++)
            read_check(probes, document, &kinds[i], at);
    }
    return n;
}

/* ---- the document ---- */

/* canary-checker suspends a document by an annotation or by `replicas: 0`. */
static bool is_suspended(const struct canary_document *document, struct problems *problems)
{
    const struct yaml_node *annotations =
        canary_field(document->metadata, "annotations", YAML_MAPPING, problems);
    const struct yaml_node *replicas =
        canary_field(document->spec, "replicas", YAML_SCALAR, problems);
    const char *suspend = canary_field_text(annotations, "suspend", problems);
    struct error err;
    uint64_t n = 1;

    if (replicas && !text_uint(replicas->text, &n, &err))
        problems_add(problems, replicas->place, "\"replicas\": %s", err.message);
    return n == 0 || (suspend && strcmp(suspend, "true") == 0);
}

/* Returns whether the YAML reader reported a part of `object`. */
static bool is_broken(const struct yaml_node *object)
{
    const struct yaml_node *at = object;

    while (at && at->kind != YAML_BROKEN)
        at = yaml_next(at, object);
    return at;
}

void canary_document_read(struct canary_probes *probes, const struct yaml_node *object)
{
    struct problems *problems = probes->problems;
    size_t mistakes = problems_total(problems);
    struct canary_document document = {
        .metadata = canary_field(object, "metadata", YAML_MAPPING, problems),
        .spec = canary_field(object, "spec", YAML_MAPPING, problems)};

    canary_fields_check(object, canary_document_fields, problems);
    canary_fields_check(document.metadata, canary_metadata_fields, problems);
    canary_fields_check(document.spec, canary_spec_fields, problems);
    document.suspended = is_suspended(&document, problems);
    probes->counts->documents++;
    probes->counts->suspended += document.suspended;
    if (read_checks(probes, &document) == 0 && problems_total(problems) == mistakes &&
        !is_broken(object))
        problems_add(problems, object->place,
                     "no image check found: expected a non-empty containerd, containerdPush, "
                     "docker or dockerPush in \"spec\"");
}
