/* SPDX-License-Identifier: Apache-2.0 */
/* The tables are those of canary-checker's schema; the README shows them to its users. */
#include "config/canary_checker/canary_fields.h"

#include "encoding/suggest.h"

#include <string.h>

#define SUGGEST_LIMIT_BYTES ((size_t)1024)

#define HONOURED(name)              \
    {                               \
        name, CANARY_HONOURED, NULL \
    }
#define HARMLESS(name)              \
    {                               \
        name, CANARY_HARMLESS, NULL \
    }
#define REFUSED(name, why)        \
    {                             \
        name, CANARY_REFUSED, why \
    }

const struct canary_field canary_document_fields[] = {
    HONOURED("apiVersion"), HONOURED("kind"),   HONOURED("metadata"),
    HONOURED("spec"),       HARMLESS("status"), {0},
};

const struct canary_field canary_metadata_fields[] = {
    HONOURED("name"),
    HONOURED("namespace"),
    HONOURED("labels"),
    HONOURED("annotations"),
    HARMLESS("generateName"),
    HARMLESS("uid"),
    HARMLESS("resourceVersion"),
    HARMLESS("generation"),
    HARMLESS("creationTimestamp"),
    HARMLESS("deletionTimestamp"),
    HARMLESS("deletionGracePeriodSeconds"),
    HARMLESS("managedFields"),
    HARMLESS("ownerReferences"),
    HARMLESS("finalizers"),
    HARMLESS("selfLink"),
    {0},
};

#define TEMPLATES   "templates are not done here"
#define RETRIES     "every attempt is a result of its own here; a probe has retry_interval"
#define OTHER(kind) REFUSED(kind, "this exporter does image checks only")

const struct canary_field canary_spec_fields[] = {
    HONOURED("containerd"),
    HONOURED("containerdPush"),
    HONOURED("docker"),
    HONOURED("dockerPush"),
    HONOURED("interval"),
    HONOURED("schedule"),
    HONOURED("replicas"),
    HONOURED("severity"),
    HONOURED("owner"),
    HARMLESS("icon"),
    REFUSED("env", TEMPLATES),
    REFUSED("retries", RETRIES),
    REFUSED("resultMode", "results are metrics here"),
    REFUSED("agentSelector", "a check runs where the exporter does; there are no agents"),
    OTHER("alertmanager"),
    OTHER("awsConfig"),
    OTHER("awsConfigRule"),
    OTHER("azureDevops"),
    OTHER("catalog"),
    OTHER("cloudwatch"),
    OTHER("configDB"),
    OTHER("databaseBackup"),
    OTHER("dns"),
    OTHER("dynatrace"),
    OTHER("ec2"),
    OTHER("elasticsearch"),
    OTHER("exec"),
    OTHER("folder"),
    OTHER("gcpIncidents"),
    OTHER("gitProtocol"),
    OTHER("github"),
    OTHER("helm"),
    OTHER("http"),
    OTHER("icmp"),
    OTHER("jmeter"),
    OTHER("junit"),
    OTHER("kubernetes"),
    OTHER("kubernetesResource"),
    OTHER("ldap"),
    OTHER("mongodb"),
    OTHER("mssql"),
    OTHER("mysql"),
    OTHER("namespace"),
    OTHER("opensearch"),
    OTHER("pod"),
    OTHER("postgres"),
    OTHER("prometheus"),
    OTHER("pubsub"),
    OTHER("redis"),
    OTHER("restic"),
    OTHER("s3"),
    OTHER("tcp"),
    OTHER("webhook"),
    {0},
};

#define COMMON_FIELDS                                                                             \
    HONOURED("name"), HONOURED("image"), HONOURED("auth"), HONOURED("username"),                  \
        HONOURED("password"), HONOURED("description"), HONOURED("namespace"), HONOURED("labels"), \
        HARMLESS("icon"), REFUSED("retries", RETRIES),                                            \
        REFUSED("metrics", "the metrics are the same for every probe here"),                      \
        REFUSED("transformDeleteStrategy", "results are not transformed here"),                   \
        REFUSED("transform", "results are not transformed here"),                                 \
        REFUSED("markFailOnEmpty", "an image check has no results that could be empty"),          \
        REFUSED("dependsOn", "every probe runs by its own schedule here"),                        \
        REFUSED("relationships", "there is no catalog here"), REFUSED("test", TEMPLATES),         \
        REFUSED("display", TEMPLATES)

const struct canary_field canary_pull_fields[] = {
    COMMON_FIELDS,
    HONOURED("expectedDigest"),
    HONOURED("expectedSize"),
    {0},
};

#define NOTHING_EXPECTED "a push sends what the node holds, and expects nothing of it"

const struct canary_field canary_push_fields[] = {
    COMMON_FIELDS,
    REFUSED("expectedDigest", NOTHING_EXPECTED),
    REFUSED("expectedSize", NOTHING_EXPECTED),
    {0},
};

const struct canary_field canary_auth_fields[] = {
    HONOURED("username"),
    HONOURED("password"),
    {0},
};

const struct canary_field canary_value_fields[] = {
    HONOURED("value"),
    HONOURED("valueFrom"),
    HARMLESS("name"),
    {0},
};

#define NO_API "this exporter does not ask Kubernetes; mount a secretKeyRef or configMapKeyRef"

const struct canary_field canary_value_from_fields[] = {
    HONOURED("secretKeyRef"),
    HONOURED("configMapKeyRef"),
    REFUSED("helmRef", NO_API),
    REFUSED("serviceAccount", NO_API),
    {0},
};

const struct canary_field canary_key_ref_fields[] = {
    HONOURED("name"),
    HONOURED("key"),
    {0},
};

static const struct canary_field *find(const struct canary_field *fields, const char *name)
{
    for (; fields->name; fields++)
        if (strcmp(fields->name, name) == 0)
            return fields;
    return NULL;
}

static void report_unknown(const struct yaml_node *key, const struct canary_field *fields,
                           struct problems *problems)
{
    CLEANUP(buf_deinit) struct buf hint = BUF_INIT(SUGGEST_LIMIT_BYTES);
    struct suggest_words words = {0};

    for (; fields->name; fields++)
        if (fields->fate == CANARY_HONOURED)
            suggest_add(&words, fields->name);
    suggest(&words, key->text, &hint);
    problems_add(problems, key->place, "unknown field \"%s\"%s", key->text,
                 hint.data ? hint.data : "");
}

/* A null, and `retries: {disabled: true}`, which is what happens here anyway. */
static bool asks_for_nothing(const struct yaml_node *node)
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
            report_unknown(at->key, fields, problems);
        else if (field->fate == CANARY_REFUSED && !asks_for_nothing(at))
            problems_add(problems, at->key->place, "\"%s\" is refused: %s", field->name,
                         field->why);
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
