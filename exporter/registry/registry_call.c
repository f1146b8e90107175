/* SPDX-License-Identifier: Apache-2.0 */
/* Sends one request: counts its traffic, falls back to plain HTTP, and answers a 401 once. */
#include "registry/registry_call.h"

#include "base/clock.h"
#include "base/text.h"
#include "oci/digest.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define HEADERS_MAX     ((size_t)80)
#define NUMBER_BYTES    ((size_t)64)
#define ALGORITHM_CHARS "abcdefghijklmnopqrstuvwxyz0123456789+._-"
#define ANSWERS_MAX     5 /* to challenges of the hosts that one call leads to */
#define USER_AGENT      "containerd_exporter"

static struct http *connection_of(struct registry *registry, struct registry_mirror *mirror,
                                  struct error *err)
{
    const struct host *host = mirror->host;

    if (!mirror->http)
        mirror->http = http_new(&(struct http_options){.ca_file = host->ca_file,
                                                       .more_ca_files = host->more_ca_files,
                                                       .client_cert = host->client_cert,
                                                       .client_key = host->client_key,
                                                       .skip_verify = host->skip_verify,
                                                       .family = registry->family,
                                                       .dial_timeout_ns = host->dial_timeout_ns,
                                                       .user_agent = USER_AGENT},
                                err);
    return mirror->http;
}

/* Parses "76;w=21600": the number before the semicolon. Returns a negative number if absent. */
static double leading_number(const struct http_response *response, const char *name)
{
    char text[NUMBER_BYTES];
    char *end;
    double number;

    if (!http_response_header(response, name, 0, text, sizeof(text)) || *text < '0' || *text > '9')
        return -1;
    number = strtod(text, &end);
    return *end == '\0' || *end == ';' || *end == ',' || *end == ' ' ? number : -1;
}

/* Parses Retry-After: seconds or a date. */
static double retry_after(const struct http_response *response)
{
    double seconds = leading_number(response, "retry-after");
    char text[NUMBER_BYTES];
    int64_t date;

    if (seconds >= 0 || !http_response_header(response, "retry-after", 0, text, sizeof(text)))
        return seconds;
    date = http_date(text);
    if (date == 0)
        return -1;
    return date > time(NULL) ? (double)(date - time(NULL)) : 0;
}

/* Records the rate limit and certificate of the registry. Those of a mirror are not recorded. */
static void record_limits(struct registry_traffic *traffic, const struct http_response *response)
{
    double limit = leading_number(response, "ratelimit-limit");
    double remaining = leading_number(response, "ratelimit-remaining");
    double wait = response->status == 429 || response->status == 503 ? retry_after(response) : -1;

    if (limit >= 0)
        traffic->rate_limit = limit;
    if (remaining >= 0)
        traffic->rate_limit_remaining = remaining;
    if (wait > traffic->retry_after)
        traffic->retry_after = wait;
    if (response->certificate_expiry > 0)
        traffic->certificate_expiry = response->certificate_expiry;
}

static void record_times(struct registry *registry, const struct registry_mirror *mirror)
{
    registry->traffic.dns = mirror->times.dns;
    registry->traffic.connect = mirror->times.connect;
    registry->traffic.tls = mirror->times.tls;
    registry->traffic.first_byte = mirror->times.first_byte;
}

void registry_note_served(struct registry *registry, struct registry_mirror *mirror)
{
    registry->served = mirror;
    record_times(registry, mirror);
}

static void record_traffic(struct registry *registry, struct registry_mirror *mirror,
                           const struct http_response *response)
{
    registry->traffic.uploaded_bytes += response->sent_bytes;
    if (mirror->times.connect < 0)
        mirror->times = response->times;
    else if (mirror->times.first_byte < 0)
        mirror->times.first_byte = response->times.first_byte;
    if (!registry->served || registry->served == mirror)
        record_times(registry, mirror);
    if (mirror->own && !response->from_elsewhere)
        record_limits(&registry->traffic, response);
}

