/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of every kind against a server in this process, and every way in which they end. */
#include "base/clock.h"
#include "net/rpc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/grpc_server.h"

#define LIMIT_BYTES  ((size_t)1 << 20)
#define PATIENCE_NS  (60 * NS_PER_SECOND)
#define CALLERS      4
#define CALLS        50
#define SEND_AT_MOST 10000

struct world {
    struct grpc_fake fake;
    struct rpc_channel *channel;
    struct buf request, reply;
    struct cancel cancel;
    struct error err;
};

static void world_init(struct world *world)
{
    *world = (struct world){.request = BUF_INIT(LIMIT_BYTES), .reply = BUF_INIT(LIMIT_BYTES)};
    grpc_fake_start(&world->fake);
    world->channel = rpc_channel_new(&(struct rpc_channel_options){world->fake.target, LIMIT_BYTES},
                                     &world->err);
    assert_non_null(world->channel);
    cancel_init(&world->cancel, clock_now_ns() + PATIENCE_NS);
}

static void world_deinit(struct world *world)
{
    cancel_deinit(&world->cancel);
    rpc_channel_free(world->channel);
    grpc_fake_stop(&world->fake);
    buf_deinit(&world->request);
    buf_deinit(&world->reply);
}

/* Gives the work other limits than a minute. */
static void set_deadline(struct world *world, int64_t deadline_ns)
{
    cancel_deinit(&world->cancel);
    cancel_init(&world->cancel, deadline_ns);
}

static bool call(struct world *world, const char *method)
{
    const struct rpc_request request = {.method = method, .message = &world->request};

    world->err = (struct error){0};
    return rpc_call(world->channel, &request, &world->reply, &world->cancel, &world->err);
}

/* Without a message the test itself will send. */
static struct rpc_stream *open_stream(struct world *world, const char *method, bool sends)
{
    const struct rpc_request request = {.method = method,
                                        .message = sends ? NULL : &world->request};
    struct rpc_stream *stream;

    world->err = (struct error){0};
    stream = rpc_stream_open(world->channel, &request, &world->cancel, &world->err);
    assert_non_null(stream);
    return stream;
}

static void calls_and_gets_a_reply(void **state)
{
    static const char *const texts[] = {"hello", "", "a\nb"};
    CLEANUP(world_deinit) struct world world;

    (void)state;
    world_init(&world);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        buf_clear(&world.request);
        buf_append_str(&world.request, texts[i]);
        buf_append_str(&world.reply, "what was there before");
        assert_true(call(&world, "/test.Test/Chat"));
        assert_int_equal(world.reply.size, strlen(texts[i]));
        assert_string_equal(world.reply.data, texts[i]);
    }
}

static void sends_headers(void **state)
{
    static const struct rpc_header headers[] = {
        {"x-namespace", "k8s.io"}, {"x-lease", "a b"}, {"x-empty", ""}, {0}};
    CLEANUP(world_deinit) struct world world;
    const struct rpc_request request = {
        .method = "/test.Test/Headers", .headers = headers, .message = &world.request};

    (void)state;
    world_init(&world);
    assert_true(rpc_call(world.channel, &request, &world.reply, &world.cancel, &world.err));
    assert_string_equal(world.reply.data, "x-namespace=k8s.io;x-lease=a b;x-empty=;");
}

/* Whatever a header is made from, it is no reason to abort. */
static void fails_with_headers_that_cannot_be_sent(void **state)
{
    static const struct rpc_header headers[] = {{"x-namespace", "a\nb"}, {0}};
    CLEANUP(world_deinit) struct world world;
    struct rpc_request request = {
        .method = "/test.Test/Headers", .headers = headers, .message = &world.request};
    struct rpc_stream *stream;

    (void)state;
    world_init(&world);
    assert_false(rpc_call(world.channel, &request, &world.reply, &world.cancel, &world.err));
    assert_int_equal(world.err.code, ERROR_INVALID);
    stream = rpc_stream_open(world.channel, &request, &world.cancel, &world.err);
    assert_non_null(stream);
    assert_false(rpc_stream_next(stream, &world.reply));
    assert_false(rpc_stream_close(stream, &world.err));
    assert_int_equal(world.err.code, ERROR_INVALID);
}

