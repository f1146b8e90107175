/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of one probe: its settings, what is derived from them, and its counters.
 *
 * It is the whole state of a job of the collectors `pull`, `push`, `roundtrip` and `tag`. One
 * thread at a time uses it. The tables of settings (probe_settings.h, collectors) fill its first
 * part.
 */
#pragma once

#include "collector/node.h"
#include "collector/setting.h"
#include "credentials/credential_sources.h"
#include "engines/engine.h"
#include "metrics/histogram.h"
#include "registry/hosts/hosts.h"
#include "registry/registry_limits.h"

enum probe_check {
    CHECK_DIGEST,
    CHECK_MANIFEST_DIGEST,
    CHECK_SIZE,
    CHECK_SERVED_BY,
    CHECKS,
};

/* Facts about the last run that succeeded. */
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
    struct histogram *phases[PHASES]; /* NULL: the phase has not happened yet */
    bool success;
    double last_seconds, last_attempt, last_success; /* timestamps: 0 before the first */
    struct registry_traffic last_traffic;
    struct probe_success last_success_run;
    int expectations[CHECKS]; /* 1: met, 0: not met, -1: not configured or not compared yet */
};

struct probe_expected {
    const char *digest, *manifest_digest, *served_by;
    uint64_t size, size_tolerance;
};

enum cold {
    COLD_REQUIRED,
    COLD_PREFERRED,
    COLD_NO,
};

struct probe {
    /* Settings. */
    const char *image, *engine_name, *platform, *snapshotter;
    int64_t slow_ns;
    unsigned cold;                                   /* enum cold */
    struct credentials_settings auth, registry_auth; /* registry_auth applies where auth is empty */
    struct probe_expected expected;
    bool unpack;
    uint64_t max_concurrent_downloads;
    struct push_request push;
    unsigned format; /* of push.content: 0 is oci, 1 is docker */
    bool delete_remote;
    const char *read_back_name; /* operation roundtrip; else NULL */
    const char *tag;            /* operation tag; else NULL */
    struct setting_map labels;
    struct host_options host; /* how to reach the registry itself */
    unsigned family;          /* enum http_family */
    struct registry_budget budget;

    /* Derived by probe_check(). */
    const char *operation, *engine_operation; /* a roundtrip uses an engine that pushes */
    struct reference reference; /* if `image` has placeholders, only the host is final */
    struct platform_matcher matcher;
    bool all_platforms;
    char platform_text[64];
    const struct engine *engine;    /* NULL with `engine: auto`, until a run has chosen one */
    const struct engine *read_back; /* NULL: the engine that goes with `engine` */

    /* The job. */
    const char *name;
    struct node *node;
    struct registry_account *account;
    char served_by[ENGINE_TEXT_BYTES]; /* of the last run; its record points here and */
    char digest[DIGEST_TEXT_BYTES];    /* here */
    struct probe_counters counters;
};
