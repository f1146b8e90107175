/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the settings of a probe make sense together, before anything is asked. */
#include "probe/probe.h"

#include "base/buf.h"
#include "engines/engines.h"

#include <string.h>

#define LABELS_MAX          16
#define DEFAULT_SNAPSHOTTER "overlayfs"
#define DOWNLOADS_MAX       16

/* For names that are only known when the probe runs. */
static const struct placeholders samples = {"node", "probe", 0};

const char *const probe_cold_choices[] = {"required", "preferred", "no", NULL};
const char *const probe_address_family_choices[] = {
    [HTTP_FAMILY_ANY] = "any", [HTTP_FAMILY_IPV4] = "ipv4", [HTTP_FAMILY_IPV6] = "ipv6", NULL};
const char *const probe_format_choices[] = {"oci", "docker", NULL};

const struct setting probe_registry_settings[] = {
    SETTING(SETTING_BOOL, struct probe, host.plain_http, "plain_http", "false",
            "Whether the registry speaks HTTP instead of HTTPS."),
    SETTING(SETTING_BOOL, struct probe, host.skip_verify, "skip_verify", "false",
            "Whether any certificate is accepted."),
    SETTING(SETTING_STRING, struct probe, host.ca_file, "ca_file", "",
            "PEM file of the authorities that are trusted instead of the system's."),
    SETTING(SETTING_STRING, struct probe, host.client_cert, "client_cert_file", "",
            "PEM file of the certificate that we show."),
    SETTING(SETTING_STRING, struct probe, host.client_key, "client_key_file", "",
            "PEM file of its key; default: it is in the same file."),
    SETTING_CHOICE(struct probe, family, "address_family", probe_address_family_choices, "any",
                   "Addresses of the registry: any, ipv4, ipv6."),
    PROBE_AUTH_SETTINGS(registry_auth),
    SETTING(SETTING_UINT, struct probe, budget.pulls_per_hour, "max_pulls_per_hour", "0",
            "Runs of all probes of this registry within an hour; 0: no limit."),
    SETTING(SETTING_BYTES, struct probe, budget.bytes_per_hour, "max_bytes_per_hour", "0",
            "What they may move within an hour; 0: no limit."),
    {0},
};

bool probe_check_resource(const char *name, struct error *err)
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

const char *probe_resource(const void *state, struct arena *arena)
{
    const struct probe *probe = state;
    const char *image;
    struct reference reference;
    struct error ignored; /* check() reports it */

    image = placeholder_fill(probe->image, &samples, arena, &ignored);
    return image && reference_parse(&reference, image, arena, &ignored) ? reference.host : NULL;
}

static bool check_expected(const struct probe *probe, const char **key, struct error *err)
{
    const struct {
        const char *key, *digest;
    } digests[] = {{"expected.digest", probe->expected.digest},
                   {"expected.manifest_digest", probe->expected.manifest_digest}};

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
    const struct metric_family *family = &probe_families[0];

    if (!*name || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(name) ||
        (*name >= '0' && *name <= '9') || strstr(name, "__"))
        return false;
    for (size_t i = 0; family->labels[i]; i++)
        if (strcmp(family->labels[i], name) == 0)
            return false;
    return strcmp(name, "job") != 0 && strcmp(name, "instance") != 0;
}

static bool check_labels(const struct probe *probe, const char **key, struct error *err)
{
    *key = "labels";
    if (probe->labels.count > LABELS_MAX)
        return error_set(err, ERROR_INVALID, "at most %d labels", LABELS_MAX);
    for (size_t i = 0; i < probe->labels.count; i++)
        if (!label_name_is_good(probe->labels.names[i]))
            return error_set(err, ERROR_INVALID,
                             "\"%s\" cannot be a label: a-z, 0-9 and single _, and not one that "
                             "image_canary_info or Prometheus has",
                             probe->labels.names[i]);
    return true;
}

static bool find_engine(struct probe *probe, const char **key, struct error *err)
{
    CLEANUP(buf_deinit) struct buf names = BUF_INIT(1024);

    *key = "engine";
    probe->engine = engine_find(probe->engine_operation, probe->engine_name);
    if (probe->engine || strcmp(probe->engine_name, ENGINE_AUTO) == 0)
        return true;
    for (size_t i = 0; engines[i]; i++)
        if (strcmp(engines[i]->operation, probe->engine_operation) == 0)
            buf_printf(&names, "%s, ", engines[i]->name);
    return error_set(err, ERROR_INVALID, "engine \"%s\" cannot %s; there is: %s%s",
                     probe->engine_name, probe->operation, names.data ? names.data : "",
                     ENGINE_AUTO);
}

