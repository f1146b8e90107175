/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A probe as the configuration and the metrics know it, whatever it does.
 *
 * The collectors `pull`, `push`, `roundtrip` and `tag` are this and their own settings: a
 * struct probe is the whole state of the job. A run asks the engine, compares what came
 * out with what was expected, and counts. Families are the same table for all
 * operations; P = {probe, operation, engine, registry} is on every one of them.
 */
#ifndef PROBE_PROBE_H
#define PROBE_PROBE_H

#include "collector/collector.h"
#include "collector/node.h"
#include "credentials/credential_sources.h"
#include "engines/engine.h"
#include "probe/placeholder.h"
#include "registry/registry_limits.h"

enum probe_check {
    CHECK_DIGEST,
    CHECK_MANIFEST_DIGEST,
    CHECK_SIZE,
    CHECK_SERVED_BY,
    CHECKS,
};

/* What stays of the last run that succeeded. */
struct probe_success {
    uint64_t fetched_bytes, uploaded_bytes, declared_bytes, unpacked_bytes;
    char digest[DIGEST_TEXT_BYTES], manifest_digest[DIGEST_TEXT_BYTES];
    char media_type[ENGINE_TEXT_BYTES], host[ENGINE_TEXT_BYTES];
};

struct probe_counters {
    double attempts, retries, failures, slow, cleanup_failures;
    double reasons[ERROR_CODES];
    double fetched_bytes, uploaded_bytes, cached_bytes, resumed;
    struct histogram duration;
    struct histogram *phases[PHASES]; /* NULL: did not happen yet */
    bool success;
    double last_seconds, last_attempt, last_success; /* timestamps: 0 before the first */
    struct registry_traffic last_traffic;
    struct probe_success last_success_run;
    int expectations[CHECKS]; /* 1, 0; -1: not looked at yet, or not wanted */
};

struct probe_expected {
    const char *digest, *manifest_digest, *served_by;
    uint64_t size, size_tolerance;
};

struct probe {
    /* Settings. */
    const char *image, *engine_name, *platform, *snapshotter;
    int64_t slow_ns;
    unsigned cold;                                   /* enum cold */
    struct credentials_settings auth, registry_auth; /* the latter where the former says nothing */
    struct probe_expected expected;
    bool unpack;
    uint64_t max_concurrent_downloads;
    struct push_request push;
    unsigned format; /* of push.content: index into probe_format_choices */
    bool delete_remote;
    const char *read_back_name, *tag; /* of roundtrip, of tag; "" elsewhere */
    struct setting_map labels;
    struct host_options host; /* how the registry itself is reached */
    unsigned family;          /* enum http_family */
    struct registry_budget budget;

    /* Derived from them by probe_check(). */
    const char *operation, *engine_operation; /* a roundtrip's engine is one that pushes */
    struct reference reference; /* where `image` has placeholders, only its host is true */
    struct platform_matcher matcher;
    bool all_platforms;
    char platform_text[64];
    const struct engine *engine;    /* NULL with `engine: auto`, until one is offered */
    const struct engine *read_back; /* NULL: the one that goes with `engine` */

    /* The job. */
    const char *name;
    struct node *node;
    struct registry_account *account;  /* of the registry; NULL: it could not be had */
    char served_by[ENGINE_TEXT_BYTES]; /* of the last run, for its record, like: */
    char digest[DIGEST_TEXT_BYTES];
    struct probe_counters counters;
};

enum cold {
    COLD_REQUIRED,
    COLD_PREFERRED,
    COLD_NO,
};

extern const struct metric_family probe_families[];
extern const char *const probe_cold_choices[], *const probe_address_family_choices[];
extern const char *const probe_format_choices[];
extern const struct setting probe_registry_settings[]; /* an entry of `registries:` */

/* Who we are: of a probe, or of a registry. */
#define PROBE_AUTH_SETTINGS(member)                                                             \
    SETTING(SETTING_STRING, struct probe, member.username, "auth.username", "", "User name."),  \
        SETTING(SETTING_STRING, struct probe, member.username_file, "auth.username_file", "",   \
                "File with the user name; read for every run, like every _file."),              \
        SETTING(SETTING_SECRET, struct probe, member.password, "auth.password", "",             \
                "Password; better in a file."),                                                 \
        SETTING(SETTING_STRING, struct probe, member.password_file, "auth.password_file", "",   \
                "File with the password."),                                                     \
        SETTING(SETTING_SECRET, struct probe, member.identity_token, "auth.identity_token", "", \
                "Token that the token server exchanges for others; better in a file."),         \
        SETTING(SETTING_STRING, struct probe, member.identity_token_file,                       \
                "auth.identity_token_file", "", "File with it."),                               \
        SETTING(SETTING_SECRET, struct probe, member.registry_token, "auth.registry_token", "", \
                "Bearer token, sent as it is; better in a file."),                              \
        SETTING(SETTING_STRING, struct probe, member.registry_token_file,                       \
                "auth.registry_token_file", "", "File with it."),                               \
        SETTING(SETTING_STRING, struct probe, member.docker_config, "docker_config", "",        \
                "Docker's config.json, with its credential helpers."),                          \
        SETTING(SETTING_STRING, struct probe, member.provider_config,                           \
                "credential_provider.config", "",                                               \
                "The kubelet's --image-credential-provider-config."),                           \
        SETTING(SETTING_STRING, struct probe, member.provider_bin_dir,                          \
                "credential_provider.bin_dir", "",                                              \
                "The kubelet's --image-credential-provider-bin-dir.")

