/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps the books of the traffic and answers the registry's 401, once per question. */
#include "client/registry_call.h"

#include "client/registry_status.h"

#include <string.h>

static bool ask_once(struct registry *registry, const struct registry_call *call, const char *url,
                     struct http_response *response, struct cancel *cancel, struct error *err)
{
    struct registry_traffic *traffic = &registry->traffic;
    const char *headers[3] = {NULL};
    const struct registry_source *source = call->source;
    size_t n = 0;
    bool ok;

    if (source && !source->rewind(source->arg, cancel, err))
        return false;
    if (call->header)
        headers[n++] = call->header;
    if (registry->auth.header && !call->without_identity)
        headers[n++] = registry->auth.header;
    ok = http_exchange(registry->http,
                       &(struct http_request){
                           .method = call->method,
                           .url = url,
                           .headers = headers,
                           .source = source ? source->read : NULL,
                           .source_arg = source ? source->arg : NULL,
                           .body_bytes = call->body_bytes,
                           .sink = call->sink,
                           .sink_arg = call->sink_arg,
                           .follow_redirects = call->follow_redirects,
                       },
                       response, cancel, err);
    traffic->uploaded_bytes += response->sent_bytes;
    if (traffic->connect < 0) {
        traffic->dns = response->times.dns;
        traffic->connect = response->times.connect;
        traffic->tls = response->times.tls;
    }
    if (traffic->first_byte < 0)
        traffic->first_byte = response->times.first_byte;
    return ok;
}

/* A 401 of a host that we were redirected to is not the registry's question. */
static bool is_question(const struct registry_call *call, const struct http_response *response)
{
    return response->status == 401 && !call->without_identity && !response->from_elsewhere;
}

static bool ask(struct registry *registry, const struct registry_call *call, const char *url,
                struct http_response *response, struct cancel *cancel, struct error *err)
{
    bool ok;

    if (!ask_once(registry, call, url, response, cancel, err))
        return false;
    if (!is_question(call, response))
        return true;
    ok = registry_auth_answer(&registry->auth, response, cancel, err);
    registry->traffic.token = registry->auth.token_seconds;
    return ok && ask_once(registry, call, url, response, cancel, err);
}

bool registry_call(struct registry *registry, const struct registry_call *call,
                   struct http_response *response, struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf url = BUF_INIT(REGISTRY_URL_BYTES);

    buf_printf(&url, "%s%s", call->url ? call->url : registry->base, call->url ? "" : call->path);
    if (!buf_ok(&url, err))
        return false;
    if (!ask(registry, call, url.data, response, cancel, err))
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
