/* SPDX-License-Identifier: Apache-2.0 */
/* Sends the password in the body of a POST. A token server that does not support that gets it in a
 * header of a GET. */
#include "registry/registry_token.h"

#include "encoding/base64.h"

#include <string.h>

#define URL_BYTES_MAX  ((size_t)16 << 10)
#define CLIENT_ID      "containerd_exporter"
#define LOCATION_BYTES ((size_t)8192)

/* A user without a secret is anonymous, as for containerd. */
bool registry_auth_has_credentials(const struct registry_auth *auth)
{
    return secret_text(&auth->credentials.password)[0] ||
           secret_text(&auth->credentials.identity_token)[0];
}

/* Returns the identity token, or the password if there is no user. */
static const char *refresh_token(const struct registry_auth *auth)
{
    const char *token = secret_text(&auth->credentials.identity_token);

    if (!token[0] && !secret_text(&auth->credentials.username)[0])
        token = secret_text(&auth->credentials.password);
    return token;
}

void registry_auth_append_basic(struct buf *out, const struct registry_auth *auth)
{
    CLEANUP(secret_buf_deinit) struct buf pair = SECRET_BUF_INIT(TOKEN_BYTES_MAX);

    buf_printf(&pair, "%s:%s", secret_text(&auth->credentials.username),
               secret_text(&auth->credentials.password));
    buf_append_str(out, "Authorization: Basic ");
    if (pair.size > 0)
        base64_append(out, pair.data, pair.size, false);
}

static bool has_word(const char *words, const char *word, size_t size)
{
    for (size_t n; *words; words += n) {
        words += strspn(words, " ");
        n = strcspn(words, " ");
        if (n == size && memcmp(words, word, n) == 0)
            return true;
    }
    return false;
}

/* Appends a parameter unless it is empty. */
static void append_parameter(struct buf *out, const char *before, const char *name,
                             const char *value)
{
    if (!value[0])
        return;
    buf_printf(out, "%s%s=", before, name);
    http_escape(out, value);
}

/* Appends each word of `scopes` that is not in `known`: the first after *before, others after
 * `between`. */
static void append_words(struct buf *out, const char *scopes, const char *known,
                         const char **before, const char *between)
{
    char word[512];
    size_t size;

    for (const char *at = scopes; *at; at += size) {
        at += strspn(at, " ");
        size = strcspn(at, " ");
        if (size == 0 || size >= sizeof(word) || has_word(known, at, size))
            continue;
        memcpy(word, at, size);
        word[size] = '\0';
        buf_append_str(out, *before);
        http_escape(out, word);
        *before = between;
    }
}

/* Appends the scope of `auth`, then the additional ones of the challenge. */
static void append_scopes(struct buf *out, const struct registry_auth *auth,
                          const struct auth_challenge *challenge, const char *first,
                          const char *between)
{
    const char *before = first;

    append_words(out, auth->scope, "", &before, between);
    append_words(out, challenge->scope, auth->scope, &before, between);
}

static void append_get_url(struct buf *url, const struct registry_auth *auth,
                           const struct auth_challenge *challenge)
{
    const char *realm = challenge->realm;

    buf_append_str(url, realm);
    append_parameter(url, strchr(realm, '?') ? "&" : "?", "service", challenge->service);
    append_scopes(url, auth, challenge,
                  strchr(realm, '?') || challenge->service[0] ? "&scope=" : "?scope=", "&scope=");
}

static bool request_by_get(struct registry_auth *auth, struct http *http,
                           const struct auth_challenge *challenge, struct http_response *response,
                           struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf url = BUF_INIT(URL_BYTES_MAX);
    CLEANUP(secret_buf_deinit) struct buf basic = SECRET_BUF_INIT(TOKEN_BYTES_MAX);
    const char *headers[2] = {NULL};
    struct http_request request = {
        .method = "GET", .headers = headers, .follow_redirects = true, .url_of_server = true};

    append_get_url(&url, auth, challenge);
    if (registry_auth_has_credentials(auth) && !refresh_token(auth)[0])
        registry_auth_append_basic(&basic, auth);
    if (!buf_ok(&url, err) || !buf_ok(&basic, err))
        return false;
    request.url = url.data;
    headers[0] = basic.size > 0 ? basic.data : NULL;
    return http_exchange(http, &request, response, cancel, err);
}

static void append_form(struct buf *form, const struct registry_auth *auth,
                        const struct auth_challenge *challenge)
{
    const char *refresh = refresh_token(auth);

    buf_printf(form, "client_id=%s&grant_type=%s", CLIENT_ID,
               refresh[0] ? "refresh_token" : "password");
    append_parameter(form, "&", "refresh_token", refresh);
    if (!refresh[0]) {
        append_parameter(form, "&", "username", secret_text(&auth->credentials.username));
        append_parameter(form, "&", "password", secret_text(&auth->credentials.password));
    }
    append_parameter(form, "&", "service", challenge->service);
    append_scopes(form, auth, challenge, "&scope=", "+");
}

/* A redirect is followed as containerd does it. But no other host gets the form, which has the
 * password. */
static bool request_by_post(struct registry_auth *auth, struct http *http,
                            const struct auth_challenge *challenge, struct http_response *response,
                            struct cancel *cancel, struct error *err)
{
    static const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded", NULL};
    CLEANUP(secret_buf_deinit) struct buf form = SECRET_BUF_INIT(TOKEN_BYTES_MAX);
    struct http_text body = {&form, 0};

    append_form(&form, auth, challenge);
    return buf_ok(&form, err) && http_exchange(http,
                                               &(struct http_request){
                                                   .method = "POST",
                                                   .url = challenge->realm,
                                                   .headers = headers,
                                                   .source = http_text_read,
                                                   .rewind = http_text_rewind,
                                                   .source_arg = &body,
                                                   .body_bytes = form.size,
                                                   .secret_body = true,
                                                   .follow_redirects = true,
                                                   .url_of_server = true,
                                               },
                                               response, cancel, err);
}

/* Whether the response is a redirect that would take the password to another host. */
static bool has_moved(const struct http_response *response)
{
    char location[LOCATION_BYTES];

    return (response->status == 307 || response->status == 308) &&
           http_response_header(response, "location", 0, location, sizeof(location));
}

/* Token servers that support only GET respond to POST with these. Like containerd, the exporter
 * sends no GET after a 405 for an identity token. */
static bool is_post_unsupported(const struct registry_auth *auth,
                                const struct http_response *response)
{
    int status = response->status;

    return status == 404 || status == 401 || status == 400 || has_moved(response) ||
           (status == 405 && !refresh_token(auth)[0]);
}

bool registry_token_request(struct registry_auth *auth, struct http *http,
                            const struct auth_challenge *challenge, struct http_response *response,
                            struct cancel *cancel, struct error *err)
{
    if (registry_auth_has_credentials(auth)) {
        if (!request_by_post(auth, http, challenge, response, cancel, err))
            return false;
        if (!is_post_unsupported(auth, response))
            return true;
    }
    return request_by_get(auth, http, challenge, response, cancel, err);
}