static bool fill_headers(const struct registry_call *call, const struct secret *identity,
                         const char *headers[HEADERS_MAX], struct error *err)
{
    const char *const *own = call->mirror->host->headers;
    size_t n = 0;

    if (call->header)
        headers[n++] = call->header;
    if (call->more_header)
        headers[n++] = call->more_header;
    if (identity->text && !call->without_identity)
        headers[n++] = identity->text;
    for (; own && *own && !call->without_identity; own++) {
        if (n + 1 == HEADERS_MAX)
            return error_set(err, ERROR_LIMIT, "too many headers: limit is %zu", HEADERS_MAX);
        headers[n++] = *own;
    }
    headers[n] = NULL;
    return true;
}

/* Whether the host of a URL is the registry itself; no port is added to compare them. */
static bool leads_to(const struct reference *reference, const char *url)
{
    char origin[HTTP_ORIGIN_BYTES];
    const char *host;

    http_origin(url, origin, sizeof(origin));
    host = strstr(origin, "://");
    return host && (strcasecmp(host + 3, reference->host) == 0 ||
                    strcasecmp(host + 3, reference->endpoint) == 0);
}

/* The registry as "ns" for any other host, also for the one that an upload leads to; "" for itself.
 */
static const char *name_space_of(const struct registry *registry, const struct registry_call *call)
{
    if (registry->push && registry->hosts->push_without_ns)
        return "";
    if (!call->url)
        return call->mirror->host->name_space;
    return leads_to(&registry->reference, call->url) ? "" : registry->reference.host;
}

static bool fill_url(const struct registry *registry, const struct registry_call *call,
                     struct buf *url, struct error *err)
{
    const char *name_space = name_space_of(registry, call);

    buf_clear(url);
    buf_printf(url, "%s%s", call->url ? call->url : call->mirror->base,
               call->url ? "" : call->path);
    if (*name_space && buf_ok(url, err)) {
        buf_append_str(url, strchr(url->data, '?') ? "&ns=" : "?ns=");
        http_escape(url, name_space);
    }
    return buf_ok(url, err);
}

#define SHOWN_BYTES ((size_t)120)

/* "/blobs/sha256:0123456789ab": without query, the digest shortened. */
static void shown_path(const char *path, char out[SHOWN_BYTES])
{
    const char *hex = strchr(path, ':');
    size_t size = strcspn(path, "?");

    if (hex && (size_t)(hex - path) + 13 < size)
        size = (size_t)(hex - path) + 13;
    snprintf(out, SHOWN_BYTES, "%.*s", (int)size, path);
}

/* Callers that download blobs log them themselves. */
static bool is_plain_blob(const struct registry_call *call, const struct http_response *response)
{
    return strcmp(call->method, "GET") == 0 && text_starts_with(call->path, "/blobs/") &&
           strchr(call->path, ':') && (response->status == 200 || response->status == 206);
}

static void log_call(const struct registry *registry, const struct registry_call *call,
                     const struct http_response *response, uint64_t bytes, int64_t start_ns,
                     const struct error *failure)
{
    char path[SHOWN_BYTES], size[32] = "", status[16];

    if (!registry->progress || (!failure && is_plain_blob(call, response)))
        return;
    shown_path(call->path, path);
    if (bytes > 0)
        text_format_bytes(bytes, size, sizeof(size));
    snprintf(status, sizeof(status), "%d", response->status);
    progress_note(registry->progress, "%s %s%s: %s%s%s%s%s, %.3f s", call->method,
                  call->mirror->host->authority, path,
                  failure ? error_code_name(failure->code) : status, failure ? ": " : "",
                  failure ? failure->message : "", *size ? ", " : "", size,
                  seconds_between(start_ns, clock_now_ns()));
}

/* Who the exporter is during a call: at the registry, and at the last other host that redirects
 * have led to. */
struct visitor {
    struct registry_auth *own, *guest;
    struct secret own_header, guest_header;
    unsigned own_generation, guest_generation;
    struct registry_auth *answered[ANSWERS_MAX]; /* whose challenges were answered */
    size_t n_answered;
};

static void visitor_deinit(struct visitor *visitor)
{
    secret_deinit(&visitor->own_header);
    secret_deinit(&visitor->guest_header);
}

static bool guest_identity(void *arg, const char *url, const char **header, struct error *err)
{
    struct visitor *visitor = arg;

    visitor->guest = registry_auth_guest(visitor->own, url, err);
    if (!visitor->guest || !registry_auth_header(visitor->guest, &visitor->guest_header,
                                                 &visitor->guest_generation, err))
        return false;
    *header = visitor->guest_header.text;
    return true;
}