static bool find_platform(struct probe *probe, const char **key, struct error *err)
{
    *key = "platform";
    probe->all_platforms = strcmp(probe->platform, "all") == 0;
    if (!*probe->platform || probe->all_platforms)
        platform_matcher_host(&probe->matcher);
    else if (!platform_matcher_parse(&probe->matcher, probe->platform, err))
        return false;
    if (probe->all_platforms)
        strcpy(probe->platform_text, "all");
    else
        platform_matcher_name(&probe->matcher, probe->platform_text, sizeof(probe->platform_text));
    return true;
}

/* What the engine could not honour is an error, not ignored. */
bool probe_check_abilities(const struct probe *probe, const char **key, struct error *err)
{
    const struct {
        unsigned ability;
        bool wanted;
        const char *key;
    } wishes[] = {
        {ENGINE_ALL_PLATFORMS, probe->all_platforms, "platform"},
        {ENGINE_PLATFORM, *probe->platform && !probe->all_platforms, "platform"},
        {ENGINE_UNPACK, !probe->unpack, "unpack"},
        {ENGINE_SNAPSHOTTER, strcmp(probe->snapshotter, DEFAULT_SNAPSHOTTER) != 0, "snapshotter"},
        {ENGINE_OWN_NETWORK, probe->family != HTTP_FAMILY_ANY, "address_family"},
        {ENGINE_OWN_NETWORK, probe->max_concurrent_downloads != DEFAULT_DOWNLOADS,
         "max_concurrent_downloads"},
        {ENGINE_SEES_MANIFEST, *probe->expected.manifest_digest != '\0',
         "expected.manifest_digest"},
        {ENGINE_SEES_HOST, *probe->expected.served_by != '\0', "expected.served_by"},
        {ENGINE_DAEMON_IMAGE, *probe->push.content.image != '\0', "content.image"},
        {ENGINE_NAMESPACE, strcmp(probe->push.content.name_space, DEFAULT_NAMESPACE) != 0,
         "content.namespace"},
        {ENGINE_TYPES, probe->push.content.docker_types, "content.format"},
        {ENGINE_TYPES, probe->push.content.index, "content.index"},
        {ENGINE_CHUNKS, probe->push.chunk_bytes > 0, "upload.chunk_size"},
        {ENGINE_MOUNT, *probe->push.mount_from != '\0', "upload.mount_from"},
    };

    for (size_t i = 0; probe->engine && i < sizeof(wishes) / sizeof(wishes[0]); i++) {
        *key = wishes[i].key;
        if (wishes[i].wanted && !(probe->engine->abilities & wishes[i].ability))
            return error_set(err, ERROR_UNSUPPORTED, "engine %s has no say in this",
                             probe->engine->name);
    }
    return true;
}

static bool check_downloads(const struct probe *probe, const char **key, struct error *err)
{
    *key = "max_concurrent_downloads";
    if (probe->max_concurrent_downloads < 1 || probe->max_concurrent_downloads > DOWNLOADS_MAX)
        return error_set(err, ERROR_INVALID, "must be 1 to %d", DOWNLOADS_MAX);
    return true;
}

/* What only some operations have in their table. */
static void fill_defaults(struct probe *probe, const char *operation)
{
    probe->operation = operation;
    probe->engine_operation = strcmp(operation, "roundtrip") == 0 ? "push" : operation;
    probe->push.content.docker_types = probe->format != 0;
    if (!probe->push.content.image) {
        probe->push.content.image = "";
        probe->push.mount_from = "";
        probe->push.content.name_space = DEFAULT_NAMESPACE;
    }
    if (!probe->snapshotter) {
        probe->snapshotter = DEFAULT_SNAPSHOTTER;
        probe->unpack = true;
        probe->max_concurrent_downloads = DEFAULT_DOWNLOADS;
        probe->expected = (struct probe_expected){"", "", "", 0, 0};
    }
}

/* What is left over must not grow for ever. */
static bool check_timestamp(const struct probe *probe, const char **key, struct error *err)
{
    bool in_tag = probe->tag && placeholder_in(probe->tag, "timestamp");

    *key = in_tag ? "tag" : "image";
    if (!in_tag && (probe->delete_remote || !placeholder_in(probe->image, "timestamp")))
        return true;
    if (strcmp(probe->engine_operation, "push") != 0)
        return error_set(err, ERROR_INVALID,
                         "{timestamp} is for a push or roundtrip: they remove what they made");
    return error_set(err, ERROR_INVALID,
                     "{timestamp} needs delete_remote: true, else every run leaves an image more");
}

bool probe_check(struct probe *probe, const char *operation, struct arena *arena, const char **key,
                 struct error *err)
{
    struct reference new_tag;

    fill_defaults(probe, operation);
    return probe_references(probe, &samples, arena, &probe->reference, &new_tag, key, err) &&
           check_timestamp(probe, key, err) && find_engine(probe, key, err) &&
           find_platform(probe, key, err) && check_downloads(probe, key, err) &&
           probe_check_abilities(probe, key, err) && credentials_check(&probe->auth, key, err) &&
           credentials_check(&probe->registry_auth, key, err) && check_expected(probe, key, err) &&
           check_labels(probe, key, err);
}
