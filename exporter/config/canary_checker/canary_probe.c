/* SPDX-License-Identifier: Apache-2.0 */
/* What cannot be told here (a bad digest, a user without a password) is left to those who read the
 * probe: it has the places of the check. */
#include "config/canary_checker/canary_probe.h"

#include "base/buf.h"
#include "base/text.h"
#include "encoding/yaml_build.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PATH_LIMIT_BYTES ((size_t)4096)

/* ---- when ---- */

/* As canary-checker reads them: seconds without a unit, and a schedule comes before them. */
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
                     "\"interval\": expected whole seconds, found \"%s\" (schedule: \"@every "
                     "1m30s\" has units)",
                     interval->text);
    if (schedule && *schedule->text) {
        yaml_build_copy(probes->arena, probe, "schedule", schedule);
    } else if (seconds > 0) {
        snprintf(text, sizeof(text), "%" PRIu64 "s", seconds);
        yaml_build_text(probes->arena, probe, "interval", arena_strdup(probes->arena, text),
                        interval->place);
    }
}

/* ---- who ---- */

/* Names of Kubernetes' objects and of keys in them: never a way out of the folder. */
static bool is_file_name(const char *text)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._";

    return *text && strspn(text, letters) == strlen(text) && strcmp(text, ".") != 0 &&
           !text_starts_with(text, "..");
}

/* The member `name` of a reference; NULL if it is missing or no name, which is reported. */
static const char *name_in(const struct canary_probes *probes, const struct yaml_node *reference,
                           const char *name)
{
    const struct yaml_node *node = canary_field(reference, name, YAML_SCALAR, probes->problems);

    if (node && is_file_name(node->text))
        return node->text;
    if (node)
        problems_add(probes->problems, node->place, "\"%s\": \"%s\" is not the name of a file",
                     name, node->text);
    else
        problems_add(probes->problems, reference->key->place, "\"%s\": \"%s\" is missing",
                     reference->key->text, name);
    return NULL;
}

/* auth.username_file: DIR/NAME/KEY, where a volume of the secret or config map is mounted. */
static void add_file(const struct canary_probes *probes, struct yaml_node *auth, const char *what,
                     const char *folder, const struct yaml_node *reference)
{
    CLEANUP(buf_deinit) struct buf path = BUF_INIT(PATH_LIMIT_BYTES);
    const char *name = name_in(probes, reference, "name");
    const char *key = name_in(probes, reference, "key");
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
                     "both \"secretKeyRef\" and \"configMapKeyRef\"");
    else if (secret)
        add_file(probes, auth, what, probes->folders.secrets_dir, secret);
    else if (map)
        add_file(probes, auth, what, probes->folders.config_maps_dir, map);
    else if (from->count == 0)
        problems_add(probes->problems, from->key->place,
                     "\"valueFrom\": neither \"secretKeyRef\" nor \"configMapKeyRef\"");
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
        problems_add(probes->problems, from->key->place, "both \"value\" and \"valueFrom\"");
    else if (value)
        yaml_build_copy(probes->arena, auth, what, value);
    else if (from)
        add_value_from(probes, auth, what, from);
    else if (variable->count == 0)
        problems_add(probes->problems, variable->key->place,
                     "\"%s\": neither \"value\" nor \"valueFrom\"", what);
}

/* `auth: {username: {value: u}, ...}`, or `username: u` as containerdPush has it; users who change
 * one list for the other keep what they wrote, so either is read in all. */
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
        problems_add(probes->problems, plain->key->place, "both \"auth\" and \"%s\"",
                     plain->key->text);
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

/* ---- what ---- */

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

/* What a push sends: the image of that name, as the node holds it; every registry has it from the
 * second run on. canary-checker's namespace of containerd was `default`. */
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

/* A label that is there already stays: those of the check are added first. Two of one mapping that
 * come to the same are a mistake, because one would be lost. */
static void add_labels(const struct canary_probes *probes, struct yaml_node *labels,
                       const struct yaml_node *owner)
{
    const struct yaml_node *written = canary_field(owner, "labels", YAML_MAPPING, probes->problems);
    const struct yaml_node *first = NULL, *added, *twin;

    for (const struct yaml_node *at = written ? written->children : NULL; at; at = at->next) {
        const char *name = label_name(probes->arena, at->key->text);

        if (!name)
            return;
        for (twin = first; twin && strcmp(twin->key->text, name) != 0; twin = twin->next)
            continue;
        if (twin)
            problems_add(probes->problems, at->key->place,
                         "label \"%s\" becomes \"%s\", as the one at line %zu does", at->key->text,
                         name, twin->key->place.line);
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

/* What canary-checker has as labels of its own metrics has the same name here. */
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