static void tells_the_status_and_its_reason(void **state)
{
    static const struct {
        int status;
        enum error_code want;
        const char *name;
    } rows[] = {
        {1, ERROR_CANCELED, "Canceled"},          {2, ERROR_RUNTIME, "Unknown"},
        {3, ERROR_INVALID, "InvalidArgument"},    {4, ERROR_TIMEOUT, "DeadlineExceeded"},
        {5, ERROR_NOT_FOUND, "NotFound"},         {6, ERROR_RUNTIME, "AlreadyExists"},
        {7, ERROR_FORBIDDEN, "PermissionDenied"}, {8, ERROR_LIMIT, "ResourceExhausted"},
        {9, ERROR_RUNTIME, "FailedPrecondition"}, {10, ERROR_RUNTIME, "Aborted"},
        {11, ERROR_RUNTIME, "OutOfRange"},        {12, ERROR_UNSUPPORTED, "Unimplemented"},
        {13, ERROR_RUNTIME, "Internal"},          {14, ERROR_RUNTIME_UNAVAILABLE, "Unavailable"},
        {15, ERROR_RUNTIME, "DataLoss"},          {16, ERROR_UNAUTHORIZED, "Unauthenticated"},
    };
    CLEANUP(world_deinit) struct world world;

    (void)state;
    world_init(&world);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        buf_clear(&world.request);
        buf_append_char(&world.request, (char)rows[i].status);
        assert_false(call(&world, "/test.Test/Status"));
        assert_int_equal(world.err.code, rows[i].want);
        assert_int_equal(world.err.status, rows[i].status);
        assert_string_equal(world.err.message, "as told");
        assert_string_equal(rpc_status_name(rows[i].status), rows[i].name);
    }
    assert_false(call(&world, "/test.Test/Missing"));
    assert_int_equal(world.err.code, ERROR_UNSUPPORTED);
    assert_string_equal(world.err.message, "unknown method");
    assert_string_equal(rpc_status_name(RPC_OK), "OK");
    assert_string_equal(rpc_status_name(-1), "Unknown");
    assert_string_equal(rpc_status_name(17), "Unknown");
}

static void keeps_both_ends_of_long_words(void **state)
{
    CLEANUP(world_deinit) struct world world;
    size_t size;

    (void)state;
    world_init(&world);
    assert_false(call(&world, "/test.Test/Wordy"));
    size = strlen(world.err.message);
    assert_int_equal(size, sizeof(world.err.message) - 1);
    assert_memory_equal(world.err.message, "first", 5);
    assert_non_null(strstr(world.err.message, ". ... ."));
    assert_string_equal(world.err.message + size - 4, "last");
}

static void misses_a_reply(void **state)
{
    CLEANUP(world_deinit) struct world world;

    (void)state;
    world_init(&world);
    assert_false(call(&world, "/test.Test/Silent"));
    assert_int_not_equal(world.err.code, ERROR_NONE);
    assert_int_equal(world.err.code, ERROR_PROTOCOL);
}

static void reads_a_stream_to_its_end(void **state)
{
    CLEANUP(world_deinit) struct world world;
    struct rpc_stream *stream;
    size_t messages = 0, bytes = 0;

    (void)state;
    world_init(&world);
    stream = open_stream(&world, "/test.Test/Count", false);
    while (rpc_stream_next(stream, &world.reply)) {
        messages++;
        bytes += world.reply.size;
    }
    assert_true(rpc_stream_close(stream, &world.err));
    assert_int_equal(messages, COUNT_MESSAGES);
    assert_int_equal(bytes, COUNT_MESSAGES * COUNT_BYTES);
}

