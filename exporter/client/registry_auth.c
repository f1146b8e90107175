/* SPDX-License-Identifier: Apache-2.0 */
/* Basic is sent as it is; for Bearer a token server is asked, in the two ways that there are. */
#include "client/registry_auth.h"

#include "base/clock.h"
#include "base/secret.h"
#include "base/text.h"
#include "client/base64.h"
#include "client/http_message.h"
#include "client/json.h"
#include "client/registry_status.h"

#include <stdio.h>
#include <string.h>

#define HEADER_BYTES_MAX ((size_t)4096) /* of one WWW-Authenticate */
#define HEADERS_MAX      ((size_t)16)
#define CHALLENGES_BYTES ((size_t)64 << 10)
#define TOKEN_BYTES_MAX  ((size_t)64 << 10)
#define URL_BYTES_MAX    ((size_t)16 << 10)
#define CLIENT_ID        "containerd_exporter"

static void secret_response_deinit(struct http_response *response)
{
    buf_deinit(&response->headers);
    secret_buf_deinit(&response->body);
}

static const char *text_of(const struct secret *secret)
{
    return secret->text ? secret->text : "";
}

/* What may stand in a header. */
static bool is_token(const char *text)
{
    for (const char *at = text; *at; at++)
        if (*at <= ' ' || *at > '~')
            return false;
    return text[0] != '\0';
}

static bool copy_credentials(struct credentials *to, const struct credentials *from,
                             struct error *err)
{
    return secret_copy(&to->username, &from->username, err) &&
           secret_copy(&to->password, &from->password, err) &&
           secret_copy(&to->identity_token, &from->identity_token, err) &&
           secret_copy(&to->registry_token, &from->registry_token, err);
}

static bool set_header(struct registry_auth *auth, const struct buf *header,
                       enum challenge_scheme scheme, struct error *err)
{
    if (!buf_ok(header, err) || !secret_set(&auth->header, header->data, header->size, err))
        return false;
    auth->scheme = scheme;
    auth->generation++;
    return true;
}

/* A registry token needs no question: it is the answer. */
static bool use_registry_token(struct registry_auth *auth, struct error *err)
{
    CLEANUP(secret_buf_deinit) struct buf header = SECRET_BUF_INIT(TOKEN_BYTES_MAX);

    if (!text_of(&auth->who.registry_token)[0])
        return true;
    if (!is_token(auth->who.registry_token.text))
        return error_set(err, ERROR_INVALID, "the registry token cannot stand in a header");
    buf_printf(&header, "Authorization: Bearer %s", auth->who.registry_token.text);
    return set_header(auth, &header, CHALLENGE_BEARER, err);
}

struct registry_auth *registry_auth_new(const struct credentials *who, const char *scope,
                                        struct error *err)
{
    CLEANUP(registry_auth_freep) struct registry_auth *auth = calloc(1, sizeof(*auth));

    if (auth) {
        pthread_mutex_init(&auth->lock, NULL);
        auth->token_seconds = -1;
        auth->scope = strdup(scope);
    }
    if (!auth || !auth->scope) {
        error_memory(err);
        return NULL;
    }
    if (who && (!copy_credentials(&auth->who, who, err) || !use_registry_token(auth, err)))
        return NULL;
    return TAKE(auth);
}

void registry_auth_free(struct registry_auth *auth)
{
    if (!auth)
        return;
    secret_deinit(&auth->who.username);
    secret_deinit(&auth->who.password);
    secret_deinit(&auth->who.identity_token);
    secret_deinit(&auth->who.registry_token);
    secret_deinit(&auth->header);
    pthread_mutex_destroy(&auth->lock);
    free(auth->scope);
    free(auth);
}

static bool has_credentials(const struct registry_auth *auth)
{
    return text_of(&auth->who.username)[0] || text_of(&auth->who.password)[0] ||
           text_of(&auth->who.identity_token)[0];
}

/* What is exchanged for a token without a name: an identity token, or a password without user. */
static const char *refresh_token(const struct registry_auth *auth)
{
    const char *token = text_of(&auth->who.identity_token);

    if (!token[0] && !text_of(&auth->who.username)[0])
        token = text_of(&auth->who.password);
    return token;
}

static void append_basic_header(struct buf *out, const struct registry_auth *auth)
{
    CLEANUP(secret_buf_deinit) struct buf pair = SECRET_BUF_INIT(TOKEN_BYTES_MAX);

    buf_printf(&pair, "%s:%s", text_of(&auth->who.username), text_of(&auth->who.password));
    buf_append_str(out, "Authorization: Basic ");
    if (pair.size > 0)
        base64_append(out, pair.data, pair.size, false);
}

