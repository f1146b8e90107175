/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of settings of a probe, and the checks that need no daemon and no registry. */
#include "probe/probe_settings.h"

#include "base/buf.h"
#include "engines/engines.h"
#include "probe/placeholder.h"
#include "probe/probe_engine_choice.h"
#include "probe/probe_references.h"
#include "probe/probe_report.h"

#include <string.h>

#define LABELS_MAX    16
#define DOWNLOADS_MAX 16

/* Values of placeholders for checks; the real ones are known when the probe runs. */
static const struct placeholders samples = {"node", "probe", 0};

static const char *const cold_choices[] = {"required", "preferred", "no", NULL};
static const char *const family_choices[] = {
    [HTTP_FAMILY_ANY] = "any", [HTTP_FAMILY_IPV4] = "ipv4", [HTTP_FAMILY_IPV6] = "ipv6", NULL};

/* Authentication: of the probe, or of its registry. */
#define AUTH_SETTING_OF(kind, type, member, name, help, sample)              \
    SETTING(type, struct probe, member, name, "", help, .example = (sample), \
            .credentials = (kind), .not_in_defaults = true)
#define AUTH_SETTING(type, ...)   AUTH_SETTING_OF(CREDENTIALS_OWN, type, __VA_ARGS__)
#define SHARED_SETTING(type, ...) AUTH_SETTING_OF(CREDENTIALS_SHARED, type, __VA_ARGS__)
#define PROBE_AUTH_SETTINGS(member)                                                               \
    AUTH_SETTING(SETTING_STRING, member.username, "auth.username", "User name.", "canary"),       \
        AUTH_SETTING(SETTING_STRING, member.username_file, "auth.username_file",                  \
                     "File with the user name; every _file is read again for each run.",          \
                     "/etc/containerd_exporter/secrets/hub/username"),                            \
        AUTH_SETTING(SETTING_SECRET, member.password, "auth.password",                            \
                     "Password; prefer password_file.", "${REGISTRY_PASSWORD}"),                  \
        AUTH_SETTING(SETTING_STRING, member.password_file, "auth.password_file",                  \
                     "File with the password.", "/etc/containerd_exporter/secrets/hub/password"), \
        AUTH_SETTING(                                                                             \
            SETTING_SECRET, member.identity_token, "auth.identity_token",                         \
            "Token that the token server exchanges for others; prefer identity_token_file.",      \
            "${IDENTITY_TOKEN}"),                                                                 \
        AUTH_SETTING(SETTING_STRING, member.identity_token_file, "auth.identity_token_file",      \
                     "File with the identity token.",                                             \
                     "/etc/containerd_exporter/secrets/hub/identity_token"),                      \
        AUTH_SETTING(SETTING_SECRET, member.registry_token, "auth.registry_token",                \
                     "Bearer token, sent unchanged; prefer registry_token_file.",                 \
                     "${REGISTRY_TOKEN}"),                                                        \
        AUTH_SETTING(SETTING_STRING, member.registry_token_file, "auth.registry_token_file",      \
                     "File with the bearer token.",                                               \
                     "/etc/containerd_exporter/secrets/hub/registry_token"),                      \
        SHARED_SETTING(SETTING_STRING, member.docker_config, "docker_config",                     \
                       "Docker's config.json, with its credential helpers.",                      \
                       "/root/.docker/config.json"),                                              \
        SHARED_SETTING(SETTING_STRING, member.provider_config, "credential_provider.config",      \
                       "The kubelet's --image-credential-provider-config.",                       \
                       "/etc/kubernetes/credential-provider.yaml"),                               \
        SHARED_SETTING(SETTING_STRING, member.provider_bin_dir, "credential_provider.bin_dir",    \
                       "The kubelet's --image-credential-provider-bin-dir.",                      \
                       "/usr/libexec/kubernetes/credential-provider")

const char *const probe_pull_engines[] = {"auto",     "client",   "cri", "docker",
                                          "registry", "transfer", NULL};
const char *const probe_push_engines[] = {"auto", "client", "docker", "registry", "transfer", NULL};
const char *const probe_tag_engines[] = {"auto", "registry", NULL};

const struct setting probe_auth_settings[] = {PROBE_AUTH_SETTINGS(auth), {0}};

const struct setting probe_settings[] = {
    SETTING(SETTING_STRING, struct probe, image, "image", NULL, "Reference of the image.",
            .example = "docker.io/library/busybox:1.36", .not_in_defaults = true),
    SETTING(SETTING_STRING, struct probe, platform, "platform", "",
            "Platform, e.g. linux/arm64, or all; default: the platform of this node.",
            .example = "linux/amd64"),
    SETTING(SETTING_DURATION, struct probe, slow_ns, "slow", "",
            "A success that takes longer counts as slow; default: never.", .example = "30s"),
    SETTING_CHOICE(struct probe, family, "address_family", family_choices, "any",
                   "Addresses of the registry: any, ipv4, ipv6."),
    SETTING_CHOICE(struct probe, cold, "cold", cold_choices, "required",
                   "Whether a run that moved no bytes is a failure."),
    SETTING(SETTING_MAP, struct probe, labels, "labels", "",
            "Additional labels of image_canary_info.", .example = "{team: platform}"),
    {0},
};

