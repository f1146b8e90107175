/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry_auth.h"

#include "base/clock.h"
#include "base/secret.h"
#include "base/text.h"
#include "encoding/json.h"
#include "net/http/http_message.h"
#include "registry/registry_status.h"
#include "registry/registry_token.h"

#include <stdio.h>
#include <string.h>

#define HEADER_BYTES_MAX ((size_t)4096) /* of one WWW-Authenticate header */
#define HEADERS_MAX      ((size_t)16)
#define CHALLENGES_BYTES ((size_t)64 << 10)

static void secret_response_deinit(struct http_response *response)
{
    secret_buf_deinit(&response->body);
    http_response_deinit(response);
}

/* Whether a header may contain the text. */
static bool is_token(const char *text)
{
    for (const char *at = text; *at; at++)
        if (*at <= ' ' || *at > '~')
            return false;
    return text[0] != '\0';
}

static bool set_header(struct registry_auth *auth, const struct buf *header,
                       enum auth_challenge_scheme scheme, struct error *err)
{
    if (!buf_ok(header, err) || !secret_set(&auth->header, header->data, header->size, err))
        return false;
    auth->scheme = scheme;
    auth->generation++;
    return true;
}

/* A registry token is sent without waiting for a challenge. */
static bool use_registry_token(struct registry_auth *auth, struct error *err)
{
    CLEANUP(secret_buf_deinit) struct buf header = SECRET_BUF_INIT(TOKEN_BYTES_MAX);

    if (!secret_text(&auth->credentials.registry_token)[0])
        return true;
    if (!is_token(auth->credentials.registry_token.text))
        return error_set(
            err, ERROR_INVALID,
            "invalid registry token: expected printable ASCII characters without spaces");
    buf_printf(&header, "Authorization: Bearer %s", auth->credentials.registry_token.text);
    return set_header(auth, &header, CHALLENGE_BEARER, err);
}

struct registry_auth *registry_auth_new(const struct credentials *credentials, const char *scope,
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
    if (credentials &&
        (!credentials_copy(&auth->credentials, credentials, err) || !use_registry_token(auth, err)))
        return NULL;
    return TAKE(auth);
}

/* Takes `scoped` into the list of `auth`, whose lock the caller holds. */
static struct registry_auth *adopt(struct registry_auth *auth, struct registry_auth *scoped)
{
    if (!scoped)
        return NULL;
    scoped->plain_http = auth->plain_http;
    scoped->progress = auth->progress;
    scoped->parent = auth;
    scoped->next = auth->next;
    auth->next = scoped;
    return scoped;
}

struct registry_auth *registry_auth_for(struct registry_auth *auth, const char *scope,
                                        struct error *err)
{
    LOCK_SCOPE(&auth->lock);

    for (struct registry_auth *scoped = auth->next; scoped; scoped = scoped->next)
        if (!scoped->origin && strcmp(scoped->scope, scope) == 0)
            return scoped;
    return adopt(auth, registry_auth_new(&auth->credentials, scope, err));
}

static struct registry_auth *new_guest(const char *scope, const char *origin, struct error *err)
{
    CLEANUP(registry_auth_freep) struct registry_auth *guest = registry_auth_new(NULL, scope, err);

    if (guest && !(guest->origin = strdup(origin)))
        error_memory(err);
    return guest && guest->origin ? TAKE(guest) : NULL;
}

struct registry_auth *registry_auth_guest(struct registry_auth *auth, const char *url,
                                          struct error *err)
{
    struct registry_auth *host = auth->parent ? auth->parent : auth;
    char origin[HTTP_ORIGIN_BYTES];
    LOCK_SCOPE(&host->lock);

    http_origin(url, origin, sizeof(origin));
    for (struct registry_auth *guest = host->next; guest; guest = guest->next)
        if (guest->origin && http_same_origin(guest->origin, origin) &&
            strcmp(guest->scope, auth->scope) == 0)
            return guest;
    return adopt(host, new_guest(auth->scope, origin, err));
}

static void free_one(struct registry_auth *auth)
{
    credentials_deinit(&auth->credentials);
    secret_deinit(&auth->header);
    pthread_mutex_destroy(&auth->lock);
    free(auth->scope);
    free(auth->origin);
    free(auth);
}

void registry_auth_free(struct registry_auth *auth)
{
    while (auth) {
        struct registry_auth *next = auth->next;

        free_one(auth);
        auth = next;
    }
}

static bool use_basic(struct registry_auth *auth, struct error *err)
{
    CLEANUP(secret_buf_deinit) struct buf header = SECRET_BUF_INIT(TOKEN_BYTES_MAX);
    const char *searched = auth->credentials.searched;

    if (!secret_text(&auth->credentials.username)[0] ||
        !secret_text(&auth->credentials.password)[0])
        return error_status(err, ERROR_UNAUTHORIZED, STATUS_HTTP, 401,
                            "the registry requires a user and a password: %s%s",
                            searched ? searched : "none is configured",
                            searched ? " has none for it" : "");
    if (auth->header.text && auth->scheme == CHALLENGE_BASIC)
        return error_status(err, ERROR_UNAUTHORIZED, STATUS_HTTP, 401,
                            "the registry rejects user and password");
    registry_auth_append_basic(&header, auth);
    return set_header(auth, &header, CHALLENGE_BASIC, err);
}

