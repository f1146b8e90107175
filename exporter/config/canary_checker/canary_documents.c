/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the settings document, expands lists and passes each Canary to canary_document.c. */
#include "config/canary_checker/canary_documents.h"

#include "config/canary_checker/canary_document.h"
#include "config/canary_checker/canary_fields.h"
#include "config/settings.h"
#include "encoding/yaml_build.h"

#include <string.h>

#define API_VERSION "canaries.flanksource.com/v1"

const struct setting canary_folders_settings[] = {
    SETTING(SETTING_STRING, struct canary_folders, secrets_dir, "secrets_dir",
            "/etc/containerd_exporter/secrets", "Directory of mounted secrets: NAME/KEY."),
    SETTING(SETTING_STRING, struct canary_folders, config_maps_dir, "config_maps_dir",
            "/etc/containerd_exporter/config_maps", "Directory of mounted config maps: NAME/KEY."),
    {0},
};

static const struct canary_field list_fields[] = {
    {"apiVersion", CANARY_SUPPORTED, NULL},
    {"kind", CANARY_SUPPORTED, NULL},
    {"items", CANARY_SUPPORTED, NULL},
    {"metadata", CANARY_IGNORED, NULL},
    {0},
};

/* Every Kubernetes object has one of these keys; the settings document has neither. */
bool canary_documents_is_object(const struct yaml_node *document)
{
    return yaml_member(document, "kind", strlen("kind")) ||
           yaml_member(document, "apiVersion", strlen("apiVersion"));
}

static bool has_text(const struct yaml_node *object, const char *name, const char *text)
{
    const struct yaml_node *node = yaml_member(object, name, strlen(name));

    return node && node->kind == YAML_SCALAR && strcmp(node->text, text) == 0;
}

static bool expect(const struct yaml_node *object, const char *name, const char *text,
                   struct problems *problems)
{
    const struct yaml_node *node = yaml_member(object, name, strlen(name));

    if (!node)
        return problems_add(problems, object->place, "\"%s\" is missing: expected %s", name, text);
    if (node->kind == YAML_BROKEN || has_text(object, name, text))
        return node->kind != YAML_BROKEN;
    return problems_add(problems, node->place, "\"%s\": expected %s, found %s%s%s", name, text,
                        node->kind == YAML_SCALAR ? "\"" : "",
                        node->kind == YAML_SCALAR ? node->text : yaml_describe(node),
                        node->kind == YAML_SCALAR ? "\"" : "");
}

/* Reports a Kubernetes object that holds a configuration file in its data. */
static bool is_wrapped(const struct yaml_node *object, struct problems *problems)
{
    static const char *const kinds[] = {"ConfigMap", "Secret"};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (has_text(object, "kind", kinds[i])) {
            problems_add(problems, object->place,
                         "this is a Kubernetes %s: expected the file that its data holds",
                         kinds[i]);
            return true;
        }
    return false;
}

static void read_canary(struct canary_probes *probes, const struct yaml_node *object)
{
    bool ok = !is_wrapped(object, probes->problems);

    if (!ok)
        return;
    ok = expect(object, "apiVersion", API_VERSION, probes->problems);

    if (expect(object, "kind", "Canary", probes->problems) && ok)
        canary_document_read(probes, object);
}

/* The format of `kubectl get canaries -o yaml`. */
static void read_list(struct canary_probes *probes, const struct yaml_node *list)
{
    const struct yaml_node *items = canary_field(list, "items", YAML_SEQUENCE, probes->problems);

    canary_fields_check(list, list_fields, probes->problems);
    for (const struct yaml_node *at = items ? items->children : NULL; at; at = at->next) {
        if (at->kind == YAML_MAPPING)
            read_canary(probes, at);
        else if (at->kind != YAML_BROKEN)
            problems_add(probes->problems, at->place, "expected a mapping, found %s",
                         yaml_describe(at));
    }
}

struct yaml_node *canary_documents_find_settings(const struct config_reading *reading,
                                                 const struct yaml_node *documents)
{
    struct yaml_node *settings = NULL;

    for (struct yaml_node *at = documents->children; at; at = at->next) {
        if (canary_documents_is_object(at) || (settings && yaml_is_null(at)))
            continue;
        if (settings && !yaml_is_null(settings))
            problems_add(reading->problems, at->place,
                         "second settings document (the first is at line %zu): expected kind "
                         "Canary",
                         settings->place.line);
        else
            settings = at;
    }
    return settings;
}

/* Returns the list `probes:` of the settings. If the settings are invalid, returns a list outside
 * of them, so that the documents are checked all the same. */
static struct yaml_node *find_probes(const struct config_reading *reading, struct yaml_node *root,
                                     struct place place)
{
    struct yaml_node *at = root->kind == YAML_MAPPING ? root->children : NULL, *list = NULL;

    while (at && strcmp(at->key->text, "probes") != 0)
        at = at->next;
    if (at && yaml_is_null(at))
        at->kind = YAML_SEQUENCE;
    if (at)
        list = at->kind == YAML_SEQUENCE ? at : NULL;
    else if (root->kind == YAML_MAPPING)
        list = yaml_build(reading->arena, root, "probes", YAML_SEQUENCE, place);
    return list ? list : yaml_build_root(reading->arena, YAML_SEQUENCE, place);
}

static void read_folders(const struct config_reading *reading, struct canary_folders *folders)
{
    const struct yaml_node *section =
        yaml_member(reading->root, "kubernetes", strlen("kubernetes"));
    struct settings_source source =
        settings_source_of(section, reading->root, reading->arena, reading->problems);

    settings_check_keys(&source, canary_folders_settings, NULL);
    settings_fill(&source, canary_folders_settings, SETTINGS_ALL, folders);
}

static bool read_objects(struct config_reading *reading, const struct yaml_node *documents,
                         struct yaml_node *root, struct place place)
{
    struct canary_probes *probes = arena_alloc(reading->arena, sizeof(*probes));
    struct yaml_node *list = find_probes(reading, root, place);

    if (!probes || !list)
        return false;
    *probes = (struct canary_probes){.arena = reading->arena,
                                     .problems = reading->problems,
                                     .folders = {"", ""},
                                     .list = list,
                                     .counts = &reading->config->canaries};
    read_folders(reading, &probes->folders);
    for (const struct yaml_node *at = documents->children; at; at = at->next) {
        if (has_text(at, "kind", "List") || has_text(at, "kind", "CanaryList"))
            read_list(probes, at);
        else if (canary_documents_is_object(at))
            read_canary(probes, at);
    }
    return true;
}

bool canary_documents_read(struct config_reading *reading, struct yaml_node *documents)
{
    struct yaml_node *root = canary_documents_find_settings(reading, documents);
    const struct yaml_node *object = documents->children;
    struct canary_folders folders;

    while (object && !canary_documents_is_object(object))
        object = object->next;
    if (!root || (object && yaml_is_null(root)))
        root = yaml_build_root(reading->arena, object ? YAML_MAPPING : YAML_SCALAR,
                               (struct place){1, 1});
    if (!root)
        return problems_add(reading->problems, documents->place, "out of memory");
    reading->root = root;
    if (object)
        return read_objects(reading, documents, root, object->place);
    read_folders(reading, &folders); /* reports its mistakes */
    return true;
}