static bool send_once(struct registry *registry, const struct registry_call *call,
                      struct visitor *visitor, struct http_response *response,
                      struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf url = BUF_INIT(REGISTRY_URL_BYTES);
    const struct registry_source *source = call->source;
    const char *headers[HEADERS_MAX];
    struct http *http = connection_of(registry, call->mirror, err);
    uint64_t fetched_bytes = registry->traffic.fetched_bytes;
    int64_t start_ns = clock_now_ns();
    bool ok;

    if (!http || !fill_url(registry, call, &url, err) ||
        !fill_headers(call, &visitor->own_header, headers, err) ||
        (source && !source->rewind(source->arg, cancel, err)))
        return false;
    ok = http_exchange(http,
                       &(struct http_request){
                           .method = call->method,
                           .url = url.data,
                           .headers = headers,
                           .source = source ? source->read : NULL,
                           .rewind = source ? source->rewind : NULL,
                           .source_arg = source ? source->arg : NULL,
                           .body_bytes = call->body_bytes,
                           .sink = call->sink,
                           .sink_arg = call->sink_arg,
                           .follow_redirects = true,
                           .url_of_server = call->url != NULL,
                           .identity = call->without_identity ? NULL : guest_identity,
                           .identity_arg = visitor,
                       },
                       response, cancel, err);
    record_traffic(registry, call->mirror, response);
    log_call(registry, call, response,
             registry->traffic.fetched_bytes - fetched_bytes + response->sent_bytes, start_ns,
             ok ? NULL : err);
    return ok;
}

/* Whether to fall back to HTTP: HTTPS failed because the host has no TLS or did not respond. */
static bool falls_back(const struct registry_mirror *mirror, const struct http_response *response,
                       const struct error *err, const struct cancel *cancel)
{
    return !mirror->settled && !mirror->plain && mirror->host->try_https_first &&
           (response->no_tls || err->code == ERROR_TIMEOUT) && clock_now_ns() < cancel->deadline_ns;
}

static bool send_or_fall_back(struct registry *registry, const struct registry_call *call,
                              struct visitor *visitor, struct http_response *response,
                              struct cancel *cancel, struct error *err)
{
    struct registry_mirror *mirror = call->mirror;
    bool ok = send_once(registry, call, visitor, response, cancel, err);

    if (!ok && falls_back(mirror, response, err, cancel)) {
        mirror->plain = true;
        memmove(mirror->base + 4, mirror->base + 5,
                strlen(mirror->base + 5) + 1); /* "https", "http" */
        mirror->auth->plain_http = visitor->own->plain_http = true;
        ok = send_once(registry, call, visitor, response, cancel, err);
    }
    mirror->settled = mirror->settled || ok;
    return ok;
}

static struct registry_auth *auth_of(const struct registry_call *call, struct error *err)
{
    return call->scope ? registry_auth_for(call->mirror->auth, call->scope, err)
                       : call->mirror->auth;
}

/* Whether the exporter has not answered this host yet. */
static bool may_answer(const struct visitor *visitor, const struct registry_auth *auth)
{
    for (size_t i = 0; i < visitor->n_answered; i++)
        if (visitor->answered[i] == auth)
            return false;
    return visitor->n_answered < ANSWERS_MAX;
}

/* Answers a 401 of the registry, or of the host that a redirect led to. *again: there was one, and
 * the call has a new header. */
static bool answer_challenge(struct registry *registry, const struct registry_call *call,
                             struct visitor *visitor, const struct http_response *response,
                             bool *again, struct cancel *cancel, struct error *err)
{
    bool elsewhere = response->from_elsewhere, ok;
    struct registry_auth *auth = elsewhere ? visitor->guest : visitor->own;

    *again = response->status == 401 && !call->without_identity && may_answer(visitor, auth);
    if (!*again)
        return true;
    visitor->answered[visitor->n_answered++] = auth;
    ok = registry_auth_answer(auth, call->mirror->http, response,
                              elsewhere ? visitor->guest_generation : visitor->own_generation,
                              cancel, err);
    registry->traffic.token = registry_auth_token_seconds(call->mirror->auth);
    return ok || (elsewhere && error_wrap(err, "redirect to %s", auth->origin));
}