static bool answer_basic(struct registry_auth *auth, struct error *err)
{
    CLEANUP(secret_buf_deinit) struct buf header = SECRET_BUF_INIT(TOKEN_BYTES_MAX);

    if (!text_of(&auth->who.username)[0] && !text_of(&auth->who.password)[0])
        return error_status(err, ERROR_UNAUTHORIZED, 401,
                            "the registry wants a user and a password, and none is configured");
    if (auth->header.text && auth->scheme == CHALLENGE_BASIC)
        return error_status(err, ERROR_UNAUTHORIZED, 401,
                            "the registry does not accept user and password");
    append_basic_header(&header, auth);
    return set_header(auth, &header, CHALLENGE_BASIC, err);
}

/* Calls for our own scope, then for each word of the challenge's that is another. */
static void each_scope(const struct registry_auth *auth, const struct challenge *challenge,
                       void (*visit)(struct buf *out, const char *scope), struct buf *out)
{
    char word[512];
    size_t size;

    visit(out, auth->scope);
    for (const char *at = challenge->scope; *at; at += size) {
        at += strspn(at, " ");
        size = strcspn(at, " ");
        if (size == 0 || size >= sizeof(word))
            continue;
        memcpy(word, at, size);
        word[size] = '\0';
        if (strcmp(word, auth->scope) != 0)
            visit(out, word);
    }
}

static void append_query_scope(struct buf *out, const char *scope)
{
    buf_append_str(out, "&scope=");
    http_escape(out, scope);
}

static void append_form_scope(struct buf *out, const char *scope)
{
    if (out->size > 0 && out->data[out->size - 1] != '=')
        buf_append_char(out, '+');
    http_escape(out, scope);
}

static bool request_by_get(struct registry_auth *auth, struct http *http,
                           const struct challenge *challenge, struct http_response *response,
                           struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf url = BUF_INIT(URL_BYTES_MAX);
    CLEANUP(secret_buf_deinit) struct buf basic = SECRET_BUF_INIT(TOKEN_BYTES_MAX);
    const char *headers[2] = {NULL};
    struct http_request request = {.method = "GET", .headers = headers, .follow_redirects = true};

    buf_append_str(&url, challenge->realm);
    buf_append_str(&url, strchr(challenge->realm, '?') ? "&service=" : "?service=");
    http_escape(&url, challenge->service);
    each_scope(auth, challenge, append_query_scope, &url);
    if (text_of(&auth->who.username)[0])
        append_basic_header(&basic, auth);
    if (!buf_ok(&url, err) || !buf_ok(&basic, err))
        return false;
    request.url = url.data;
    headers[0] = basic.size > 0 ? basic.data : NULL;
    return http_exchange(http, &request, response, cancel, err);
}

struct reader {
    const struct buf *from;
    size_t at;
};

static bool read_form(void *arg, void *data, size_t size, size_t *n, struct error *err)
{
    struct reader *reader = arg;
    size_t left = reader->from->size - reader->at;

    (void)err;
    *n = left < size ? left : size;
    memcpy(data, reader->from->data + reader->at, *n);
    reader->at += *n;
    return true;
}

/* No redirects: the password is in the body, and the body would go along. */
static bool request_by_post(struct registry_auth *auth, struct http *http,
                            const struct challenge *challenge, struct http_response *response,
                            struct cancel *cancel, struct error *err)
{
    static const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded", NULL};
    CLEANUP(secret_buf_deinit) struct buf form = SECRET_BUF_INIT(TOKEN_BYTES_MAX);
    struct reader reader = {&form, 0};
    struct http_request request = {.method = "POST", .url = challenge->realm, .headers = headers};
    const char *refresh = refresh_token(auth);

    buf_printf(&form, "client_id=%s&grant_type=%s", CLIENT_ID,
               refresh[0] ? "refresh_token&refresh_token=" : "password&username=");
    http_escape(&form, refresh[0] ? refresh : text_of(&auth->who.username));
    if (!refresh[0]) {
        buf_append_str(&form, "&password=");
        http_escape(&form, text_of(&auth->who.password));
    }
    buf_append_str(&form, "&service=");
    http_escape(&form, challenge->service);
    buf_append_str(&form, "&scope=");
    each_scope(auth, challenge, append_form_scope, &form);
    if (!buf_ok(&form, err))
        return false;
    request.source = read_form;
    request.source_arg = &reader;
    request.body_bytes = form.size;
    return http_exchange(http, &request, response, cancel, err);
}

/* Token servers that know only the older way answer POST so. */
static bool post_is_unknown(int status)
{
    return status == 404 || status == 401 || status == 400 || status == 405;
}

static bool request_token(struct registry_auth *auth, struct http *http,
                          const struct challenge *challenge, struct http_response *response,
                          struct cancel *cancel, struct error *err)
{
    if (has_credentials(auth)) {
        if (!request_by_post(auth, http, challenge, response, cancel, err))
            return false;
        if (!post_is_unknown(response->status) || text_of(&auth->who.identity_token)[0])
            return true;
    }
    return request_by_get(auth, http, challenge, response, cancel, err);
}

