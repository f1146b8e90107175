/* SPDX-License-Identifier: Apache-2.0 */
/* Transfers of a fake daemon with their streams: progress, credentials, log, failures. */
#include "containerd/transfer/transfer.h"

#include "base/clock.h"
#include "oci/platform.h"
#include "support/containerd_fixture.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define NAME         "registry.test/a:1"

struct heard {
    char progress[256], log[256];
    uint64_t bytes;
    int64_t last_ns;
};

static void hear_progress(void *arg, const struct transfer_event *event)
{
    struct heard *heard = arg;
    size_t used = strlen(heard->progress);

    snprintf(heard->progress + used, sizeof(heard->progress) - used, "%s %s\n", event->what,
             event->name);
    heard->bytes += event->bytes;
    heard->last_ns = event->at_ns;
}

static void hear_log(void *arg, const char *text)
{
    struct heard *heard = arg;
    size_t used = strlen(heard->log);

    snprintf(heard->log + used, sizeof(heard->log) - used, "%s\n", text);
}

static const struct fake_event events[] = {
    {"Pulling from registry.test", "", 0, 0},
    {"downloading", "layer-sha256:1", 7, 9},
    {"complete", "layer-sha256:1", 9, 9},
    {NULL, NULL, 0, 0},
};

static const char *const logs[] = {"GET /v2/ HTTP/1.1", "HTTP/1.1 200 OK", NULL};

struct transfer_fixture {
    struct containerd_fixture *f;
    struct fake_image image;
    struct platform_matcher host;
    struct credentials credentials;
    struct heard heard;
    struct transfer transfer;
    int64_t ended_ns;
};

static void init(struct transfer_fixture *t, struct containerd_fixture *f)
{
    *t = (struct transfer_fixture){
        .f = f, .credentials = {.username.text = (char *)"me", .password.text = (char *)"secret"}};
    platform_matcher_host(&t->host);
    fake_image_init(&t->image, "transfer", 2, FAKE_INDEX);
    f->fake->image = &t->image;
    f->fake->events = events;
    f->fake->logs = logs;
    t->transfer = (struct transfer){
        .reference = NAME,
        .name = NAME,
        .hosts_dir = "/hosts",
        .default_scheme = "http",
        .platform = &t->host.accepted[0],
        .unpack = true,
        .snapshotter = FAKE_SNAPSHOTTER,
        .credentials = &t->credentials,
        .credentials_host = "registry.test",
        .progress = hear_progress,
        .log = hear_log,
        .arg = &t->heard,
    };
}

static void deinit(struct transfer_fixture *t)
{
    fake_image_deinit(&t->image);
}

static bool pull(struct transfer_fixture *t)
{
    return transfer_pull(&t->f->scope, &t->transfer, &t->ended_ns, &t->f->cancel, &t->f->err);
}

static void a_pull_opens_its_streams_first(void **state)
{
    CLEANUP(deinit) struct transfer_fixture t;
    int64_t before_ns = clock_now_ns();

    init(&t, *state);
    assert_true(pull(&t));
    assert_calls(t.f, "Streaming/Stream progress\nStreaming/Stream auth\nStreaming/Stream log\n"
                      "Transfer/Transfer pull " NAME
                      " platforms=1 unpacks=1 snapshotter=overlayfs scheme=http hosts=/hosts\n");
    assert_string_equal(t.heard.progress, "Pulling from registry.test \n"
                                          "downloading layer-sha256:1\ncomplete layer-sha256:1\n");
    assert_int_equal(t.heard.bytes, 16);
    assert_true(t.heard.last_ns >= before_ns && t.heard.last_ns <= clock_now_ns());
    assert_string_equal(t.heard.log, "GET /v2/ HTTP/1.1\nHTTP/1.1 200 OK\n");
    assert_true(t.ended_ns >= before_ns && t.ended_ns <= clock_now_ns());
    assert_non_null(fake_containerd_find(t.f->fake, FAKE_RECORD, SPACE, NAME));
}

static void opens_only_the_wanted_streams(void **state)
{
    CLEANUP(deinit) struct transfer_fixture t;

    init(&t, *state);
    t.transfer.progress = NULL;
    t.transfer.log = NULL;
    t.transfer.unpack = false;
    t.transfer.all_platforms = true;
    assert_true(pull(&t));
    assert_calls(t.f, "Streaming/Stream auth\nTransfer/Transfer pull " NAME
                      " platforms=0 unpacks=0 snapshotter= scheme=http hosts=/hosts\n");
    assert_string_equal(t.heard.progress, "");
}

