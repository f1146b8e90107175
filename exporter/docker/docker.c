/* SPDX-License-Identifier: Apache-2.0 */
#include "docker/docker.h"

#include "base/clock.h"
#include "base/text.h"
#include "net/socket_path.h"

#include <stdio.h>
#include <string.h>

#define ORIGIN             "http://localhost" /* the host of the URL is not resolved */
#define API_MINOR_MIN      24U                /* engines before lack this images/create */
#define API_MINOR_MAX      47U /* the latest tested; newer engines still support it */
#define VERSION_BYTES      64
#define VERSION_BODY_BYTES ((size_t)64 << 10)
#define ERROR_BODY_BYTES   ((size_t)16 << 10)
#define REPLY_LIMIT_BYTES  ((size_t)1 << 20)
#define URL_LIMIT_BYTES    ((size_t)8 << 10)
#define MESSAGE_BYTES      400
#define NOT_DOCKER         "the server on this socket is not Docker"

struct docker {
    char address[SOCKET_PATH_BYTES];
    struct named_locks named_locks;
};

struct docker_client {
    const struct docker *docker;
    struct http *http;
    unsigned api_minor; /* of 1.N; 0: not yet negotiated */
    char version[VERSION_BYTES];
};

struct docker *docker_new(const char *address, struct error *err)
{
    CLEANUP(freep) struct docker *docker = calloc(1, sizeof(*docker));

    if (!docker) {
        error_memory(err);
        return NULL;
    }
    if (!socket_path_parse(address, docker->address, err))
        return NULL;
    named_locks_init(&docker->named_locks);
    return TAKE(docker);
}

void docker_free(struct docker *docker)
{
    named_locks_deinit(&docker->named_locks);
    free(docker);
}

const char *docker_address(const struct docker *docker)
{
    return docker->address;
}

struct named_locks *docker_locks(struct docker *docker)
{
    return &docker->named_locks;
}

/* Replaces libcurl's vague message of a failed exchange by the cause. Failures of registries are in
 * responses and do not come here. */
static bool explain(const struct docker *docker, struct error *err)
{
    char message[MESSAGE_BYTES];
    enum socket_state state;

    if (err->code == ERROR_TIMEOUT)
        return error_wrap(err, "%s: Docker did not finish in time", docker->address);
    if (err->code == ERROR_PROTOCOL) /* the URL is valid, so the response is not HTTP */
        return error_set(err, ERROR_PROTOCOL, "%s: " NOT_DOCKER, docker->address);
    if (err->code != ERROR_CONNECT)
        return false;
    state = socket_path_try(docker->address, "Docker", message, sizeof(message));
    return error_set(
        err, state == SOCKET_DENIED ? ERROR_RUNTIME_FORBIDDEN : ERROR_RUNTIME_UNAVAILABLE, "%s: %s",
        docker->address, state == SOCKET_LISTENS ? "Docker closed the connection" : message);
}

/* Reads {"message": "..."}. */
static bool refused(const struct http_response *response, struct error *err)
{
    const struct buf *body = &response->body;
    struct error unused;
    CLEANUP(json_freep)
    struct json_document *document = json_parse(body->data, body->size, &unused);
    const char *text = document ? json_text(json_member(json_root(document), "message")) : NULL;
    char message[MESSAGE_BYTES];

    text = text ? text : "";
    text_clean(message, sizeof(message), text, strlen(text));
    return error_status(err, docker_failure_code(text, response->status), STATUS_HTTP,
                        response->status, "Docker: HTTP %d%s%s", response->status,
                        message[0] ? ": " : "", message);
}

static bool exchange(struct docker_client *client, const struct http_request *request,
                     struct http_response *response, struct cancel *cancel, struct error *err)
{
    if (!http_exchange(client->http, request, response, cancel, err))
        return explain(client->docker, err);
    if (response->status < 200 || response->status > 299)
        return refused(response, err);
    if (!request->sink && response->received_bytes > response->body.size)
        return error_set(err, ERROR_LIMIT, "response of Docker too large: limit is %zu bytes",
                         response->body.limit_bytes);
    return true;
}

/* Appends the API version and `path`. */
static void append_url(const struct docker_client *client, const char *path, struct buf *url)
{
    buf_append_str(url, ORIGIN);
    if (client->api_minor > 0)
        buf_printf(url, "/v1.%u", client->api_minor);
    buf_append_str(url, path);
}

bool docker_call(struct docker_client *client, const char *method, const char *path,
                 const struct buf *body, struct http_response *response, struct cancel *cancel,
                 struct error *err)
{
    static const char *const json[] = {"Content-Type: application/json", NULL};
    CLEANUP(buf_deinit) struct buf url = BUF_INIT(URL_LIMIT_BYTES);
    struct http_request request = {.method = method};
    struct http_text rest = {body, 0};

    append_url(client, path, &url);
    if (!buf_ok(&url, err))
        return false;
    request.url = url.data;
    if (body) {
        request.headers = json;
        request.source = http_text_read;
        request.source_arg = &rest;
        request.body_bytes = body->size;
    }
    return exchange(client, &request, response, cancel, err);
}

