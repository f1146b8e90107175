/* SPDX-License-Identifier: Apache-2.0 */
/* Only the structure is checked here. Values, such as a digest, are checked with the probe, which
 * has the source positions of the check. */
#include "config/canary_checker/canary_probe.h"

#include "base/buf.h"
#include "base/text.h"
#include "encoding/yaml_build.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PATH_LIMIT_BYTES ((size_t)4096)

/* ---- schedule ---- */

/* Like canary-checker: the interval is in seconds without a unit, and a schedule overrides it. */
static void add_schedule(const struct canary_probes *probes, struct yaml_node *probe,
                         const struct yaml_node *spec)
{
    const struct yaml_node *schedule =
        canary_field(spec, "schedule", YAML_SCALAR, probes->problems);
    const struct yaml_node *interval =
        canary_field(spec, "interval", YAML_SCALAR, probes->problems);
    uint64_t seconds = 0;
    struct error err;
    char text[32];

    if (interval && !text_uint(interval->text, &seconds, &err))
        problems_add(probes->problems, interval->place,
                     "\"interval\": expected whole seconds, found \"%s\" (with a unit: use "
                     "schedule: \"@every 1m30s\")",
                     interval->text);
    if (schedule && *schedule->text) {
        yaml_build_copy(probes->arena, probe, "schedule", schedule);
    } else if (seconds > 0) {
        snprintf(text, sizeof(text), "%" PRIu64 "s", seconds);
        yaml_build_text(probes->arena, probe, "interval", arena_strdup(probes->arena, text),
                        interval->place);
    }
}

/* ---- credentials ---- */

/* Names of Kubernetes objects and their keys. A path that leaves the directory is not valid. */
static bool is_object_name(const char *text)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._";

    return *text && strspn(text, letters) == strlen(text) && strcmp(text, ".") != 0 &&
           !text_starts_with(text, "..");
}

/* Returns the member `name` of a reference; NULL if it is missing or invalid, which is reported. */
static const char *find_name(const struct canary_probes *probes, const struct yaml_node *reference,
                             const char *name)
{
    const struct yaml_node *node = canary_field(reference, name, YAML_SCALAR, probes->problems);

    if (node && is_object_name(node->text))
        return node->text;
    if (node)
        problems_add(probes->problems, node->place,
                     "\"%s\": invalid name \"%s\": expected the name of a Kubernetes object or key",
                     name, node->text);
    else
        problems_add(probes->problems, reference->key->place,
                     "\"%s\": \"%s\" is missing: expected a name", reference->key->text, name);
    return NULL;
}

/* Sets auth.username_file to DIR/NAME/KEY, the mounted secret or config map. */
static void add_file(const struct canary_probes *probes, struct yaml_node *auth, const char *what,
                     const char *folder, const struct yaml_node *reference)
{
    CLEANUP(buf_deinit) struct buf path = BUF_INIT(PATH_LIMIT_BYTES);
    const char *name = find_name(probes, reference, "name");
    const char *key = find_name(probes, reference, "key");
    char setting[32];
    struct error err;

    canary_fields_check(reference, canary_key_ref_fields, probes->problems);
    if (!name || !key)
        return;
    buf_printf(&path, "%s/%s/%s", folder, name, key);
    if (!buf_ok(&path, &err)) {
        problems_add(probes->problems, reference->place, "%s", err.message);
        return;
    }
    snprintf(setting, sizeof(setting), "%s_file", what);
    yaml_build_text(probes->arena, auth, setting, arena_strdup(probes->arena, path.data),
                    reference->key->place);
}

static void add_value_from(const struct canary_probes *probes, struct yaml_node *auth,
                           const char *what, const struct yaml_node *from)
{
    const struct yaml_node *secret =
        canary_field(from, "secretKeyRef", YAML_MAPPING, probes->problems);
    const struct yaml_node *map =
        canary_field(from, "configMapKeyRef", YAML_MAPPING, probes->problems);

    canary_fields_check(from, canary_value_from_fields, probes->problems);
    if (secret && map)
        problems_add(probes->problems, map->key->place,
                     "both \"secretKeyRef\" and \"configMapKeyRef\" are set: expected only one");
    else if (secret)
        add_file(probes, auth, what, probes->folders.secrets_dir, secret);
    else if (map)
        add_file(probes, auth, what, probes->folders.config_maps_dir, map);
    else if (from->count == 0)
        problems_add(probes->problems, from->key->place,
                     "\"valueFrom\" is empty: expected \"secretKeyRef\" or \"configMapKeyRef\"");
}

