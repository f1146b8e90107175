/* SPDX-License-Identifier: Apache-2.0 */
/* The tables follow canary-checker's schema; docs/canary-checker.md lists them. */
#include "config/canary_checker/canary_fields.h"

#include "config/settings.h"

#include <string.h>

#define SUGGEST_LIMIT_BYTES ((size_t)1024)

#define SUPPORTED(name)              \
    {                                \
        name, CANARY_SUPPORTED, NULL \
    }
#define IGNORED(name)              \
    {                              \
        name, CANARY_IGNORED, NULL \
    }
#define REJECTED(name, reason)        \
    {                                 \
        name, CANARY_REJECTED, reason \
    }

const struct canary_field canary_document_fields[] = {
    SUPPORTED("apiVersion"), SUPPORTED("kind"), SUPPORTED("metadata"),
    SUPPORTED("spec"),       IGNORED("status"), {0},
};

const struct canary_field canary_metadata_fields[] = {
    SUPPORTED("name"),
    SUPPORTED("namespace"),
    SUPPORTED("labels"),
    SUPPORTED("annotations"),
    IGNORED("generateName"),
    IGNORED("uid"),
    IGNORED("resourceVersion"),
    IGNORED("generation"),
    IGNORED("creationTimestamp"),
    IGNORED("deletionTimestamp"),
    IGNORED("deletionGracePeriodSeconds"),
    IGNORED("managedFields"),
    IGNORED("ownerReferences"),
    IGNORED("finalizers"),
    IGNORED("selfLink"),
    {0},
};

#define TEMPLATES "templates are not evaluated"
#define RETRIES   "every attempt is a separate result; use retry_interval of a probe"

const struct canary_field canary_spec_fields[] = {
    SUPPORTED("containerd"),
    SUPPORTED("containerdPush"),
    SUPPORTED("docker"),
    SUPPORTED("dockerPush"),
    SUPPORTED("interval"),
    SUPPORTED("schedule"),
    SUPPORTED("replicas"),
    SUPPORTED("severity"),
    SUPPORTED("owner"),
    IGNORED("icon"),
    REJECTED("env", TEMPLATES),
    REJECTED("retries", RETRIES),
    REJECTED("resultMode", "results are exported as metrics"),
    REJECTED("agentSelector", "checks run on the exporter's node, there are no agents"),
    {0},
};

#define COMMON_FIELDS                                                                  \
    SUPPORTED("name"), SUPPORTED("image"), SUPPORTED("auth"), SUPPORTED("username"),   \
        SUPPORTED("password"), SUPPORTED("description"), SUPPORTED("namespace"),       \
        SUPPORTED("labels"), IGNORED("icon"), REJECTED("retries", RETRIES),            \
        REJECTED("metrics", "every probe has the same metrics"),                       \
        REJECTED("transformDeleteStrategy", "results are not transformed"),            \
        REJECTED("transform", "results are not transformed"),                          \
        REJECTED("markFailOnEmpty", "an image check has no result list"),              \
        REJECTED("dependsOn", "every probe runs on its own schedule"),                 \
        REJECTED("relationships", "there is no catalog"), REJECTED("test", TEMPLATES), \
        REJECTED("display", TEMPLATES)

const struct canary_field canary_pull_fields[] = {
    COMMON_FIELDS,
    SUPPORTED("expectedDigest"),
    SUPPORTED("expectedSize"),
    {0},
};

#define NOTHING_EXPECTED "a push uploads the node's image without checking it"

const struct canary_field canary_push_fields[] = {
    COMMON_FIELDS,
    REJECTED("expectedDigest", NOTHING_EXPECTED),
    REJECTED("expectedSize", NOTHING_EXPECTED),
    {0},
};

const struct canary_field canary_auth_fields[] = {
    SUPPORTED("username"),
    SUPPORTED("password"),
    {0},
};

const struct canary_field canary_value_fields[] = {
    SUPPORTED("value"),
    SUPPORTED("valueFrom"),
    IGNORED("name"),
    {0},
};

#define NO_API "the Kubernetes API is not used; expected a mounted secretKeyRef or configMapKeyRef"

const struct canary_field canary_value_from_fields[] = {
    SUPPORTED("secretKeyRef"),
    SUPPORTED("configMapKeyRef"),
    REJECTED("helmRef", NO_API),
    REJECTED("serviceAccount", NO_API),
    {0},
};

const struct canary_field canary_key_ref_fields[] = {
    SUPPORTED("name"),
    SUPPORTED("key"),
    {0},
};

static const struct canary_field *find(const struct canary_field *fields, const char *name)
{
    for (; fields->name; fields++)
        if (strcmp(fields->name, name) == 0)
            return fields;
    return NULL;
}

static void report_unknown(const struct yaml_node *node, const struct canary_field *fields,
                           struct problems *problems)
{
    CLEANUP(buf_deinit) struct buf hint = BUF_INIT(SUGGEST_LIMIT_BYTES);
    bool in_spec = fields == canary_spec_fields;
    struct suggest_words words = {0};

    for (; fields->name; fields++)
        if (fields->support == CANARY_SUPPORTED)
            suggest_add(&words, fields->name);
    suggest_close(&words, node->key->text, &hint);
    if (!in_spec || hint.size > 0)
        settings_unknown(problems, "field", node->key, &words);
    else if (!yaml_is_null(node))
        problems_add(problems, node->key->place,
                     "\"%s\" is not supported: expected an image check (containerd, "
                     "containerdPush, docker or dockerPush)",
                     node->key->text);
}

/* Returns whether the field has no effect: null, or `retries: {disabled: true}`. */
static bool is_without_effect(const struct yaml_node *node)
{
    const struct yaml_node *disabled = yaml_member(node, "disabled", strlen("disabled"));

    if (yaml_is_null(node))
        return true;
    return strcmp(node->key->text, "retries") == 0 && disabled && disabled->kind == YAML_SCALAR &&
           strcmp(disabled->text, "true") == 0;
}

void canary_fields_check(const struct yaml_node *mapping, const struct canary_field *fields,
                         struct problems *problems)
{
    for (const struct yaml_node *at = mapping ? mapping->children : NULL; at; at = at->next) {
        const struct canary_field *field = find(fields, at->key->text);

        if (!field)
            report_unknown(at, fields, problems);
        else if (field->support == CANARY_REJECTED && !is_without_effect(at))
            problems_add(problems, at->key->place, "\"%s\" is not supported: %s", field->name,
                         field->reason);
    }
}

const struct yaml_node *canary_field(const struct yaml_node *mapping, const char *name,
                                     enum yaml_kind kind, struct problems *problems)
{
    static const char *const expected[] = {"a string", "a list", "a mapping", ""};
    const struct yaml_node *node = yaml_member(mapping, name, strlen(name));

    if (!node || yaml_is_null(node) || node->kind == YAML_BROKEN)
        return NULL;
    if (node->kind == kind)
        return node;
    problems_add(problems, node->place, "\"%s\": expected %s, found %s", name, expected[kind],
                 yaml_describe(node));
    return NULL;
}

const char *canary_field_text(const struct yaml_node *mapping, const char *name,
                              struct problems *problems)
{
    const struct yaml_node *node = canary_field(mapping, name, YAML_SCALAR, problems);

    return node ? node->text : NULL;
}
