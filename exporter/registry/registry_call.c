/* SPDX-License-Identifier: Apache-2.0 */
/* One question to one host: keeps the books of the traffic, finds out whether it speaks TLS,
 * answers its 401, once per question. */
#include "registry/registry_call.h"

#include "base/clock.h"
#include "base/text.h"
#include "registry/registry_status.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define HEADERS_MAX  ((size_t)80)
#define NUMBER_BYTES ((size_t)64)
#define USER_AGENT   "containerd_exporter"

static struct http *connection(struct registry *registry, struct registry_site *site,
                               struct error *err)
{
    const struct host *host = site->host;

    if (!site->http)
        site->http = http_new(&(struct http_options){.ca_file = host->ca_file,
                                                     .more_ca_files = host->more_ca_files,
                                                     .client_cert = host->client_cert,
                                                     .client_key = host->client_key,
                                                     .skip_verify = host->skip_verify,
                                                     .family = registry->family,
                                                     .dial_timeout_ns = host->dial_timeout_ns,
                                                     .user_agent = USER_AGENT},
                              err);
    return site->http;
}

/* "76;w=21600": the number before the first semicolon. */
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

/* Seconds, or a date. */
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

/* What the registry itself says of its limits and its certificate; a mirror's are not its. */
static void note_words(struct registry_traffic *traffic, const struct http_response *response)
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

static void show_times(struct registry *registry, const struct registry_site *site)
{
    registry->traffic.dns = site->times.dns;
    registry->traffic.connect = site->times.connect;
    registry->traffic.tls = site->times.tls;
    registry->traffic.first_byte = site->times.first_byte;
}

void registry_note_served(struct registry *registry, struct registry_site *site)
{
    registry->served = site;
    show_times(registry, site);
}

static void note(struct registry *registry, struct registry_site *site,
                 const struct http_response *response)
{
    registry->traffic.uploaded_bytes += response->sent_bytes;
    if (site->times.connect < 0)
        site->times = response->times;
    else if (site->times.first_byte < 0)
        site->times.first_byte = response->times.first_byte;
    if (!registry->served || registry->served == site)
        show_times(registry, site);
    if (!*site->host->name_space && !response->from_elsewhere)
        note_words(&registry->traffic, response);
}

static bool fill_headers(const struct registry_call *call, const struct secret *identity,
                         const char *headers[HEADERS_MAX], struct error *err)
{
    const char *const *own = call->site->host->headers;
    size_t n = 0;

    if (call->header)
        headers[n++] = call->header;
    if (call->more_header)
        headers[n++] = call->more_header;
    if (identity->text && !call->without_identity)
        headers[n++] = identity->text;
    for (; own && *own && !call->without_identity; own++) {
        if (n + 1 == HEADERS_MAX)
            return error_set(err, ERROR_LIMIT, "more than %zu headers", HEADERS_MAX);
        headers[n++] = *own;
    }
    headers[n] = NULL;
    return true;
}

static bool fill_url(const struct registry_call *call, struct buf *url, struct error *err)
{
    const struct registry_site *site = call->site;

    buf_clear(url);
    buf_printf(url, "%s%s", call->url ? call->url : site->base, call->url ? "" : call->path);
    if (!call->url && *site->host->name_space) {
        buf_append_str(url, strchr(call->path, '?') ? "&ns=" : "?ns=");
        http_escape(url, site->host->name_space);
    }
    return buf_ok(url, err);
}

#define SHOWN_BYTES ((size_t)120)

/* "/blobs/sha256:0123456789ab": no query, and of a digest its beginning. */
static void shown_path(const char *path, char out[SHOWN_BYTES])
{
    const char *hex = strstr(path, "sha256:");
    size_t size = strcspn(path, "?");

    if (hex && (size_t)(hex - path) + 19 < size)
        size = (size_t)(hex - path) + 19;
    snprintf(out, SHOWN_BYTES, "%.*s", (int)size, path);
}

/* Of a blob that came the line is whose who wanted it: it knows what became of it. */
static bool is_plain_blob(const struct registry_call *call, const struct http_response *response)
{
    return strcmp(call->method, "GET") == 0 && text_starts_with(call->path, "/blobs/sha256:") &&
           (response->status == 200 || response->status == 206);
}

static void tell(const struct registry *registry, const struct registry_call *call,
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
                  call->site->host->authority, path,
                  failure ? error_code_name(failure->code) : status, failure ? ": " : "",
                  failure ? failure->message : "", *size ? ", " : "", size,
                  seconds_between(start_ns, clock_now_ns()));
}