static void add_value(const struct canary_probes *probes, struct yaml_node *auth,
                      const struct yaml_node *written, const char *what)
{
    const struct yaml_node *variable = canary_field(written, what, YAML_MAPPING, probes->problems);
    const struct yaml_node *value = canary_field(variable, "value", YAML_SCALAR, probes->problems);
    const struct yaml_node *from =
        canary_field(variable, "valueFrom", YAML_MAPPING, probes->problems);

    if (!variable)
        return;
    canary_fields_check(variable, canary_value_fields, probes->problems);
    if (value && from)
        problems_add(probes->problems, from->key->place,
                     "both \"value\" and \"valueFrom\" are set: expected only one");
    else if (value)
        yaml_build_copy(probes->arena, auth, what, value);
    else if (from)
        add_value_from(probes, auth, what, from);
    else if (variable->count == 0)
        problems_add(probes->problems, variable->key->place,
                     "\"%s\" is empty: expected \"value\" or \"valueFrom\"", what);
}

/* `auth: {username: {value: u}, ...}`, or `username: u` as in containerdPush. All kinds accept both
 * forms, because users rename a list without changing its checks. */
static void add_auth(const struct canary_probes *probes, struct yaml_node *probe,
                     const struct yaml_node *check)
{
    const struct yaml_node *written = canary_field(check, "auth", YAML_MAPPING, probes->problems);
    const struct yaml_node *username =
        canary_field(check, "username", YAML_SCALAR, probes->problems);
    const struct yaml_node *password =
        canary_field(check, "password", YAML_SCALAR, probes->problems);
    const struct yaml_node *plain = username ? username : password;
    struct yaml_node *auth;

    if (!written && !plain)
        return;
    if (written && plain) {
        problems_add(probes->problems, plain->key->place,
                     "both \"auth\" and \"%s\" are set: expected only one", plain->key->text);
        return;
    }
    auth = yaml_build(probes->arena, probe, "auth", YAML_MAPPING,
                      (written ? written : plain)->key->place);
    canary_fields_check(written, canary_auth_fields, probes->problems);
    add_value(probes, auth, written, "username");
    add_value(probes, auth, written, "password");
    if (username)
        yaml_build_copy(probes->arena, auth, "username", username);
    if (password)
        yaml_build_copy(probes->arena, auth, "password", password);
}

/* ---- content ---- */

static void add_expected(const struct canary_probes *probes, struct yaml_node *probe,
                         const struct yaml_node *check)
{
    static const struct {
        const char *field, *setting;
    } rows[] = {{"expectedDigest", "digest"}, {"expectedSize", "size"}};
    struct yaml_node *expected = NULL;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct yaml_node *value =
            canary_field(check, rows[i].field, YAML_SCALAR, probes->problems);

        if (value && !expected)
            expected =
                yaml_build(probes->arena, probe, "expected", YAML_MAPPING, value->key->place);
        if (value)
            yaml_build_copy(probes->arena, expected, rows[i].setting, value);
    }
}

/* A push uploads the node's image of that name. `cold: no`: from the second run on the registry has
 * it already. canary-checker uses containerd's namespace `default`. */
static void add_content(const struct canary_probes *probes, struct yaml_node *probe,
                        const struct canary_kind *kind, const struct yaml_node *image,
                        struct place place)
{
    struct yaml_node *content = yaml_build(probes->arena, probe, "content", YAML_MAPPING, place);

    if (image && image->kind == YAML_SCALAR && !yaml_is_null(image))
        yaml_build_copy(probes->arena, content, "image", image);
    if (strcmp(kind->engine, "client") == 0)
        yaml_build_text(probes->arena, content, "namespace", "default", place);
    yaml_build_text(probes->arena, probe, "cold", "no", place);
}

