/* SPDX-License-Identifier: Apache-2.0 */
#include "docker/docker.h"

#include "base/clock.h"
#include "base/text.h"
#include "encoding/json.h"
#include "net/socket_path.h"

#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#define ORIGIN             "http://localhost" /* never asked of a proxy, and not looked up */
#define API_MINOR_MIN      24U /* older engines have no /v1.N/images/create as here */
#define API_MINOR_MAX      47U /* what we know; newer engines still speak it */
#define VERSION_BYTES      64
#define VERSION_BODY_BYTES ((size_t)64 << 10)
#define ERROR_BODY_BYTES   ((size_t)16 << 10)
#define URL_LIMIT_BYTES    ((size_t)8 << 10)
#define WORDS_BYTES        400
#define NOT_DOCKER         "what answers there is not Docker"

struct docker {
    char address[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
    struct named_locks named_locks;
};

struct docker_client {
    const struct docker *docker;
    struct http *http;
    unsigned api_minor; /* of 1.N; 0: not agreed yet */
    char version[VERSION_BYTES];
};

struct docker *docker_new(const char *address, struct error *err)
{
    const char *path = text_starts_with(address, "unix://") ? address + strlen("unix://") : address;
    CLEANUP(freep) struct docker *docker = calloc(1, sizeof(*docker));

    if (!docker) {
        error_memory(err);
        return NULL;
    }
    if (path[0] != '/' || strlen(path) >= sizeof(docker->address)) {
        error_set(err, ERROR_INVALID, "docker.address \"%s\" is not the path of a socket", address);
        return NULL;
    }
    strcpy(docker->address, path);
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

/* Of our own exchange with Docker; what it says of registries comes in answers. libcurl's words
 * are vague. */
static bool explain(const struct docker *docker, struct error *err)
{
    char words[WORDS_BYTES];

    if (err->code == ERROR_INVALID) /* the URL is our own: it is the answer that is no HTTP */
        return error_set(err, ERROR_PROTOCOL, "%s: " NOT_DOCKER, docker->address);
    if (err->code != ERROR_CONNECT ||
        !socket_path_try(docker->address, "Docker", words, sizeof(words)))
        return false;
    return error_set(err, ERROR_RUNTIME_UNAVAILABLE, "%s: %s", docker->address,
                     *words ? words : "Docker broke the connection off");
}

/* {"message": "..."} */
static bool refused(const struct http_response *response, struct error *err)
{
    const struct buf *body = &response->body;
    struct error unused;
    CLEANUP(json_freep)
    struct json_document *document =
        body->size > 0 ? json_parse(body->data, body->size, &unused) : NULL;
    const char *text = document ? json_text(json_member(json_root(document), "message")) : NULL;
    char words[WORDS_BYTES];

    text = text ? text : "";
    text_clean(words, sizeof(words), text, strlen(text));
    return error_status(err, docker_failure_code(text, response->status), STATUS_HTTP,
                        response->status, "Docker: HTTP %d%s%s", response->status,
                        words[0] ? ": " : "", words);
}

static bool exchange(struct docker_client *client, const struct http_request *request,
                     struct http_response *response, struct cancel *cancel, struct error *err)
{
    if (!http_exchange(client->http, request, response, cancel, err))
        return explain(client->docker, err);
    if (response->status < 200 || response->status > 299)
        return refused(response, err);
    if (!request->sink && response->received_bytes > response->body.size)
        return error_set(err, ERROR_LIMIT, "Docker's answer has more than %zu bytes",
                         response->body.limit_bytes);
    return true;
}

/* "/v1.41" and the path */
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

/* "1.41"; 0 for what is no version of API 1. */
static unsigned minor_of(const char *version)
{
    struct error unused;
    uint64_t minor;

    if (!version || !text_starts_with(version, "1.") || !text_uint(version + 2, &minor, &unused))
        return 0;
    return minor < 1000 ? (unsigned)minor : 0;
}

static bool agree(struct docker_client *client, const struct json *root, struct error *err)
{
    unsigned theirs = minor_of(json_text(json_member(root, "ApiVersion")));
    unsigned least = minor_of(json_text(json_member(root, "MinAPIVersion")));
    const char *version = json_text(json_member(root, "Version"));

    if (theirs == 0 || !version)
        return error_set(err, ERROR_PROTOCOL, "%s: " NOT_DOCKER, client->docker->address);
    text_clean(client->version, sizeof(client->version), version, strlen(version));
    client->api_minor = theirs < API_MINOR_MAX ? theirs : API_MINOR_MAX;
    if (client->api_minor < API_MINOR_MIN || client->api_minor < least)
        return error_set(err, ERROR_UNSUPPORTED,
                         "Docker %s speaks the API 1.%u to 1.%u, we 1.%u to 1.%u", client->version,
                         least, theirs, API_MINOR_MIN, API_MINOR_MAX);
    return true;
}

static bool negotiate(struct docker_client *client, struct cancel *cancel, struct error *err)
{
    CLEANUP(http_response_deinit)
    struct http_response response = HTTP_RESPONSE_INIT(VERSION_BODY_BYTES);
    CLEANUP(json_freep) struct json_document *document = NULL;
    struct error ignored = {0}; /* agree() says what this means */

    if (!docker_call(client, "GET", "/version", NULL, &response, cancel, err))
        return false;
    document =
        json_parse(response.body.data ? response.body.data : "", response.body.size, &ignored);
    return agree(client, document ? json_root(document) : NULL, err);
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

/* What the stream says has failed is no failure of the exchange that it came by. */
struct reading {
    struct docker_stream *stream;
    bool failed;
    struct error failure;
};

static bool read_stream(void *arg, const void *data, size_t size, struct error *err)
{
    struct reading *reading = arg;

    if (docker_stream_feed(reading->stream, data, size, clock_now_ns(), err))
        return true;
    reading->failed = true;
    reading->failure = *err;
    return false;
}

bool docker_stream_call(struct docker_client *client, const struct docker_stream_request *wanted,
                        struct docker_stream *stream, struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf url = BUF_INIT(URL_LIMIT_BYTES);
    CLEANUP(http_response_deinit)
    struct http_response response = HTTP_RESPONSE_INIT(ERROR_BODY_BYTES);
    const char *headers[] = {wanted->header, NULL};
    struct reading reading = {.stream = stream};
    struct http_request request = {.method = "POST",
                                   .headers = headers,
                                   .source = wanted->source,
                                   .source_arg = wanted->source_arg,
                                   .body_bytes = wanted->body_bytes,
                                   .sink = read_stream,
                                   .sink_arg = &reading};
    bool ok;

    append_url(client, wanted->path, &url);
    if (!buf_ok(&url, err))
        return false;
    request.url = url.data;
    ok = exchange(client, &request, &response, cancel, err);
    if (reading.failed)
        *err = reading.failure;
    return ok && docker_stream_end(stream, clock_now_ns(), err);
}