static void leaves_a_stream_early(void **state)
{
    CLEANUP(world_deinit) struct world world;
    struct rpc_stream *stream;

    (void)state;
    world_init(&world);
    stream = open_stream(&world, "/test.Test/Count", false);
    assert_true(rpc_stream_next(stream, &world.reply));
    assert_false(rpc_stream_close(stream, &world.err));
    assert_int_equal(world.err.code, ERROR_CANCELED);
    stream = open_stream(&world, "/test.Test/Count", false); /* before the first message */
    assert_false(rpc_stream_close(stream, &world.err));
    assert_true(call(&world, "/test.Test/Chat")); /* the channel goes on */
}

static void talks_both_ways(void **state)
{
    CLEANUP(world_deinit) struct world world;
    CLEANUP(buf_deinit) struct buf want = BUF_INIT(LIMIT_BYTES);
    struct rpc_stream *stream;

    (void)state;
    world_init(&world);
    stream = open_stream(&world, "/test.Test/Chat", true);
    for (size_t size = 1; size <= (size_t)1 << 19; size *= 8) {
        char *payload = malloc(size);

        assert_non_null(payload);
        memset(payload, (int)('a' + size % 7), size);
        buf_clear(&world.request);
        buf_append_str(&world.request, "head:");
        buf_clear(&want);
        buf_append_str(&want, "head:");
        buf_append(&want, payload, size);
        assert_true(rpc_stream_send(stream, &world.request, payload, size));
        assert_true(rpc_stream_next(stream, &world.reply));
        assert_int_equal(world.reply.size, want.size);
        assert_memory_equal(world.reply.data, want.data, want.size);
    }
    assert_true(rpc_stream_send(stream, &world.request, NULL, 0));
    assert_true(rpc_stream_next(stream, &world.reply));
    assert_string_equal(world.reply.data, "head:");
    assert_true(rpc_stream_send_end(stream));
    assert_false(rpc_stream_next(stream, &world.reply));
    assert_true(rpc_stream_close(stream, &world.err));
}

/* The server has ended the call while we were still sending: its words count, not that we left.
 * Neither does it matter how many of its answers were read. */
static void tells_why_it_could_not_send(void **state)
{
    (void)state;
    for (int answers = 0; answers <= 2; answers++) {
        CLEANUP(world_deinit) struct world world;
        struct rpc_stream *stream;
        int sent = 1;

        world_init(&world);
        buf_append_str(&world.request, "head");
        stream = open_stream(&world, "/test.Test/Refuse", true);
        assert_true(rpc_stream_send(stream, &world.request, NULL, 0));
        for (int i = 0; i < answers; i++)
            assert_true(rpc_stream_next(stream, &world.reply));
        while (sent < SEND_AT_MOST &&
               rpc_stream_send(stream, &world.request, calloc(1, COUNT_BYTES), COUNT_BYTES))
            sent++;
        assert_in_range(sent, 1, SEND_AT_MOST - 1);
        assert_false(rpc_stream_next(stream, &world.reply));
        assert_false(rpc_stream_close(stream, &world.err));
        assert_int_equal(world.err.status, RPC_ALREADY_EXISTS);
        assert_string_equal(world.err.message, "have it");
    }
}

static void keeps_to_the_limits_of_a_message(void **state)
{
    CLEANUP(world_deinit) struct world world;
    CLEANUP(buf_deinit) struct buf small = BUF_INIT(1000);
    struct rpc_stream *stream;

    (void)state;
    world_init(&world);
    stream = open_stream(&world, "/test.Test/Count", false);
    assert_false(rpc_stream_next(stream, &small));
    assert_false(rpc_stream_close(stream, &world.err));
    assert_int_equal(world.err.code, ERROR_LIMIT);
    world.request.limit_bytes = 2 * LIMIT_BYTES;
    while (world.request.size <= LIMIT_BYTES)
        buf_append_str(&world.request, "0123456789abcdef");
    world.reply.limit_bytes = 2 * LIMIT_BYTES;
    assert_false(call(&world, "/test.Test/Chat")); /* more than the channel takes */
    assert_int_equal(world.err.code, ERROR_LIMIT);
}

