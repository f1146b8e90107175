/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry_blob.h"

#include "oci/digest.h"
#include "registry/registry_call.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RETRIES_MAX 3 /* broken connections in a row without progress */

static bool blob_path(const struct descriptor *blob, char *path, size_t path_size,
                      struct error *err)
{
    if (!digest_valid(blob->digest))
        return error_set(err, ERROR_UNSUPPORTED,
                         "unsupported digest of a blob \"%.80s\": expected sha256, sha384 or "
                         "sha512",
                         blob->digest ? blob->digest : "");
    snprintf(path, path_size, "/blobs/%s", blob->digest);
    return true;
}

/* Verifies the bytes of a blob on their way to the caller's sink, over several connections and
 * hosts. */
struct download {
    struct registry *registry;
    const struct http_response *response; /* of the current connection */
    struct digest *digest;                /* NULL: the sink verifies it */
    uint64_t promised, received;
    uint64_t skip;      /* bytes to drop, because the host ignored the Range */
    bool range_checked; /* whether the range of the current response was checked */
    bool rejected;      /* the sink or a check rejected the bytes: no other host is tried */
    http_sink *sink;
    void *arg;
};

/* Checks that a 206 is the requested range. A host may also send the whole blob. */
static bool check_range(struct download *download, struct error *err)
{
    char range[64] = "", wanted[64];

    download->range_checked = true;
    if (download->response->status != 206) {
        download->skip = download->received;
        return true;
    }
    snprintf(wanted, sizeof(wanted), "bytes %" PRIu64 "-", download->received);
    if (http_response_header(download->response, "content-range", 0, range, sizeof(range)) &&
        strncmp(range, wanted, strlen(wanted)) == 0)
        return true;
    download->rejected = true;
    return error_set(err, ERROR_PROTOCOL, "invalid Content-Range \"%s\": expected \"%s...\"", range,
                     wanted);
}

static bool append_piece(void *arg, const void *data, size_t size, struct error *err)
{
    struct download *download = arg;
    size_t skipped;

    download->registry->traffic.fetched_bytes += size;
    if (!download->range_checked && !check_range(download, err))
        return false;
    skipped = size < download->skip ? size : (size_t)download->skip;
    download->skip -= skipped;
    data = (const char *)data + skipped;
    size -= skipped;
    if (size > download->promised - download->received) {
        download->rejected = true;
        return error_set(err, ERROR_SIZE_MISMATCH, "blob too large: expected %" PRIu64 " bytes",
                         download->promised);
    }
    download->received += size;
    progress_moved(download->registry->progress, size);
    if (download->digest)
        digest_update(download->digest, data, size);
    download->rejected = size > 0 && !download->sink(download->arg, data, size, err);
    return !download->rejected;
}

static bool request_blob(struct registry *registry, struct registry_mirror *mirror,
                         const char *path, struct download *download, struct cancel *cancel,
                         struct error *err)
{
    REGISTRY_RESPONSE(response);
    char range[64];
    const struct registry_call call = {
        .mirror = mirror,
        .method = "GET",
        .path = path,
        .header = download->received > 0 ? range : NULL,
        .sink = append_piece,
        .sink_arg = download,
    };

    snprintf(range, sizeof(range), "Range: bytes=%" PRIu64 "-", download->received);
    download->response = &response;
    download->range_checked = false;
    download->skip = 0;
    if (!registry_call(registry, &call, &response, cancel, err))
        return false;
    if (response.status != 200 && response.status != 206)
        return registry_refused(&call, &response, err);
    return true;
}

struct blob_attempt {
    const char *path;
    struct download *download;
};

/* Resumes after a broken connection if some bytes have arrived. */
static enum registry_verdict download_from(struct registry *registry,
                                           struct registry_mirror *mirror, void *arg,
                                           struct cancel *cancel, struct error *err)
{
    const struct blob_attempt *query = arg;
    struct download *download = query->download;

    for (unsigned retries = 0; retries < RETRIES_MAX;) {
        uint64_t before = download->received;
        struct error stopped;

        if (request_blob(registry, mirror, query->path, download, cancel, err))
            return REGISTRY_DONE;
        if (download->rejected)
            return REGISTRY_GIVE_UP;
        if (err->code != ERROR_CONNECT || download->received == 0 ||
            !cancel_check(cancel, &stopped))
            break;
        retries = download->received > before ? 0 : retries + 1;
        registry->traffic.resumed++;
        progress_note(registry->progress, "the connection broke; resuming at byte %" PRIu64,
                      download->received);
    }
    return REGISTRY_NEXT;
}

static bool check_complete(struct download *download, const struct descriptor *blob,
                           struct error *err)
{
    char digest[DIGEST_TEXT_BYTES];

    if (download->received != download->promised)
        return error_set(err, ERROR_SIZE_MISMATCH, "blob has %" PRIu64 " bytes: expected %" PRIu64,
                         download->received, download->promised);
    if (!download->digest)
        return true;
    digest_finish(download->digest, digest);
    return registry_check_digest(blob->digest, digest, err);
}

static bool fetch(struct download *download, const struct descriptor *blob, struct cancel *cancel,
                  struct error *err)
{
    char path[DIGEST_TEXT_BYTES + 32];
    struct blob_attempt query = {path, download};

    if (!blob_path(blob, path, sizeof(path), err))
        return false;
    if (blob->size < 0)
        return error_set(err, ERROR_PROTOCOL, "blob %s: negative size", blob->digest);
    download->promised = (uint64_t)blob->size;
    return (registry_try_mirrors(download->registry, 0, download_from, &query, cancel, err) &&
            check_complete(download, blob, err)) ||
           error_wrap(err, "blob %s", blob->digest);
}

bool registry_blob_unverified(struct registry *registry, const struct descriptor *blob,
                              http_sink *sink, void *arg, struct cancel *cancel, struct error *err)
{
    struct download download = {.registry = registry, .sink = sink, .arg = arg};

    return fetch(&download, blob, cancel, err);
}

bool registry_blob(struct registry *registry, const struct descriptor *blob, http_sink *sink,
                   void *arg, struct cancel *cancel, struct error *err)
{
    CLEANUP(digest_freep) struct digest *digest = digest_new(blob->digest, err);
    struct download download = {.registry = registry, .digest = digest, .sink = sink, .arg = arg};

    return digest && fetch(&download, blob, cancel, err);
}

bool registry_blob_exists(struct registry *registry, const struct descriptor *blob, bool *exists,
                          struct cancel *cancel, struct error *err)
{
    REGISTRY_RESPONSE(response);
    char path[DIGEST_TEXT_BYTES + 32], announced[DIGEST_TEXT_BYTES];
    const struct registry_call call = {
        .mirror = registry_push_mirror(registry, err), .method = "HEAD", .path = path};

    if (!call.mirror || !blob_path(blob, path, sizeof(path), err) ||
        !registry_call(registry, &call, &response, cancel, err))
        return false;
    if (response.status != 200 && response.status != 404)
        return registry_refused(&call, &response, err);
    if (response.status == 200 &&
        !registry_announced_digest(&response, blob->digest, announced, err))
        return error_wrap(err, "blob %s", blob->digest);
    *exists = response.status == 200;
    return true;
}