static bool keep_token(struct registry_auth *auth, const struct buf *body, struct error *err)
{
    struct error unused;
    CLEANUP(json_freep)
    struct json_document *document =
        json_parse(body->size > 0 ? body->data : "", body->size, &unused);
    CLEANUP(secret_buf_deinit) struct buf header = SECRET_BUF_INIT(TOKEN_BYTES_MAX);
    const struct json *root = document ? json_root(document) : NULL;
    const char *token = json_text(json_member(root, "access_token"));

    if (!token || !token[0])
        token = json_text(json_member(root, "token"));
    if (!token || !is_token(token))
        return error_set(err, ERROR_PROTOCOL, "the answer of the token server has no token");
    buf_printf(&header, "Authorization: Bearer %s", token);
    return set_header(auth, &header, CHALLENGE_BEARER, err);
}

static bool check_realm(const struct registry_auth *auth, const char *realm, struct error *err)
{
    if (!text_starts_with(realm, "https://") && !text_starts_with(realm, "http://"))
        return error_set(err, ERROR_PROTOCOL, "the registry names a token server without a URL");
    if (has_credentials(auth) && !auth->plain_http && text_starts_with(realm, "http://"))
        return error_set(err, ERROR_UNAUTHORIZED,
                         "the password is not sent to a token server without TLS");
    return true;
}

/* A token server without a token for us is not a registry without the image. */
static bool refused(const struct http_response *response, struct error *err)
{
    registry_status_error(response, err);
    if (err->code == ERROR_NOT_FOUND)
        err->code = ERROR_UNAUTHORIZED;
    return false;
}

static bool fetch_token(struct registry_auth *auth, struct http *http,
                        const struct challenge *challenge, struct cancel *cancel, struct error *err)
{
    CLEANUP(secret_response_deinit)
    struct http_response response = HTTP_RESPONSE_INIT(TOKEN_BYTES_MAX);
    int64_t start_ns = clock_now_ns();
    bool ok = request_token(auth, http, challenge, &response, cancel, err);

    auth->token_seconds = (auth->token_seconds > 0 ? auth->token_seconds : 0) +
                          ns_to_seconds(clock_now_ns() - start_ns);
    if (!ok)
        return false;
    if (response.status != 200)
        return refused(&response, err);
    return keep_token(auth, &response.body, err);
}

static bool answer_bearer(struct registry_auth *auth, struct http *http,
                          const struct challenge *challenge, struct cancel *cancel,
                          struct error *err)
{
    char server[HTTP_ORIGIN_BYTES];

    if (text_of(&auth->who.registry_token)[0])
        return error_status(err, ERROR_UNAUTHORIZED, 401,
                            "the registry does not accept the registry token");
    if (!check_realm(auth, challenge->realm, err))
        return false;
    http_origin(challenge->realm, server, sizeof(server));
    return fetch_token(auth, http, challenge, cancel, err) ||
           error_wrap(err, "token of %s", server);
}

static bool read_challenge(const struct http_response *refusal, struct challenge *challenge,
                           struct arena *arena, struct error *err)
{
    char header[HEADER_BYTES_MAX];

    for (size_t i = 0; i < HEADERS_MAX; i++)
        if (http_response_header(refusal, "www-authenticate", i, header, sizeof(header)) &&
            !challenge_parse(challenge, header, arena, err))
            return false;
    return true;
}

bool registry_auth_answer(struct registry_auth *auth, struct http *http,
                          const struct http_response *refusal, unsigned generation,
                          struct cancel *cancel, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(CHALLENGES_BYTES);
    struct challenge challenge = {CHALLENGE_NONE};
    LOCK_SCOPE(&auth->lock);

    if (auth->generation != generation)
        return true;
    if (!read_challenge(refusal, &challenge, &arena, err))
        return false;
    switch (challenge.scheme) {
    case CHALLENGE_BASIC:
        return answer_basic(auth, err);
    case CHALLENGE_BEARER:
        return answer_bearer(auth, http, &challenge, cancel, err);
    default:
        return error_status(err, ERROR_UNAUTHORIZED, 401,
                            "the registry does not say how it wants to know who we are");
    }
}

bool registry_auth_header(struct registry_auth *auth, struct secret *header, unsigned *generation,
                          struct error *err)
{
    LOCK_SCOPE(&auth->lock);

    *generation = auth->generation;
    return secret_copy(header, &auth->header, err);
}

double registry_auth_token_seconds(struct registry_auth *auth)
{
    LOCK_SCOPE(&auth->lock);

    return auth->token_seconds;
}