static void only_the_host_of_the_credentials_gets_them(void **state)
{
    static const struct {
        const char *host, *password, *token, *want;
    } rows[] = {
        {"registry.test", "secret", NULL, "auth 1 me:secret"},
        {"REGISTRY.test", "secret", NULL, "auth 1 me:secret"},
        {"mirror.test", "secret", NULL, "auth 0 :\n"},
        {"registry.test", NULL, "identity", "auth 2 :identity"},
        {"registry.test", NULL, NULL, "auth 0 :\n"},
    };
    CLEANUP(deinit) struct transfer_fixture t;

    init(&t, *state);
    for (size_t i = 0; i < COUNT(rows); i++) {
        call_log_clear(&t.f->log);
        t.f->fake->auth_host = rows[i].host;
        t.credentials.password.text = (char *)rows[i].password;
        t.credentials.identity_token.text = (char *)rows[i].token;
        assert_true(pull(&t));
        assert_true(call_log_has(&t.f->log, rows[i].want));
        assert_int_equal(call_log_count(&t.f->log, "auth "), 1);
    }
}

static void a_stream_that_fails_prevents_the_transfer(void **state)
{
    static const char *const streams[] = {"Streaming/Stream progress", "Streaming/Stream auth",
                                          "Streaming/Stream log"};
    CLEANUP(deinit) struct transfer_fixture t;

    init(&t, *state);
    for (size_t i = 0; i < COUNT(streams); i++) {
        containerd_fixture_fail(t.f, streams[i], RPC_INTERNAL);
        assert_false(pull(&t));
        assert_true(error_has_status(&t.f->err, STATUS_GRPC, RPC_INTERNAL));
        assert_memory_equal(t.f->err.message, "Streaming/Stream: ", 18);
        assert_int_equal(call_log_count(&t.f->log, ""), i + 1);
    }
}

static void the_text_of_the_daemon_decides_the_reason(void **state)
{
    static const struct {
        int status;
        enum error_code want;
    } rows[] = {
        {RPC_UNKNOWN, ERROR_RATE_LIMITED},      {RPC_INTERNAL, ERROR_RATE_LIMITED},
        {RPC_NOT_FOUND, ERROR_RATE_LIMITED},    {RPC_CANCELLED, ERROR_CANCELED},
        {RPC_DEADLINE_EXCEEDED, ERROR_TIMEOUT}, {RPC_UNAVAILABLE, ERROR_RUNTIME_UNAVAILABLE},
        {RPC_UNIMPLEMENTED, ERROR_UNSUPPORTED},
    };
    CLEANUP(deinit) struct transfer_fixture t;

    init(&t, *state);
    t.transfer.progress = NULL; /* their streams would not end without a transfer */
    t.transfer.log = NULL;
    for (size_t i = 0; i < COUNT(rows); i++) {
        containerd_fixture_fail(t.f, "Transfer/Transfer", rows[i].status);
        t.f->log.fail_words = "failed: toomanyrequests";
        assert_false(pull(&t));
        assert_int_equal(t.f->err.code, rows[i].want);
    }
}

static void a_push_needs_an_image(void **state)
{
    CLEANUP(deinit) struct transfer_fixture t;

    init(&t, *state);
    assert_false(transfer_push(&t.f->scope, &t.transfer, &t.ended_ns, &t.f->cancel, &t.f->err));
    assert_int_equal(t.f->err.code, ERROR_NOT_FOUND);
    fake_containerd_add_image(t.f->fake, SPACE, NAME, &t.image);
    call_log_clear(&t.f->log);
    assert_true(transfer_push(&t.f->scope, &t.transfer, &t.ended_ns, &t.f->cancel, &t.f->err));
    assert_true(call_log_has(&t.f->log, "Transfer/Transfer push " NAME " platforms=1 unpacks=0"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_pull_opens_its_streams_first),
        TEST(opens_only_the_wanted_streams),
        TEST(only_the_host_of_the_credentials_gets_them),
        TEST(a_stream_that_fails_prevents_the_transfer),
        TEST(the_text_of_the_daemon_decides_the_reason),
        TEST(a_push_needs_an_image),
    };

    return RUN(tests);
}
