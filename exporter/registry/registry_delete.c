/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing what was pushed. The right to delete is asked for here and nowhere else: some token
 * servers refuse who asks for rights that they do not know.
 */
#include "oci/digest.h"
#include "registry/registry_call.h"
#include "registry/registry_status.h"

#include <stdio.h>

static bool ask(struct registry *registry, const struct registry_call *call, struct cancel *cancel,
                struct error *err)
{
    CLEANUP(http_response_deinit)
    struct http_response response = HTTP_RESPONSE_INIT(REGISTRY_FAILURE_BYTES);

    if (!registry_call(registry, call, &response, cancel, err))
        return false;
    return response.status == 202 || response.status == 200 || response.status == 204 ||
           response.status == 404 || registry_refused(call, &response, err);
}

static bool delete_object(struct registry *registry, const char *kind, const char *digest,
                          struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf scope = BUF_INIT(REGISTRY_URL_BYTES);
    char path[DIGEST_TEXT_BYTES + 32];
    struct registry_call call = {
        .site = registry_push_site(registry, err), .method = "DELETE", .path = path};

    if (!call.site)
        return false;
    if (!digest_valid(digest))
        return error_set(err, ERROR_INVALID, "\"%.80s\" is no sha256 digest", digest);
    snprintf(path, sizeof(path), "/%s/%s", kind, digest);
    buf_printf(&scope, REGISTRY_DELETE_SCOPE, registry->repository);
    if (!buf_ok(&scope, err))
        return false;
    call.scope = scope.data;
    return ask(registry, &call, cancel, err);
}

bool registry_delete_manifest(struct registry *registry, const char *digest, struct cancel *cancel,
                              struct error *err)
{
    return delete_object(registry, "manifests", digest, cancel, err);
}

bool registry_delete_blob(struct registry *registry, const char *digest, struct cancel *cancel,
                          struct error *err)
{
    return delete_object(registry, "blobs", digest, cancel, err);
}
