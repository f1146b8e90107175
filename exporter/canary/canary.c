/* SPDX-License-Identifier: Apache-2.0 */
#include "canary/canary.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "client/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <string.h>
#include <unistd.h>

#define PASSWORD_LIMIT_BYTES ((size_t)64 << 10)
#define LEFTOVER_SECONDS     3600 /* after the timeout, anybody may remove what is left */
#define LABELS_MAX           16

static const double duration_bounds[] = {0.1, 0.25, 0.5, 1,   2.5, 5,   10,
                                         20,  30,   60,  120, 300, 600, 1800};
static const double phase_bounds[] = {0.005, 0.025, 0.1, 0.5, 1, 5, 15, 60, 300, 1800};

const char *const canary_cold_choices[] = {"required", "preferred", "no", NULL};

const struct setting canary_registry_settings[] = {
    SETTING(SETTING_BOOL, struct canary, plain_http, "plain_http", "false",
            "Whether the registry speaks HTTP instead of HTTPS."),
    SETTING(SETTING_BOOL, struct canary, skip_verify, "skip_verify", "false",
            "Whether any certificate is accepted."),
    SETTING(SETTING_STRING, struct canary, ca_file, "ca_file", "",
            "PEM file of the authorities that are trusted instead of the system's."),
    SETTING(SETTING_STRING, struct canary, username, "auth.username", "", "User name."),
    SETTING(SETTING_STRING, struct canary, password, "auth.password", "", "Password."),
    SETTING(SETTING_STRING, struct canary, password_file, "auth.password_file", "",
            "File with the password; read for every run."),
    {0},
};

const char *canary_resource(const void *state, struct arena *arena)
{
    const struct canary *canary = state;
    struct reference reference;
    struct error ignored; /* check() reports it */

    return reference_parse(&reference, canary->image, arena, &ignored) ? reference.host : NULL;
}

static bool check_auth(const struct canary *canary, const char **key, struct error *err)
{
    bool any_password = *canary->password || *canary->password_file;

    *key = "auth.password_file";
    if (*canary->password && *canary->password_file)
        return error_set(err, ERROR_INVALID, "both password and password_file are given");
    *key = "auth.username";
    if (*canary->username && !any_password)
        return error_set(err, ERROR_INVALID, "a username without password or password_file");
    if (!*canary->username && any_password)
        return error_set(err, ERROR_INVALID, "a password without username");
    return true;
}

static bool check_expected(const struct canary *canary, const char **key, struct error *err)
{
    const struct {
        const char *key, *digest;
    } digests[] = {{"expected.digest", canary->expected_digest},
                   {"expected.manifest_digest", canary->expected_manifest_digest}};

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
    canary->engine = probe_engine_find(canary->operation, canary->engine_name);
    if (canary->engine)
        return true;
    for (size_t i = 0; probe_engines[i]; i++)
        if (strcmp(probe_engines[i]->operation, canary->operation) == 0)
            buf_printf(&names, "%s%s", names.size ? ", " : "", probe_engines[i]->name);
    return error_set(err, ERROR_INVALID, "engine \"%s\" cannot %s; there is: %s",
                     canary->engine_name, canary->operation, names.data ? names.data : "none");
}

static bool find_platform(struct canary *canary, const char **key, struct error *err)
{
    *key = "platform";
    if (!*canary->platform)
        platform_matcher_host(&canary->matcher);
    else if (!platform_matcher_parse(&canary->matcher, canary->platform, err))
        return false;
    platform_matcher_name(&canary->matcher, canary->platform_text, sizeof(canary->platform_text));
    return true;
}

bool canary_check(struct canary *canary, const char *operation, struct arena *arena,
                  const char **key, struct error *err)
{
    canary->operation = operation;
    if (!canary->snapshotter)
        canary->snapshotter = "overlayfs";
    *key = "image";
    return reference_parse(&canary->reference, canary->image, arena, err) &&
           find_engine(canary, key, err) && find_platform(canary, key, err) &&
           check_auth(canary, key, err) && check_expected(canary, key, err) &&
           check_labels(canary, key, err);
}

bool canary_open(void *state, const struct job_context *context, struct error *err)
{
    struct canary *canary = state;
    struct canary_counters *c = &canary->counters;

    (void)err;
    canary->name = context->name;
    canary->containerd = context->shared->containerd;
    c->duration = (struct histogram)HISTOGRAM_INIT(duration_bounds);
    for (size_t i = 0; i < PHASES; i++)
        c->phases[i] = (struct histogram)HISTOGRAM_INIT(phase_bounds);
    for (size_t i = 0; i < CHECKS; i++)
        c->expectations[i] = -1;
    probe_result_init(&c->last);
    return true;
}

void canary_begin(const void *state, struct snapshot *out)
{
    canary_report(state, out);
}

/* The password of the settings or of the file they name, without the file's last line end. */
static bool read_password(const struct canary *canary, struct buf *password, struct error *err)
{
    char piece[1024];
    ssize_t n;
    int fd;

    buf_append_str(password, canary->password);
    if (!*canary->password_file)
        return buf_ok(password, err);
    fd = open(canary->password_file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        error_errno(err, errno, "password_file %s", canary->password_file);
        err->code = ERROR_INVALID; /* not the registry's "not found" */
        return false;
    }
    while ((n = read(fd, piece, sizeof(piece))) > 0)
        buf_append(password, piece, (size_t)n);
    close(fd);
    explicit_bzero(piece, sizeof(piece));
    while (password->size > 0 && strchr("\r\n", password->data[password->size - 1]))
        password->data[--password->size] = '\0';
    if (n < 0 || password->size == 0)
        return error_set(err, ERROR_INVALID, "password_file %s is %s", canary->password_file,
                         n < 0 ? "unreadable" : "empty");
    return buf_ok(password, err);
}