static bool use_token(struct registry_auth *auth, const struct buf *body, struct error *err)
{
    struct error unused;
    CLEANUP(json_freep)
    struct json_document *document = json_parse(body->data, body->size, &unused);
    CLEANUP(secret_buf_deinit) struct buf header = SECRET_BUF_INIT(TOKEN_BYTES_MAX);
    const struct json *root = json_root(document);
    const char *token = json_text(json_member(root, "access_token"));

    if (!token || !token[0])
        token = json_text(json_member(root, "token"));
    if (!token || !is_token(token))
        return error_set(err, ERROR_PROTOCOL,
                         "invalid response of the token server: expected access_token or token");
    buf_printf(&header, "Authorization: Bearer %s", token);
    return set_header(auth, &header, CHALLENGE_BEARER, err);
}

static bool check_realm(const struct registry_auth *auth, const char *realm, struct error *err)
{
    if (!text_starts_with(realm, "https://") && !text_starts_with(realm, "http://"))
        return error_set(err, ERROR_PROTOCOL,
                         "invalid realm of the token server: expected an http or https URL");
    if (registry_auth_has_credentials(auth) && !auth->plain_http &&
        text_starts_with(realm, "http://"))
        return error_set(err, ERROR_UNAUTHORIZED,
                         "the token server has no TLS: the exporter does not send it credentials");
    return true;
}

/* A 404 of the token server does not mean that the image does not exist. */
static bool refused(const struct http_response *response, struct error *err)
{
    registry_status_error(REGISTRY_READ, response, err);
    if (err->code == ERROR_NOT_FOUND)
        err->code = ERROR_UNAUTHORIZED;
    return false;
}

/* The caller holds the lock of `auth`. A parent sums up all scopes. */
static void record_seconds(struct registry_auth *auth, double seconds)
{
    auth->token_seconds = (auth->token_seconds > 0 ? auth->token_seconds : 0) + seconds;
    if (auth->parent) {
        LOCK_SCOPE(&auth->parent->lock);
        record_seconds(auth->parent, seconds);
    }
}

static bool fetch_token(struct registry_auth *auth, struct http *http,
                        const struct auth_challenge *challenge, struct cancel *cancel,
                        struct error *err)
{
    CLEANUP(secret_response_deinit)
    struct http_response response = HTTP_RESPONSE_INIT(TOKEN_BYTES_MAX);
    int64_t start_ns = clock_now_ns();
    bool ok = registry_token_request(auth, http, challenge, &response, cancel, err);

    record_seconds(auth, ns_to_seconds(clock_now_ns() - start_ns));
    if (!ok)
        return false;
    if (response.status != 200)
        return refused(&response, err);
    return use_token(auth, &response.body, err);
}

static bool use_bearer(struct registry_auth *auth, struct http *http,
                       const struct auth_challenge *challenge, struct cancel *cancel,
                       struct error *err)
{
    char server[HTTP_ORIGIN_BYTES];
    int64_t start_ns;
    bool ok;

    if (secret_text(&auth->credentials.registry_token)[0])
        return error_status(err, ERROR_UNAUTHORIZED, STATUS_HTTP, 401,
                            "the registry rejects the registry token");
    if (!check_realm(auth, challenge->realm, err))
        return false;
    http_origin(challenge->realm, server, sizeof(server));
    start_ns = clock_now_ns();
    ok = fetch_token(auth, http, challenge, cancel, err);
    progress_note(auth->progress, "token of %s: %s, %.3f s", server,
                  ok ? "ok" : error_code_name(err->code),
                  seconds_between(start_ns, clock_now_ns()));
    return ok || error_wrap(err, "token of %s", server);
}

static bool read_challenge(const struct http_response *refusal, struct auth_challenge *challenge,
                           struct arena *arena, struct error *err)
{
    char header[HEADER_BYTES_MAX];

    for (size_t i = 0; i < HEADERS_MAX; i++)
        if (http_response_header(refusal, "www-authenticate", i, header, sizeof(header)) &&
            !auth_challenge_parse(challenge, header, arena, err))
            return false;
    return true;
}

bool registry_auth_answer(struct registry_auth *auth, struct http *http,
                          const struct http_response *refusal, unsigned generation,
                          struct cancel *cancel, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(CHALLENGES_BYTES);
    struct auth_challenge challenge = {CHALLENGE_NONE};
    LOCK_SCOPE(&auth->lock);

    if (auth->generation != generation)
        return true;
    if (!read_challenge(refusal, &challenge, &arena, err))
        return false;
    switch (challenge.scheme) {
    case CHALLENGE_BASIC:
        return use_basic(auth, err);
    case CHALLENGE_BEARER:
        return use_bearer(auth, http, &challenge, cancel, err);
    default:
        return error_status(err, ERROR_UNAUTHORIZED, STATUS_HTTP, 401,
                            "the registry sent no supported challenge: expected Basic or Bearer");
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