/* The settings that every operation has; its own follow in the table. */
#define PROBE_SETTINGS PROBE_SETTINGS_FOR("client")
#define PROBE_SETTINGS_FOR(engine)                                                                 \
    SETTING(SETTING_STRING, struct probe, image, "image", NULL, "Reference of the image."),        \
        SETTING(SETTING_STRING, struct probe, engine_name, "engine", engine,                       \
                "Who does the work: client, cri, transfer, docker, registry; auto: the best that " \
                "this node offers."),                                                              \
        SETTING(SETTING_STRING, struct probe, platform, "platform", "",                            \
                "Platform, e.g. linux/arm64, or all; default: this machine's."),                   \
        SETTING(SETTING_DURATION, struct probe, slow_ns, "slow", "",                               \
                "A success that takes longer counts as slow; default: never."),                    \
        PROBE_AUTH_SETTINGS(auth),                                                                 \
        SETTING_CHOICE(struct probe, family, "address_family", probe_address_family_choices,       \
                       "any", "Addresses of the registry: any, ipv4, ipv6."),                      \
        SETTING_CHOICE(struct probe, cold, "cold", probe_cold_choices, "required",                 \
                       "Whether a run that moved no bytes is a failure."),                         \
        SETTING(SETTING_MAP, struct probe, labels, "labels", "",                                   \
                "More labels for image_canary_info.")

/* Pieces of struct collector. check() wants to know the operation, so each collector wraps it. */
bool probe_check(struct probe *probe, const char *operation, struct arena *arena, const char **key,
                 struct error *err) MUST_CHECK;
bool probe_check_resource(const char *name, struct error *err);
const char *probe_resource(const void *state, struct arena *arena);
bool probe_open(void *state, const struct job_context *context, struct error *err);
void probe_close(void *state);
void probe_begin(const void *state, struct snapshot *out);
int64_t probe_slow_ns(const void *state);
bool probe_run(void *state, struct run *run, struct error *err);

/* What the collectors of all operations have in common: the rest of their struct collector. */
#define PROBE_COLLECTOR                                                                        \
    .families = probe_families, .resource_settings = probe_registry_settings,                  \
    .state_size = sizeof(struct probe), .lane = LANE_PROBE, .interval = "5m", .timeout = "2m", \
    .resource = probe_resource, .check_resource = probe_check_resource, .open = probe_open,    \
    .close = probe_close, .begin = probe_begin, .slow_ns = probe_slow_ns, .run = probe_run

#define ENGINE_AUTO       "auto"
#define DEFAULT_NAMESPACE "k8s.io" /* of content.image */
#define DEFAULT_DOWNLOADS 3        /* layers at a time, as the kubelet's containerd does it */

/* Whether probe->engine can honour the settings; any can if it is not chosen yet. */
bool probe_check_abilities(const struct probe *probe, const char **key,
                           struct error *err) MUST_CHECK;

/* The references of one run: `image`, and for the operation tag the same by its new tag, with their
 * placeholders filled. *key is the setting that is wrong. */
bool probe_references(const struct probe *probe, const struct placeholders *values,
                      struct arena *arena, struct reference *image, struct reference *new_tag,
                      const char **key, struct error *err) MUST_CHECK;

/* The image for people: as it is written where it has placeholders. */
const char *probe_image_text(const struct probe *probe);

/* Who pulls back what was pushed; NULL: nobody. */
const struct engine *probe_read_back(const struct probe *probe);

/* Counters as before the first run. */
void probe_reset(struct probe *probe);

/* "auto" as long as none is chosen. */
const char *probe_engine_name(const struct probe *probe);

#define PROBE_NAME_BYTES 128 /* of a probe, and of the visitor */

/* Everything that an engine is told, for one run. */
struct probe_request {
    struct engine_request engine;
    char name[PROBE_NAME_BYTES]; /* of what the run creates */
    struct arena arena;
    struct host_list hosts;
    struct credentials credentials;
    struct error warning; /* a hosts.toml that is not used; ERROR_NONE: nothing */
};

/* The probe's own, or its registry's. */
const struct credentials_settings *probe_auth(const struct probe *probe);

/* `progress`: of the run, or NULL. */
bool probe_request_init(struct probe_request *request, const struct probe *probe,
                        struct progress *progress, struct cancel *cancel,
                        struct error *err) MUST_CHECK;
void probe_request_deinit(struct probe_request *request);

/* With `engine: auto`: the best engine that is offered now, and never one worse than before. True
 * if there is one. */
bool probe_choose_engine(struct probe *probe, const struct probe_request *request,
                         struct cancel *cancel, struct error *err) MUST_CHECK;

/* The metrics of *probe as they are now. */
void probe_report(const struct probe *probe, struct snapshot *out);

#endif
