/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the settings of a probe make sense together, before anything is asked. */
#include "probe/probe.h"

#include "base/buf.h"

#include <string.h>

#define LABELS_MAX          16
#define DEFAULT_SNAPSHOTTER "overlayfs"
#define DOWNLOADS_MAX       16

/* For names that are only known when the probe runs. */
static const struct placeholders samples = {"node", "probe", 0};

const char *const canary_cold_choices[] = {"required", "preferred", "no", NULL};
const char *const canary_family_choices[] = {
    [HTTP_FAMILY_ANY] = "any", [HTTP_FAMILY_IPV4] = "ipv4", [HTTP_FAMILY_IPV6] = "ipv6", NULL};
const char *const canary_format_choices[] = {"oci", "docker", NULL};

const struct setting canary_registry_settings[] = {
    SETTING(SETTING_BOOL, struct canary, host.plain_http, "plain_http", "false",
            "Whether the registry speaks HTTP instead of HTTPS."),
    SETTING(SETTING_BOOL, struct canary, host.skip_verify, "skip_verify", "false",
            "Whether any certificate is accepted."),
    SETTING(SETTING_STRING, struct canary, host.ca_file, "ca_file", "",
            "PEM file of the authorities that are trusted instead of the system's."),
    SETTING(SETTING_STRING, struct canary, host.client_cert, "client_cert_file", "",
            "PEM file of the certificate that we show."),
    SETTING(SETTING_STRING, struct canary, host.client_key, "client_key_file", "",
            "PEM file of its key; default: it is in the same file."),
    SETTING_CHOICE(struct canary, family, "address_family", canary_family_choices, "any",
                   "Addresses of the registry: any, ipv4, ipv6."),
    CANARY_AUTH_SETTINGS(registry_auth),
    SETTING(SETTING_UINT, struct canary, budget.pulls_per_hour, "max_pulls_per_hour", "0",
            "Runs of all probes of this registry within an hour; 0: no limit."),
    SETTING(SETTING_BYTES, struct canary, budget.bytes_per_hour, "max_bytes_per_hour", "0",
            "What they may move within an hour; 0: no limit."),
    {0},
};

bool canary_check_resource(const char *name, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT((size_t)64 << 10);
    CLEANUP(buf_deinit) struct buf image = BUF_INIT((size_t)4 << 10);
    struct reference reference;
    struct error ignored;

    buf_printf(&image, "%s/image", name);
    if (!buf_ok(&image, err))
        return false;
    if (!reference_parse(&reference, image.data, &arena, &ignored))
        return error_set(err, ERROR_INVALID,
                         "a registry is named by its host, as images name it: docker.io, "
                         "registry.example:5000");
    return strcmp(reference.host, name) == 0 ||
           error_set(err, ERROR_INVALID, "images of this registry belong to %s", reference.host);
}

const char *canary_resource(const void *state, struct arena *arena)
{
    const struct canary *canary = state;
    const char *image;
    struct reference reference;
    struct error ignored; /* check() reports it */

    image = placeholder_fill(canary->image, &samples, arena, &ignored);
    return image && reference_parse(&reference, image, arena, &ignored) ? reference.host : NULL;
}

static bool check_expected(const struct canary *canary, const char **key, struct error *err)
{
    const struct {
        const char *key, *digest;
    } digests[] = {{"expected.digest", canary->expected.digest},
                   {"expected.manifest_digest", canary->expected.manifest_digest}};

    for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]); i++) {
        *key = digests[i].key;
        if (digests[i].digest && *digests[i].digest && !digest_valid(digests[i].digest))
            return error_set(err, ERROR_INVALID, "\"%s\" is not sha256: and 64 hex digits",
                             digests[i].digest);
    }
    return true;
}

static bool label_name_is_good(const char *name)
{
    const struct metric_family *family = &canary_families[0];

    if (!*name || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(name) ||
        (*name >= '0' && *name <= '9') || strstr(name, "__"))
        return false;
    for (size_t i = 0; family->labels[i]; i++)
        if (strcmp(family->labels[i], name) == 0)
            return false;
    return strcmp(name, "job") != 0 && strcmp(name, "instance") != 0;
}

static bool check_labels(const struct canary *canary, const char **key, struct error *err)
{
    *key = "labels";
    if (canary->labels.count > LABELS_MAX)
        return error_set(err, ERROR_INVALID, "at most %d labels", LABELS_MAX);
    for (size_t i = 0; i < canary->labels.count; i++)
        if (!label_name_is_good(canary->labels.names[i]))
            return error_set(err, ERROR_INVALID,
                             "\"%s\" cannot be a label: a-z, 0-9 and single _, and not one that "
                             "image_canary_info or Prometheus has",
                             canary->labels.names[i]);
    return true;
}

static bool find_engine(struct canary *canary, const char **key, struct error *err)
{
    CLEANUP(buf_deinit) struct buf names = BUF_INIT(1024);

    *key = "engine";
    canary->engine = probe_engine_find(canary->engine_operation, canary->engine_name);
    if (canary->engine || strcmp(canary->engine_name, CANARY_ENGINE_AUTO) == 0)
        return true;
    for (size_t i = 0; probe_engines[i]; i++)
        if (strcmp(probe_engines[i]->operation, canary->engine_operation) == 0)
            buf_printf(&names, "%s, ", probe_engines[i]->name);
    return error_set(err, ERROR_INVALID, "engine \"%s\" cannot %s; there is: %s%s",
                     canary->engine_name, canary->operation, names.data ? names.data : "",
                     CANARY_ENGINE_AUTO);
}