/* ---- labels ---- */

/* "app.kubernetes.io/name" -> "app_kubernetes_io_name". */
static const char *label_name(struct arena *arena, const char *text)
{
    char *name = arena_alloc(arena, strlen(text) + 1);
    size_t n = 0;

    for (; name && *text; text++) {
        char c = *text >= 'A' && *text <= 'Z' ? (char)(*text - 'A' + 'a') : *text;

        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
            name[n++] = c;
        else if (n > 0 && name[n - 1] != '_')
            name[n++] = '_';
    }
    while (n > 0 && name[n - 1] == '_')
        name[--n] = '\0';
    return name;
}

/* Existing labels are kept: those of the check are added first. Two labels of one mapping with the
 * same normalised name are a mistake, because one would be lost. */
static void add_labels(const struct canary_probes *probes, struct yaml_node *labels,
                       const struct yaml_node *owner)
{
    const struct yaml_node *written = canary_field(owner, "labels", YAML_MAPPING, probes->problems);
    const struct yaml_node *first = NULL, *added, *same;

    for (const struct yaml_node *at = written ? written->children : NULL; at; at = at->next) {
        const char *name = label_name(probes->arena, at->key->text);

        if (!name)
            return;
        for (same = first; same && strcmp(same->key->text, name) != 0; same = same->next)
            continue;
        if (same)
            problems_add(probes->problems, at->key->place,
                         "label \"%s\" becomes \"%s\", like the label at line %zu: expected "
                         "distinct names",
                         at->key->text, name, same->key->place.line);
        if (yaml_member(labels, name, strlen(name)))
            continue;
        added = yaml_build_copy(probes->arena, labels, name, at);
        first = first ? first : added;
    }
}

static void add_label(const struct canary_probes *probes, struct yaml_node *labels,
                      const char *name, const struct yaml_node *owner, const char *field)
{
    const struct yaml_node *value = canary_field(owner, field, YAML_SCALAR, probes->problems);

    if (value && *value->text && !yaml_member(labels, name, strlen(name)))
        yaml_build_copy(probes->arena, labels, name, value);
}

/* The labels of canary-checker's own metrics keep their names. */
static void add_all_labels(const struct canary_probes *probes, struct yaml_node *probe,
                           const struct canary_document *document, const struct yaml_node *check)
{
    struct yaml_node *labels =
        yaml_build(probes->arena, probe, "labels", YAML_MAPPING, check->place);

    if (!labels)
        return;
    add_labels(probes, labels, check);
    add_labels(probes, labels, document->metadata);
    add_label(probes, labels, "name", check, "name");
    add_label(probes, labels, "description", check, "description");
    add_label(probes, labels, "canary_name", document->metadata, "name");
    add_label(probes, labels, "canary_namespace", check, "namespace");
    add_label(probes, labels, "canary_namespace", document->metadata, "namespace");
    add_label(probes, labels, "owner", document->spec, "owner");
    add_label(probes, labels, "severity", document->spec, "severity");
}

struct yaml_node *canary_probe_build(const struct canary_probes *probes,
                                     const struct canary_document *document,
                                     const struct canary_kind *kind, const struct yaml_node *check)
{
    struct yaml_node *probe = yaml_build_root(probes->arena, YAML_MAPPING, check->place);
    const struct yaml_node *image = yaml_member(check, "image", strlen("image"));
    struct place place = check->parent->key->place;

    canary_fields_check(check, kind->fields, probes->problems);
    yaml_build_text(probes->arena, probe, "operation", kind->operation, place);
    yaml_build_text(probes->arena, probe, "engine", kind->engine, place);
    if (image && !yaml_is_null(image))
        yaml_build_copy(probes->arena, probe, "image", image);
    add_schedule(probes, probe, document->spec);
    add_auth(probes, probe, check);
    if (strcmp(kind->operation, "pull") == 0)
        add_expected(probes, probe, check);
    else
        add_content(probes, probe, kind, image, image ? image->place : place);
    add_all_labels(probes, probe, document, check);
    return probe;
}