static void ends_at_the_deadline(void **state)
{
    CLEANUP(world_deinit) struct world world;
    struct rpc_stream *stream;

    (void)state;
    world_init(&world);
    set_deadline(&world, clock_now_ns() + 50 * NS_PER_MS);
    assert_false(call(&world, "/test.Test/Hang"));
    assert_int_equal(world.err.code, ERROR_TIMEOUT);
    assert_false(call(&world, "/test.Test/Chat")); /* it is past already */
    assert_int_equal(world.err.code, ERROR_TIMEOUT);
    set_deadline(&world, clock_now_ns() + 50 * NS_PER_MS);
    stream = open_stream(&world, "/test.Test/Hang", false);
    assert_false(rpc_stream_next(stream, &world.reply));
    assert_false(rpc_stream_close(stream, &world.err));
    assert_int_equal(world.err.code, ERROR_TIMEOUT);
}

static void *cancel_once_it_hangs(void *arg)
{
    struct world *world = arg;

    grpc_fake_await(&world->fake, &world->fake.hanging, 1);
    cancel_now(&world->cancel);
    return NULL;
}

static void can_be_canceled_from_elsewhere(void **state)
{
    (void)state;
    for (int streams = 0; streams < 2; streams++) {
        CLEANUP(world_deinit) struct world world;
        pthread_t canceler;

        world_init(&world);
        assert_int_equal(pthread_create(&canceler, NULL, cancel_once_it_hangs, &world), 0);
        if (streams) {
            struct rpc_stream *stream = open_stream(&world, "/test.Test/Hang", false);

            assert_false(rpc_stream_next(stream, &world.reply));
            assert_false(rpc_stream_close(stream, &world.err));
        } else {
            assert_false(call(&world, "/test.Test/Hang"));
        }
        assert_int_equal(world.err.code, ERROR_CANCELED);
        pthread_join(canceler, NULL);
        grpc_fake_await(&world.fake, &world.fake.canceled, 1); /* the server has been told */
        assert_false(call(&world, "/test.Test/Chat"));
        assert_int_equal(world.err.code, ERROR_CANCELED);
    }
}

static void says_that_unreachable_is_there(void **state)
{
    CLEANUP(world_deinit) struct world world;
    CLEANUP(rpc_channel_freep) struct rpc_channel *unreachable = NULL;
    const struct rpc_request request = {.method = "/test.Test/Chat", .message = &world.request};
    char target[128];

    (void)state;
    world_init(&world);
    snprintf(target, sizeof(target), "%s-unreachable", world.fake.target);
    unreachable = rpc_channel_new(&(struct rpc_channel_options){target, LIMIT_BYTES}, &world.err);
    assert_non_null(unreachable);
    assert_false(rpc_call(unreachable, &request, &world.reply, &world.cancel, &world.err));
    assert_int_equal(world.err.code, ERROR_RUNTIME_UNAVAILABLE);
    assert_int_equal(world.err.status, RPC_UNAVAILABLE);
    assert_true(world.err.message[0] != '\0');
}

struct seen {
    size_t methods;
    struct rpc_method_stats chat, status, count;
};

static void remember(void *arg, const struct rpc_method_stats *method)
{
    struct seen *seen = arg;

    seen->methods++;
    if (strcmp(method->method, "test.Test/Chat") == 0)
        seen->chat = *method;
    if (strcmp(method->method, "test.Test/Status") == 0)
        seen->status = *method;
    if (strcmp(method->method, "test.Test/Count") == 0)
        seen->count = *method;
}