static bool run_engine(struct canary *canary, struct probe_result *result, struct cancel *cancel,
                       struct error *err)
{
    CLEANUP(buf_deinit) struct buf password = BUF_INIT(PASSWORD_LIMIT_BYTES);
    int64_t left_ns = cancel->deadline_ns - clock_now_ns();
    struct probe_request request = {
        .name = canary->name,
        .containerd = canary->containerd,
        .reference = canary->reference,
        .registry = {.plain_http = canary->plain_http,
                     .skip_verify = canary->skip_verify,
                     .ca_file = canary->ca_file,
                     .username = canary->username,
                     .push = strcmp(canary->operation, "push") == 0},
        .platform = canary->matcher,
        .snapshotter = canary->snapshotter,
        .layers = canary->layers,
        .layer_bytes = canary->layer_bytes,
        .lifetime_seconds = left_ns / NS_PER_SECOND + LEFTOVER_SECONDS,
    };
    bool ok;

    if (!read_password(canary, &password, err))
        return false;
    request.registry.password = password.data ? password.data : "";
    ok = canary->engine->run(&request, result, cancel, err);
    if (password.data)
        explicit_bzero(password.data, password.size);
    return ok;
}

static bool compare_digest(struct canary *canary, enum canary_check check, const char *expected,
                           const char *got, struct error *err)
{
    if (!expected || !*expected)
        return true;
    canary->counters.expectations[check] = strcmp(expected, got) == 0;
    return canary->counters.expectations[check] == 1 ||
           error_set(err, ERROR_DIGEST_MISMATCH, "%s is %s, expected %s",
                     check == CHECK_DIGEST ? "digest" : "manifest_digest", got, expected);
}

static bool compare_size(struct canary *canary, uint64_t size, struct error *err)
{
    uint64_t expected = canary->expected_size;
    uint64_t difference = size > expected ? size - expected : expected - size;

    if (expected == 0)
        return true;
    canary->counters.expectations[CHECK_SIZE] = difference <= canary->size_tolerance;
    return difference <= canary->size_tolerance ||
           error_set(err, ERROR_SIZE_MISMATCH,
                     "size is %" PRIu64 ", expected %" PRIu64 " give or take %" PRIu64, size,
                     expected, canary->size_tolerance);
}

/* Looks at everything that was expected, so that each check has a result; the first that is
 * wrong gives the reason. */
static bool compare(struct canary *canary, const struct probe_result *result, struct error *err)
{
    struct error further;
    bool ok = true;

    ok &= compare_digest(canary, CHECK_DIGEST, canary->expected_digest, result->digest, err);
    ok &= compare_digest(canary, CHECK_MANIFEST_DIGEST, canary->expected_manifest_digest,
                         result->manifest_digest, ok ? err : &further);
    ok &= compare_size(canary, result->declared_bytes, ok ? err : &further);
    if (ok && canary->cold == COLD_REQUIRED && result->cached_bytes > 0)
        return error_set(err, ERROR_NOT_COLD, "%" PRIu64 " bytes did not cross the network",
                         result->cached_bytes);
    return ok;
}

static void count(struct canary *canary, const struct probe_result *result, enum error_code outcome)
{
    struct canary_counters *c = &canary->counters;

    c->attempts++;
    c->fetched_bytes += (double)result->traffic.fetched_bytes;
    c->uploaded_bytes += (double)result->traffic.uploaded_bytes;
    c->cached_bytes += (double)result->cached_bytes;
    c->cleanup_failures += result->cleanup_failed;
    c->success = outcome == ERROR_NONE;
    c->last = *result;
    c->last_seconds = result->seconds;
    c->last_attempt = clock_unix_seconds();
    histogram_observe(&c->duration, result->seconds);
    for (size_t phase = 0; phase < PHASES; phase++)
        if (result->phase_seconds[phase] >= 0)
            histogram_observe(&c->phases[phase], result->phase_seconds[phase]);
    if (outcome != ERROR_NONE) {
        c->failures++;
        c->reasons[outcome]++;
        return;
    }
    c->last_good = *result;
    c->last_success = c->last_attempt;
    c->slow += canary->slow_ns > 0 && result->seconds > ns_to_seconds(canary->slow_ns);
}

bool canary_run(void *state, struct run *run, struct error *err)
{
    struct canary *canary = state;
    struct probe_result result;
    bool ok;

    probe_result_init(&result);
    ok = run_engine(canary, &result, run->cancel, err) && compare(canary, &result, err);
    count(canary, &result, ok ? ERROR_NONE : err->code);
    if (result.cleanup_failed)
        run->warning = result.cleanup_error;
    canary_report(canary, run->out);
    malloc_trim(0); /* what an image took goes back to the system until the next run */
    return ok || error_wrap(err, "%s %s", canary->operation, canary->reference.name);
}