static bool find_platform(struct canary *canary, const char **key, struct error *err)
{
    *key = "platform";
    canary->all_platforms = strcmp(canary->platform, "all") == 0;
    if (!*canary->platform || canary->all_platforms)
        platform_matcher_host(&canary->matcher);
    else if (!platform_matcher_parse(&canary->matcher, canary->platform, err))
        return false;
    if (canary->all_platforms)
        strcpy(canary->platform_text, "all");
    else
        platform_matcher_name(&canary->matcher, canary->platform_text,
                              sizeof(canary->platform_text));
    return true;
}

/* What the engine could not honour is an error, not ignored. */
bool canary_check_abilities(const struct canary *canary, const char **key, struct error *err)
{
    const struct {
        unsigned ability;
        bool wanted;
        const char *key;
    } wishes[] = {
        {PROBE_ALL_PLATFORMS, canary->all_platforms, "platform"},
        {PROBE_PLATFORM, *canary->platform && !canary->all_platforms, "platform"},
        {PROBE_UNPACK, !canary->unpack, "unpack"},
        {PROBE_SNAPSHOTTER, strcmp(canary->snapshotter, DEFAULT_SNAPSHOTTER) != 0, "snapshotter"},
        {PROBE_OWN_NETWORK, canary->family != HTTP_FAMILY_ANY, "address_family"},
        {PROBE_OWN_NETWORK, canary->max_concurrent_downloads != CANARY_DOWNLOADS,
         "max_concurrent_downloads"},
        {PROBE_SEES_MANIFEST, *canary->expected.manifest_digest != '\0',
         "expected.manifest_digest"},
        {PROBE_SEES_HOST, *canary->expected.served_by != '\0', "expected.served_by"},
        {PROBE_HELD, *canary->push.content.image != '\0', "content.image"},
        {PROBE_NAMESPACE, strcmp(canary->push.content.name_space, CANARY_NAMESPACE) != 0,
         "content.namespace"},
        {PROBE_TYPES, canary->push.content.docker_types, "content.format"},
        {PROBE_TYPES, canary->push.content.index, "content.index"},
        {PROBE_CHUNKS, canary->push.chunk_bytes > 0, "upload.chunk_size"},
        {PROBE_MOUNT, *canary->push.mount_from != '\0', "upload.mount_from"},
    };

    for (size_t i = 0; canary->engine && i < sizeof(wishes) / sizeof(wishes[0]); i++) {
        *key = wishes[i].key;
        if (wishes[i].wanted && !(canary->engine->abilities & wishes[i].ability))
            return error_set(err, ERROR_UNSUPPORTED, "engine %s has no say in this",
                             canary->engine->name);
    }
    return true;
}

static bool check_downloads(const struct canary *canary, const char **key, struct error *err)
{
    *key = "max_concurrent_downloads";
    if (canary->max_concurrent_downloads < 1 || canary->max_concurrent_downloads > DOWNLOADS_MAX)
        return error_set(err, ERROR_INVALID, "must be 1 to %d", DOWNLOADS_MAX);
    return true;
}

/* What only some operations have in their table. */
static void fill_defaults(struct canary *canary, const char *operation)
{
    canary->operation = operation;
    canary->engine_operation = strcmp(operation, "roundtrip") == 0 ? "push" : operation;
    canary->push.content.docker_types = canary->format != 0;
    if (!canary->push.content.image) {
        canary->push.content.image = "";
        canary->push.mount_from = "";
        canary->push.content.name_space = CANARY_NAMESPACE;
    }
    if (!canary->snapshotter) {
        canary->snapshotter = DEFAULT_SNAPSHOTTER;
        canary->unpack = true;
        canary->max_concurrent_downloads = CANARY_DOWNLOADS;
        canary->expected = (struct canary_expected){"", "", "", 0, 0};
    }
}

/* What is left over must not grow for ever. */
static bool check_timestamp(const struct canary *canary, const char **key, struct error *err)
{
    bool in_tag = canary->tag && placeholder_in(canary->tag, "timestamp");

    *key = in_tag ? "tag" : "image";
    if (!in_tag && (canary->delete_remote || !placeholder_in(canary->image, "timestamp")))
        return true;
    if (strcmp(canary->engine_operation, "push") != 0)
        return error_set(err, ERROR_INVALID,
                         "{timestamp} is for a push or roundtrip: they remove what they made");
    return error_set(err, ERROR_INVALID,
                     "{timestamp} needs delete_remote: true, else every run leaves an image more");
}

bool canary_check(struct canary *canary, const char *operation, struct arena *arena,
                  const char **key, struct error *err)
{
    struct reference new_tag;

    fill_defaults(canary, operation);
    return canary_references(canary, &samples, arena, &canary->reference, &new_tag, key, err) &&
           check_timestamp(canary, key, err) && find_engine(canary, key, err) &&
           find_platform(canary, key, err) && check_downloads(canary, key, err) &&
           canary_check_abilities(canary, key, err) && credentials_check(&canary->auth, key, err) &&
           credentials_check(&canary->registry_auth, key, err) &&
           check_expected(canary, key, err) && check_labels(canary, key, err);
}