static uint64_t calls_of(const struct rpc_method_stats *method)
{
    uint64_t sum = 0;

    for (size_t i = 0; i <= RPC_DURATION_BOUNDS; i++)
        sum += method->counts[i];
    return sum;
}

static void counts_calls_and_failures(void **state)
{
    CLEANUP(world_deinit) struct world world;
    struct rpc_stream *stream;
    struct seen seen = {0};

    (void)state;
    world_init(&world);
    for (int i = 0; i < 3; i++)
        assert_true(call(&world, "/test.Test/Chat"));
    buf_append_char(&world.request, RPC_NOT_FOUND);
    for (int i = 0; i < 2; i++)
        assert_false(call(&world, "/test.Test/Status"));
    stream = open_stream(&world, "/test.Test/Count", false);
    assert_true(rpc_stream_next(stream, &world.reply));
    assert_false(rpc_stream_close(stream, &world.err)); /* we left: no failure of the server */
    rpc_stats_each(rpc_channel_stats(world.channel), remember, &seen);
    assert_int_equal(seen.methods, 3);
    assert_int_equal(calls_of(&seen.chat), 3);
    assert_true(seen.chat.sum_seconds > 0);
    assert_int_equal(calls_of(&seen.status), 2);
    assert_int_equal(seen.status.failures[RPC_NOT_FOUND], 2);
    assert_int_equal(calls_of(&seen.count), 1);
    for (int status = 0; status < RPC_STATUSES; status++)
        assert_int_equal(seen.count.failures[status] + seen.chat.failures[status], 0);
}

static void *call_often(void *arg)
{
    struct world *world = arg;
    struct cancel cancel;

    cancel_init(&cancel, clock_now_ns() + PATIENCE_NS);
    for (int i = 0; i < CALLS; i++) {
        CLEANUP(buf_deinit) struct buf request = BUF_INIT(64);
        CLEANUP(buf_deinit) struct buf reply = BUF_INIT(64);
        const struct rpc_request say = {.method = "/test.Test/Chat", .message = &request};
        struct error err;

        buf_printf(&request, "%d", i);
        if (!rpc_call(world->channel, &say, &reply, &cancel, &err) ||
            strcmp(request.data, reply.data) != 0)
            abort();
    }
    cancel_deinit(&cancel);
    return NULL;
}

static void shares_a_channel_between_threads(void **state)
{
    CLEANUP(world_deinit) struct world world;
    pthread_t threads[CALLERS];
    struct seen seen = {0};

    (void)state;
    world_init(&world);
    for (size_t i = 0; i < CALLERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call_often, &world), 0);
    for (size_t i = 0; i < CALLERS; i++)
        pthread_join(threads[i], NULL);
    rpc_stats_each(rpc_channel_stats(world.channel), remember, &seen);
    assert_int_equal(calls_of(&seen.chat), CALLERS * CALLS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_and_gets_a_reply),
        cmocka_unit_test(sends_headers),
        cmocka_unit_test(fails_with_headers_that_cannot_be_sent),
        cmocka_unit_test(tells_the_status_and_its_reason),
        cmocka_unit_test(keeps_both_ends_of_long_words),
        cmocka_unit_test(misses_a_reply),
        cmocka_unit_test(reads_a_stream_to_its_end),
        cmocka_unit_test(leaves_a_stream_early),
        cmocka_unit_test(talks_both_ways),
        cmocka_unit_test(tells_why_it_could_not_send),
        cmocka_unit_test(keeps_to_the_limits_of_a_message),
        cmocka_unit_test(ends_at_the_deadline),
        cmocka_unit_test(can_be_canceled_from_elsewhere),
        cmocka_unit_test(says_that_unreachable_is_there),
        cmocka_unit_test(counts_calls_and_failures),
        cmocka_unit_test(shares_a_channel_between_threads),
    };

    int failed;

    /* Once for all: between the tests the library would wait, now and then for ten seconds,
     * until its own threads have let go. */
    rpc_library_init();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rpc_library_deinit();
    return failed;
}