/* Parses "1.41". Returns 0 if it is no version of API 1. */
static unsigned minor_of(const char *version)
{
    struct error unused;
    uint64_t minor;

    if (!version || !text_starts_with(version, "1.") || !text_uint(version + 2, &minor, &unused))
        return 0;
    return minor < 1000 ? (unsigned)minor : 0;
}

static bool choose_version(struct docker_client *client, const struct json *root, struct error *err)
{
    unsigned latest = minor_of(json_text(json_member(root, "ApiVersion")));
    unsigned oldest = minor_of(json_text(json_member(root, "MinAPIVersion")));
    const char *version = json_text(json_member(root, "Version"));

    if (latest == 0 || !version)
        return error_set(err, ERROR_PROTOCOL, "%s: " NOT_DOCKER, client->docker->address);
    text_clean(client->version, sizeof(client->version), version, strlen(version));
    client->api_minor = latest < API_MINOR_MAX ? latest : API_MINOR_MAX;
    if (client->api_minor < API_MINOR_MIN || client->api_minor < oldest)
        return error_set(err, ERROR_UNSUPPORTED,
                         "Docker %s supports API 1.%u to 1.%u: expected 1.%u to 1.%u",
                         client->version, oldest, latest, API_MINOR_MIN, API_MINOR_MAX);
    return true;
}

struct json_document *docker_get(struct docker_client *client, const char *path, size_t limit_bytes,
                                 struct cancel *cancel, struct error *err)
{
    CLEANUP(http_response_deinit) struct http_response response = HTTP_RESPONSE_INIT(limit_bytes);

    if (!docker_call(client, "GET", path, NULL, &response, cancel, err))
        return NULL;
    return json_parse(response.body.data, response.body.size, err);
}

bool docker_delete(struct docker_client *client, const char *path, struct cancel *cancel,
                   struct error *err)
{
    CLEANUP(http_response_deinit)
    struct http_response response = HTTP_RESPONSE_INIT(REPLY_LIMIT_BYTES);

    return docker_call(client, "DELETE", path, NULL, &response, cancel, err) ||
           error_is_expected(err, STATUS_HTTP, 404);
}

static bool negotiate(struct docker_client *client, struct cancel *cancel, struct error *err)
{
    CLEANUP(http_response_deinit)
    struct http_response response = HTTP_RESPONSE_INIT(VERSION_BODY_BYTES);
    CLEANUP(json_freep) struct json_document *document = NULL;
    struct error ignored = {0}; /* choose_version() reports it */

    if (!docker_call(client, "GET", "/version", NULL, &response, cancel, err))
        return false;
    document = json_parse(response.body.data, response.body.size, &ignored);
    return choose_version(client, json_root(document), err);
}

struct docker_client *docker_connect(const struct docker *docker, struct cancel *cancel,
                                     struct error *err)
{
    CLEANUP(docker_client_freep) struct docker_client *client = calloc(1, sizeof(*client));
    const struct http_options options = {.unix_socket = docker->address,
                                         .user_agent = "containerd_exporter"};

    if (!client) {
        error_memory(err);
        return NULL;
    }
    client->docker = docker;
    client->http = http_new(&options, err);
    return client->http && negotiate(client, cancel, err) ? TAKE(client) : NULL;
}

void docker_client_free(struct docker_client *client)
{
    if (client->http)
        http_free(client->http);
    free(client);
}

const char *docker_version(const struct docker_client *client)
{
    return client->version;
}

unsigned docker_api_minor(const struct docker_client *client)
{
    return client->api_minor;
}

/* A failure that the stream reports is no failure of the HTTP exchange. */
struct stream_reader {
    struct docker_stream *stream;
    bool failed;
    struct error failure;
};

static bool read_stream(void *arg, const void *data, size_t size, struct error *err)
{
    struct stream_reader *reader = arg;

    if (docker_stream_feed(reader->stream, data, size, clock_now_ns(), err))
        return true;
    reader->failed = true;
    reader->failure = *err;
    return false;
}

bool docker_stream_call(struct docker_client *client, const struct docker_stream_request *post,
                        struct docker_stream *stream, struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf url = BUF_INIT(URL_LIMIT_BYTES);
    CLEANUP(http_response_deinit)
    struct http_response response = HTTP_RESPONSE_INIT(ERROR_BODY_BYTES);
    const char *headers[] = {post->header, NULL};
    struct stream_reader reader = {.stream = stream};
    struct http_request request = {.method = "POST",
                                   .headers = headers,
                                   .source = post->source,
                                   .source_arg = post->source_arg,
                                   .body_bytes = post->body_bytes,
                                   .sink = read_stream,
                                   .sink_arg = &reader};
    bool ok;

    append_url(client, post->path, &url);
    if (!buf_ok(&url, err))
        return false;
    request.url = url.data;
    ok = exchange(client, &request, &response, cancel, err);
    if (reader.failed)
        *err = reader.failure;
    return ok && docker_stream_end(stream, clock_now_ns(), err);
}
