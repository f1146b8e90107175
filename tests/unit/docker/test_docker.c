/* SPDX-License-Identifier: Apache-2.0 */
/* The client of the Docker Engine API against a scripted engine on a unix socket. */
#include "docker/docker_images.h"
#include "docker/docker_marks.h"
#include "docker/docker_transfer.h"

#include "base/clock.h"
#include "support/fake_http.h"
#include "support/silent_socket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define DIGEST      "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define VERSION(api)                                                               \
    {                                                                              \
        "GET /version ", .status = "200 OK",                                       \
                         .body = "{\"Version\":\"20.10.24\",\"ApiVersion\":\"" api \
                                 "\",\"MinAPIVersion\":\"1.12\"}"                  \
    }

static char path[64];

struct engine {
    struct fake_http fake;
    struct docker *docker;
    struct docker_client *client;
    struct cancel cancel;
    struct arena arena;
    struct error err;
};

static void begin(struct engine *engine, const struct fake_rule *rules)
{
    *engine = (struct engine){.arena = ARENA_INIT((size_t)1 << 20)};
    strcpy(path, "/tmp/test_docker.XXXXXX");
    close(mkstemp(path));
    unlink(path);
    fake_start_unix(&engine->fake, rules, path);
    cancel_init(&engine->cancel, clock_now_ns() + 60 * NS_PER_SECOND);
    engine->docker = docker_new(path, &engine->err);
    assert_non_null(engine->docker);
    engine->client = docker_connect(engine->docker, &engine->cancel, &engine->err);
}

static void end(struct engine *engine)
{
    docker_client_freep(&engine->client);
    docker_free(engine->docker);
    cancel_deinit(&engine->cancel);
    arena_deinit(&engine->arena);
    fake_stop(&engine->fake);
    unlink(path);
}

static void begin_connected(struct engine *engine, const struct fake_rule *rules)
{
    begin(engine, rules);
    if (!engine->client)
        fail_msg("%s", engine->err.message);
}