const struct setting probe_registry_settings[] = {
    SETTING(SETTING_BOOL, struct probe, host.plain_http, "plain_http", "false",
            "Whether the registry speaks HTTP instead of HTTPS."),
    SETTING(SETTING_BOOL, struct probe, host.skip_verify, "skip_verify", "false",
            "Whether any certificate is accepted."),
    SETTING(SETTING_STRING, struct probe, host.ca_file, "ca_file", "",
            "PEM file with the certificate authorities to trust instead of those of the system.",
            .example = "/etc/containerd_exporter/ca.pem"),
    SETTING(SETTING_STRING, struct probe, host.client_cert, "client_cert_file", "",
            "PEM file with the client certificate.",
            .example = "/etc/containerd_exporter/client.pem"),
    SETTING(SETTING_STRING, struct probe, host.client_key, "client_key_file", "",
            "PEM file with the key of the client certificate; default: client_cert_file.",
            .example = "/etc/containerd_exporter/client.key"),
    SETTING_CHOICE(struct probe, family, "address_family", family_choices, "any",
                   "Addresses of the registry: any, ipv4, ipv6."),
    PROBE_AUTH_SETTINGS(registry_auth),
    SETTING(SETTING_UINT, struct probe, budget.pulls_per_hour, "max_pulls_per_hour", "0",
            "Runs of all probes of this registry within an hour; 0: no limit.", .example = "60"),
    SETTING(SETTING_BYTES, struct probe, budget.bytes_per_hour, "max_bytes_per_hour", "0",
            "Bytes that these runs may move within an hour; 0: no limit.", .example = "2GiB"),
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
                         "invalid registry: expected a host as images name it, such as docker.io "
                         "or registry.example:5000");
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
            return error_set(err, ERROR_INVALID,
                             "invalid digest \"%s\": expected sha256: and 64 hex digits",
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
                             "invalid label name \"%s\": expected a-z, 0-9 and single _, and no "
                             "label of image_canary_info or of Prometheus",
                             probe->labels.names[i]);
    return true;
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

static bool check_downloads(const struct probe *probe, const char **key, struct error *err)
{
    *key = "max_concurrent_downloads";
    if (probe->max_concurrent_downloads < 1 || probe->max_concurrent_downloads > DOWNLOADS_MAX)
        return error_set(err, ERROR_INVALID, "must be 1 to %d", DOWNLOADS_MAX);
    return true;
}

/* Sets what the tables of this operation do not fill. */
static void fill_defaults(struct probe *probe, const char *operation)
{
    probe->operation = operation;
    probe->engine_operation = strcmp(operation, "roundtrip") == 0 ? "push" : operation;
    probe->push.content.docker_types = probe->format != 0;
    if (!probe->push.content.image) {
        probe->push.content.image = "";
        probe->push.mount_from = "";
        probe->push.content.name_space = PROBE_DEFAULT_NAMESPACE;
    }
    if (!probe->snapshotter) {
        probe->snapshotter = "";
        probe->unpack = true;
        probe->max_concurrent_downloads = PROBE_DEFAULT_DOWNLOADS;
        probe->expected = (struct probe_expected){"", "", "", 0, 0};
    }
}

/* A {timestamp} must not leave one more image behind on every run. */
static bool check_timestamp(const struct probe *probe, const char **key, struct error *err)
{
    bool in_tag = probe->tag && placeholder_in(probe->tag, "timestamp");

    *key = in_tag ? "tag" : "image";
    if (!in_tag && (probe->delete_remote || !placeholder_in(probe->image, "timestamp")))
        return true;
    if (strcmp(probe->engine_operation, "push") != 0)
        return error_set(err, ERROR_INVALID,
                         "{timestamp} is supported by push and roundtrip only, which can delete "
                         "their image");
    return error_set(
        err, ERROR_INVALID,
        "{timestamp} requires delete_remote: true, or every run leaves an image behind");
}

bool probe_check(struct probe *probe, const char *operation, struct arena *arena, const char **key,
                 struct error *err)
{
    struct reference new_tag;

    fill_defaults(probe, operation);
    return probe_references(probe, &samples, arena, &probe->reference, &new_tag, key, err) &&
           check_timestamp(probe, key, err) && probe_engine_find(probe, key, err) &&
           find_platform(probe, key, err) && check_downloads(probe, key, err) &&
           probe_engine_check_abilities(probe, key, err) &&
           credentials_check(&probe->auth, key, err) &&
           credentials_check(&probe->registry_auth, key, err) && check_expected(probe, key, err) &&
           check_labels(probe, key, err);
}
