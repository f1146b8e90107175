/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/cri/cri_pull.h"

#include "containerd/wire/cri_wire.h"
#include "net/go_error.h"

#include <string.h>

#define REQUEST_LIMIT_BYTES ((size_t)1 << 20) /* tokens are long */
#define REPLY_LIMIT_BYTES   ((size_t)16 << 20)
#define REQUEST_BYTES       ((size_t)4096) /* of a pull without what is secret */
#define RUNTIME_SERVICE     "/runtime.v1.RuntimeService/"
#define IMAGE_SERVICE       "/runtime.v1.ImageService/"

static bool call(struct containerd *daemon, const char *method, const struct buf *request,
                 struct buf *reply, struct cancel *cancel, struct error *err)
{
    const struct scope nowhere = {.daemon = daemon};

    return containerd_call(&nowhere, method, request, reply, cancel, err);
}

static size_t size_of(const struct secret *secret)
{
    return secret->text ? strlen(secret->text) : 0;
}

/* Room for the whole request, so that no copy stays behind where it grew. */
static void reserve(struct buf *request, const struct credentials *credentials)
{
    size_t bytes = REQUEST_BYTES;

    if (credentials)
        bytes += size_of(&credentials->username) + size_of(&credentials->password) +
                 size_of(&credentials->identity_token) + size_of(&credentials->registry_token);
    if (bytes <= request->limit_bytes)
        buf_printf(request, "%*s", (int)bytes, "");
}

/* The daemon's own words, where they are about the registry, tell more than the status: most come
 * as Unknown. A call that ended because we wanted it to, or a daemon that is gone, is what it is.
 */
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
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(REPLY_LIMIT_BYTES);

    reserve(&message, request->credentials);
    cri_wire_pull(&message, request);
    if (containerd_call(&scope, IMAGE_SERVICE "PullImage", &message, &reply, cancel, err))
        return cri_wire_pulled(&reply, arena, image_id, err);
    refine(err);
    return false;
}

bool cri_names(struct containerd *daemon, const char *image, struct arena *arena,
               struct cri_names *names, struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(REPLY_LIMIT_BYTES);

    cri_wire_image_status(&request, image);
    return call(daemon, IMAGE_SERVICE "ImageStatus", &request, &reply, cancel, err) &&
           cri_wire_names(&reply, arena, names, err);
}

bool cri_remove(struct containerd *daemon, const char *image, struct cancel *cancel,
                struct error *err)
{
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(REPLY_LIMIT_BYTES);

    cri_wire_image_status(&request, image);
    return call(daemon, IMAGE_SERVICE "RemoveImage", &request, &reply, cancel, err);
}

bool cri_is_there(struct containerd *daemon, struct cancel *cancel, struct error *err)
{
    const struct buf nothing = BUF_INIT(0);
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(REPLY_LIMIT_BYTES);

    return call(daemon, RUNTIME_SERVICE "Version", &nothing, &reply, cancel, err);
}