static bool ask_once(struct registry *registry, const struct registry_call *call,
                     const struct secret *identity, struct http_response *response,
                     struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf url = BUF_INIT(REGISTRY_URL_BYTES);
    const struct registry_source *source = call->source;
    const char *headers[HEADERS_MAX];
    struct http *http = connection(registry, call->site, err);
    uint64_t fetched_bytes = registry->traffic.fetched_bytes;
    int64_t start_ns = clock_now_ns();
    bool ok;

    if (!http || !fill_url(call, &url, err) || !fill_headers(call, identity, headers, err) ||
        (source && !source->rewind(source->arg, cancel, err)))
        return false;
    ok = http_exchange(http,
                       &(struct http_request){
                           .method = call->method,
                           .url = url.data,
                           .headers = headers,
                           .source = source ? source->read : NULL,
                           .source_arg = source ? source->arg : NULL,
                           .body_bytes = call->body_bytes,
                           .sink = call->sink,
                           .sink_arg = call->sink_arg,
                           .follow_redirects = call->follow_redirects,
                       },
                       response, cancel, err);
    note(registry, call->site, response);
    tell(registry, call, response,
         registry->traffic.fetched_bytes - fetched_bytes + response->sent_bytes, start_ns,
         ok ? NULL : err);
    return ok;
}

/* Hosts that may speak either: https was tried, and what answered was no TLS, or nothing came. */
static bool speaks_plain(const struct registry_site *site, const struct http_response *response,
                         const struct error *err, const struct cancel *cancel)
{
    return !site->settled && !site->plain && site->host->try_https_first &&
           (response->no_tls || err->code == ERROR_TIMEOUT) && clock_now_ns() < cancel->deadline_ns;
}

static bool ask_either(struct registry *registry, const struct registry_call *call,
                       struct registry_auth *auth, const struct secret *identity,
                       struct http_response *response, struct cancel *cancel, struct error *err)
{
    struct registry_site *site = call->site;
    bool ok = ask_once(registry, call, identity, response, cancel, err);

    if (!ok && speaks_plain(site, response, err, cancel)) {
        site->plain = true;
        memmove(site->base + 4, site->base + 5, strlen(site->base + 5) + 1); /* "https", "http" */
        site->auth->plain_http = auth->plain_http = true;
        ok = ask_once(registry, call, identity, response, cancel, err);
    }
    site->settled = site->settled || ok;
    return ok;
}

/* A 401 of a host that we were redirected to is not the registry's question. */
static bool is_question(const struct registry_call *call, const struct http_response *response)
{
    return response->status == 401 && !call->without_identity && !response->from_elsewhere;
}

static struct registry_auth *auth_of(const struct registry_call *call, struct error *err)
{
    return call->scope ? registry_auth_for(call->site->auth, call->scope, err) : call->site->auth;
}

static bool ask(struct registry *registry, const struct registry_call *call,
                struct http_response *response, struct cancel *cancel, struct error *err)
{
    struct registry_auth *auth = auth_of(call, err);
    CLEANUP(secret_deinit) struct secret identity = {NULL};
    unsigned generation;
    bool ok;

    if (!auth || !registry_auth_header(auth, &identity, &generation, err) ||
        !ask_either(registry, call, auth, &identity, response, cancel, err))
        return false;
    if (!is_question(call, response))
        return true;
    ok = registry_auth_answer(auth, call->site->http, response, generation, cancel, err);
    registry->traffic.token = registry_auth_token_seconds(call->site->auth);
    return ok && registry_auth_header(auth, &identity, &generation, err) &&
           ask_once(registry, call, &identity, response, cancel, err);
}

bool registry_call(struct registry *registry, const struct registry_call *call,
                   struct http_response *response, struct cancel *cancel, struct error *err)
{
    if (!ask(registry, call, response, cancel, err))
        return false;
    return response->status != 401 || registry_refused(call, response, err);
}

bool registry_refused(const struct registry_call *call, const struct http_response *response,
                      struct error *err)
{
    registry_status_error(response, err);
    return error_wrap(err, "%s %s", call->method, call->path);
}

bool registry_check_object(const char *object, struct error *err)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:-";
    size_t size = strspn(object, allowed);

    if (size == 0 || object[size] || size > REGISTRY_OBJECT_BYTES)
        return error_set(err, ERROR_INVALID, "\"%.80s\" is neither a tag nor a digest", object);
    return true;
}
