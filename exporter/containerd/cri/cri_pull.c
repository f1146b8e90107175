/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/cri/cri_pull.h"

#include "containerd/wire/cri_wire.h"
#include "net/go_error.h"

#include <string.h>

#define REQUEST_LIMIT_BYTES ((size_t)1 << 20) /* tokens are long */
#define REQUEST_BYTES       ((size_t)4096)    /* of a pull without its credentials */
#define RUNTIME_SERVICE     "/runtime.v1.RuntimeService/"
#define IMAGE_SERVICE       "/runtime.v1.ImageService/"

static size_t size_of(const struct secret *secret)
{
    return secret->text ? strlen(secret->text) : 0;
}

/* Makes room for the whole request: a buffer that grows leaves copies of the credentials behind. */
static void reserve(struct buf *request, const struct credentials *credentials)
{
    size_t bytes = REQUEST_BYTES;

    if (credentials)
        bytes += size_of(&credentials->username) + size_of(&credentials->password) +
                 size_of(&credentials->identity_token) + size_of(&credentials->registry_token);
    if (bytes <= request->limit_bytes)
        buf_printf(request, "%*s", (int)bytes, "");
}

/* Derives err->code from the text of the daemon, which says more about the registry than the status
 * (mostly Unknown). Does not touch a canceled call or the loss of the daemon. */
static void refine(struct error *err)
{
    switch (err->status_kind == STATUS_GRPC ? err->status : RPC_OK) {
    case RPC_UNKNOWN:
    case RPC_INTERNAL:
    case RPC_FAILED_PRECONDITION:
    case RPC_INVALID_ARGUMENT:
    case RPC_NOT_FOUND:
    case RPC_PERMISSION_DENIED:
    case RPC_UNAUTHENTICATED:
    case RPC_RESOURCE_EXHAUSTED:
        err->code = go_error_code(err->message, err->code);
        break;
    default:
        break;
    }
}

bool cri_pull(struct containerd *daemon, const struct cri_pull_request *request,
              struct arena *arena, const char **image_id, struct cancel *cancel, struct error *err)
{
    const struct scope scope = {.daemon = daemon, .lease = request->lease};
    CLEANUP(secret_buf_deinit) struct buf message = BUF_INIT(REQUEST_LIMIT_BYTES);

    reserve(&message, request->credentials);
    cri_wire_pull(&message, request);
    if (containerd_query(&scope, IMAGE_SERVICE "PullImage", &message, cri_wire_pulled, arena,
                         image_id, cancel, err))
        return true;
    refine(err);
    return false;
}

static bool query_image(struct containerd *daemon, const char *method, const char *image,
                        containerd_decode *decode, struct arena *arena, void *out,
                        struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);
    const struct scope scope = {.daemon = daemon};

    cri_wire_image(&request, image);
    return containerd_query(&scope, method, &request, decode, arena, out, cancel, err);
}

bool cri_names(struct containerd *daemon, const char *image, struct arena *arena,
               struct cri_names *names, struct cancel *cancel, struct error *err)
{
    return query_image(daemon, IMAGE_SERVICE "ImageStatus", image, cri_wire_names, arena, names,
                       cancel, err);
}

bool cri_remove(struct containerd *daemon, const char *image, struct cancel *cancel,
                struct error *err)
{
    return query_image(daemon, IMAGE_SERVICE "RemoveImage", image, NULL, NULL, NULL, cancel, err);
}

bool cri_version(struct containerd *daemon, struct cancel *cancel, struct error *err)
{
    const struct scope scope = {.daemon = daemon};

    return containerd_query(&scope, RUNTIME_SERVICE "Version", NULL, NULL, NULL, NULL, cancel, err);
}