static void accepts_only_paths_of_sockets(void **state)
{
    char longest[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1];
    struct docker *docker;
    struct error err;

    (void)state;
    assert_null(docker_new("docker.sock", &err));
    assert_int_equal(err.code, ERROR_INVALID);
    assert_null(docker_new("", &err));
    assert_null(docker_new("tcp:///run/docker.sock", &err));
    docker = docker_new("unix:/run/docker.sock", &err);
    assert_string_equal(docker_address(docker), "/run/docker.sock");
    docker_free(docker);
    docker = docker_new("unix:///run/docker.sock", &err);
    assert_string_equal(docker_address(docker), "/run/docker.sock");
    assert_non_null(docker_locks(docker));
    docker_free(docker);
    memset(longest, '/', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    assert_null(docker_new(longest, &err));
    longest[sizeof(longest) - 2] = '\0';
    docker = docker_new(longest, &err);
    assert_string_equal(docker_address(docker), longest);
    docker_free(docker);
}

static void negotiates_the_api_version(void **state)
{
    static const struct {
        const char *body;
        unsigned minor;
        enum error_code want;
    } rows[] = {
        {"{\"Version\":\"9\",\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1.12\"}", 41},
        {"{\"Version\":\"9\",\"ApiVersion\":\"1.24\",\"MinAPIVersion\":\"1.24\"}", 24},
        {"{\"Version\":\"9\",\"ApiVersion\":\"1.47\"}", 47},
        {"{\"Version\":\"9\",\"ApiVersion\":\"1.48\",\"MinAPIVersion\":\"1.47\"}", 47},
        {"{\"Version\":\"9\",\"ApiVersion\":\"1.999\",\"MinAPIVersion\":\"1.24\"}", 47},
        {"{\"Version\":\"9\",\"ApiVersion\":\"1.1000\",\"MinAPIVersion\":\"1.24\"}", 0,
         ERROR_PROTOCOL},
        {"{\"Version\":\"9\",\"ApiVersion\":\"1.23\"}", 0, ERROR_UNSUPPORTED},
        {"{\"Version\":\"9\",\"ApiVersion\":\"1.49\",\"MinAPIVersion\":\"1.48\"}", 0,
         ERROR_UNSUPPORTED},
        {"{\"Version\":\"9\",\"ApiVersion\":\"2.41\"}", 0, ERROR_PROTOCOL},
        {"{\"Version\":\"9\",\"ApiVersion\":\"1.x\"}", 0, ERROR_PROTOCOL},
        {"{\"Version\":\"9\"}", 0, ERROR_PROTOCOL},
        {"{\"ApiVersion\":\"1.41\"}", 0, ERROR_PROTOCOL},
        {"<html>", 0, ERROR_PROTOCOL},
        {"", 0, ERROR_PROTOCOL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct fake_rule rules[] = {
            {"GET /version ", .status = "200 OK", .body = rows[i].body}, {0}};
        struct engine engine;

        begin(&engine, rules);
        assert_int_equal(engine.client != NULL, rows[i].minor > 0);
        if (engine.client) {
            assert_int_equal(docker_api_minor(engine.client), rows[i].minor);
            assert_string_equal(docker_version(engine.client), "9");
        } else {
            assert_int_equal(engine.err.code, rows[i].want);
        }
        end(&engine);
    }
}

static void explains_why_it_cannot_connect(void **state)
{
    static const struct fake_rule closes[] = {{"GET /", .end = FAKE_CLOSE}, {0}};
    CLEANUP(cancel_deinit) struct cancel cancel;
    struct engine engine;
    struct docker *docker;
    struct error err;

    (void)state;
    cancel_init(&cancel, clock_now_ns() + 60 * NS_PER_SECOND);
    docker = docker_new("/nonexistent/docker.sock", &err);
    assert_null(docker_connect(docker, &cancel, &err));
    assert_int_equal(err.code, ERROR_RUNTIME_UNAVAILABLE);
    assert_string_equal(err.message, "/nonexistent/docker.sock: no such socket");
    docker_free(docker);
    begin(&engine, closes);
    assert_null(engine.client);
    assert_int_equal(engine.err.code, ERROR_RUNTIME_UNAVAILABLE);
    assert_non_null(strstr(engine.err.message, "Docker closed the connection"));
    end(&engine);
}

static void names_a_daemon_that_hangs(void **state)
{
    CLEANUP(silent_socket_close) struct silent_socket silent;
    CLEANUP(cancel_deinit) struct cancel cancel;
    struct docker *docker;
    struct error err;

    (void)state;
    silent_socket_open(&silent);
    cancel_init(&cancel, clock_now_ns() + 100 * NS_PER_MS);
    docker = docker_new(silent.path, &err);
    assert_null(docker_connect(docker, &cancel, &err));
    assert_int_equal(err.code, ERROR_TIMEOUT);
    assert_memory_equal(err.message, silent.path, strlen(silent.path));
    docker_free(docker);
}

static void failures_have_status_and_message_of_the_daemon(void **state)
{
    static const struct {
        const char *status, *body;
        int want_status;
        enum error_code want;
        const char *message;
    } rows[] = {
        {"404 Not Found", "{\"message\":\"no such\\nimage\"}", 404, ERROR_NOT_FOUND,
         "Docker: HTTP 404: no such image"},
        {"500 Oops", "{\"message\":\"no space left on device\"}", 500, ERROR_NO_SPACE,
         "Docker: HTTP 500: no space left on device"},
        {"500 Oops", "not JSON", 500, ERROR_RUNTIME, "Docker: HTTP 500"},
        {"300 Choose", "", 300, ERROR_RUNTIME, "Docker: HTTP 300"},
        {"403 No", "{\"message\":5}", 403, ERROR_FORBIDDEN, "Docker: HTTP 403"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct fake_rule rules[] = {
            VERSION("1.41"),
            {"POST /v1.41/x ", .status = rows[i].status, .body = rows[i].body},
            {0}};
        CLEANUP(http_response_deinit) struct http_response response = HTTP_RESPONSE_INIT(100);
        struct engine engine;

        begin_connected(&engine, rules);
        assert_false(
            docker_call(engine.client, "POST", "/x", NULL, &response, &engine.cancel, &engine.err));
        assert_int_equal(engine.err.code, rows[i].want);
        assert_int_equal(engine.err.status, rows[i].want_status);
        assert_int_equal(engine.err.status_kind, STATUS_HTTP);
        assert_string_equal(engine.err.message, rows[i].message);
        end(&engine);
    }
}

static void sends_json_and_limits_the_response(void **state)
{
    static const struct fake_rule rules[] = {
        VERSION("1.41"),
        {"POST /v1.41/x ", .with = "Content-Type: application/json\r\n", .status = "299 Fine",
         .body = "0123456789"},
        {0},
    };
    CLEANUP(http_response_deinit) struct http_response fits = HTTP_RESPONSE_INIT(10);
    CLEANUP(http_response_deinit) struct http_response small = HTTP_RESPONSE_INIT(9);
    CLEANUP(buf_deinit) struct buf body = BUF_INIT(100);
    struct engine engine;

    (void)state;
    buf_append_str(&body, "{\"a\":1}");
    begin_connected(&engine, rules);
    assert_true(
        docker_call(engine.client, "POST", "/x", &body, &fits, &engine.cancel, &engine.err));
    assert_string_equal(fits.body.data, "0123456789");
    assert_true(fake_saw(&engine.fake, "Content-Length: 7\r\n\r\n{\"a\":1}\n--"));
    assert_true(fake_saw(&engine.fake, "User-Agent: containerd_exporter\r\n"));
    assert_false(
        docker_call(engine.client, "POST", "/x", &body, &small, &engine.cancel, &engine.err));
    assert_int_equal(engine.err.code, ERROR_LIMIT);
    end(&engine);
}

static void lists_images(void **state)
{
    static const struct fake_rule rules[] = {
        VERSION("1.41"),
        {"GET /v1.41/images/json?all=1 ", .status = "200 OK",
         .body =
             "[{\"Id\":\"sha256:1\",\"RepoTags\":[\"a:1\",null,\"b:2\"],\"RepoDigests\":[\"a@d\"],"
             "\"Size\":7,\"Labels\":{\"" MANIFEST_OURS "\":\"p\"}},"
             "{\"Id\":\"sha256:2\",\"RepoTags\":null,\"Size\":-1,\"Labels\":null}]"},
        {"GET /v1.41/images/json ", .uses = 1, .status = "200 OK", .body = "[]"},
        {"GET /v1.41/images/json ", .uses = 1, .status = "200 OK", .body = "{}"},
        {"GET /v1.41/images/json ", .uses = 1, .status = "200 OK", .body = "[{\"Size\":1}]"},
        {"GET /v1.41/images/json ", .uses = 1, .status = "200 OK", .body = "[1"},
        {0},
    };
    struct docker_images images;
    struct engine engine;

    (void)state;
    begin_connected(&engine, rules);
    assert_true(docker_images_list(engine.client, true, &engine.arena, &images, &engine.cancel,
                                   &engine.err));
    assert_int_equal(images.count, 2);
    assert_string_equal(images.items[0].id, "sha256:1");
    assert_int_equal(images.items[0].bytes, 7);
    assert_true(images.items[0].is_generated);
    assert_int_equal(images.items[0].tags.count, 2);
    assert_string_equal(images.items[0].tags.items[1], "b:2");
    assert_int_equal(images.items[0].digests.count, 1);
    assert_string_equal(images.items[0].digests.items[0], "a@d");
    assert_int_equal(images.items[1].bytes, 0);
    assert_int_equal(images.items[1].tags.count, 0);
    assert_false(images.items[1].is_generated);
    assert_true(docker_images_list(engine.client, false, &engine.arena, &images, &engine.cancel,
                                   &engine.err));
    assert_int_equal(images.count, 0);
    for (int i = 0; i < 3; i++) {
        assert_false(docker_images_list(engine.client, false, &engine.arena, &images,
                                        &engine.cancel, &engine.err));
        assert_int_equal(engine.err.code, ERROR_PROTOCOL);
    }
    end(&engine);
}

static void finds_an_image_by_name(void **state)
{
    static const struct fake_rule rules[] = {
        VERSION("1.41"),
        {"GET /v1.41/images/r/a:1/json ", .status = "200 OK",
         .body = "{\"Id\":\"sha256:1\",\"Size\":9,\"Config\":{\"Labels\":{\"" MANIFEST_OURS
                 "\":\"p\"}},\"Labels\":{}}"},
        {"GET /v1.41/images/broken/json ", .status = "500 Oops"},
        {0},
    };
    struct docker_image image;
    struct engine engine;
    bool found;

    (void)state;
    begin_connected(&engine, rules);
    assert_true(docker_image_find(engine.client, "r/a:1", &engine.arena, &image, &found,
                                  &engine.cancel, &engine.err));
    assert_true(found && image.is_generated);
    assert_int_equal(image.bytes, 9);
    assert_true(docker_image_find(engine.client, "none", &engine.arena, &image, &found,
                                  &engine.cancel, &engine.err));
    assert_false(found);
    assert_int_equal(engine.err.code, ERROR_NONE);
    assert_false(docker_image_find(engine.client, "broken", &engine.arena, &image, &found,
                                   &engine.cancel, &engine.err));
    end(&engine);
}

static void lists_layers_that_take_space_lowest_first(void **state)
{
    static const struct fake_rule rules[] = {
        VERSION("1.41"),
        {"GET /v1.41/images/a/history ", .status = "200 OK",
         .body = "[{\"Size\":3},{\"Size\":0},{\"Size\":2},{},{\"Size\":-4},{\"Size\":1}]"},
        {0},
    };
    struct engine engine;
    uint64_t bytes[5];
    size_t count;

    (void)state;
    begin_connected(&engine, rules);
    assert_true(
        docker_image_layers(engine.client, "a", bytes, 5, &count, &engine.cancel, &engine.err));
    assert_int_equal(count, 3);
    assert_int_equal(bytes[0], 1);
    assert_int_equal(bytes[1], 2);
    assert_int_equal(bytes[2], 3);
    assert_true(
        docker_image_layers(engine.client, "a", bytes, 2, &count, &engine.cancel, &engine.err));
    assert_int_equal(count, 2);
    assert_false(
        docker_image_layers(engine.client, "b", bytes, 2, &count, &engine.cancel, &engine.err));
    assert_int_equal(engine.err.code, ERROR_NOT_FOUND);
    end(&engine);
}

static void tags_and_removes_images(void **state)
{
    static const struct fake_rule rules[] = {
        VERSION("1.41"),
        {"POST /v1.41/images/sha256:1/tag?repo=r%3A5%2Fa%2Fb&tag=v1 ", .status = "201 Created"},
        {"DELETE /v1.41/images/a:1?noprune=false ", .status = "200 OK"},
        {"DELETE /v1.41/images/busy?noprune=false ", .status = "409 Conflict"},
        {0},
    };
    const struct reference reference = {.host = "r:5", .repository = "a/b", .tag = "v1"};
    struct engine engine;

    (void)state;
    begin_connected(&engine, rules);
    assert_true(
        docker_image_tag(engine.client, "sha256:1", &reference, &engine.cancel, &engine.err));
    assert_true(docker_image_remove(engine.client, "a:1", &engine.cancel, &engine.err));
    assert_true(docker_image_remove(engine.client, "gone", &engine.cancel, &engine.err));
    assert_int_equal(engine.err.code, ERROR_NONE);
    assert_false(docker_image_remove(engine.client, "busy", &engine.cancel, &engine.err));
    assert_int_equal(engine.err.status, 409);
    end(&engine);
}

static void names_an_image_by_digest_before_tag(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1000);
    struct reference reference = {.host = "docker.io", .repository = "library/a", .tag = "1"};

    (void)state;
    assert_string_equal(docker_image_name(&reference, &arena), "docker.io/library/a:1");
    reference.digest = "sha256:0";
    assert_string_equal(docker_image_name(&reference, &arena), "docker.io/library/a@sha256:0");
}

static void keeps_marks_in_volumes(void **state)
{
    static const struct fake_rule rules[] = {
        VERSION("1.41"),
        {"POST /v1.41/volumes/create ",
         .with = "{\"Name\":\"v\\\"1\",\"Labels\":{\"containerd-exporter/image\":\"r/a:1\","
                 "\"containerd-exporter/spared\":\"x,y\",\"containerd-exporter/expires\":\"77\"}}",
         .status = "201 Created"},
        {"GET /v1.41/volumes?filters=%7B%22label%22%3A%5B%22containerd-exporter%2Fimage%22%5D%7D ",
         .uses = 1, .status = "200 OK",
         .body =
             "{\"Volumes\":[{\"Name\":\"v1\",\"Labels\":{\"containerd-exporter/image\":\"r/a:1\","
             "\"containerd-exporter/spared\":\"x\",\"containerd-exporter/expires\":\"77\"}},"
             "{\"Name\":\"v2\",\"Labels\":{\"containerd-exporter/expires\":\"-1\"}},"
             "{\"Labels\":{\"containerd-exporter/expires\":\"9223372036854775807\"}}]}"},
        {"GET /v1.41/volumes?", .uses = 1, .status = "200 OK", .body = "{\"Volumes\":null}"},
        {"GET /v1.41/volumes?", .uses = 1, .status = "200 OK", .body = "{"},
        {"DELETE /v1.41/volumes/v1 ", .status = "204 Gone"},
        {"DELETE /v1.41/volumes/busy ", .status = "409 Conflict"},
        {0},
    };
    const struct docker_mark mark = {"v\"1", "r/a:1", "x,y", 77};
    struct docker_marks marks;
    struct engine engine;

    (void)state;
    begin_connected(&engine, rules);
    if (!docker_mark_set(engine.client, &mark, &engine.cancel, &engine.err))
        fail_msg("%s", engine.err.message);
    assert_true(
        docker_marks_list(engine.client, &engine.arena, &marks, &engine.cancel, &engine.err));
    assert_int_equal(marks.count, 3);
    assert_string_equal(marks.items[0].volume, "v1");
    assert_string_equal(marks.items[0].image, "r/a:1");
    assert_string_equal(marks.items[0].spared, "x");
    assert_int_equal(marks.items[0].expires, 77);
    assert_string_equal(marks.items[1].image, "");
    assert_true(marks.items[1].expires == INT64_MAX);
    assert_string_equal(marks.items[2].volume, "");
    assert_true(marks.items[2].expires == INT64_MAX);
    assert_true(
        docker_marks_list(engine.client, &engine.arena, &marks, &engine.cancel, &engine.err));
    assert_int_equal(marks.count, 0);
    assert_false(
        docker_marks_list(engine.client, &engine.arena, &marks, &engine.cancel, &engine.err));
    assert_true(docker_mark_clear(engine.client, "v1", &engine.cancel, &engine.err));
    engine.err = (struct error){0};
    assert_true(docker_mark_clear(engine.client, "gone", &engine.cancel, &engine.err));
    assert_int_equal(engine.err.code, ERROR_NONE);
    assert_false(docker_mark_clear(engine.client, "busy", &engine.cancel, &engine.err));
    end(&engine);
}

static const struct reference reference = {
    .host = "r:5", .endpoint = "r:5", .repository = "a/b", .tag = "v1"};

static bool pull(struct engine *engine, const char *platform, const struct credentials *credentials,
                 struct docker_stream *stream)
{
    const struct docker_pull how = {&reference, platform, credentials};

    docker_stream_deinit(stream);
    docker_stream_init(stream);
    return docker_pull(engine->client, &how, stream, &engine->cancel, &engine->err);
}

static void pulls_with_platform_and_credentials(void **state)
{
    /* base64url of {"username":"u","password":"p?","serveraddress":"r:5"} */
    static const struct fake_rule rules[] = {
        VERSION("1.32"),
        {"POST /v1.32/images/create?fromImage=r%3A5%2Fa%2Fb&tag=v1&platform=linux%2Farm64 ",
         .with = "X-Registry-Auth: eyJ1c2VybmFtZSI6InUiLCJwYXNzd29yZCI6InA_Iiwic2VydmVyYWRkcmVzcyI6"
                 "InI6NSJ9\r\n",
         .status = "200 OK", .body = "{\"status\":\"Digest: " DIGEST "\"}\n"},
        {"POST /v1.32/images/create?fromImage=r%3A5%2Fa%2Fb&tag=v1 ", .uses = 1, .status = "200 OK",
         .body = "{\"error\":\"denied\"}"},
        {"POST /v1.32/images/create?fromImage=r%3A5%2Fa%2Fb&tag=v1 ", .status = "200 OK",
         .body = "{\"status\":"},
        {0},
    };
    const struct credentials secrets = {.username = {(char *)(uintptr_t) "u"},
                                        .password = {(char *)(uintptr_t) "p?"}};
    const struct credentials anonymous = {0};
    static struct docker_stream stream;
    struct engine engine;

    (void)state;
    begin_connected(&engine, rules);
    if (!pull(&engine, "linux/arm64", &secrets, &stream))
        fail_msg("%s", engine.err.message);
    assert_string_equal(stream.digest, DIGEST);
    assert_false(pull(&engine, NULL, &anonymous, &stream));
    assert_int_equal(engine.err.code, ERROR_FORBIDDEN);
    assert_false(pull(&engine, NULL, &anonymous, &stream));
    assert_int_equal(engine.err.code, ERROR_PROTOCOL);
    docker_stream_deinit(&stream);
    end(&engine);
}

static void an_old_engine_pulls_for_no_platform(void **state)
{
    static const struct fake_rule rules[] = {VERSION("1.31"), {0}};
    const struct credentials anonymous = {0};
    static struct docker_stream stream;
    struct engine engine;

    (void)state;
    begin_connected(&engine, rules);
    assert_false(pull(&engine, "linux/arm64", &anonymous, &stream));
    assert_int_equal(engine.err.code, ERROR_UNSUPPORTED);
    assert_int_equal(fake_requests(&engine.fake), 1);
    docker_stream_deinit(&stream);
    end(&engine);
}

/* From API 1.46 on the engine can push one manifest of an index. */
static void pushes_a_platform_if_the_engine_can(void **state)
{
    static const struct fake_rule old[] = {
        VERSION("1.45"),
        /* {"serveraddress":"r:5"}: the header is required without credentials, too */
        {"POST /v1.45/images/r:5/a/b/push?tag=v1 ",
         .with = "X-Registry-Auth: eyJzZXJ2ZXJhZGRyZXNzIjoicjo1In0=\r\n", .status = "200 OK"},
        {0},
    };
    static const struct fake_rule recent[] = {
        VERSION("1.46"),
        {"POST /v1.46/images/r:5/a/b/push?tag=v1&platform=%7B%22os%22%3A%22linux%22%2C%22"
         "architecture%22%3A%22arm%22%2C%22variant%22%3A%22v7%22%7D ",
         .status = "200 OK"},
        {0},
    };
    const struct platform platform = {.os = "linux", .architecture = "arm", .variant = "v7"};
    const struct credentials anonymous = {0};
    const struct docker_push push = {&reference, &platform, &anonymous};
    static struct docker_stream stream;

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct engine engine;

        begin_connected(&engine, i == 0 ? old : recent);
        docker_stream_init(&stream);
        if (!docker_push(engine.client, &push, &stream, &engine.cancel, &engine.err))
            fail_msg("%s", engine.err.message);
        docker_stream_deinit(&stream);
        end(&engine);
    }
}

static void names_docker_hub_like_docker(void **state)
{
    /* {"registrytoken":"t","serveraddress":"https://index.docker.io/v1/"} */
    static const struct fake_rule rules[] = {
        VERSION("1.41"),
        {"POST /v1.41/images/docker.io/library/a/push?tag=v1 ",
         .with = "X-Registry-Auth: eyJyZWdpc3RyeXRva2VuIjoidCIsInNlcnZlcmFkZHJlc3MiOiJodHRwczovL2lu"
                 "ZGV4LmRvY2tlci5pby92MS8ifQ==\r\n",
         .status = "200 OK"},
        {0},
    };
    const struct reference hub = {.host = "docker.io", .repository = "library/a", .tag = "v1"};
    const struct credentials token = {.registry_token = {(char *)(uintptr_t) "t"}};
    const struct docker_push push = {&hub, NULL, &token};
    static struct docker_stream stream;
    struct engine engine;

    (void)state;
    begin_connected(&engine, rules);
    docker_stream_init(&stream);
    if (!docker_push(engine.client, &push, &stream, &engine.cancel, &engine.err))
        fail_msg("%s", engine.err.message);
    docker_stream_deinit(&stream);
    end(&engine);
}

static void loads_an_archive(void **state)
{
    static const struct fake_rule rules[] = {
        VERSION("1.41"),
        {"POST /v1.41/images/load?quiet=1 ", .with = "Content-Type: application/x-tar\r\n",
         .status = "200 OK"},
        {0},
    };
    CLEANUP(buf_deinit) struct buf archive = BUF_INIT(100);
    struct http_text text = {&archive, 0};
    static struct docker_stream stream;
    struct engine engine;

    (void)state;
    buf_append_str(&archive, "archive");
    begin_connected(&engine, rules);
    docker_stream_init(&stream);
    assert_true(docker_load(engine.client, http_text_read, &text, archive.size, &stream,
                            &engine.cancel, &engine.err));
    assert_true(fake_saw(&engine.fake, "\r\n\r\narchive\n--"));
    docker_stream_deinit(&stream);
    end(&engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_only_paths_of_sockets),
        cmocka_unit_test(negotiates_the_api_version),
        cmocka_unit_test(explains_why_it_cannot_connect),
        cmocka_unit_test(names_a_daemon_that_hangs),
        cmocka_unit_test(failures_have_status_and_message_of_the_daemon),
        cmocka_unit_test(sends_json_and_limits_the_response),
        cmocka_unit_test(lists_images),
        cmocka_unit_test(finds_an_image_by_name),
        cmocka_unit_test(lists_layers_that_take_space_lowest_first),
        cmocka_unit_test(tags_and_removes_images),
        cmocka_unit_test(names_an_image_by_digest_before_tag),
        cmocka_unit_test(keeps_marks_in_volumes),
        cmocka_unit_test(pulls_with_platform_and_credentials),
        cmocka_unit_test(an_old_engine_pulls_for_no_platform),
        cmocka_unit_test(pushes_a_platform_if_the_engine_can),
        cmocka_unit_test(names_docker_hub_like_docker),
        cmocka_unit_test(loads_an_archive),
    };
    int failed;

    http_library_init();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    http_library_deinit();
    return failed;
}
