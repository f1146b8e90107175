/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A probe as the configuration and the metrics know it, whatever it does.
 *
 * The collectors `pull` and `push` are this and their own settings: a struct canary
 * is the whole state of the job. A run asks the engine, compares what came out
 * with what was expected, and counts. Families are the same table for all
 * operations; P = {probe, operation, engine, registry} is on every one of them.
 */
#ifndef CANARY_CANARY_H
#define CANARY_CANARY_H

#include "engine/collector.h"
#include "probe/probe.h"

enum canary_check {
    CHECK_DIGEST,
    CHECK_MANIFEST_DIGEST,
    CHECK_SIZE,
    CHECKS,
};

struct canary_counters {
    double attempts, failures, slow, cleanup_failures;
    double reasons[ERROR_CODES];
    double fetched_bytes, uploaded_bytes, cached_bytes;
    struct histogram duration, phases[PHASES];
    bool success;
    double last_seconds, last_attempt, last_success; /* timestamps: 0 before the first */
    struct probe_result last, last_good; /* of the last run; of the last that succeeded */
    int expectations[CHECKS];            /* 1, 0; -1: not looked at yet, or not wanted */
};

struct canary {
    /* Settings. */
    const char *image, *engine_name, *platform, *snapshotter;
    int64_t slow_ns;
    unsigned cold; /* enum cold */
    const char *username, *password, *password_file;
    const char *expected_digest, *expected_manifest_digest;
    uint64_t expected_size, size_tolerance;
    uint64_t layers, layer_bytes;
    struct setting_map labels;
    bool plain_http, skip_verify;
    const char *ca_file;

    /* Derived from them by canary_check(). */
    const char *operation;
    const struct probe_engine *engine;
    struct reference reference;
    struct platform_matcher matcher;
    char platform_text[64];

    /* The job. */
    const char *name;
    struct containerd *containerd;
    struct canary_counters counters;
};

enum cold {
    COLD_REQUIRED,
    COLD_PREFERRED,
    COLD_NO,
};

extern const struct metric_family canary_families[];
extern const char *const canary_cold_choices[];
extern const struct setting canary_registry_settings[]; /* an entry of `registries:` */

/* The settings that every operation has; its own follow in the table. */
#define CANARY_SETTINGS                                                                      \
    SETTING(SETTING_STRING, struct canary, image, "image", NULL, "Reference of the image."), \
        SETTING(SETTING_STRING, struct canary, engine_name, "engine", "client",              \
                "Who does the work: client (the exporter, into containerd)."),               \
        SETTING(SETTING_STRING, struct canary, platform, "platform", "",                     \
                "Platform, e.g. linux/arm64; default: this machine's."),                     \
        SETTING(SETTING_DURATION, struct canary, slow_ns, "slow", "",                        \
                "A success that takes longer counts as slow; default: never."),              \
        SETTING(SETTING_STRING, struct canary, username, "auth.username", "", "User name."), \
        SETTING(SETTING_STRING, struct canary, password, "auth.password", "", "Password."),  \
        SETTING(SETTING_STRING, struct canary, password_file, "auth.password_file", "",      \
                "File with the password; read for every run."),                              \
        SETTING_CHOICE(struct canary, cold, "cold", canary_cold_choices, "required",         \
                       "Whether a run that moved no bytes is a failure."),                   \
        SETTING(SETTING_MAP, struct canary, labels, "labels", "",                            \
                "More labels for image_canary_info.")

/* Pieces of struct collector. check() wants to know the operation, so each collector wraps it. */
bool canary_check(struct canary *canary, const char *operation, struct arena *arena,
                  const char **key, struct error *err) MUST_CHECK;
const char *canary_resource(const void *state, struct arena *arena);
bool canary_open(void *state, const struct job_context *context, struct error *err);
void canary_begin(const void *state, struct snapshot *out);
bool canary_run(void *state, struct run *run, struct error *err);

/* What the collectors of all operations have in common: the rest of their struct collector. */
#define CANARY_COLLECTOR                                                                        \
    .families = canary_families, .resource_settings = canary_registry_settings,                 \
    .state_size = sizeof(struct canary), .lane = LANE_PROBE, .interval = "5m", .timeout = "2m", \
    .resource = canary_resource, .open = canary_open, .begin = canary_begin, .run = canary_run

/* The metrics of *canary as they are now. */
void canary_report(const struct canary *canary, struct snapshot *out);

#endif
