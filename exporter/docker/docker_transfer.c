/* SPDX-License-Identifier: Apache-2.0 */
#include "docker/docker_transfer.h"

#include "encoding/base64.h"
#include "encoding/json.h"

#include <string.h>

#define API_MINOR_PULL_PLATFORM 32U
#define API_MINOR_PUSH_PLATFORM 46U
#define PATH_LIMIT_BYTES        ((size_t)8 << 10)
#define AUTH_LIMIT_BYTES        ((size_t)128 << 10)           /* registry tokens are long */
#define HUB_SERVER_ADDRESS      "https://index.docker.io/v1/" /* Docker's own name for it */

static void append_member(struct buf *json, const char *name, const char *text)
{
    if (!text || !*text)
        return;
    buf_append_str(json, json->size > 1 ? "," : "");
    json_quote(json, name);
    buf_append_char(json, ':');
    json_quote(json, text);
}

/* Makes "X-Registry-Auth: ..." of the available secrets. */
static bool make_auth(const struct reference *reference, const struct credentials *credentials,
                      struct buf *header, struct error *err)
{
    CLEANUP(secret_buf_deinit) struct buf json = SECRET_BUF_INIT(AUTH_LIMIT_BYTES / 2);

    buf_append_char(&json, '{');
    append_member(&json, "username", credentials->username.text);
    append_member(&json, "password", credentials->password.text);
    append_member(&json, "identitytoken", credentials->identity_token.text);
    append_member(&json, "registrytoken", credentials->registry_token.text);
    append_member(&json, "serveraddress",
                  strcmp(reference->host, "docker.io") == 0 ? HUB_SERVER_ADDRESS : reference->host);
    buf_append_char(&json, '}');
    if (!buf_ok(&json, err))
        return false;
    buf_append_str(header, "X-Registry-Auth: ");
    base64_append(header, json.data, json.size,
                  true); /* URL-safe, with padding, as Docker requires */
    return buf_ok(header, err);
}

/* fromImage is the name without tag and digest; "tag" is the digest or the tag. Without "tag"
 * Docker would pull all tags. */
static bool make_pull_path(const struct docker_pull *pull, struct buf *path, struct error *err)
{
    const struct reference *reference = pull->reference;

    buf_append_str(path, "/images/create?fromImage=");
    http_escape(path, reference->host);
    http_escape(path, "/");
    http_escape(path, reference->repository);
    buf_append_str(path, "&tag=");
    http_escape(path, reference_object(reference));
    if (pull->platform) {
        buf_append_str(path, "&platform=");
        http_escape(path, pull->platform);
    }
    return buf_ok(path, err);
}

bool docker_pull(struct docker_client *client, const struct docker_pull *pull,
                 struct docker_stream *stream, struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf path = BUF_INIT(PATH_LIMIT_BYTES);
    CLEANUP(secret_buf_deinit) struct buf auth = SECRET_BUF_INIT(AUTH_LIMIT_BYTES);

    if (pull->platform && docker_api_minor(client) < API_MINOR_PULL_PLATFORM)
        return error_set(err, ERROR_UNSUPPORTED,
                         "Docker %s cannot pull for a platform: expected API 1.32 or later",
                         docker_version(client));
    if (!make_pull_path(pull, &path, err))
        return false;
    if (credentials_any(pull->credentials) &&
        !make_auth(pull->reference, pull->credentials, &auth, err))
        return false;
    return docker_stream_call(client, &(struct docker_stream_request){path.data, auth.data}, stream,
                              cancel, err);
}

static bool append_platform(struct buf *path, const struct platform *platform, struct error *err)
{
    CLEANUP(buf_deinit) struct buf json = BUF_INIT(PATH_LIMIT_BYTES / 4);

    buf_append_char(&json, '{');
    append_member(&json, "os", platform->os);
    append_member(&json, "architecture", platform->architecture);
    append_member(&json, "variant", platform->variant);
    buf_append_char(&json, '}');
    if (!buf_ok(&json, err))
        return false;
    buf_append_str(path, "&platform=");
    http_escape(path, json.data);
    return true;
}

static bool make_push_path(const struct docker_client *client, const struct docker_push *push,
                           struct buf *path, struct error *err)
{
    const struct reference *reference = push->reference;
    bool choose = push->platform && docker_api_minor(client) >= API_MINOR_PUSH_PLATFORM;

    buf_printf(path, "/images/%s/%s/push?tag=", reference->host, reference->repository);
    http_escape(path, reference->tag);
    return (!choose || append_platform(path, push->platform, err)) && buf_ok(path, err);
}

/* Docker requires the header even without credentials. */
bool docker_push(struct docker_client *client, const struct docker_push *push,
                 struct docker_stream *stream, struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf path = BUF_INIT(PATH_LIMIT_BYTES);
    CLEANUP(secret_buf_deinit) struct buf auth = SECRET_BUF_INIT(AUTH_LIMIT_BYTES);

    if (!make_push_path(client, push, &path, err) ||
        !make_auth(push->reference, push->credentials, &auth, err))
        return false;
    return docker_stream_call(client, &(struct docker_stream_request){path.data, auth.data}, stream,
                              cancel, err);
}

bool docker_load(struct docker_client *client, http_source *source, void *source_arg,
                 uint64_t archive_bytes, struct docker_stream *stream, struct cancel *cancel,
                 struct error *err)
{
    const struct docker_stream_request request = {"/images/load?quiet=1",
                                                  "Content-Type: application/x-tar", source,
                                                  source_arg, archive_bytes};

    return docker_stream_call(client, &request, stream, cancel, err);
}
