/* SPDX-License-Identifier: Apache-2.0 */
/* What is there already, where pushes go. */
#include "oci/digest.h"
#include "registry/registry_call.h"
#include "registry/registry_status.h"

#include <stdio.h>
#include <string.h>

#define DESCRIPTION_BYTES ((size_t)4096)

/* What the answer to a HEAD says: "" if nothing that we could check. */
static bool digest_said(const struct http_response *response, const char *object,
                        char digest[DIGEST_TEXT_BYTES], struct error *err)
{
    char said[REGISTRY_OBJECT_BYTES];

    if (!http_response_header(response, "docker-content-digest", 0, said, sizeof(said)) ||
        !digest_valid(said))
        digest[0] = '\0';
    else if (!registry_check_digest(object, said, err))
        return false;
    else
        memcpy(digest, said, DIGEST_TEXT_BYTES);
    return true;
}

bool registry_blob_exists(struct registry *registry, const struct descriptor *blob, bool *exists,
                          struct cancel *cancel, struct error *err)
{
    CLEANUP(http_response_deinit)
    struct http_response response = HTTP_RESPONSE_INIT(REGISTRY_FAILURE_BYTES);
    char path[DIGEST_TEXT_BYTES + 32], said[DIGEST_TEXT_BYTES];
    const struct registry_call call = {.site = registry_push_site(registry, err),
                                       .method = "HEAD",
                                       .path = path,
                                       .follow_redirects = true};

    if (!call.site || !registry_blob_path(blob, path, sizeof(path), err) ||
        !registry_call(registry, &call, &response, cancel, err))
        return false;
    if (response.status != 200 && response.status != 404)
        return registry_refused(&call, &response, err);
    if (response.status == 200 && !digest_said(&response, blob->digest, said, err))
        return error_wrap(err, "blob %s", blob->digest);
    *exists = response.status == 200;
    return true;
}

/* For registries that do not say it: by its bytes. */
static bool digest_of_document(struct registry *registry, struct registry_site *site,
                               const char *object, char digest[DIGEST_TEXT_BYTES],
                               struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf body = BUF_INIT(MANIFEST_LIMIT_BYTES);
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(DESCRIPTION_BYTES);
    struct descriptor found = {.digest = ""};
    const struct registry_manifest_query query = {object, &body, &found, &arena};

    if (!registry_ask_manifest(registry, site, &query, cancel, err) &&
        !error_is_expected_code(err, ERROR_NOT_FOUND))
        return false;
    snprintf(digest, DIGEST_TEXT_BYTES, "%s", found.digest);
    return true;
}

bool registry_manifest_digest(struct registry *registry, const char *object,
                              char digest[DIGEST_TEXT_BYTES], struct cancel *cancel,
                              struct error *err)
{
    CLEANUP(http_response_deinit)
    struct http_response response = HTTP_RESPONSE_INIT(REGISTRY_FAILURE_BYTES);
    char path[REGISTRY_OBJECT_BYTES + 32], said[DIGEST_TEXT_BYTES] = "";
    const struct registry_call call = {.site = registry_push_site(registry, err),
                                       .method = "HEAD",
                                       .path = path,
                                       .header = REGISTRY_ACCEPT,
                                       .follow_redirects = true};

    if (!call.site || !registry_check_object(object, err))
        return false;
    snprintf(path, sizeof(path), "/manifests/%s", object);
    if (!registry_call(registry, &call, &response, cancel, err))
        return false;
    if (response.status != 200 && response.status != 404 && response.status != 405)
        return registry_refused(&call, &response, err);
    if (response.status == 200 && !digest_said(&response, object, said, err))
        return error_wrap(err, "manifest %s", object);
    if (response.status != 404 && !said[0])
        return digest_of_document(registry, call.site, object, digest, cancel, err);
    memcpy(digest, said, sizeof(said));
    return true;
}