static bool send_authenticated(struct registry *registry, const struct registry_call *call,
                               struct http_response *response, struct cancel *cancel,
                               struct error *err)
{
    CLEANUP(visitor_deinit) struct visitor visitor = {.own = auth_of(call, err)};
    bool again = true;

    while (visitor.own && again)
        if (!registry_auth_header(visitor.own, &visitor.own_header, &visitor.own_generation, err) ||
            !send_or_fall_back(registry, call, &visitor, response, cancel, err) ||
            !answer_challenge(registry, call, &visitor, response, &again, cancel, err))
            return false;
    return visitor.own;
}

bool registry_call(struct registry *registry, const struct registry_call *call,
                   struct http_response *response, struct cancel *cancel, struct error *err)
{
    if (!send_authenticated(registry, call, response, cancel, err))
        return false;
    /* The success of a GET does not mean that anything was written. */
    if (response->became_get && response->status < 300)
        return error_set(err, ERROR_PROTOCOL, "%s %s%.*s: the redirect asks for a GET instead",
                         call->method, call->mirror->base, (int)strcspn(call->path, "?"),
                         call->path);
    return response->status != 401 || registry_refused(call, response, err);
}

static enum registry_request request_of(const struct registry_call *call)
{
    if (strcmp(call->method, "DELETE") == 0)
        return REGISTRY_READ;
    if (call->url)
        return REGISTRY_UPLOAD;
    return call->source || strcmp(call->method, "POST") == 0 ? REGISTRY_WRITE : REGISTRY_READ;
}

bool registry_refused(const struct registry_call *call, const struct http_response *response,
                      struct error *err)
{
    registry_status_error(request_of(call), response, err);
    if (call->mirror->plain && !response->from_elsewhere)
        registry_status_suspect_tls(err);
    return error_wrap(err, "%s %s%.*s%s", call->method, call->mirror->base,
                      (int)strcspn(call->path, "?"), call->path,
                      response->from_elsewhere ? ", redirected to another host" : "");
}

bool registry_check_object(const char *object, struct error *err)
{
    size_t size =
        strspn(object, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:-");

    if (size == 0 || object[size] || size > REGISTRY_OBJECT_BYTES)
        return error_set(err, ERROR_INVALID, "invalid tag or digest \"%.80s\"", object);
    return true;
}

bool registry_check_digest(const char *promised, const char *actual, struct error *err)
{
    if (!digest_same_algorithm(actual, promised) || strcmp(promised, actual) == 0)
        return true;
    return error_set(err, ERROR_DIGEST_MISMATCH, "the registry sent %s: expected %.80s", actual,
                     promised);
}

bool registry_announced_digest(const struct http_response *response, const char *object,
                               char digest[DIGEST_TEXT_BYTES], struct error *err)
{
    char announced[REGISTRY_OBJECT_BYTES];

    if (!http_response_header(response, "docker-content-digest", 0, announced, sizeof(announced)) ||
        !digest_valid(announced))
        digest[0] = '\0';
    else if (!registry_check_digest(object, announced, err))
        return false;
    else
        memcpy(digest, announced, DIGEST_TEXT_BYTES);
    return true;
}

/* Whether it may be a digest of an algorithm that the exporter does not know. */
static bool is_of_unknown_algorithm(const char *text)
{
    size_t size = strspn(text, ALGORITHM_CHARS);

    return size > 0 && text[size] == ':' && text[size + 1] && !digest_is_known(text);
}

bool registry_digest_header(const struct http_response *response,
                            char digest[REGISTRY_OBJECT_BYTES], struct error *err)
{
    char text[REGISTRY_OBJECT_BYTES];

    if (!http_response_header(response, "docker-content-digest", 0, text, sizeof(text)))
        text[0] = '\0';
    if (!text[0] || digest_valid(text)) {
        memcpy(digest, text, strlen(text) + 1);
        return true;
    }
    if (is_of_unknown_algorithm(text))
        return error_set(err, ERROR_UNSUPPORTED,
                         "Docker-Content-Digest \"%.80s\" has an unknown algorithm: expected "
                         "sha256, sha384 or sha512",
                         text);
    return error_set(
        err, ERROR_PROTOCOL,
        "Docker-Content-Digest \"%.80s\" is no digest: expected sha256 and 64 hex digits", text);
}
