/* SPDX-License-Identifier: Apache-2.0 */
#include "engines/image/daemon_image.h"

#include "containerd/content.h"
#include "containerd/content_writer.h"
#include "containerd/images.h"

#include <stdio.h>
#include <string.h>

#define ARENA_LIMIT_BYTES ((size_t)32 << 20)
#define REF_BYTES         ((size_t)256)
#define SOURCE_LABEL      "containerd.io/distribution.source."

static bool read_document(struct daemon_image *image, const struct descriptor *descriptor,
                          struct manifest *document, struct cancel *cancel, struct error *err)
{
    buf_clear(&image->body);
    return content_read(&image->scope, descriptor->digest, &image->body, cancel, err) &&
           manifest_parse(document, descriptor->media_type, image->body.data, image->body.size,
                          &image->arena, err);
}

/* Finds the manifest of the platform, from the target of the record. */
static bool choose(struct daemon_image *image, const struct descriptor *target,
                   const struct platform_matcher *platform, struct cancel *cancel,
                   struct error *err)
{
    const struct descriptor *chosen = target;
    struct manifest top;

    if (manifest_kind(target->media_type) == MANIFEST_INDEX) {
        if (!read_document(image, target, &top, cancel, err))
            return false;
        if (!platform_find(platform, &top, &chosen, err))
            return false;
    }
    if (manifest_kind(chosen->media_type) != MANIFEST_IMAGE)
        return error_set(err, ERROR_UNSUPPORTED, "media type \"%s\"", chosen->media_type);
    image->descriptor = *chosen;
    return read_document(image, chosen, &image->manifest, cancel, err);
}

bool daemon_image_find(struct daemon_image *image, const struct engine_request *request,
                       struct cancel *cancel, struct error *err)
{
    const struct push_content *content = &request->push.content;
    struct image_record record;

    *image = (struct daemon_image){
        .scope = {request->containerd, content->name_space, NULL},
        .arena = ARENA_INIT(ARENA_LIMIT_BYTES),
        .body = BUF_INIT(MANIFEST_LIMIT_BYTES),
    };
    return (images_get(&image->scope, content->image, &image->arena, &record, cancel, err) &&
            choose(image, &record.target, &request->platform, cancel, err)) ||
           error_wrap(err, "%s in namespace %s", content->image, content->name_space);
}

void daemon_image_deinit(struct daemon_image *image)
{
    arena_deinit(&image->arena);
    buf_deinit(&image->body);
}

bool daemon_image_identify(const struct engine_request *request, char digest[DIGEST_TEXT_BYTES],
                           struct cancel *cancel, struct error *err)
{
    CLEANUP(daemon_image_deinit) struct daemon_image image = {0};

    if (!daemon_image_find(&image, request, cancel, err))
        return false;
    snprintf(digest, DIGEST_TEXT_BYTES, "%s", image.descriptor.digest);
    return true;
}

void daemon_image_report(const struct daemon_image *image, struct engine_result *result)
{
    const struct manifest *manifest = &image->manifest;

    engine_report_root(&image->descriptor, result);
    engine_report_manifest(image->descriptor.digest, result);
    result->declared_bytes = image->body.size + (uint64_t)manifest->config.size;
    for (size_t i = 0; i < manifest->n_children; i++)
        result->declared_bytes += (uint64_t)manifest->children[i].size;
}

struct sharing {
    const struct daemon_image *image;
    const struct workspace *workspace;
    const struct labels *labels;
    struct cancel *cancel;
};

/* Copies a blob, for daemons whose namespaces do not share content. */
static bool copy(const struct sharing *sharing, const struct content_info *blob, struct error *err)
{
    char ref[REF_BYTES];
    CLEANUP(content_writer_freep) struct content_writer *writer = NULL;

    snprintf(ref, sizeof(ref), "%s-copy-%s", sharing->workspace->lease, blob->digest);
    writer = content_writer_open(&sharing->workspace->scope, ref, blob->size, sharing->cancel, err);
    return writer &&
           content_stream(&sharing->image->scope, blob->digest, content_writer_sink, writer,
                          sharing->cancel, err) &&
           content_writer_commit(writer, blob->digest, sharing->labels, err);
}

static bool share(const struct sharing *sharing, const struct descriptor *descriptor,
                  struct error *err)
{
    const struct content_info blob = {descriptor->digest, (uint64_t)descriptor->size};
    char ref[REF_BYTES];
    uint64_t size;
    bool shared;

    /* Another namespace may have the blob; without it in its own namespace the image cannot be
     * pushed. */
    if (!content_size(&sharing->image->scope, blob.digest, &size, sharing->cancel, err))
        return error_wrap(err, "%s in namespace %s", blob.digest, sharing->image->scope.name_space);
    snprintf(ref, sizeof(ref), "%s-share-%s", sharing->workspace->lease, blob.digest);
    return content_share(&sharing->workspace->scope, ref, &blob, sharing->labels, &shared,
                         sharing->cancel, err) &&
           (shared || copy(sharing, &blob, err));
}

/* The label that the daemon compares with the name of the host, without its port. */
static void source_label(char *out, size_t size, const char *host)
{
    bool bracketed = *host == '[';
    const char *begin = host + bracketed;

    snprintf(out, size, SOURCE_LABEL "%.*s", (int)strcspn(begin, bracketed ? "]" : ":"), begin);
}

bool daemon_image_share(const struct daemon_image *image, const struct workspace *workspace,
                        const struct engine_request *request, struct cancel *cancel,
                        struct error *err)
{
    char name[ENGINE_TEXT_BYTES + sizeof(SOURCE_LABEL)];
    struct label source = {name, request->push.mount_from};
    const struct labels labels = {&source, source.value && *source.value};
    const struct sharing sharing = {image, workspace, &labels, cancel};

    source_label(name, sizeof(name), request->reference.host);
    for (size_t i = 0; i < image->manifest.n_children; i++)
        if (!share(&sharing, &image->manifest.children[i], err))
            return false;
    return share(&sharing, &image->manifest.config, err) &&
           share(&sharing, &image->descriptor, err);
}
